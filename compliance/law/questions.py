"""The decision procedure in plain words: questions, examples, and what each answer changes. A data table.

`procedure.assess` alone decides where an answer leads; tests compare the effects below with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from compliance.law.classify import Answer
from compliance.law.procedure import Outcome
from compliance.law.sources import Question
from compliance.law.text import Text

_YES, _NO, _UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN

ANSWERS: Final[Mapping[Answer, Text]] = MappingProxyType(
    {_YES: Text("はい", "Yes"), _NO: Text("いいえ", "No"), _UNKNOWN: Text("分からない", "I do not know")}
)
"""The three answers, as people say them."""


@dataclass(frozen=True, slots=True)
class Example:
    """A case and its answer; `row` is the id of the case in the rule base."""

    answer: Answer
    row: str
    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What an answer changes. `leads` names the nodes or outcomes that can follow."""

    answer: Answer
    leads: tuple[str, ...]
    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Guide:
    """The explanation of one question: its meaning, examples and effects."""

    node: str
    title: Text
    plain: Text
    examples: tuple[Example, ...]
    effects: tuple[Effect, ...]
    question: Question | None = None
    """The open question here, which the bureau must answer."""


_CONSULT: Final = (
    "ここで判定が止まり「要相談」になります。クローズド・チャットは開きません。",
    "The procedure stops here with “ask the bureau”, and closed chat stays off.",
)


def _stop(ja: str = "", en: str = "") -> Effect:
    return Effect(_UNKNOWN, (Outcome.CONSULT,), _CONSULT[0] + ja, " ".join(filter(None, (_CONSULT[1], en))))


