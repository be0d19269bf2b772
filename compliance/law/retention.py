"""The retention table: what this service keeps, for how long and why. A data table, which the purge job runs on.

Periods that no statute sets are this software's defaults; the operator confirms them with LAW-12.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.citations import cite_all
from compliance.law.sources import OPEN_QUESTIONS, Question
from compliance.law.text import Text


class Eraser(StrEnum):
    """Who or what erases the records of a row."""

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
    """One row: what is kept, for how many days, counted from when, why, and who erases it."""

    key: str
    what: Text
    counted_from: Text
    why: Text
    by: Eraser
    days: int | None = None
    tables: tuple[str, ...] = ()
    """The database tables whose rows, or some of whose columns, the row is about (`app.Model`)."""

    @property
    def period(self) -> Text:
        """How long, in words."""
        if self.days is None:
            return self.counted_from
        unit = "day" if self.days == 1 else "days"
        return Text(f"{self.counted_from.ja}{self.days}日", f"{self.days} {unit} {self.counted_from.en}")


TABLE: Final[tuple[Kept, ...]] = (
    Kept(
        key="accounts",
        what=Text("会員のアカウント（表示名・メールアドレス・認証の設定）", "Members’ accounts: name, e-mail, sign-in"),
        counted_from=Text("退会まで", "until the account is closed"),
        why=Text("会員を見分け、ログインできるようにするため", "to tell members apart and let them sign in"),
        by=Eraser.PERSON,
        tables=("chat.User", "account.EmailAddress", "mfa.Authenticator"),
    ),
    Kept(
        key="preferences",
        what=Text(
            "画面と操作の設定、ブロックした相手（本人が選んだもの）",
            "What a person chose for their pages, and whom they blocked",
        ),
        counted_from=Text("本人が変えるか、退会・ゲストの記録の消去まで", "until they change it, leave or are erased"),
        why=Text("選んだとおりに表示し、会いたくない相手と会わせないため", "to show it so, and to keep people apart"),
        by=Eraser.PERSON,
        tables=("chat.Preferences", "chat.Block"),
    ),
    Kept(
        key="guests",
        what=Text("ゲストの記録（ニックネーム）", "Guests: the nickname"),
        counted_from=Text("最後に入るか書くかした日から", "after the guest last came in or wrote"),
        why=Text("書いた人をその間だけ見分けるため", "to tell guests apart while they are here"),
        by=Eraser.JOB,
        days=30,
        tables=("chat.User",),
    ),
    Kept(
        key="held_copies",
        what=Text(
            "法的保全の対象となっている間に退会した人の記録（ほかの記録と分け、暗号化して保存）",
            "Records of people who left while a legal hold names them (kept apart, encrypted)",
        ),
        counted_from=Text("法的保全の終了から", "after the hold ended"),
        why=Text("捜査機関の保全要請や裁判所の命令に従うため", "to obey a freeze request or an order of a court"),
        by=Eraser.JOB,
        days=1,
        tables=("chat.HeldCopy", "chat.HeldWord"),
    ),
    Kept(
        key="sign_ins",
        what=Text(
            "ログインの日時（接続とログインの履歴）", "When members last signed in (connection and login history)"
        ),
        counted_from=Text("その日時から", "after that time"),
        why=Text("不正利用の調査と問い合わせへの対応のため", "to look into abuse and to answer enquiries"),
        by=Eraser.JOB,
        days=180,
        tables=("chat.User", "mfa.Authenticator"),
    ),
    Kept(
        key="sessions",
        what=Text(
            "ログインの状態（セッションと、ブラウザー・OSの種類）",
            "Sessions, which keep people signed in, and in what kind of browser",
        ),
        counted_from=Text(
            "期限（最後の利用から14日）を過ぎて", "past their end, which is 14 days after their last use"
        ),
        why=Text("ログインを保つため", "to keep people signed in"),
        by=Eraser.JOB,
        days=1,
        tables=("sessions.Session", "chat.Device", "chat.LoginEnd"),
    ),
    Kept(
        key="codes",
        what=Text("メールアドレスの確認の記録", "Confirmations of e-mail addresses under way"),
        counted_from=Text("送信から", "after they were sent"),
        why=Text("アドレスが本人のものかを確かめるため", "to check that an address is the person’s own"),
        by=Eraser.JOB,
        days=3,
        tables=("account.EmailConfirmation", "chat.PendingSignup"),
    ),
    Kept(
        key="open_rooms",
        what=Text(
            "オープンチャットとその投稿（投稿者と日時。接続元のアドレスとポート番号は残さない）",
            "Open rooms and what was posted there: by whom and when, without the address and port of origin",
        ),
        counted_from=Text("投稿者か運営者が消すまで", "until the author or the operator removes it"),
        why=Text("誰でも読める場として提供するため", "to offer a place that anyone can read"),
        by=Eraser.PERSON,
        tables=("chat.Room", "chat.Message", "chat.Keeper"),
    ),
    Kept(
        key="removed_words",
        what=Text(
            "オープンチャットで管理人か運営者が削除した投稿の本文（暗号化して保存）",
            "The words of posts in open rooms that a keeper or staff removed (stored encrypted)",
        ),
        counted_from=Text("削除から", "after they were removed"),
        why=Text("誤った削除を元に戻せるようにするため", "so that a mistaken removal can be undone"),
        by=Eraser.JOB,
        days=7,
        tables=("chat.RemovedMessage",),
    ),
    Kept(
        key="acts",
        what=Text(
            "利用者への措置（警告・発言の停止・利用の停止）とその理由、不服申立て",
            "Acts on people (warnings, mutes, suspensions) with their reasons, and appeals",
        ),
        counted_from=Text("措置が終わってから", "after the act ended"),
        why=Text("措置を本人に示し、不服申立てに答えるため", "to show the act to the person and to answer an appeal"),
        by=Eraser.JOB,
        days=365,
        tables=("chat.Sanction", "chat.Appeal"),
    ),
    Kept(
        key="left_acts",
        what=Text(
            "退会した人への、まだ続いている措置（メールアドレスの鍵付きハッシュと、措置の種類・場所・期限だけ。名前・理由・会話なし）",
            "Acts that go on although the person left: a keyed digest of the address, the kind of act, where and until "
            "when; no name, no reason, no words",
        ),
        counted_from=Text(
            "措置の期限（期限のない措置は退会から3年）を過ぎて",
            "after the act ended (one without an end: three years after the person left)",
        ),
        why=Text(
            "退会して登録し直すだけで措置を逃れることを防ぐため",
            "so that leaving and signing up again does not get around an act",
        ),
        by=Eraser.JOB,
        days=1,
        tables=("chat.LeftAct",),
    ),
    Kept(
        key="guest_networks",
        what=Text(
            "措置を受けたゲストの接続元の鍵付きハッシュ（IPv4は一つ、IPv6は/64。24時間、長くて7日有効）",
            "Keyed digests of the networks of guests under an act (one IPv4 address, or an IPv6 /64; in force for 24 "
            "hours, seven days at most)",
        ),
        counted_from=Text("効力が切れてから", "after they are no longer in force"),
        why=Text(
            "名前を変えて措置を逃れることを防ぐため（ゲストの投稿だけに用いる）",
            "so that a new nickname does not get around an act (used for guests’ posting only)",
        ),
        by=Eraser.JOB,
        days=1,
        tables=("chat.AddressMute",),
    ),
    Kept(
        key="closed_running",
        what=Text(
            "続いているクローズド・チャット（当事者・通信履歴・暗号化した本文）。期間を過ぎると会話を終了し、下の二行の期間が始まる",
            "Closed talks that run: parties, history and encrypted words. At the period’s end the talk is ended, and "
            "the periods of the next two rows begin",
        ),
        counted_from=Text("最後に書き込みがあってから", "after the last message"),
        why=Text("当事者が会話を続け、読み返せるようにするため", "to let the parties go on and look back"),
        by=Eraser.JOB,
        days=180,
        tables=("chat.Room", "chat.Message", "chat.Participant", "chat.Pairing"),
    ),
    Kept(
        key="closed_words",
        what=Text("クローズド・チャットの本文（暗号化して保存）", "The words of closed talks (stored encrypted)"),
        counted_from=Text("会話の終了から", "after the talk ended"),
        why=Text(
            "会話を届けるため。終了後は、当事者からの申出に備える間だけ残す",
            "to deliver the talk; after its end, only for a participant’s complaint",
        ),
        by=Eraser.JOB,
        days=30,
        tables=("chat.Message",),
    ),
    Kept(
        key="taken_back",
        what=Text(
            "クローズド・チャットで投稿者が削除した本文（暗号化して保存。届いた相手が通報するときだけ開く）",
            "Words of closed talks that their author deleted (stored encrypted; opened only in a report by somebody "
            "who had received them)",
        ),
        counted_from=Text("削除から", "after they were deleted"),
        why=Text(
            "脅しなどを送って消しても、届いた相手が通報できるようにするため",
            "so that a threat that was taken back can still be reported by whom it reached",
        ),
        by=Eraser.JOB,
        days=1,
        tables=("chat.TakenBack",),
    ),
    Kept(
        key="reports",
        what=Text(
            "通報（通報した人が選んで渡した発言の写し・理由・メモ・回答。クローズド・チャットのものは暗号化）",
            "Reports: copies of the messages handed over, reason, note and answer (of closed talk: encrypted)",
        ),
        counted_from=Text("回答から", "after the answer"),
        why=Text(
            "通報に対応し、不服の申立てに備えるため",
            "to deal with the report, and with an appeal against what was done",
        ),
        by=Eraser.JOB,
        days=90,
        tables=("chat.Report", "chat.ReportedMessage"),
    ),
    Kept(
        key="closed_history",
        what=Text(
            "クローズド・チャットの通信履歴（当事者・日時・回数）", "The history of closed talks: who, when, how often"
        ),
        counted_from=Text("会話の終了から", "after the talk ended"),
        why=Text("苦情への対応と不正利用の防止のため", "to handle complaints and to prevent abuse"),
        by=Eraser.JOB,
        days=180,
        tables=("chat.Room", "chat.Message", "chat.Participant", "chat.Pairing"),
    ),
    Kept(
        key="closed_ids",
        what=Text(
            "クローズド・チャットの部屋の番号（無作為な番号だけ。当事者・日時・内容なし）",
            "Ids of closed rooms: a random number alone, without people, times or words",
        ),
        counted_from=Text("期限なし", "no end"),
        why=Text(
            "クローズド・チャットの部屋が、同じ番号のオープンチャットとして現れないようにするため",
            "so that a closed room never comes back as an open one under its id",
        ),
        by=Eraser.NOBODY,
        tables=("chat.ClosedRoomId",),
    ),
    Kept(
        key="tickets",
        what=Text("マッチングの順番待ち", "Places in the queue for matching"),
        counted_from=Text("最後の応答から", "after the last sign of life"),
        why=Text("相手を探すため", "to find a partner"),
        by=Eraser.JOB,
        days=1,
        tables=("chat.Ticket",),
    ),
    Kept(
        key="counters",
        what=Text(
            "回数制限のカウンター（接続元アドレスはメモリー上のみ。ログインなどの試行は鍵付きハッシュで記録）",
            "Counters of the rate limits (addresses of origin in memory only; attempts to sign in and the like as keyed"
            " digests)",
        ),
        counted_from=Text("期限（長くて1時間）を過ぎて", "past their end, which is an hour at most"),
        why=Text("過度な接続とパスワードの推測を防ぐため", "to ward off floods and the guessing of passwords"),
        by=Eraser.JOB,
        days=1,
        tables=("chat.Counter",),
    ),
    Kept(
        key="instances",
        what=Text(
            "サーバープロセスの稼働の印（個人の情報なし）", "Signs of life of server processes (nothing personal)"
        ),
        counted_from=Text("最後の応答から", "after the last sign of life"),
        why=Text("設定の食い違いを見つけるため", "to notice servers that disagree"),
        by=Eraser.JOB,
        days=1,
        tables=("compliance.Instance",),
    ),
    Kept(
        key="admin_log",
        what=Text("管理画面の操作の記録", "What staff did in the administration"),
        counted_from=Text("操作から", "after it was done"),
        why=Text("運営の操作を後から確かめるため", "to check later what staff did"),
        by=Eraser.JOB,
        days=365,
        tables=("admin.LogEntry",),
    ),
    Kept(
        key="cases",
        what=Text(
            "書面・請求の案件（差出人・連絡先・求めの内容・ファイル・返信の書面）と開示（対象・理由・写し）。"
            "番号・種類・日付・結果は残る",
            "Cases of papers and requests (sender, contact, what was asked for, files, letters) and disclosures (whom "
            "they were about, why, the extract). Number, kind, days and outcome stay",
        ),
        counted_from=Text("案件が終わってから", "after the case ended"),
        why=Text("応じたこと・応じなかったことを後から示すため", "to show later what was answered and why"),
        by=Eraser.JOB,
        days=365,
        tables=("compliance.Case", "compliance.CasePaper", "compliance.Letter", "compliance.Disclosure"),
    ),
    Kept(
        key="holds",
        what=Text(
            "法的保全の対象（人・部屋）と根拠の書面。始まりと終わりの日、扱った人は残る",
            "Whom or which room a legal hold named, and its papers. Its days, and who placed and ended it, stay",
        ),
        counted_from=Text("法的保全の終了から", "after the hold ended"),
        why=Text("保全したことを後から示すため", "to show later what was kept and why"),
        by=Eraser.JOB,
        days=365,
        tables=("compliance.Hold",),
    ),
    Kept(
        key="approvals",
        what=Text(
            "二人での承認の依頼：外部の二人目の氏名。依頼と回答の記録は残る",
            "Requests for a second person’s approval: the name of one from outside. What was asked and answered stays",
        ),
        counted_from=Text("依頼から", "after it was asked for"),
        why=Text("だれが二人目だったかを後から確かめるため", "to check later who the second person was"),
        by=Eraser.JOB,
        days=365,
        tables=("compliance.Approval",),
    ),
    Kept(
        key="references",
        what=Text(
            "記録台帳での参照番号と、そのアカウントとの対応", "The reference by which the ledger names an account"
        ),
        counted_from=Text(
            "退会まで（その後はだれにもつながらない番号だけが残る）",
            "until the account is closed; then it leads to nobody",
        ),
        why=Text("台帳に氏名を書かずに、だれの操作かを示すため", "so that the ledger shows who acted without a name"),
        by=Eraser.PERSON,
        tables=("compliance.Actor",),
    ),
    Kept(
        key="feeds",
        what=Text(
            "スタッフの予定表の購読アドレス（ハッシュのみ）", "Addresses of calendar feeds of staff (hashes only)"
        ),
        counted_from=Text(
            "本人が取り消すか、スタッフでなくなるまで", "until revoked, or the person is no longer staff"
        ),
        why=Text("期限を自分の予定表で見られるようにするため", "to show deadlines in one’s own calendar"),
        by=Eraser.PERSON,
        tables=("compliance.Feed",),
    ),
    Kept(
        key="invitations",
        what=Text("スタッフへの招待の宛先", "The address to which an invitation of staff goes"),
        counted_from=Text("招待の依頼", "the invitation is asked for"),
        why=Text(
            "招待を送り、本人が承諾するため。承諾・取消しのときはすぐに消去",
            "to send it, and for the person to accept; erased at once when accepted or withdrawn",
        ),
        by=Eraser.JOB,
        days=14,
        tables=("compliance.Invitation",),
    ),
    Kept(
        key="proof",
        what=Text(
            "届出・署名・ゲートの開閉・拒否の回数などの記録台帳と証拠（会話の本文なし）",
            "The ledger and its evidence: filing, signatures, the gate, counts of refusals (no words of any talk)",
        ),
        counted_from=Text("期限なし", "no end"),
        why=Text("いつ何を提供していたかを示すため", "to show what was offered when"),
        by=Eraser.NOBODY,
        tables=(
            "compliance.LedgerEntry",
            "compliance.LedgerHead",
            "compliance.Signature",
            "compliance.Assessment",
            "compliance.Authorisation",
            "compliance.GateState",
            "compliance.Filing",
            "compliance.Happening",
            "compliance.Outage",
            "compliance.DutyMark",
        ),
    ),
    Kept(
        key="server_logs",
        what=Text(
            "サーバーの動作ログ（接続・エラー。運営者が残す設定にした場合は接続元のアドレスとポート番号も。会話の本文なし）",
            "Server logs: connections, faults, and address and port of origin if the operator has them kept; no words "
            "of any talk",
        ),
        counted_from=Text("記録から最長で", "after they were written, at most"),
        why=Text("障害と不正利用の調査のため", "to look into faults and abuse"),
        by=Eraser.OPERATOR,
        days=180,
    ),
    Kept(
        key="backups",
        what=Text("バックアップ", "Backups"),
        counted_from=Text("運営者が定める期間", "a period that the operator sets"),
        why=Text("障害から復旧するため", "to recover from a failure"),
        by=Eraser.OPERATOR,
    ),
)
"""Every kind of record that is kept. Tests compare it with the database's tables and with the purge job."""

