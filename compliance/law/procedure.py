"""The decision procedure N1 to N9: what the law says about the whole service (`assess`). Pure and total.

Not knowing is an answer of its own: the first unknown ends in `CONSULT`, which keeps closed chat off.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.classify import Answer, FeatureAnswers, any_of, mediates
from compliance.law.sources import OPEN_QUESTIONS, Confidence, Question
from compliance.law.text import Text


class Outcome(StrEnum):
    """The possible ends of the decision procedure."""

    OUT_NO_SERVICE = "OUT_NO_SERVICE"
    OUT_OWN_DEMAND = "OUT_OWN_DEMAND"
    OUT_NOT_BUSINESS = "OUT_NOT_BUSINESS"
    OUT_NOT_FOR_GAIN = "OUT_NOT_FOR_GAIN"
    EXEMPT_ITEM1 = "EXEMPT_ITEM1"
    EXEMPT_ITEM2 = "EXEMPT_ITEM2"
    THIRD_ITEM = "THIRD_ITEM"
    NOTIFY = "NOTIFY"
    REGISTER = "REGISTER"
    CONSULT = "CONSULT"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an outcome means for the operator, and how sure the way there is."""

    articles: tuple[str, ...]
    ja: str
    en: str
    confidence: Confidence
    """Confidence in the conclusion; one that depends on an answer is at best an inference."""


