"""Drafts of the notification (届出): forms 8, 3 and 4, what goes with them, and the bureau. Facts in, sheets out.

The printed forms themselves could not be read: a draft has the items that the Act (16(1)) and the regulation (REG 9)
ask for, to be copied into the official form. What is handed in is in Japanese; labels carry both languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from django.utils import timezone

from compliance import assessment, gate, law
from compliance.classify import Answer, Outcome
from compliance.law import BUREAU_OF, RULES, Bureau, Feature, Required, Text
from compliance.models import Filing, Instance, Signature
from compliance.standing import Standing, japanese_date

DRAFT: Final = Text("下書き・提出前に総合通信局へ確認", "Draft: check with the bureau before filing")
"""What every sheet says of itself."""

# The bureau -----------------------------------------------------------------------------------------------------------

_POSTAL_CODE: Final = re.compile(r"^[\s〒]*[0-9]{3}-?[0-9]{4}\s*")
_NOT_A_NAME: Final = re.compile(r"[0-9〒\-]+|\b(?:japan|prefecture|pref|ken|fu|to)\b\.?", re.IGNORECASE)
_BY_ENGLISH: Final = MappingProxyType(
    {
        english.lower(): prefecture
        for bureau in law.REGIONAL_BUREAUX
        for prefecture, english in bureau.prefectures.items()
    }
)


def prefecture_of(address: str) -> str | None:
    """Read the prefecture (都道府県) off an address in Japan; None where it does not name exactly one plainly.

    A Japanese address begins with it; an English one has it between commas. A city alone decides nothing: the same
    name often stands for a town elsewhere.
    """
    folded = unicodedata.normalize("NFKC", address).strip()
    japanese = re.sub(r"\s", "", _POSTAL_CODE.sub("", folded)).removeprefix("日本国").removeprefix("日本")
    japanese = _POSTAL_CODE.sub("", japanese)
    for prefecture in BUREAU_OF:
        if japanese.startswith(prefecture):
            return prefecture
    parts = {" ".join(_NOT_A_NAME.sub(" ", part).split()).lower() for part in folded.split(",")}
    named = {_BY_ENGLISH[part] for part in parts if part in _BY_ENGLISH}
    return named.pop() if len(named) == 1 else None


# Facts ----------------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """Who files, as the regulation tells them apart (REG 9(1)(iii) to (vi))."""

    person = "person"
    company = "company"
    founding = "founding"
    body = "body"

    @property
    def ja(self) -> str:
        return _KINDS[self].ja

    @property
    def en(self) -> str:
        return _KINDS[self].en


_KINDS: Final[Mapping[Kind, Text]] = MappingProxyType(
    {
        Kind.person: Text("個人", "a person"),
        Kind.company: Text("既存の法人", "a company or other legal person that exists"),
        Kind.founding: Text("法人を設立しようとする者", "the founders of a company"),
        Kind.body: Text("その他の団体", "another body"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who files, and what they say of themselves. Empty where nobody has said it yet."""

    kind: Kind | None = None
    abroad: bool | None = None
    """A foreign company or body, or a person living abroad (外国法人等)."""
    name: str = ""
    name_kana: str = ""
    postal_code: str = ""
    address: str = ""
    address_kana: str = ""
    prefecture: str = ""
    """Where the address does not name it plainly."""
    representative: str = ""
    phone: str = ""
    email: str = ""
    agent_is_company: bool | None = None
    agent_name: str = ""
    agent_address: str = ""
    agent_phone: str = ""
    agent_email: str = ""
    area: str = ""
    start_on: date | None = None

    @property
    def seat(self) -> str:
        """The address that decides the bureau: the representative's in Japan for those abroad (REG 69(1), (2))."""
        return self.agent_address if self.abroad else self.address

    @property
    def bureau(self) -> Bureau | None:
        """The competent bureau, or None where the address does not say."""
        return BUREAU_OF.get(self.prefecture or prefecture_of(self.seat) or "")

    @classmethod
    def of(cls, stored: Mapping[str, Any], standing: Standing) -> Applicant:
        """Read what the operator wrote; what they did not, the environment may say."""
        contact = {"email" if "@" in standing.operator_contact else "phone": standing.operator_contact}
        known = {"name": standing.operator_name, "address": standing.operator_address, **contact}
        given = {key: value for key, value in stored.items() if value not in (None, "")}
        texts = {
            entry.name: plain(str(given.get(entry.name) or known.get(entry.name, "")))
            for entry in fields(cls)
            if entry.type == "str"
        }
        return cls(
            kind=next((kind for kind in Kind if kind == given.get("kind")), None),
            abroad=_yes_or_no(given.get("abroad")),
            agent_is_company=_yes_or_no(given.get("agent_is_company")),
            start_on=_day(given.get("start_on")),
            **texts,
        )


