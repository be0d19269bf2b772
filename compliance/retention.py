"""The retention table: what this service keeps, for how long and why. Pure data; the purge job runs on these very rows.

Periods that no statute sets are this software's defaults; the operator confirms them with LAW-12.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law import OPEN_QUESTIONS, Question, Text, cite_all


class Eraser(StrEnum):
    """Who or what ends the keeping of a row."""

    JOB = "job"
    ITSELF = "itself"
    PERSON = "person"
    OPERATOR = "operator"
    NOBODY = "nobody"

    @property
    def ja(self) -> str:
        return _ERASERS[self].ja

    @property
    def en(self) -> str:
        return _ERASERS[self].en


_ERASERS: Final[Mapping[Eraser, Text]] = MappingProxyType(
    {
        Eraser.JOB: Text("自動で消去", "erased automatically"),
        Eraser.ITSELF: Text("自然に消える", "vanishes by itself"),
        Eraser.PERSON: Text("本人の操作・申出で消去", "erased when the person does or asks it"),
        Eraser.OPERATOR: Text("運営者が設定して消去", "erased as the operator sets it up"),
        Eraser.NOBODY: Text("証拠として保存", "kept as proof"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One row: what is kept, for how many days counted from what, why, and who ends it."""

    key: str
    what: Text
    since: Text
    why: Text
    by: Eraser
    days: int | None = None
    tables: tuple[str, ...] = ()
    """The database tables whose rows, or some of whose columns, the row is about (`app.Model`, or `app.*`)."""

    @property
    def period(self) -> Text:
        """How long, in words."""
        if self.days is None:
            return self.since
        unit = "day" if self.days == 1 else "days"
        return Text(f"{self.since.ja}{self.days}日", f"{self.days} {unit} {self.since.en}")