CONSEQUENCES: Final[Mapping[Outcome, Consequence]] = MappingProxyType(
    {
        Outcome.NOTIFY: Consequence(
            ("TBA 16(1)",),
            "電気通信事業の届出（16条）が必要と考えられます。始める前に届け出てください。",
            "A notification under Article 16 appears to be needed, before starting.",
            Confidence.SECONDARY,
        ),
        Outcome.REGISTER: Consequence(
            ("TBA 9", "REG 3(1)"),
            "電気通信事業の登録（9条）が必要と考えられます。届出だけでは始められません。",
            "A registration under Article 9 appears to be needed; a notification is not enough.",
            Confidence.SECONDARY,
        ),
        Outcome.THIRD_ITEM: Consequence(
            ("TBA 164(1)(iii)", "TBA 164(3)", "TBA 27-12"),
            "第三号事業に当たると考えられ、届出は要りません。検閲の禁止と通信の秘密は及び、"
            "外部送信の規律も多くの場合に及びます。クローズド・チャットを加えると判定が変わります。",
            "This appears to be a third-item business, which takes no filing. No censorship and secrecy apply, and "
            "usually the rules on external transmission. Adding a closed talk changes the outcome.",
            Confidence.SECONDARY,
        ),
        Outcome.EXEMPT_ITEM1: Consequence(
            ("TBA 164(1)(i)", "TBA 164(3)"),
            "専ら一の者に提供する事業として、届出は要らないと考えられます。検閲の禁止と通信の秘密は及びます。"
            "根拠の記録が必要です。",
            "Offered to one single person or company, so no filing appears to be due. No censorship and secrecy still "
            "apply. Record the basis.",
            Confidence.SECONDARY,
        ),
        Outcome.EXEMPT_ITEM2: Consequence(
            ("TBA 164(1)(ii)", "TBA 164(3)"),
            "同一の構内・建物内の設備だけによる事業として、届出は要らないと考えられます。"
            "検閲の禁止と通信の秘密は及びます。根拠の記録が必要です。",
            "All equipment sits inside one site or building, so no filing appears to be due. No censorship and secrecy "
            "still apply. Record the basis.",
            Confidence.INFERENCE,
        ),
        Outcome.OUT_NO_SERVICE: Consequence(
            ("TBA 2(iii)", "WTA 9"),
            "電気通信役務に当たらず、届出は要らないと考えられます。有線電気通信法の秘密の保護は別に及びます。",
            "This appears not to be a telecommunications service, so no filing is due. The Wire Telecommunications "
            "Act still protects secrecy.",
            Confidence.INFERENCE,
        ),
        Outcome.OUT_OWN_DEMAND: Consequence(
            ("TBA 2(iv)", "WTA 9"),
            "他人の需要に応ずるものではなく、届出は要らないと考えられます。有線電気通信法の秘密の保護は別に及びます。",
            "Not offered to meet others' demand, so no filing appears to be due. The Wire Telecommunications Act still "
            "protects secrecy.",
            Confidence.INFERENCE,
        ),
        Outcome.OUT_NOT_BUSINESS: Consequence(
            ("TBA 2(iv)", "WTA 9"),
            "反復継続する「事業」ではなく、届出は要らないと考えられます。有線電気通信法の秘密の保護は別に及びます。",
            "Not a repeated and continuous business, so no filing appears to be due. The Wire Telecommunications Act "
            "still protects secrecy.",
            Confidence.INFERENCE,
        ),
        Outcome.OUT_NOT_FOR_GAIN: Consequence(
            ("TBA 16(1)", "WTA 9"),
            "無償または実費のみで「営む」に当たらず、届出は要らないと考えられますが、最も判断が分かれる点です。"
            "総合通信局に確認してください。地方公共団体は、営利を目的としなくても届出が必要なことがあります（165条）。"
            "有線電気通信法の秘密の保護は別に及びます。",
            "Free or at cost, hence not carried on for gain, so no filing appears to be due; but this is the least "
            "certain point. Ask the bureau. A local government may have to notify even so (Article 165). The Wire "
            "Telecommunications Act still protects secrecy.",
            Confidence.SECONDARY,
        ),
        Outcome.CONSULT: Consequence(
            ("TBA 16(1)",),
            "判断に必要な事実か公式の見解が足りません。総合通信局に相談してください。結論が出るまで、クローズド・チャットは開きません。",
            "A fact or an official view is missing. Ask the bureau; closed chat stays off until then.",
            Confidence.UNVERIFIED,
        ),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The answers about the service and each of its features. The default is unknown."""

    carries_messages: Answer = Answer.UNKNOWN
    for_others_demand: Answer = Answer.UNKNOWN
    repeated: Answer = Answer.UNKNOWN
    for_gain: Answer = Answer.UNKNOWN
    local_government: Answer = Answer.UNKNOWN
    """The operator is a local government, which notifies even without gain (TBA 165(1)). Only a yes changes the way:
    almost no operator is one, and without gain closed chat waits for the bureau's answer either way."""
    single_customer_only: Answer = Answer.UNKNOWN
    one_premises: Answer = Answer.UNKNOWN
    features: tuple[FeatureAnswers, ...] = ()
    line_equipment: Answer = Answer.UNKNOWN
    dns_large_or_designated: Answer = Answer.UNKNOWN
    lines_beyond_limits: Answer = Answer.UNKNOWN


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of the decision procedure, with its path and its doubts."""

    outcome: Outcome
    path: tuple[str, ...]
    """Ids of the nodes that were asked, in order."""
    articles: tuple[str, ...]
    """Citations of the nodes asked and of the outcome, each once."""
    doubts: tuple[Text, ...]
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Node:
    """One question of the decision procedure, for people. `field` names the fact in `Answers`."""

    id: str
    field: str
    articles: tuple[str, ...]
    ja: str
    en: str


NODES: Final[Mapping[str, Node]] = MappingProxyType(
    {
        node.id: node
        for node in (
            Node(
                "N1",
                "carries_messages",
                ("TBA 2(iii)",),
                "サーバーなどの設備（自前・レンタル・クラウド）が、利用者どうし、または運営者と利用者の間の"
                "メッセージを運んでいますか。",
                "Do servers or other equipment (own, rented, cloud) carry messages between users, or between operator "
                "and users?",
            ),
            Node(
                "N2",
                "for_others_demand",
                ("TBA 2(iv)",),
                "その通信は、利用者の求めに応じて提供するものですか。利用者どうしがやり取りする機能が、たとえサービスの"
                "一部であってもあれば「はい」です（フリマの売り手と買い手、ゲーム内の会話、SNSのDM、求人応募の"
                "メッセージなど）。「いいえ」は、運営者自身が一方の当事者となるやり取りだけの場合（自社の問い合わせ窓口）か、"
                "社内の連絡だけの場合です。",
                "Is that communication offered to meet users' demand? If users can talk with each other at all, even "
                "as "
                "a small part of the service, answer yes (buyer and seller on a marketplace, chat inside a game, "
                "direct "
                "messages on a social network, messages between applicant and employer). Answer no only if the "
                "operator "
                "itself is one side of every conversation (its own enquiry desk), or if it is staff talk only.",
            ),
            Node(
                "N3",
                "repeated",
                ("TBA 2(iv)",),
                "目的をもって反復・継続して行いますか（一度きりや緊急の措置ではありませんか）。",
                "Is it repeated and continuous, with purpose (not one-off, not an emergency measure)?",
            ),
            Node(
                "N4",
                "for_gain",
                ("TBA 9", "TBA 16(1)"),
                "実質的に収益を得る目的で行いますか（料金、有料プラン、メッセージ機能が支える広告や販売など）。"
                "無償や実費のみなら「いいえ」ですが、広告や寄付で費用をまかなう場合など、迷うときは「分からない」と"
                "答えてください。",
                "Is it carried on for gain, in substance (fees, a paid plan, ads or sales that the messaging serves)? "
                "Free of charge and at cost mean no; where ads or donations cover the costs, or in any doubt, answer "
                "unknown.",
            ),
            Node(
                "N5",
                "single_customer_only",
                ("TBA 164(1)(i)",),
                "一人または一社だけに提供しますか（相手が電気通信事業者で、その電気通信事業に使う場合は「いいえ」）。",
                "Is it offered only to one single person or company, which is not a carrier using it for its own "
                "telecom business?",
            ),
            Node(
                "N6",
                "one_premises",
                ("TBA 164(1)(ii)",),
                "設備のすべてが同じ構内か同じ建物の中にあり、インターネットから届きませんか。",
                "Does everything sit inside one site or one building, unreachable from the internet?",
            ),
            Node(
                "N7",
                "features",
                ("TBA 2(iii)", "TBA 164(1)(iii)"),
                "他人の通信を媒介する機能（宛先が特定され、内容を変えずに、運営者以外の人どうしをつなぐもの）が"
                "一つでもありますか。運営者（その従業者を含む）と利用者一人の間だけのやり取りは数えません。",
                "Does any feature mediate: designated recipients, content carried unchanged, parties other than the "
                "operator? Talk between the operator (its own staff included) and one user only does not count.",
            ),
            Node(
                "N8",
                "line_equipment",
                ("TBA 9(i)", "TBA 164(1)(iii)"),
                "電気通信回線設備（自前の伝送路。IRU を含みます）を設置しますか。",
                "Does the operator install line equipment (own transmission lines, IRU included)?",
            ),
            Node(
                "N8b",
                "dns_large_or_designated",
                ("TBA 164(1)(iii)", "REG 59-2", "REG 59-3"),
                "大規模なドメイン名の役務（契約数30万以上または告示されたもの）か、総務大臣に指定された検索・"
                "大規模 SNS などに当たりますか。",
                "Is it a domain name service (300,000 contracts or more, or a listed domain), or a search or large "
                "social service that the Minister designated?",
            ),
            Node(
                "N9",
                "lines_beyond_limits",
                ("TBA 9(i)", "REG 3(1)"),
                "その回線設備は、端末系で一つの市町村（指定都市では区）、または中継系で一つの都道府県を越えますか。"
                "放送局の無線設備の例外（9条2号）に関わる場合は「分からない」と答えてください。",
                "Does that line equipment cross one municipality (one ward of a designated city) for terminal lines, "
                "or one prefecture for trunk lines? If the exception for broadcasters' radio equipment (9(ii)) may "
                "matter, answer unknown.",
            ),
        )
    }
)
"""The questions, in the order in which they are asked."""

FEATURE_QUESTIONS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "operator_and_one_user": Text(
            "やり取りは運営者（その従業者を含む）と利用者一人の間だけですか（問い合わせ窓口など）。",
            "Are the only parties the operator (its own staff included) and one user, as in an enquiry form?",
        ),
        "second_user": Text("ほかの利用者がいますか。", "Is there a second user at all?"),
        "anyone_may_read": Text(
            "招待・承認・合言葉・非公開リンクなしに、誰でも読めますか。",
            "Can anyone read it, without an invitation, approval, password or secret link?",
        ),
        "publicly_listed": Text("一覧などから誰でも見つけられますか。", "Is it listed where anyone can find it?"),
        "no_designated_recipient": Text(
            "宛先を特定の人に限らない機能ですか。", "Is it without a designated recipient?"
        ),
        "not_created_by_pairing": Text(
            "利用者の組み合わせや募集への応募で作られたものではありませんか。",
            "Was it made in another way than by pairing users or by answering a post?",
        ),
        "capacity_does_not_hide_it": Text(
            "定員を超えた人も読むことはできますか。", "Can people beyond the limit of speakers still read?"
        ),
        "no_member_only_history": Text(
            "過去のやり取りも、参加者に限らず誰でも読めますか。", "Can anyone, not only members, read the history?"
        ),
    }
)
"""What to ask about each feature for N7, by the fact's name in `FeatureAnswers`."""

LOCAL_GOVERNMENT: Final = ("TBA 165(1)", "REG 60", "REG 60-2")
"""The articles by which a local government notifies a business that is not for gain."""

_ALWAYS_OPEN: Final = (Question.MANUAL, Question.LATER_LAW)

# Ways of ending at a node with nothing more to ask: (node, answer) -> outcome.
_ENDS: Final[Mapping[tuple[str, Answer], Outcome]] = MappingProxyType(
    {
        ("N1", Answer.NO): Outcome.OUT_NO_SERVICE,
        ("N2", Answer.NO): Outcome.OUT_OWN_DEMAND,
        ("N3", Answer.NO): Outcome.OUT_NOT_BUSINESS,
        ("N4", Answer.NO): Outcome.OUT_NOT_FOR_GAIN,
        ("N5", Answer.YES): Outcome.EXEMPT_ITEM1,
        # Only the first half of 164(1)(ii): its other half, lines shorter than 5 km (REG 59), would read as if every
        # rented server were exempt, which no source supports.
        ("N6", Answer.YES): Outcome.EXEMPT_ITEM2,
        ("N8b", Answer.YES): Outcome.NOTIFY,
        ("N8b", Answer.NO): Outcome.THIRD_ITEM,
        ("N9", Answer.YES): Outcome.REGISTER,
        ("N9", Answer.NO): Outcome.NOTIFY,
    }
)


def assess(answers: Answers) -> Verdict:
    """Walk the decision procedure N1 to N9 for a service and its features (TBA 2, 9, 16, 164).

    Nodes are asked in order, and none after the end. The first unknown ends in `CONSULT`, which keeps closed chat off.
    A local government goes on after N4 although it seeks no gain: what it then needs is a notification (TBA 165(1)),
    whatever lines it has.
    """
    public_body = answers.for_gain is Answer.NO and answers.local_government is Answer.YES
    path: list[str] = []
    mediation = any_of(map(mediates, answers.features))
    given = {node.id: mediation if node.id == "N7" else getattr(answers, node.field) for node in NODES.values()}

    def ask(node: str) -> Outcome | None:
        path.append(node)
        return Outcome.CONSULT if given[node] is Answer.UNKNOWN else _ENDS.get((node, given[node]))

    for node in ("N1", "N2", "N3", "N4", "N5", "N6", "N7", "N8"):
        outcome = ask(node)
        if outcome and not (public_body and outcome is Outcome.OUT_NOT_FOR_GAIN):
            return _verdict(outcome, path, given)
    if given["N8"] is Answer.YES:
        last = Outcome.NOTIFY if public_body else ask("N9")
    elif mediation is Answer.YES:
        last = Outcome.NOTIFY
    else:
        last = ask("N8b")
    more = LOCAL_GOVERNMENT if public_body and last is Outcome.NOTIFY else ()
    return _verdict(last or Outcome.CONSULT, path, given, more)


def _verdict(outcome: Outcome, path: list[str], given: Mapping[str, Answer], more: tuple[str, ...] = ()) -> Verdict:
    consequence = CONSEQUENCES[outcome]
    articles = dict.fromkeys((*(article for node in path for article in NODES[node].articles), *more))
    doubts: list[Question] = []
    if outcome is Outcome.OUT_NOT_FOR_GAIN or (path[-1] == "N4" and outcome is Outcome.CONSULT):
        doubts.append(Question.GAIN)
    if "N7" in path and given["N6"] is Answer.NO:
        doubts.append(Question.SMALL_EQUIPMENT)
    if "N7" in path and given["N7"] is not Answer.YES:
        doubts.append(Question.OPEN_WORDING)
    if path[-1] == "N7":
        doubts.append(Question.SIGNALLING)
    return Verdict(
        outcome=outcome,
        path=tuple(path),
        articles=tuple(articles | dict.fromkeys(consequence.articles)),
        doubts=tuple(OPEN_QUESTIONS[question] for question in (*doubts, *_ALWAYS_OPEN)),
        confidence=consequence.confidence,
    )