GUIDES: Final[Mapping[str, Guide]] = MappingProxyType(
    {
        guide.node: guide
        for guide in (
            Guide(
                "N1",
                Text("メッセージを運ぶ設備", "Equipment that carries messages"),
                Text(
                    "自分で持つサーバーだけでなく、借りたサーバーやクラウドも設備に数えます。",
                    "Rented servers and the cloud count as equipment, not only machines of your own.",
                ),
                (
                    Example(
                        _YES,
                        "D-3",
                        "このソフトウェアをクラウドで動かし、利用者どうしが書き込みや会話を送り合う",
                        "This software runs in the cloud, and users send each other posts or talk",
                    ),
                    Example(
                        _NO,
                        "K-29",
                        "一人で使うメモや AI との会話で、ほかの利用者がいない",
                        "Notes or an AI chat that one person uses alone",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        ("N2",),
                        "電気通信役務に当たりうるので、次に誰のための通信かを確かめます。",
                        "It may be a telecommunications service; next comes whose need it serves.",
                    ),
                    Effect(
                        _NO,
                        (Outcome.OUT_NO_SERVICE,),
                        "電気通信役務に当たらないと考えられ、ここで終わります。",
                        "It appears not to be a telecommunications service, and the questions end.",
                    ),
                    _stop(),
                ),
            ),
            Guide(
                "N2",
                Text("誰のための通信か", "Whose need it serves"),
                Text(
                    "主な事業が別にあるかどうかではなく、利用者どうしがやり取りできるかどうかで答えます。"
                    "サービスの一部でもやり取りできるなら「はい」です。",
                    "What counts is whether users can talk with each other, not whether something else is your main "
                    "business. If they can, even in a small part of the service, answer yes.",
                ),
                (
                    Example(
                        _YES,
                        "D-4",
                        "会員が互いに話すためのチャットサービス",
                        "A chat service that members use to talk with each other",
                    ),
                    Example(
                        _YES,
                        "D-18",
                        "フリマの売り手と買い手のメッセージ",
                        "Messages between buyer and seller on a marketplace",
                    ),
                    Example(_YES, "K-12", "ゲームの中で相手を選んで話す機能", "Chat with chosen players inside a game"),
                    Example(_YES, "K-6", "SNS のダイレクトメッセージ", "Direct messages on a social network"),
                    Example(
                        _YES,
                        "K-16",
                        "求人サイトで応募者と企業が送り合うメッセージ、商談相手を探す会員どうしのメッセージ",
                        "Messages between applicants and employers on a recruiting site, or between members who seek "
                        "business",
                    ),
                    Example(
                        _NO,
                        "K-15",
                        "自社の通信販売の問い合わせ窓口（自社が必ず一方の当事者になる）",
                        "The enquiry desk of your own shop, where you are always one side",
                    ),
                    Example(_NO, "K-24", "一つの会社の中だけの連絡", "Staff talk inside one company"),
                    Example(
                        _UNKNOWN,
                        "K-26",
                        "グループ会社で共用するチャットを、その一社が運営する",
                        "A chat shared by group companies and run by one of them",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        ("N3",),
                        "他人の需要に応ずる通信として、次に続け方を確かめます。",
                        "It meets others' demand; next comes how lasting it is.",
                    ),
                    Effect(
                        _NO,
                        (Outcome.OUT_OWN_DEMAND,),
                        "自己の需要による通信と考えられ、ここで終わります。利用者どうしがやり取りできるのに「いいえ」と答えると、"
                        "必要な届出を見落とすことになります。",
                        "It appears to be communication for your own demand, and the questions end. If users can talk "
                        "with "
                        "each other after all, this answer would hide a filing that is due.",
                    ),
                    _stop(),
                ),
            ),
            Guide(
                "N3",
                Text("続けて行うか", "Repeated or one-off"),
                Text(
                    "もうけの有無は関係ありません。目的をもって繰り返し続けるかどうかだけを答えます。",
                    "Profit has no part in this question: only whether it goes on, with purpose.",
                ),
                (
                    Example(
                        _YES, "D-11", "毎日開けているサービス（無料のものも）", "A service open every day, free or not"
                    ),
                    Example(_NO, "D-11", "一日限りの催しのために一度だけ開く", "Opened once for a one-day event"),
                    Example(
                        _NO, "D-11", "災害時の緊急の措置として開く", "Opened as an emergency measure in a disaster"
                    ),
                ),
                (
                    Effect(
                        _YES,
                        ("N4",),
                        "「事業」に当たると考えられ、次に「営む」かどうかを確かめます。",
                        "It appears to be a business in the Act's sense; next comes whether it is for gain.",
                    ),
                    Effect(
                        _NO,
                        (Outcome.OUT_NOT_BUSINESS,),
                        "「事業」に当たらないと考えられ、ここで終わります。",
                        "It appears not to be a business, and the questions end.",
                    ),
                    _stop(),
                ),
            ),
            Guide(
                "N4",
                Text("収益を得る目的", "For gain"),
                Text(
                    "実際に黒字かどうかではなく、この通信サービスで収入を得ようとしているかを、形式ではなく実質で答えます。"
                    "この質問は判断が最も分かれるところです。",
                    "Not whether there is a profit, but whether income is sought from this service, in "
                    "substance and not "
                    "on paper. This is the least certain question of all.",
                ),
                (
                    Example(_YES, "D-12", "会費や有料プランがある（赤字でも）", "Fees or a paid plan, even at a loss"),
                    Example(
                        _YES,
                        "K-28",
                        "無料のチャットで客を集め、実質的に有料の事業でもうける",
                        "A free chat that in substance earns through a paid business",
                    ),
                    Example(_NO, "K-27", "趣味で、無償または実費だけで開く", "A hobby, free of charge or at cost"),
                    Example(
                        _UNKNOWN,
                        "TBA 165",
                        "地方公共団体が、営利を目的とせずに誰でも使えるように開く（165条の届出が必要なことがある）",
                        "A local government opens it to everyone without seeking gain (a notification under Article "
                        "165 "
                        "may be due)",
                    ),
                    Example(
                        _UNKNOWN,
                        "Q-3",
                        "広告や寄付で費用をまかなっている",
                        "Ads or donations cover the costs",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        ("N5",),
                        "電気通信事業を「営む」ものとして、適用除外に当たらないかを確かめます。",
                        "It counts as carried on for gain; next come the exclusions.",
                    ),
                    Effect(
                        _NO,
                        (Outcome.OUT_NOT_FOR_GAIN,),
                        "「営む」に当たらないと考えられますが、総合通信局の確認を記録するまでクローズド・チャットは開きません（LAW-02）。",
                        "It appears not to be carried on for gain; still, closed chat waits until the "
                        "bureau's answer is on "
                        "record (LAW-02).",
                    ),
                    _stop(
                        "総合通信局に、収入の種類と使い道を示して尋ねてください。",
                        "Ask the bureau, and say where the income comes from and what it is used for.",
                    ),
                ),
                Question.GAIN,
            ),
            Guide(
                "N5",
                Text("一人・一社だけに提供", "For one customer only"),
                Text(
                    "利用者の数ではなく、契約して提供する相手が一人または一社だけかを答えます。",
                    "Not how many people use it, but whether it is provided to one single person or company.",
                ),
                (
                    Example(
                        _YES, "K-24", "一社の社内チャットだけを請け負う", "Running the internal chat of one company"
                    ),
                    Example(_NO, "K-25", "複数の会社に提供する", "Sold to several companies"),
                    Example(_NO, "D-6", "誰でも会員になれる", "Anyone can become a member"),
                ),
                (
                    Effect(
                        _YES,
                        (Outcome.EXEMPT_ITEM1,),
                        "適用除外（164条1項1号）と考えられ、ここで終わります。根拠の記録と総合通信局への確認が要ります。",
                        "It appears to be excluded by 164(1)(i), and the questions end. The basis and the "
                        "bureau's answer "
                        "go on record.",
                    ),
                    Effect(
                        _NO,
                        ("N6",),
                        "この適用除外には当たりません。次の適用除外を確かめます。",
                        "This exclusion does not apply; next comes the other.",
                    ),
                    _stop(),
                ),
            ),
            Guide(
                "N6",
                Text("一つの構内・建物の中だけ", "Inside one site"),
                Text(
                    "インターネットから開けるサービスなら「いいえ」です。借りたサーバーやクラウドも同じです。",
                    "A service that opens from the internet means no; so do rented servers and the cloud.",
                ),
                (
                    Example(
                        _YES,
                        "N6",
                        "館内だけの配線で使い、外につながらない",
                        "Used over wires inside one building, with no way out",
                    ),
                    Example(
                        _NO,
                        "N-a",
                        "インターネットから開ける。自社の線路が短い（0 km の）場合も同じ",
                        "Reachable from the internet, however short (even 0 km) one's own lines are",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        (Outcome.EXEMPT_ITEM2,),
                        "適用除外（164条1項2号の前半）と考えられ、ここで終わります。根拠の記録と総合通信局への確認が要ります。",
                        "It appears to be excluded by the first half of 164(1)(ii), and the questions end. "
                        "The basis and the bureau's answer go on record.",
                    ),
                    Effect(
                        _NO,
                        ("N7",),
                        "この適用除外には当たらないものとして、次に機能を一つずつ確かめます。164条1項2号の後半（設備の規模）が"
                        "及ぶかは公式の見解を確認できていないため、迷うときは総合通信局に確認してください。",
                        "It goes on as if this exclusion did not apply; next come the features, one by one. Whether "
                        "the "
                        "second half of 164(1)(ii), on the size of equipment, applies has not been confirmed: ask the "
                        "bureau when in doubt.",
                    ),
                    _stop(),
                ),
            ),
            Guide(
                "N7",
                Text("通信を媒介する機能", "Features that mediate"),
                Text(
                    "「媒介」とは、選ばれた相手への通信を、内容を変えずに間に立って届けることです。"
                    "運営者（その従業者を含む）と利用者一人の間だけで使う機能は、媒介に数えません。"
                    "このソフトウェアにある機能は、コードから書き込んであります。提供するものを選んでください。",
                    "To mediate is to stand between people and carry, unchanged, what one sends to chosen others. "
                    "A feature used only between the operator (its own staff included) and one user does not count. "
                    "The "
                    "features that this software has are filled in from its code: say which of them you offer.",
                ),
                (
                    Example(
                        _YES,
                        "K-3",
                        "知らない人どうしを組み合わせて、二人だけで話せるようにする",
                        "Pairing strangers for a talk that only the two can read",
                    ),
                    Example(_YES, "K-6", "SNS に付いたダイレクトメッセージ", "Direct messages inside a social network"),
                    Example(_YES, "E-1", "招待された人だけが読める部屋", "A room that only invited people can read"),
                    Example(
                        _NO,
                        "K-1",
                        "誰でも見つけて読める部屋や掲示板",
                        "A room or board that anyone can find and read",
                    ),
                    Example(
                        _NO,
                        "K-15",
                        "自社の相談員（従業者）が利用者一人の相談に答える。有料でも同じ",
                        "Counsellors on your own staff answer one user, for a fee or not",
                    ),
                    Example(
                        _YES,
                        "D-7",
                        "独立した専門家と利用者をつなぐ相談サービス（専門家は運営者ではない）",
                        "A service that connects users with independent experts, who are not the operator",
                    ),
                    Example(
                        _UNKNOWN,
                        "E-9",
                        "フォロワー限定の投稿、誰でも買える有料の部屋",
                        "Posts for followers only; a paid room that anyone can buy into",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        ("N8",),
                        "媒介する機能があるものとして、届出か登録かを回線設備で確かめます。",
                        "Something mediates; whether a notification or a registration is due follows from the lines.",
                    ),
                    Effect(
                        _NO,
                        ("N8",),
                        "このソフトウェアの機能だけで判断します。どれも媒介しなければ、届出の要らない方へ進みます。",
                        "The features of this software alone decide. If none mediates, it goes towards no filing.",
                    ),
                    Effect(
                        _UNKNOWN,
                        (Outcome.CONSULT, "N8"),
                        "このソフトウェアの機能に媒介するものがなければ、ここで判定が止まり「要相談」になります。",
                        "If no feature of this software mediates, the procedure stops here with “ask the bureau”.",
                    ),
                ),
                Question.OPEN_WORDING,
            ),
            Guide(
                "N8",
                Text("自前の回線設備", "Lines of your own"),
                Text(
                    "借りた回線、レンタルサーバー、クラウドは「設置」に数えません。使うだけなら「いいえ」です。",
                    "Rented lines, rented servers and the cloud are not installed by you: using them means no.",
                ),
                (
                    Example(
                        _NO,
                        "D-13",
                        "クラウドやレンタルサーバーだけで動かす",
                        "Run in the cloud or on rented servers only",
                    ),
                    Example(
                        _YES, "D-13", "自分で光ファイバーなどの伝送路を引く", "You lay optical fibre or another line"
                    ),
                    Example(
                        _YES,
                        "N8",
                        "IRU（長期の使用権）で伝送路を持つ",
                        "You hold a line by an indefeasible right of use",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        ("N9",),
                        "次に、その設備の広がりを確かめます。",
                        "Next comes how far that equipment reaches.",
                    ),
                    Effect(
                        _NO,
                        (Outcome.NOTIFY, "N8b"),
                        "媒介する機能があれば届出（16条）となり、ここで終わります。なければ、残る一つの例外を確かめます。",
                        "With a feature that mediates it is a notification (Article 16), and the questions "
                        "end. Without one, "
                        "a last exception is left.",
                    ),
                    _stop(),
                ),
            ),
            Guide(
                "N8b",
                Text("大規模な役務・指定された役務", "Large or designated services"),
                Text(
                    "検索や SNS は、総務大臣の指定を受けているときだけ「はい」です。大きいだけでは当たりません。",
                    "A search or social service means yes only if the Minister designated it; size alone does not do.",
                ),
                (
                    Example(
                        _NO,
                        "K-7",
                        "総務大臣の指定を受けていない SNS や掲示板",
                        "A social service or board that the Minister has not designated",
                    ),
                    Example(
                        _YES,
                        "N8b",
                        "契約数 30 万以上のドメイン名の役務",
                        "A domain name service with 300,000 contracts or more",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        (Outcome.NOTIFY,),
                        "媒介がなくても届出が必要です。ドメイン名の役務は始める前、指定の場合は指定の日から1か月以内です。",
                        "A notification is due although nothing mediates: before the start for a domain name "
                        "service, within "
                        "one month of the day of a designation.",
                    ),
                    Effect(
                        _NO,
                        (Outcome.THIRD_ITEM,),
                        "第三号事業と考えられ、届出は要りません。クローズド・チャットを加えると答えが変わります。",
                        "It appears to be a third-item business, which takes no filing. Adding a closed talk "
                        "changes that.",
                    ),
                    _stop(),
                ),
            ),
            Guide(
                "N9",
                Text("回線設備の広がり", "How far the lines reach"),
                Text(
                    "端末系（利用者側）は市町村の境を、中継系（拠点の間）は都道府県の境を越えるかを答えます。",
                    "Say whether lines to users cross a municipality's border, or lines between sites a prefecture's.",
                ),
                (
                    Example(
                        _YES,
                        "R-1",
                        "県をまたぐ中継線を自分で引いている",
                        "A trunk line of your own between two prefectures",
                    ),
                    Example(_NO, "R-1", "一つの市の中だけの線路", "Lines inside one city only"),
                    Example(
                        _UNKNOWN,
                        "N9",
                        "放送局の無線設備を使う（9条2号の例外に関わる）",
                        "Radio equipment of a broadcaster, which an exception in 9(ii) may concern",
                    ),
                ),
                (
                    Effect(
                        _YES,
                        (Outcome.REGISTER,),
                        "届出では足りず、登録（9条）が必要と考えられます。",
                        "A registration (Article 9) appears to be due; a notification is not enough.",
                    ),
                    Effect(_NO, (Outcome.NOTIFY,), "届出（16条）となります。", "It is a notification (Article 16)."),
                    _stop(),
                ),
            ),
        )
    }
)
"""Each question's plain words, by node."""