def plain(text: str) -> str:
    """Return the text on one line, without control characters, which no form and no XML can hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _yes_or_no(value: object) -> bool | None:
    return {"yes": True, "no": False}.get(value) if isinstance(value, str) else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Machine:
    """One piece of equipment: what it is and does, and where it stands as far as anybody has said."""

    key: str
    name: Text
    role: Text
    host: str
    """Its host name; empty for the machine of the server processes."""
    place: str = ""

    @property
    def where(self) -> str:
        """Which machine it runs on, as far as the settings say; nothing for what is the machine itself."""
        if self.key in {"server", "proxy"}:
            return ""
        return f"別の機器（{self.host}）" if self.host else "サーバープロセスと同じ機器"


_LOCAL: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_STORES: Final = {
    "django.db.backends.postgresql": Text("PostgreSQL（データベース）", "PostgreSQL (database)"),
    "django.db.backends.sqlite3": Text("SQLite（データベース）", "SQLite (database)"),
}
_SERVER: Final = (
    Text("サーバープロセス", "Server processes"),
    Text("画面と会話の受け渡し（ASGI）", "Pages and talk (ASGI)"),
)
_RECORDS: Final = Text("会員・部屋・会話の記録", "Members, rooms and what is said")
_REDIS: Final = (Text("Redis", "Redis"), Text("プロセス間の知らせ", "Hints between processes"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The running configuration, as the diagram of form 3 shows it. Holds no password and no user name."""

    site: str = ""
    https: bool = False
    processes: int = 0
    """Server processes that are running now; 0 where that is not known."""
    machines: tuple[Machine, ...] = ()
    own_lines: Answer = Answer.UNKNOWN

    @classmethod
    def of(cls, settings: Any, *, processes: int, places: Mapping[str, str], own_lines: Answer) -> Network:
        """Read the deployment's settings.

        Args:
            settings: Django's, or anything with DATABASES, REDIS_URL, TRUSTED_PROXIES, HTTPS and ALLOWED_HOSTS.
            processes: how many server processes run.
            places: where the equipment stands, by its key: `proxy`, `server`, `database`, `redis`.
            own_lines: the answer to N8.
        """
        store = settings.DATABASES["default"]
        database = _STORES.get(store["ENGINE"], Text("データベース", "Database"))
        # psycopg takes a socket's folder for a host, too; both are this machine.
        host = str(store.get("HOST") or store.get("OPTIONS", {}).get("host") or "")
        machines = [
            Machine("server", *_SERVER, ""),
            Machine("database", database, _RECORDS, "" if host in _LOCAL or "/" in host else host),
        ]
        if settings.REDIS_URL:
            found = urlsplit(settings.REDIS_URL)
            host = "" if found.scheme == "unix" else found.hostname or ""
            machines.append(Machine("redis", *_REDIS, "" if host in _LOCAL else host))
        if settings.TRUSTED_PROXIES:
            steps = settings.TRUSTED_PROXIES
            name = Text("リバースプロキシ", "Reverse proxy")
            if steps > 1:
                name = Text(f"{name.ja}（{steps}段）", f"{name.en} ({steps} in a row)")
            machines.insert(0, Machine("proxy", name, Text("通信の受け口", "Takes the connections"), ""))
        return cls(
            site=plain(settings.ALLOWED_HOSTS[0].lstrip(".")) if settings.ALLOWED_HOSTS else "",
            https=bool(settings.HTTPS),
            processes=processes,
            machines=tuple(
                Machine(each.key, each.name, each.role, plain(each.host), plain(places.get(each.key, "")))
                for each in machines
            ),
            own_lines=own_lines,
        )

    def machine(self, key: str) -> Machine | None:
        """Return one piece of equipment, if there is one."""
        return next((machine for machine in self.machines if machine.key == key), None)