TABLE: Final[tuple[Kept, ...]] = (
    Kept(
        key="accounts",
        what=Text("会員のアカウント（表示名・メールアドレス・認証の設定）", "Members’ accounts: name, e-mail, sign-in"),
        since=Text("退会まで", "until the account is closed"),
        why=Text("会員を見分け、サインインできるようにするため", "to tell members apart and let them sign in"),
        by=Eraser.PERSON,
        tables=("chat.User", "chat.Block", "account.EmailAddress", "mfa.Authenticator"),
    ),
    Kept(
        key="guests",
        what=Text("ゲストの記録（ニックネーム）", "Guests: the nickname"),
        since=Text("最後に入るか書くかした日から", "after the guest last came in or wrote"),
        why=Text("書いた人をその間だけ見分けるため", "to tell guests apart while they are here"),
        by=Eraser.JOB,
        days=30,
        tables=("chat.User",),
    ),
    Kept(
        key="sign_ins",
        what=Text(
            "サインインの日時（接続・ログインの履歴）", "When members last signed in (connection and login history)"
        ),
        since=Text("その日時から", "after that time"),
        why=Text("不正利用の調査と問い合わせへの対応のため", "to look into abuse and to answer enquiries"),
        by=Eraser.JOB,
        days=180,
        tables=("chat.User", "mfa.Authenticator"),
    ),
    Kept(
        key="sessions",
        what=Text("サインインの状態（セッション）", "Sessions, which keep people signed in"),
        since=Text("期限（サインインから14日）を過ぎて", "past their end, which is 14 days after signing in"),
        why=Text("サインインを保つため", "to keep people signed in"),
        by=Eraser.JOB,
        days=1,
        tables=("sessions.Session", "chat.LoginEnd"),
    ),
    Kept(
        key="codes",
        what=Text("メールアドレスの確認の記録", "Confirmations of e-mail addresses under way"),
        since=Text("送信から", "after they were sent"),
        why=Text("アドレスが本人のものかを確かめるため", "to check that an address is the person’s own"),
        by=Eraser.JOB,
        days=3,
        tables=("account.EmailConfirmation",),
    ),
    Kept(
        key="open_rooms",
        what=Text("公開の部屋とその投稿", "Open rooms and what was posted there"),
        since=Text("投稿者か運営者が消すまで", "until the author or the operator removes it"),
        why=Text("誰でも読める場として提供するため", "to offer a place that anyone can read"),
        by=Eraser.PERSON,
        tables=("chat.Room", "chat.Message"),
    ),
    Kept(
        key="closed_words",
        what=Text("閉じた会話の本文（暗号化して保存）", "The words of closed talks (stored encrypted)"),
        since=Text("会話の終了から", "after the talk ended"),
        why=Text(
            "会話を届けるため。終了後は、当事者からの申出に備える間だけ残す",
            "to deliver the talk; after its end, only for a participant’s complaint",
        ),
        by=Eraser.JOB,
        days=30,
        tables=("chat.Message",),
    ),
    Kept(
        key="closed_history",
        what=Text("閉じた会話の通信履歴（当事者・日時・回数）", "The history of closed talks: who, when, how often"),
        since=Text("会話の終了から", "after the talk ended"),
        why=Text("苦情への対応と不正利用の防止のため", "to handle complaints and to prevent abuse"),
        by=Eraser.JOB,
        days=180,
        tables=("chat.Room", "chat.Message", "chat.Participant", "chat.Pairing"),
    ),
    Kept(
        key="tickets",
        what=Text("マッチングの順番待ち", "Places in the queue for matching"),
        since=Text("最後の応答から", "after the last sign of life"),
        why=Text("相手を探すため", "to find a partner"),
        by=Eraser.JOB,
        days=1,
        tables=("chat.Ticket",),
    ),
    Kept(
        key="counters",
        what=Text(
            "回数制限のカウンター（接続元アドレスを含む）", "Counters of the rate limits, by address of origin too"
        ),
        since=Text("メモリー上のみ、長くて1日", "in memory only, a day at most"),
        why=Text("過度な接続を防ぐため", "to ward off floods"),
        by=Eraser.ITSELF,
    ),
    Kept(
        key="instances",
        what=Text(
            "サーバープロセスの稼働の印（個人の情報なし）", "Signs of life of server processes (nothing personal)"
        ),
        since=Text("最後の応答から", "after the last sign of life"),
        why=Text("設定の食い違いを見つけるため", "to notice servers that disagree"),
        by=Eraser.JOB,
        days=1,
        tables=("compliance.Instance",),
    ),
    Kept(
        key="admin_log",
        what=Text("管理画面の操作の記録", "What staff did in the administration"),
        since=Text("操作から", "after it was done"),
        why=Text("運営の操作を後から確かめるため", "to check later what staff did"),
        by=Eraser.JOB,
        days=365,
        tables=("admin.LogEntry",),
    ),
    Kept(
        key="proof",
        what=Text(
            "届出・署名・ゲートの開閉・拒否の回数などの記録台帳と証拠（会話の本文なし）",
            "The ledger and its evidence: filing, signatures, the gate, counts of refusals (no words of any talk)",
        ),
        since=Text("期限なし", "no end"),
        why=Text("いつ何を提供していたかを示すため", "to show what was offered when"),
        by=Eraser.NOBODY,
        tables=("compliance.*",),
    ),
    Kept(
        key="server_logs",
        what=Text(
            "サーバーの動作ログ（接続・エラー。会話の本文なし）",
            "Server logs: connections, faults; no words of any talk",
        ),
        since=Text("記録から最長で", "after they were written, at most"),
        why=Text("障害と不正利用の調査のため", "to look into faults and abuse"),
        by=Eraser.OPERATOR,
        days=180,
    ),
    Kept(
        key="backups",
        what=Text("バックアップ", "Backups"),
        since=Text("運営者が定める期間", "a period that the operator sets"),
        why=Text("障害から復旧するため", "to recover from a failure"),
        by=Eraser.OPERATOR,
    ),
)
"""Every kind of thing that is kept. Tests hold it against the database's tables and against the job."""

ROW: Final[Mapping[str, Kept]] = MappingProxyType({kept.key: kept for kept in TABLE})
"""Each row by its key."""

ARTICLES: Final = ("APPI 22", "GUIDE 38")
HOLD_ARTICLES: Final = ("CCP 197(3)", "IPA 16")
DOUBT: Final = OPEN_QUESTIONS[Question.LOG_PERIOD]
"""What is not settled about the period for communication history."""

HOLD: Final = Text(
    "捜査機関の保全要請や裁判所の命令などを受けたときは、対象となる記録を、その間だけ消去せずに残します"
    f"（{cite_all(HOLD_ARTICLES, 'ja')}）。",
    "On a freeze request of the authorities, a court order or the like, the records it names are not erased while it "
    f"lasts ({cite_all(HOLD_ARTICLES, 'en')}).",
)


def as_text(language: str) -> str:
    """Return the table as lines of text in `ja` or `en`, for LAW-12's evidence."""
    ja = language.lower().startswith("ja")
    return "\n".join(
        f"{kept.what.ja}：{kept.period.ja}（{kept.by.ja}）"
        if ja
        else f"{kept.what.en}: {kept.period.en} ({kept.by.en})"
        for kept in TABLE
    )


def version() -> str:
    """Return eight hex digits that change whenever a row is added, dropped, or gets another period or eraser."""
    rows = "\n".join(f"{kept.key} {kept.days} {kept.since.en} {kept.by}" for kept in TABLE)
    return hashlib.sha256(rows.encode()).hexdigest()[:8]
