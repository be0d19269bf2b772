"""The draft of a notification (届出): the entries of forms 8, 3 and 4, and what is left to fill in by hand.

The printed forms themselves could not be read: a draft has the items that the Act (16(1)) and the regulation (REG 9)
ask for, to be copied into the official form. What is handed in is in Japanese; labels are in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from compliance import law
from compliance.filing.applicant import Applicant, ApplicantKind
from compliance.filing.attachments import AttachedDocument, attached_documents
from compliance.filing.diagram import describe_network
from compliance.filing.milestones import Milestone
from compliance.filing.network import Network
from compliance.language import current_language
from compliance.law import Answer, Feature, Outcome, Text, japanese_date

DRAFT: Final = Text("下書き・提出前に総合通信局へ確認", "Draft: check with the bureau before filing")
"""The mark on every sheet."""


@dataclass(frozen=True, slots=True)
class FormEntry:
    """One item of a form: its label, its value (in Japanese), and what to fill in by hand where the value is empty."""

    label: Text
    value: str
    by_hand: Text | None = None
    article: str = ""
    note: Text | None = None

    @property
    def cited(self) -> str:
        """The article that requires it, in the language of the request."""
        return law.cite_all([self.article], current_language()) if self.article else ""


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
"""The features that need a notification, as form 4 describes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The facts of a notification; its properties are the entries of the forms."""

    applicant: Applicant = field(default_factory=Applicant)
    network: Network = field(default_factory=Network)
    services: tuple[Feature, ...] = ()
    outcome: Outcome | None = None
    """The recorded verdict of the assessment."""
    stale: bool = False
    """Features or rules changed after that verdict."""
    milestones: tuple[Milestone, ...] = ()
    mark: Text = DRAFT

    @property
    def attachments(self) -> tuple[AttachedDocument, ...]:
        """The documents that go with it."""
        who = self.applicant
        return attached_documents(who.kind, abroad=who.abroad, agent_is_company=who.agent_is_company)

    @property
    def warning(self) -> Text | None:
        """Why this may be the wrong draft; None if nothing speaks against it."""
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
    def head(self) -> tuple[FormEntry, ...]:
        """Who files: the upper part of form 8 (TBA 16(1)(i), REG 9(2)(i))."""
        who = self.applicant
        legal_person = who.kind in {
            ApplicantKind.company,
            ApplicantKind.founding,
            ApplicantKind.body,
            ApplicantKind.government,
        }
        name = Text("名称", "Name") if legal_person else Text("氏名または名称", "Name")
        entries = [
            _entry("郵便番号", "Postal code", who.postal_code),
            _entry("住所（ふりがな）", "Address in kana", who.address_kana),
            _entry("住所", "Address", who.address, "TBA 16(1)(i)"),
            _entry(f"{name.ja}（ふりがな）", "Name in kana", who.name_kana),
            _entry(name.ja, name.en, who.name, "TBA 16(1)(i)"),
        ]
        if who.kind is not ApplicantKind.person:
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
    def items(self) -> tuple[FormEntry, ...]:
        """What is notified: the lower part of form 8 (TBA 16(1)(ii) to (vi))."""
        who = self.applicant
        entries = [
            FormEntry(
                Text("業務区域", "Service area"),
                who.area,
                None if who.area else TO_FILL_IN,
                "TBA 16(1)(iii)",
                Text(
                    "インターネットで全国に提供するなら「全国」と書く例があります。",
                    "For a service on the internet, 全国 (the whole country) is what others have written.",
                ),
            ),
            self._equipment(),
        ]
        if who.abroad is not False:
            unknown = _ABROAD_ONLY if who.abroad is None else TO_FILL_IN
            for ja, en, value, article in (
                ("国内代表者等の氏名または名称", "Representative in Japan", who.agent_name, "TBA 16(1)(ii)"),
                ("国内代表者等の国内の住所", "Its address in Japan", who.agent_address, "TBA 16(1)(ii)"),
                ("国内代表者等の電話番号", "Its phone", who.agent_phone, "REG 9(2)(ii)"),
                ("国内代表者等の電子メールアドレス", "Its e-mail", who.agent_email, "REG 9(2)(ii)"),
            ):
                entries.append(FormEntry(Text(ja, en), value, None if value else unknown, article))
        start = japanese_date(who.start_on) if who.start_on else ""
        entries.append(
            FormEntry(
                Text("事業開始の予定日", "Planned start"),
                start,
                None if start else TO_FILL_IN,
                "",
                Text("様式に欄があるとされています。", "The form is said to have a box for it."),
            )
        )
        return tuple(entries)

    def _equipment(self) -> FormEntry:
        label = Text("電気通信設備の概要", "Outline of the equipment")
        if self.network.own_lines is Answer.NO:
            return FormEntry(
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
        return FormEntry(label, "", TO_FILL_IN, "TBA 16(1)(iv)")

    # Forms 3 and 4 ----------------------------------------------------------------------------------------------------

    @property
    def in_words(self) -> tuple[str, ...]:
        """The diagram of form 3 in words."""
        return describe_network(self.network)

    @property
    def offered(self) -> tuple[Text, ...]:
        """The services on form 4. The number of the form's item is not known: the bureau has to be asked."""
        return tuple(SERVICES[feature] for feature in self.services if feature in SERVICES)

    @property
    def by_hand(self) -> tuple[Text, ...]:
        """What is left to fill in by hand, in the order of the forms."""
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


TO_FILL_IN: Final = Text("要記入", "To be filled in")
_ABROAD_ONLY: Final = Text("外国法人等の場合だけ書く", "Only for those abroad")


def _entry(ja: str, en: str, value: str, article: str = "") -> FormEntry:
    return FormEntry(Text(ja, en), value, None if value else TO_FILL_IN, article)