# Sheets ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of a form: what it asks, what goes there (in Japanese), and what is left to the hand if nothing does."""

    label: Text
    value: str
    by_hand: Text | None = None
    article: str = ""
    note: Text | None = None

    @property
    def cited(self) -> str:
        """The article that asks for it, in the reader's language."""
        return law.cite_all([self.article], gate.spoken()) if self.article else ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A paper that goes with the notification."""

    ja: str
    en: str
    article: str
    ours: bool = False
    """One of the drafts here."""

    @property
    def cited(self) -> str:
        """The article that asks for it, in the reader's language."""
        return law.cite_all([self.article], gate.spoken())


_ALWAYS: Final = (
    Attachment("ネットワーク構成図（様式第3）", "Network diagram (form 3)", "REG 9(1)(i)", ours=True),
    Attachment("提供する電気通信役務（様式第4）", "Services offered (form 4)", "REG 9(1)(ii)", ours=True),
)
_BY_KIND: Final[Mapping[Kind, tuple[Attachment, ...]]] = MappingProxyType(
    {
        Kind.person: (
            Attachment(
                "住民票の写し、またはこれに相当する書類",
                "Copy of the resident record (住民票の写し), or an equivalent",
                "REG 9(1)(vi)",
            ),
        ),
        Kind.company: (
            Attachment(
                "定款、またはこれに相当する書類", "Articles of incorporation, or an equivalent", "REG 9(1)(iii)"
            ),
            Attachment(
                "登記事項証明書、またはこれに相当する書類",
                "Certificate of registered matters (登記事項証明書), or an equivalent",
                "REG 9(1)(iii)",
            ),
        ),
        Kind.founding: (
            Attachment("定款、またはこれに相当する書類", "Articles of incorporation, or an equivalent", "REG 9(1)(iv)"),
            Attachment("発起人、社員または設立者の名簿", "List of the promoters, members or founders", "REG 9(1)(iv)"),
            Attachment(
                "発起人、社員または設立者の住民票の写し、またはこれに相当する書類",
                "Their resident records (住民票の写し), or equivalents",
                "REG 9(1)(iv)",
            ),
        ),
        Kind.body: (
            Attachment(
                "定款、規約など、団体の目的・組織・運営を明らかにする書類",
                "Rules or the like, that show the body's purpose, organisation and running",
                "REG 9(1)(v)",
            ),
            Attachment("役員の名簿", "List of officers", "REG 9(1)(v)"),
            Attachment(
                "役員の住民票の写し、またはこれに相当する書類",
                "The officers' resident records (住民票の写し), or equivalents",
                "REG 9(1)(v)",
            ),
        ),
    }
)
_AGENT_COMPANY: Final = Attachment(
    "国内代表者等（法人）の登記事項証明書",
    "Certificate of registered matters of the representative in Japan, a company",
    "REG 9(1)(vii)",
)
_AGENT_PERSON: Final = Attachment(
    "国内代表者等（個人）の住民票の写し", "Resident record of the representative in Japan, a person", "REG 9(1)(vii)"
)
_AUTHORITY: Final = Attachment(
    "国内代表者等に通知を受ける権限を与えたことを証する書類（様式第2の2）",
    "Proof that the representative in Japan may receive notices (form 2-2)",
    "REG 9(1)(viii)",
)
_TRANSLATION: Final = Attachment(
    "日本語で書けない書類には訳文（英語の定款は概要の訳文で足ります）",
    "A translation of each paper that cannot be in Japanese; of articles in English a summary is enough",
    "REG 72",
)


