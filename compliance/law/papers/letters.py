"""The letters that answer papers, in Japanese, ready to send, each with an English gloss. Data.

A letter on a police or bar enquiry has no place for free text: what its writer cannot put in, it cannot give away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from types import MappingProxyType
from typing import Final

from compliance.law.papers.kinds import Kind
from compliance.law.text import Text

FIELDS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "detail": Text("記載すること", "what it says in addition"),
        "deadline": Text("回答の期限", "last day for an answer"),
        "until": Text("保全の最後の日", "last day of the hold"),
    }
)
"""What a writer fills in. All else (date, names, number of the paper, number of the case) comes from the case."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter.

    Attributes:
        key: unique within its kind.
        title: the matter (件名).
        body: with fields in braces.
        gloss: what it says, in English.
        by_mail: goes to the mail address that the sender of a request gave, as it is; it repeats no words of theirs.
        english: of a letter by mail its words in English, with the same fields; empty where the gloss says them.
    """

    key: str
    title: Text
    body: str
    gloss: str
    by_mail: bool = False
    english: str = ""

    @property
    def ja(self) -> str:
        return self.title.ja

    @property
    def en(self) -> str:
        return self.title.en

    @property
    def asks(self) -> tuple[str, ...]:
        """The fields that its writer fills in."""
        named = {name for _text, name, _spec, _conversion in Formatter().parse(self.body) if name}
        return tuple(name for name in FIELDS if name in named)

    @property
    def in_english(self) -> str:
        """The words of a letter by mail in English, with its fields."""
        return self.english or self.gloss

    def written(self, language: str = "ja", **values: str) -> str:
        """Return the whole letter.

        Args:
            language: `ja`, or `en` for a letter that goes by mail. Papers of authorities are answered in Japanese.
            values: `date`, `to`, `operator`, `address`, `contact`, `their_date`, `their_number`, `case`, and what
                `asks` names.

        Raises:
            KeyError: a field is missing.
        """
        if language == "en" and self.by_mail:
            return _LETTER_EN.format(title=self.title.en, body=self.in_english.format(**values), **values)
        return _LETTER.format(title=self.title.ja, body=self.body.format(**values), **values)


_LETTER: Final = """{date}

{to}

{operator}
{address}
連絡先：{contact}

{title}

{body}

以上

整理番号：{case}
"""

_LETTER_EN: Final = """{date}

{to}

{operator}
{address}
Contact: {contact}

{title}

{body}

