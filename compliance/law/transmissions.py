"""外部送信: what pages make a visitor's device send to third parties. A data table, which a browser test checks.

The facts are those of REG 22-2-29: what is sent, who handles it, and for what. An application added to this service
that loads anything from another host declares it here, or the test fails.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

from compliance.law.text import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """What REG 22-2-31 requires to be shown if a visitor can stop the transmission."""

    stops: Text
    """Whether sending or use is stopped."""
    how: Text
    loss: Text
    """What part of the service then does not work; if none, say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """One transmission to somebody else: REG 22-2-29 (i) to (iii)."""

    origin: str
    """Scheme and host, as browsers name origins: https://stats.example.jp"""
    information: Text
    receiver: Text
    """The name of the person or company that handles the information, not the product's name."""
    purpose: Text
    opt_out: OptOut | None = None


TRANSMISSIONS: Final[tuple[Transmission, ...]] = ()
"""None: every page takes scripts, styles, pictures and its socket from this service alone."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that this service stores in the browser, and that returns to this service only."""

    name: str
    purpose: Text
    period: Text
    cookie: bool = True


STORED: Final[tuple[Stored, ...]] = (
    Stored(
        "sessionid",
        Text(
            "ログインした人、またはニックネームで参加した人を見分ける",
            "tells who is signed in, or in under a nickname",
        ),
        Text(
            "最後の利用から14日（ブラウザには長くて400日残る）",
            "14 days after the last use (the browser keeps it for up to 400 days)",
        ),
    ),
    Stored(
        "csrftoken",
        Text("他のサイトからの偽の操作を防ぐ", "keeps other sites from acting in your name"),
        Text("1年", "one year"),
    ),
    Stored(
        "django_language",
        Text("選んだ言語を覚える", "remembers the language that you chose"),
        Text("ブラウザを閉じるまで", "until the browser is closed"),
    ),
    Stored(
        "messages",
        Text("操作の結果を次の画面で一度だけ知らせる", "shows the outcome of what you did, once"),
        Text("表示するまで", "until it is shown"),
    ),
    Stored(
        "localStorage",
        Text(
            "書きかけ・未送信の言葉と、読んだ位置を端末に残す（クローズド・チャットのものは暗号化。送信しない）",
            "keeps drafts, unsent words and where you read to on your device (of closed talks: encrypted; not sent)",
        ),
        Text(
            "送信するか消すまで、長くて30日。クローズド・チャットのものはログアウトまで",
            "until they are sent or removed, at most 30 days; of closed talks until you sign out",
        ),
        cookie=False,
    ),
    Stored(
        "sessionStorage",
        Text(
            "どのタブの書きかけかを見分ける。運営者の管理画面では、開いた絞り込み欄を覚える（送信しない）",
            "tells which tab a draft belongs to; in the operator's admin, which filters are unfolded (not sent)",
        ),
        Text("タブを閉じるまで", "until the tab is closed"),
        cookie=False,
    ),
)
"""What pages store in the browser for their own work (TBA 27-12 (i), (ii): no notice is due; listed nevertheless)."""

ARTICLES: Final = ("TBA 27-12", "REG 22-2-27", "REG 22-2-28", "REG 22-2-29", "REG 22-2-30", "REG 22-2-31")


def as_text(language: str) -> str:
    """Return the declared list as lines of text in `ja` or `en`, for LAW-11's evidence."""
    ja = language.lower().startswith("ja")
    if not TRANSMISSIONS:
        return "なし" if ja else "none"
    return "\n".join(
        f"{each.receiver.ja}（{each.origin}）：{each.information.ja}／{each.purpose.ja}"
        if ja
        else f"{each.receiver.en} ({each.origin}): {each.information.en} / {each.purpose.en}"
        for each in TRANSMISSIONS
    )


def version() -> str:
    """Return eight hex digits that change with the declared list."""
    return hashlib.sha256(repr(TRANSMISSIONS).encode()).hexdigest()[:8]