def attachments(kind: Kind | None, *, abroad: bool | None, agent_is_company: bool | None) -> tuple[Attachment, ...]:
    """Return the papers that go with the notification (REG 9(1)); what is not known yet adds nothing.

    Nothing is pledged and no fee is paid: the pledge of form 2 belongs to Article 9, and Article 174 names no fee.
    """
    papers = [*_ALWAYS, *(_BY_KIND[kind] if kind else ())]
    if abroad:
        agents = {True: (_AGENT_COMPANY,), False: (_AGENT_PERSON,), None: (_AGENT_COMPANY, _AGENT_PERSON)}
        papers += [*agents[agent_is_company], _AUTHORITY, _TRANSLATION]
    return tuple(papers)


SERVICES: Final[Mapping[Feature, Text]] = MappingProxyType(
    {
        Feature.MATCH_PAIR: Text(
            "利用者どうしを組み合わせ、その二人だけが読める文字による会話を媒介する役務",
            "Pairs users and mediates a talk in text that only the two of them can read",
        ),
        Feature.RECRUIT: Text(
            "募集に応じた利用者との、二人だけが読める文字による会話を媒介する役務",
            "Mediates a talk in text between two users, one of whom answered the other's post",
        ),
        Feature.INVITE_ONLY: Text(
            "招待された利用者だけが読める部屋で、文字による会話を媒介する役務",
            "Mediates talk in text in rooms that only invited users can read",
        ),
        Feature.DM_TEXT: Text(
            "利用者が選んだ相手へ、文字によるメッセージを媒介する役務",
            "Mediates text messages to the person whom a user chose",
        ),
    }
)
"""What each feature that takes a notification does, in the words of form 4."""


class Stage(StrEnum):
    """How far the notification is, and what proves it (APA 37; REG 9(15))."""

    none = "none"
    filed = "filed"
    notified = "notified"


@dataclass(frozen=True, slots=True)
class Milestone:
    """One stage: what it means, what proves it, where the proof is recorded, and what is on record."""

    stage: Stage
    title: Text
    proof: Text
    articles: tuple[str, ...]
    item: str
    reached: bool
    now: bool
    recorded: tuple[str, ...] = ()

    @property
    def cited(self) -> str:
        """The articles, in the reader's language."""
        return law.cite_all(self.articles, gate.spoken())


_MILESTONES: Final = (
    (
        Stage.none,
        Text("届出前", "Before the notification"),
        Text(
            "まだ何も届いていません。届出は事業を始める前に行います。",
            "Nothing has arrived yet. The notification comes before the start.",
        ),
        ("TBA 16(1)",),
        "",
    ),
    (
        Stage.filed,
        Text("届出済み・番号通知待ち", "Notified, number pending"),
        Text(
            "形式上の要件を満たした届出は、提出先の事務所に到達した時に済んだことになります。電子の提出は、相手方のファイルに"
            "記録された時に到達したとみなされます。証拠は、受付印のある控え・配達の記録・電子提出の受付の記録などです。",
            "A complete notification is done when it reaches the office; one sent electronically has arrived when it "
            "is recorded in the receiver's file. Proof: a stamped copy, a delivery record, the receipt of the "
            "electronic filing.",
        ),
        ("APA 37", "REG 70(2)"),
        "LAW-03",
    ),
    (
        Stage.notified,
        Text("届出番号の通知", "Number told"),
        Text(
            "到達の後に、届出番号が知らされます。証拠は、その通知書です。",
            "The number is told after the arrival. Proof: that notice.",
        ),
        ("REG 9(15)",),
        "LAW-04",
    ),
)
_SHOWN: Final = {"LAW-03": ("arrived_on", "arrival_proof"), "LAW-04": ("number", "told_on")}