ROW: Final[Mapping[str, Kept]] = MappingProxyType({kept.key: kept for kept in TABLE})
"""Each row by its key."""

ARTICLES: Final = ("APPI 22", "GUIDE 38")
HOLD_ARTICLES: Final = ("CCP 197(3)", "CCP 197(4)", "IPA 16")
DOUBT: Final = OPEN_QUESTIONS[Question.LOG_PERIOD]
"""The open question about the period for communication history."""

HOLD: Final = Text(
    "捜査機関の保全要請や裁判所の命令などを受けたときは、対象となる記録を、その間だけ消去せずに残します。"
    "保全要請で残すのは通信履歴だけで（30日以内、延長して通じて60日まで）、会話の本文は期間どおりに消えます"
    f"（{cite_all(HOLD_ARTICLES, 'ja')}）。",
    "On a freeze request of the authorities, a court order or the like, the records it names are not erased while it "
    "lasts. A freeze request keeps communication history only (30 days, 60 with its extension); words are erased in "
    f"their time ({cite_all(HOLD_ARTICLES, 'en')}).",
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
    rows = "\n".join(f"{kept.key} {kept.days} {kept.counted_from.en} {kept.by}" for kept in TABLE)
    return hashlib.sha256(rows.encode()).hexdigest()[:8]