VERDICTS: Final[Mapping[Outcome, Text]] = MappingProxyType(
    {
        Outcome.NOTIFY: Text("届出が必要と考えられます", "A notification appears to be due"),
        Outcome.REGISTER: Text("登録が必要と考えられます", "A registration appears to be due"),
        Outcome.THIRD_ITEM: Text(
            "届出は要らないと考えられます（オープンのみ）", "No filing appears to be due (open rooms only)"
        ),
        Outcome.EXEMPT_ITEM1: Text(
            "届出は要らないと考えられます（一の者のみ）", "No filing appears to be due (one customer only)"
        ),
        Outcome.EXEMPT_ITEM2: Text(
            "届出は要らないと考えられます（一つの構内のみ）", "No filing appears to be due (one site only)"
        ),
        Outcome.OUT_NO_SERVICE: Text(
            "届出は要らないと考えられます（役務でない）", "No filing appears to be due (no service)"
        ),
        Outcome.OUT_OWN_DEMAND: Text(
            "届出は要らないと考えられます（自己の需要）", "No filing appears to be due (own demand)"
        ),
        Outcome.OUT_NOT_BUSINESS: Text(
            "届出は要らないと考えられます（事業でない）", "No filing appears to be due (not a business)"
        ),
        Outcome.OUT_NOT_FOR_GAIN: Text(
            "届出は要らない可能性がありますが、確認が必要です", "Perhaps no filing is due; that has to be asked"
        ),
        Outcome.CONSULT: Text("まだ決められません。総合通信局に相談してください", "Not settled: ask the bureau"),
    }
)
"""The verdict in one line."""