def milestones(standing: Standing, evidence: Mapping[str, Mapping[str, Any]]) -> tuple[Milestone, ...]:
    """Return the three stages, which the deployment has reached, and what LAW-03 and LAW-04 hold as proof."""
    order = list(Stage)
    # A registration and a recorded basis for not filing are other ways; on them no stage is reached.
    stage = next((stage for stage in Stage if stage.value == standing.status.value), None)
    found = []
    for each, title, proof, articles, item in _MILESTONES:
        recorded = [str(evidence.get(item, {}).get(key, "")) for key in _SHOWN.get(item, ())]
        found.append(
            Milestone(
                each,
                title,
                proof,
                articles,
                item,
                reached=stage is not None and order.index(each) <= order.index(stage),
                now=each is stage,
                recorded=tuple(filter(None, recorded)),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that the papers are written from."""

    applicant: Applicant = field(default_factory=Applicant)
    network: Network = field(default_factory=Network)
    services: tuple[Feature, ...] = ()
    outcome: Outcome | None = None
    """The recorded verdict of the assessment."""
    stale: bool = False
    """Something changed since that verdict."""
    milestones: tuple[Milestone, ...] = ()
    mark: Text = DRAFT

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        """The papers that go with it."""
        who = self.applicant
        return attachments(who.kind, abroad=who.abroad, agent_is_company=who.agent_is_company)

    @property
    def warning(self) -> Text | None:
        """Why these papers may be the wrong ones."""
        if self.outcome is None:
            return Text(
                "該当性の判定がまだ記録されていません。先に判定してください。",
                "The assessment is not on record yet. Go through its questions first.",
            )
        if self.outcome is not Outcome.NOTIFY:
            return Text(
                "記録された判定は「届出が必要」ではありません。この下書きを使う前に、判定を確かめてください。",
                "The recorded verdict is not that a notification is due. Look at it again before you use this draft.",
            )
        if self.stale:
            return Text(
                "判定の後に機能などが変わりました。判定をやり直してから使ってください。",
                "Something changed since the assessment. Go through it again before you use this draft.",
            )
        return None

    # Form 8 -----------------------------------------------------------------------------------------------------------

    @property
    def head(self) -> tuple[Entry, ...]:
        """Who files: the upper part of form 8 (TBA 16(1)(i), REG 9(2)(i))."""
        who = self.applicant
        legal_person = who.kind in {Kind.company, Kind.founding, Kind.body}
        name = Text("名称", "Name") if legal_person else Text("氏名または名称", "Name")
        entries = [
            _entry("郵便番号", "Postal code", who.postal_code),
            _entry("住所（ふりがな）", "Address in kana", who.address_kana),
            _entry("住所", "Address", who.address, "TBA 16(1)(i)"),
            _entry(f"{name.ja}（ふりがな）", "Name in kana", who.name_kana),
            _entry(name.ja, name.en, who.name, "TBA 16(1)(i)"),
        ]
        if who.kind is not Kind.person:
            entries.append(
                _entry(
                    "代表者の氏名（法人・団体）",
                    "Representative, of a company or body",
                    who.representative,
                    "TBA 16(1)(i)",
                )
            )
        return (
            *entries,
            _entry("電話番号", "Phone", who.phone, "REG 9(2)(i)"),
            _entry("電子メールアドレス", "E-mail", who.email, "REG 9(2)(i)"),
        )

    @property
    def items(self) -> tuple[Entry, ...]:
        """What is notified: the lower part of form 8 (TBA 16(1)(ii) to (vi))."""
        who = self.applicant
        entries = [
            Entry(
                Text("業務区域", "Service area"),
                who.area,
                None if who.area else _WRITE,
                "TBA 16(1)(iii)",
                Text(
                    "インターネットで全国に提供するなら「全国」と書く例があります。",
                    "For a service on the internet, 全国 (the whole country) is what others have written.",
                ),
            ),
            self._equipment(),
        ]
        if who.abroad is not False:
            unknown = _ABROAD_ONLY if who.abroad is None else _WRITE
            for ja, en, value, article in (
                ("国内代表者等の氏名または名称", "Representative in Japan", who.agent_name, "TBA 16(1)(ii)"),
                ("国内代表者等の国内の住所", "Its address in Japan", who.agent_address, "TBA 16(1)(ii)"),
                ("国内代表者等の電話番号", "Its phone", who.agent_phone, "REG 9(2)(ii)"),
                ("国内代表者等の電子メールアドレス", "Its e-mail", who.agent_email, "REG 9(2)(ii)"),
            ):
                entries.append(Entry(Text(ja, en), value, None if value else unknown, article))
        start = japanese_date(who.start_on) if who.start_on else ""
        entries.append(
            Entry(
                Text("事業開始の予定日", "Planned start"),
                start,
                None if start else _WRITE,
                "",
                Text("様式に欄があるとされています。", "The form is said to have a box for it."),
            )
        )
        return tuple(entries)

    def _equipment(self) -> Entry:
        label = Text("電気通信設備の概要", "Outline of the equipment")
        if self.network.own_lines is Answer.NO:
            return Entry(
                label,
                "記載なし（事業用電気通信設備を設置しない）",
                None,
                "TBA 16(1)(iv)",
                Text(
                    "事業用電気通信設備を設置する場合だけ書く欄です。利用者100万人以上の有料の役務として指定された場合も書きます。",
                    "Only for those who install equipment in the sense of Article 44(1), which includes a paid service "
                    "with a million users that was designated.",
                ),
            )
        return Entry(label, "", _WRITE, "TBA 16(1)(iv)")

    # Forms 3 and 4 ----------------------------------------------------------------------------------------------------

    @property
    def in_words(self) -> tuple[str, ...]:
        """The diagram of form 3, for those who do not see it."""
        return described(self.network)

    @property
    def offered(self) -> tuple[Text, ...]:
        """The services on form 4. The number of the form's item is not known and left to be asked."""
        return tuple(SERVICES[feature] for feature in self.services if feature in SERVICES)

    @property
    def by_hand(self) -> tuple[Text, ...]:
        """What stays to be filled in by hand, in the order of the papers."""
        left = [Text("提出する日付（様式第8）", "The day of filing (form 8)")]
        if self.applicant.kind is None:
            left.append(Text("届け出る人の区分（添付書類が決まる）", "Who files (it decides the attachments)"))
        if self.applicant.abroad is None:
            left.append(Text("外国法人等に当たるかどうか（様式第8）", "Whether those who file are abroad (form 8)"))
        left += [
            Text(f"{entry.label.ja}（様式第8）", f"{entry.label.en} (form 8)")
            for entry in (*self.head, *self.items)
            if entry.by_hand and entry.by_hand is not _ABROAD_ONLY
        ]
        left += [
            Text(f"「{machine.name.ja}」の設置場所（様式第3）", f"Where “{machine.name.en}” stands (form 3)")
            for machine in self.network.machines
            if not machine.place
        ]
        if not self.network.processes:
            left.append(Text("サーバープロセスの数（様式第3）", "The number of server processes (form 3)"))
        if self.network.own_lines is not Answer.NO:
            left.append(Text("自ら設置する回線設備（様式第3）", "Lines of your own (form 3)"))
        left.append(
            Text(
                "役務の項目番号（様式第4）。どの項目に当たるかは確認できていないので、総合通信局に尋ねてください",
                "The number of the service's item (form 4). Which one it is could not be confirmed: ask the bureau",
            )
        )
        if not self.offered:
            left.append(Text("提供する役務の内容（様式第4）", "What is offered (form 4)"))
        left.append(
            Text(
                "添付書類、部数、返信用の封筒など（総合通信局の案内に従う）",
                "The attachments, the number of copies, a return envelope (as the bureau says)",
            )
        )
        return tuple(left)


_WRITE: Final = Text("要記入", "To be filled in")
_ABROAD_ONLY: Final = Text("外国法人等の場合だけ書く", "Only for those abroad")


def _entry(ja: str, en: str, value: str, article: str = "") -> Entry:
    return Entry(Text(ja, en), value, None if value else _WRITE, article)


# The diagram of form 3 ------------------------------------------------------------------------------------------------

_WIDTH: Final = 720
_INK: Final = "#1d1a16"
_QUIET: Final = "#5c5348"
_BOX: Final = 328
_STEP: Final = 21
_GAP: Final = 40
_CHARS: Final = 44
"""Half-width characters that fit on a line of a box."""


def diagram(network: Network) -> str:
    """Draw the network as SVG: who reaches what, through which lines, and where it stands.

    Presentation attributes only, so that it needs neither a style sheet nor an exception from the content policy.
    """
    proxy, server = network.machine("proxy"), network.machine("server")
    stores = [machine for machine in network.machines if machine.key in {"database", "redis"}]
    rows = [[machine] for machine in (proxy, server) if machine] + ([stores] if stores else [])
    texts = [[_wrapped(_lines_of(machine, network)) for machine in row] for row in rows]
    tall = [_STEP * max(map(len, boxes)) + 18 for boxes in texts]
    top = 176
    height = top + 40 + sum(tall) + _GAP * len(rows)
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "role": "img",
            "font-family": "'Hiragino Sans', 'Noto Sans JP', 'Noto Sans CJK JP', Meiryo, sans-serif",
            "font-size": "13",
            "fill": _INK,
        },
    )
    ET.SubElement(root, "title").text = "ネットワーク構成図"
    ET.SubElement(root, "desc").text = " / ".join(filter(None, described(network)))
    ET.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    middle = _WIDTH // 2
    _line(root, middle, 76, middle, top + 40)
    _box(root, middle, 12, ["利用者の端末", "ブラウザー"], height=64)
    scheme = "HTTPS・WebSocket (TLS)" if network.https else "HTTP・WebSocket"
    lines = {
        Answer.NO: "他者の回線を利用（自ら設置する回線設備なし）",
        Answer.YES: "自ら設置する回線設備あり（概要：要記入）",
        Answer.UNKNOWN: "回線設備の設置の有無：要記入",
    }[network.own_lines]
    _words(root, middle + 16, 112, f"インターネット（{scheme}）", anchor="start")
    _words(root, middle + 16, 132, lines, anchor="start", fill=_QUIET)
    if network.site:
        _words(root, middle - 16, 112, _fit(network.site, _CHARS), anchor="end")
    frame = {"x": "8", "y": str(top), "width": str(_WIDTH - 16), "height": str(height - top - 8)}
    ET.SubElement(root, "rect", frame | {"fill": "none", "stroke": _INK, "stroke-dasharray": "6 5"})
    _words(root, 20, top + 20, "届出者が用いる設備（借りたものを含む）", anchor="start", fill=_QUIET)
    above: list[int] = []
    y = top + 40
    for boxes, high in zip(texts, tall, strict=True):
        centres = [_WIDTH * (2 * place + 1) // (2 * len(boxes)) for place in range(len(boxes))]
        for centre, box in zip(centres, boxes, strict=True):
            for start in above:
                _line(root, start, y - _GAP, centre, y)
            _box(root, centre, y, box, height=high)
        above, y = centres, y + high + _GAP
    return ET.tostring(root, encoding="unicode")


def described(network: Network) -> tuple[str, ...]:
    """Say the diagram in words, one piece of equipment each, for those who do not see it and for the text form."""
    return tuple("、".join(filter(None, _lines_of(machine, network))) for machine in network.machines)


def _lines_of(machine: Machine, network: Network) -> tuple[str, ...]:
    name = machine.name.ja
    if machine.key == "server":
        name += f" × {network.processes}（稼働中）" if network.processes else "（数：要記入）"
    return (name, machine.role.ja, machine.where, f"設置場所：{machine.place or '要記入'}")


def _box(parent: ET.Element, centre: int, y: int, lines: list[str], *, height: int) -> None:
    place = {"x": str(centre - _BOX // 2), "y": str(y), "width": str(_BOX), "height": str(height)}
    ET.SubElement(parent, "rect", place | {"fill": "#ffffff", "stroke": _INK, "stroke-width": "1.5"})
    first, *rest = lines
    start = y + (height - _STEP * len(lines)) // 2 + 15
    _words(parent, centre, start, first, weight="bold", size="15")
    for number, line in enumerate(rest, start=1):
        _words(parent, centre, start + number * _STEP, line)


def _words(
    parent: ET.Element,
    x: int,
    y: int,
    text: str,
    *,
    anchor: str = "middle",
    weight: str = "",
    size: str = "",
    fill: str = "",
) -> None:
    given = {"font-weight": weight, "font-size": size, "fill": fill}
    place = {"x": str(x), "y": str(y), "text-anchor": anchor}
    ET.SubElement(parent, "text", place | {key: value for key, value in given.items() if value}).text = text


def _line(parent: ET.Element, x1: int, y1: int, x2: int, y2: int) -> None:
    ends = {"x1": str(x1), "y1": str(y1), "x2": str(x2), "y2": str(y2)}
    ET.SubElement(parent, "line", ends | {"stroke": _INK, "stroke-width": "1.5"})


def _fit(text: str, units: int) -> str:
    """Cut a text to so many half-width places; what is wide in East Asia takes two."""
    head = _split(text, units)[0]
    return text if head == text else head[:-1] + "…"


def _wrapped(lines: Iterable[str]) -> list[str]:
    """Break what is too long for a box; its name, the first line, is cut instead."""
    first, *rest = filter(None, lines)
    return [_fit(first, _CHARS - 6), *(part for line in rest for part in _split(line, _CHARS))]


def _split(text: str, units: int) -> list[str]:
    parts, used = [""], 0
    for sign in text:
        wide = 2 if unicodedata.east_asian_width(sign) in "FWA" else 1
        if used + wide > units:
            parts.append("")
            used = 0
        parts[-1] += sign
        used += wide
    return parts


# Text for the electronic form -----------------------------------------------------------------------------------------


def as_text(draft: Draft) -> str:
    """Return forms 8, 3 and 4 as plain Japanese text, to be copied box by box into the electronic form."""
    bureau = draft.applicant.bureau
    parts = [
        f"【{DRAFT.ja}】",
        "",
        "■ 電気通信事業届出書（様式第8）",
        "提出先：総務大臣"
        + (f"（{bureau.ja}長経由）" if bureau else "（経由する総合通信局：住所から分からないため、要確認）"),
        *(_pair(entry) for entry in (*draft.head, *draft.items)),
        "",
        "■ ネットワーク構成図（様式第3）",
        *(f"・{line}" for line in described(draft.network)),
        "",
        "■ 提供する電気通信役務（様式第4）",
        *(f"・項目番号（総合通信局に確認）：{service.ja}" for service in draft.offered or (_WRITE,)),
        "",
        "■ 添付書類",
        *(f"・{paper.ja}" for paper in draft.attachments),
        "",
        "■ 手で書くもの・確かめるもの",
        *(f"・{left.ja}" for left in draft.by_hand),
    ]
    return "\n".join(parts) + "\n"


def _pair(entry: Entry) -> str:
    return f"{entry.label.ja}：{entry.value or f'（{(entry.by_hand or _WRITE).ja}）'}"


# From the deployment --------------------------------------------------------------------------------------------------

PLACES: Final = ("proxy", "server", "database", "redis")


def gather(settings: Any, snapshot: gate.Snapshot, stored: Mapping[str, Any] | None = None) -> Draft:
    """Write the draft from what is known: the settings, the gate, the assessment on record and the operator's notes.

    Args:
        settings: Django's.
        snapshot: the gate as it is.
        stored: the operator's notes; the stored ones if None.
    """
    if stored is None:
        stored = Filing.objects.filter(id=1).values_list("facts", flat=True).first() or {}
    position = assessment.position(snapshot)
    if position.assessment:
        case = assessment.case_of(position.assessment)
        offered = [feature for feature, answer in case.offered().items() if answer is not Answer.NO]
        own_lines = case.given.get("N8", Answer.UNKNOWN)
    else:
        offered, own_lines = list(assessment.doors()), Answer.UNKNOWN
    places = stored.get("places", {})
    live = Signature.objects.filter(withdrawn_at__isnull=True, item_id__in=("LAW-03", "LAW-04"))
    return Draft(
        applicant=Applicant.of(stored, snapshot.standing),
        network=Network.of(
            settings,
            processes=Instance.objects.filter(seen_at__gt=timezone.now() - gate.INSTANCE_TTL).count(),
            places=places if isinstance(places, dict) else {},
            own_lines=own_lines,
        ),
        services=tuple(feature for feature in offered if RULES[feature].required is Required.NOTIFIED),
        outcome=position.outcome,
        stale=bool(position.changes),
        milestones=milestones(snapshot.standing, {signature.item_id: signature.evidence for signature in live}),
    )