Our number: {case}
"""

_NEITHER: Final = "なお、この回答は、お尋ねの事項に該当する記録があることも、ないことも示すものではありません。"

_POLICE: Final = (
    Letter(
        "warrant_only",
        Text("捜査関係事項照会について（回答）", "Answer to a police enquiry: by warrant only"),
        "{their_date}付け{their_number}の照会書を受領しました。\n\n"
        "通信の秘密（電気通信事業法4条1項）に当たる事項については、刑事訴訟法197条2項の照会に対しては、"
        "記録の存否を含めて回答を差し控えます。これらの事項については、裁判官の発する令状（電磁的記録提供命令を含みます。）に"
        "よりお求めください。令状を示されたときは、命じられた範囲で速やかに応じます。\n\n"
        "消去を防ぐ必要のある通信履歴については、刑事訴訟法197条3項に基づく書面または電磁的記録による保全要請を承ります。\n\n"
        + _NEITHER,
        "We received your enquiry. What is secrecy of communications we do not answer on a letter of enquiry, nor "
        "whether there is a record of it: please obtain a warrant, which we obey promptly in its scope. We take a "
        "freeze request under Article 197(3). This answer shows neither that there is such a record nor that there is "
        "none.",
    ),
    Letter(
        "account_given",
        Text("捜査関係事項照会について（会員情報の回答）", "Answer to a police enquiry: account data as enclosed"),
        "{their_date}付け{their_number}の照会書を受領しました。\n\n"
        "お尋ねの事項のうち、通信の秘密に当たらない会員情報について、個人情報保護法27条1項に照らして検討し、"
        "別紙のとおり回答します。\n\n"
        "通信の秘密（電気通信事業法4条1項）に当たる事項については、記録の存否を含めて回答を差し控えます。"
        "裁判官の発する令状によりお求めください。\n\n" + _NEITHER.replace("お尋ねの事項に", "通信の秘密に"),
        "On account data that is no secrecy of communications we answer as enclosed, having weighed APPI 27(1). On "
        "the rest we answer nothing, nor whether there is a record of it: please obtain a warrant.",
    ),
    Letter(
        "account_declined",
        Text("捜査関係事項照会について（回答の差し控え）", "Answer to a police enquiry: declined"),
        "{their_date}付け{their_number}の照会書を受領しました。\n\n"
        "通信の秘密（電気通信事業法4条1項）に当たる事項については、記録の存否を含めて回答を差し控えます。"
        "そのほかの会員情報についても、個人情報保護法27条1項に照らして検討した結果、照会に対する任意の回答は差し控えます。"
        "裁判官の発する令状によりお求めください。\n\n" + _NEITHER,
        "We decline to answer on a letter of enquiry, also as to other account data, having weighed APPI 27(1). "
        "Please obtain a warrant.",
    ),
)

_BAR: Final = (
    Letter(
        "secrecy_declined",
        Text("弁護士会照会について（回答）", "Answer to a bar association: secrecy of communications"),
        "{their_date}付け{their_number}の照会書を受領しました。\n\n"
        "通信の秘密（電気通信事業法4条1項）に当たる事項については、弁護士法23条の2第2項の照会に対しては、"
        "記録の存否を含めて回答を差し控えます。\n\n" + _NEITHER,
        "What is secrecy of communications we do not answer on an enquiry under the Attorneys Act, nor whether there "
        "is a record of it. This answer shows neither that there is such a record nor that there is none.",
    ),
    Letter(
        "account_given",
        Text("弁護士会照会について（会員情報の回答）", "Answer to a bar association: account data as enclosed"),
        "{their_date}付け{their_number}の照会書を受領しました。\n\n"
        "お尋ねの事項のうち、通信の秘密に当たらない会員情報について、個人情報保護法27条1項に照らして検討し、"
        "別紙のとおり回答します。通信の秘密（電気通信事業法4条1項）に当たる事項については、記録の存否を含めて"
        "回答を差し控えます。",
        "On account data that is no secrecy of communications we answer as enclosed, having weighed APPI 27(1). On "
        "the rest we answer nothing, nor whether there is a record of it.",
    ),
)

_WARRANT: Final = (
    Letter(
        "handed_over",
        Text("電磁的記録の提供について", "Handing over electronic records"),
        "{their_date}付け{their_number}の命令に基づき、命じられた電磁的記録を、加工せずに提供します。\n\n"
        "提供するもの：\n{detail}\n\n"
        "記録媒体には暗号化して収めています。復号のための鍵は、別の方法でお渡しします。",
        "Under your order we hand over the records that it names, unaltered, as listed. The medium is encrypted; the "
        "key comes by another way.",
    ),
    Letter(
        "none_held",
        Text("電磁的記録提供命令について（該当する記録の不存在）", "On an order: no such record is held"),
        "{their_date}付け{their_number}の命令を受領し、命じられた範囲について確認しましたが、"
        "該当する電磁的記録を保管していません。\n\n{detail}",
        "We looked for what your order names and hold no such record.",
    ),
)

_PRESERVATION: Final = (
    Letter(
        "kept",
        Text("通信履歴の保全要請について（回答）", "Answer to a freeze request"),
        "{their_date}付け{their_number}の求めを受領しました。刑事訴訟法197条3項に基づき、求めにより特定された通信履歴のうち、"
        "当方が業務上記録しているものがあれば、{until}まで消去しない措置を講じました。\n\n"
        "期間の延長が必要なときは、期間が終わる前に、同条4項による延長の求めをお送りください。"
        "期間が終わると、記録は当方の保存期間に従って消去されます。\n\n"
        "なお、この回答は、特定された通信履歴があることも、ないことも示すものではありません。"
        "提供には、裁判官の発する令状が必要です。",
        "Whatever of the specified history we hold is kept from erasure until the day named. Ask for an extension "
        "before it ends. This shows neither that there is such a record nor that there is none; handing over takes a "
        "warrant.",
    ),
    Letter(
        "extended",
        Text("通信履歴の保全の延長について（回答）", "Answer to the extension of a freeze request"),
        "{their_date}付け{their_number}の求めを受領しました。刑事訴訟法197条4項に基づき、保全の期間を{until}まで延長しました。"
        "期間は通じて60日を超えることができません。",
        "The period is extended to the day named. It cannot exceed 60 days in all.",
    ),
    Letter(
        "unspecified",
        Text("通信履歴の保全要請について（補正のお願い）", "A freeze request that lacks something"),
        "{their_date}付け{their_number}の求めを受領しましたが、対象の通信履歴の特定または30日を超えない期間の定めが"
        "確認できません。次の点を補ってお送りください。\n\n{detail}",
        "We cannot see which history is meant, or a period of at most 30 days. Please complete it.",
    ),
)

_RECEIVED: Final = (
    "お申出を受け付けました。内容を確認し、あらためてご連絡します。\n\n"
    "このメールには、お申出の内容を書いていません。お心当たりがない場合は、下の連絡先へお知らせください。"
)
_RECEIVED_GLOSS: Final = (
    "We received your request, will look at it and write again. This mail repeats nothing of it. If you sent none, "
    "please tell us."
)
_MORE: Final = (
    "お申出について、次の点を確認できませんでした。{deadline}までに、このメールに返信して補ってください。\n\n{detail}"
)
_MORE_GLOSS: Final = "We could not make out the following. Please complete it by the day named."
_MORE_ENGLISH: Final = (
    "There is something in your request that we could not make out. Please complete it in a reply to this mail by "
    "{deadline}.\n\n{detail}"
)


def _received(title: Text) -> Letter:
    return Letter("received", title, _RECEIVED, _RECEIVED_GLOSS, by_mail=True)


def _more(title: Text) -> Letter:
    return Letter("more", title, _MORE, _MORE_GLOSS, by_mail=True, english=_MORE_ENGLISH)


_REMOVAL: Final = (
    _received(Text("削除のお申出を受け付けました", "Your request for removal was received")),
    _more(Text("削除のお申出について（確認のお願い）", "Removal: please complete")),
    Letter(
        "to_poster",
        Text("投稿の削除に関する照会", "Enquiry to the poster before a removal"),
        "あなたの次の投稿について、権利を侵害するとして削除の申出がありました。\n\n{detail}\n\n"
        "情報流通プラットフォーム対処法3条2項2号に基づき、削除に同意するかどうかを照会します。同意しない場合は、理由を添えて、"
        "{deadline}までにお知らせください。期限までに同意しない旨の申出がないときは、投稿を削除することがあります。",
        "Somebody asks us to remove your post as infringing their right. We ask whether you agree. If you do not, "
        "say so with reasons by the day named; without an objection we may remove it.",
    ),
    Letter(
        "removed",
        Text("削除のお申出について（削除しました）", "Removal: done"),
        "お申出の投稿を確認し、削除しました。",
        "We looked at the post and removed it.",
        by_mail=True,
    ),
    Letter(
        "declined",
        Text("削除のお申出について（削除しません）", "Removal: declined"),
        "お申出の投稿を確認しましたが、次の理由により削除しないこととしました。\n\n{detail}\n\n"
        "この判断は、裁判所に削除を求めることを妨げるものではありません。",
        "We looked at the post and decided not to remove it, for the reason given. You are free to go to court.",
        by_mail=True,
        english="We looked at the post and decided not to remove it, for this reason:\n\n{detail}\n\nYou are free to "
        "ask a court for its removal.",
    ),
)

_DISCLOSURE: Final = (
    _received(Text("開示のご請求を受け付けました", "Your request for disclosure was received")),
    _more(Text("開示のご請求について（確認のお願い）", "Disclosure: please complete")),
    Letter(
        "to_poster",
        Text("発信者情報の開示に関する意見照会", "Hearing the poster before a disclosure"),
        "あなたの次の投稿について、発信者情報の開示の請求がありました。\n\n{detail}\n\n"
        "情報流通プラットフォーム対処法6条1項に基づき、開示に応じるかどうかについて、あなたの意見（応じるべきでないと"
        "考える場合は、その理由を含みます。）を伺います。{deadline}までにお答えください。",
        "Somebody asks us who posted this. Please tell us by the day named whether we should answer, and if not, why.",
    ),
    Letter(
        "order_to_poster",
        Text("発信者情報開示命令を受けたことの通知", "Notice to a poster who objected: the order came"),
        "あなたが開示に応じるべきでないと述べられた請求について、裁判所の発信者情報開示命令を受けました。"
        "情報流通プラットフォーム対処法6条2項に基づき、お知らせします。\n\n{detail}",
        "A court ordered the disclosure to which you had objected.",
    ),
    Letter(
        "declined",
        Text("開示のご請求について（開示しません）", "Disclosure: declined"),
        "ご請求について投稿者の意見を聴くなどして検討しましたが、次の理由により開示しないこととしました。\n\n{detail}\n\n"
        "この判断は、裁判所に開示命令を申し立てることを妨げるものではありません。",
        "Having weighed your request we do not disclose, for the reason given. You are free to apply to a court.",
        by_mail=True,
        english="We heard the poster as far as possible and weighed your request. We do not disclose, for this "
        "reason:\n\n{detail}\n\nYou are free to ask a court for an order to disclose.",
    ),
    Letter(
        "given",
        Text("開示のご請求について（開示します）", "Disclosure: given"),
        "ご請求について検討した結果、別紙のとおり発信者情報を開示します。ご請求の目的以外に使わないでください。",
        "We disclose as enclosed. Do not use it for another purpose.",
    ),
)

_IDENTITY: Final = (
    "ご請求が本人によるものかを確かめます。登録されたメールアドレスから、このメールに{deadline}までに返信してください。\n\n"
    "会員の方は、ログインしてアカウントのページから、ご自身で手続をすることもできます。"
)
_IDENTITY_GLOSS: Final = (
    "We must make sure that it is you: reply from your registered address by the day named. Members can also do this "
    "themselves on the account page."
)

_IDENTITY_ENGLISH: Final = (
    "We must make sure that it is you. Please reply to this mail from your registered address by {deadline}.\n\n"
    "If you are a member, you can also sign in and do this by yourself on your account page."
)

_WHO: Final = Letter(
    "identity",
    Text("ご本人の確認のお願い", "Making sure that it is you"),
    _IDENTITY,
    _IDENTITY_GLOSS,
    by_mail=True,
    english=_IDENTITY_ENGLISH,
)

_ACCESS: Final = (
    _received(Text("保有個人データの開示のご請求を受け付けました", "Your request for your data was received")),
    _WHO,
    Letter(
        "given",
        Text("保有個人データの開示について", "Your personal data"),
        "個人情報保護法33条2項に基づき、あなたの保有個人データを、ご請求の方法で開示します。"
        "ほかの人の情報に当たるものは含めていません。",
        "We give you your personal data in the way you asked for. It holds nothing of others.",
        by_mail=True,
    ),
    Letter(
        "declined",
        Text("保有個人データの開示について（開示しない旨の通知）", "Your personal data: not given"),
        "ご請求の保有個人データについては、次の理由により開示しません（個人情報保護法33条3項）。\n\n{detail}",
        "We do not give the data you asked for, for the reason given.",
        by_mail=True,
        english="We do not give the data you asked for, for this reason (Act on the Protection of Personal "
        "Information, Article 33(3)):\n\n{detail}",
    ),
)

_ERASURE: Final = (
    _received(Text("消去のご請求を受け付けました", "Your request for erasure was received")),
    _WHO,
    Letter(
        "done",
        Text("消去のご請求について（手続を終えました）", "Erasure: done"),
        "個人情報保護法35条に基づき、ご請求の手続を終えました。法令により保存が必要な記録がある場合は、それを除きます。"
        "この記載は、そのような記録があることを示すものではありません。",
        "We did what you asked for, but for records that the law has us keep, if there are any; this does not say "
        "that there are.",
        by_mail=True,
    ),
    Letter(
        "declined",
        Text("消去のご請求について（応じない旨の通知）", "Erasure: declined"),
        "ご請求については、次の理由により応じません（個人情報保護法35条7項）。\n\n{detail}",
        "We do not do what you asked for, for the reason given.",
        by_mail=True,
        english="We do not do what you asked for, for this reason (Act on the Protection of Personal Information, "
        "Article 35(7)):\n\n{detail}",
    ),
)

_LEAK: Final = (
    Letter(
        "bureau",
        Text("漏えいの発生について（第一報）", "First report of a leak"),
        "電気通信事業法28条1項に基づき、次のとおり報告します。判明していない事項は、判明しだい報告します。\n\n{detail}",
        "We report the following; what is not known yet follows.",
    ),
    Letter(
        "people",
        Text("あなたの個人データの漏えいについて", "Your personal data leaked"),
        "あなたの個人データが漏えいした、または漏えいしたおそれがあります。\n\n{detail}\n\nおわび申し上げます。"
        "ご不明の点は、上の連絡先へお問い合わせください。",
        "Your personal data leaked or may have leaked. We are sorry; please ask us at the address above.",
    ),
)

LETTERS: Final[Mapping[Kind, tuple[Letter, ...]]] = MappingProxyType(
    {
        Kind.POLICE_INQUIRY: _POLICE,
        Kind.BAR_INQUIRY: _BAR,
        Kind.WARRANT: _WARRANT,
        Kind.PRESERVATION: _PRESERVATION,
        Kind.REMOVAL: _REMOVAL,
        Kind.DISCLOSURE: _DISCLOSURE,
        Kind.SUBJECT_ACCESS: _ACCESS,
        Kind.SUBJECT_ERASURE: _ERASURE,
        Kind.LEAK: _LEAK,
    }
)
"""The letters of each kind."""