_KEPT: Final = Text(
    "答えと結論を LAW-01 として記録します。",
    "Put the answers and the verdict on record as LAW-01.",
)
_ASK: Final = Text(
    "主たる事務所の所在地（個人は住所）を管轄する総合通信局に質問し、その回答を LAW-02 に記録します。",
    "Ask the bureau for your main office (for a person: your address) and put its answer on record with LAW-02.",
)
_EXEMPT_KEY: Final = Text(
    "クローズド・チャットを開くのは、根拠と回答の記録がそろい、TELECOM_REGISTRATION=exempt を設定してからです。",
    "Closed chat may open only once basis and answer are on record and TELECOM_REGISTRATION=exempt is set.",
)
_OUTSIDE: Final = (_KEPT, _ASK, _EXEMPT_KEY)

NEXT_STEPS: Final[Mapping[Outcome, tuple[Text, ...]]] = MappingProxyType(
    {
        Outcome.NOTIFY: (
            _KEPT,
            Text(
                "届出の下書き（様式第8・第3・第4）を作り、始める前に総合通信局へ提出します。",
                "Draft the notification (forms 8, 3 and 4) and hand it to the bureau before you start.",
            ),
            Text(
                "到達したら証拠を LAW-03 に記録し、番号の通知を受けたら LAW-04 に記録します。",
                "When it has arrived, record the proof with LAW-03; when the number is told, record it with LAW-04.",
            ),
        ),
        Outcome.REGISTER: (
            _KEPT,
            Text(
                "登録の申請は、このソフトウェアの下書きの対象外です。総合通信局か弁護士に相談してください。",
                "An application for registration is beyond the drafts of this software. Ask the bureau or a lawyer.",
            ),
        ),
        Outcome.THIRD_ITEM: (
            _KEPT,
            Text(
                "オープンチャットはこのまま開けます。通信の秘密（LAW-06）、外部送信の公表（LAW-11）、保存期間（LAW-12）を整えます。",
                "Open rooms may run as they are. See to secrecy (LAW-06), external transmission (LAW-11) and retention "
                "(LAW-12).",
            ),
            Text(
                "クローズド・チャットは停止したままにします。始めたくなったら、この判定をやり直します。",
                "Closed chat stays off. If you want to offer it, go through these questions again.",
            ),
        ),
        Outcome.EXEMPT_ITEM1: _OUTSIDE,
        Outcome.EXEMPT_ITEM2: _OUTSIDE,
        Outcome.OUT_NOT_FOR_GAIN: (
            *_OUTSIDE,
            Text(
                "運営者が地方公共団体なら、営利を目的としなくても届出（165条）が必要なことがあります。総合通信局に確認します。",
                "If the operator is a local government, a notification (Article 165) may be due even without gain: ask "
                "the bureau.",
            ),
        ),
        Outcome.OUT_NO_SERVICE: _OUTSIDE,
        Outcome.OUT_OWN_DEMAND: _OUTSIDE,
        Outcome.OUT_NOT_BUSINESS: _OUTSIDE,
        Outcome.CONSULT: (
            Text(
                "「分からない」と答えたところを、主たる事務所の所在地（個人は住所）を管轄する総合通信局か弁護士に尋ねます。",
                "Ask the bureau for your main office (for a person: your address), or a lawyer, about the answer that "
                "is "
                "not known.",
            ),
            Text(
                "分かったら、その質問に戻って答え直します。答えは保存されています。",
                "When you know, return to that question. Your answers are kept.",
            ),
            Text(
                "結論が出るまで、クローズド・チャットは停止したままです。",
                "Closed chat stays off until then.",
            ),
        ),
    }
)
"""What to do after each verdict, in order."""
