"""Renders the law's tables as Markdown: `docs/law.md`, which `python -m compliance.law_docs` writes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from compliance.law import (
    BUREAUX,
    CONDITIONS,
    CONSEQUENCES,
    ITEM,
    ITEMS,
    LAW_VERSION,
    NODES,
    NOT_ADVICE,
    OPEN_QUESTIONS,
    PENALTIES,
    REQUIRED_PARTS,
    REVISIONS,
    RULES,
    SEEN_UNTIL,
    STATUS_TEXTS,
    STATUTES,
    Checklist,
    Confidence,
    Ending,
    Facts,
    Feature,
    Filer,
    Group,
    Item,
    Mode,
    Outcome,
    Penalty,
    Problem,
    Reason,
    Required,
    Restored,
    SignatureFact,
    Standing,
    Status,
    Stop,
    Text,
    cite,
    decide,
    duties,
    judge,
    papers,
    read_standing,
)
from compliance.law.dating import Outcome as DatingOutcome
from compliance.law.duties import Duty, EndFact, Happening, Kind, LapseFact, OutageFact, Retention, SignatureEnd
from compliance.law.outages import Report
from compliance.law.sentences import changed, pending
from compliance.law.variables import DATE, MODE, NUMBER, OPERATOR_ADDRESS, OPERATOR_CONTACT, OPERATOR_NAME, REGISTRATION
from compliance.law.variables import DATING as DATING_NUMBER

DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "law.md"


def render() -> str:
    """Return the whole of `docs/law.md`."""
    sections = (
        _introduction(),
        _version(),
        _rules(),
        _statuses(),
        _procedure(),
        _checklist(),
        _duties(),
        _papers(),
        _penalties(),
        sentences(),
        _open_questions(),
    )
    return "\n\n".join(sections) + "\n" + by_hand()


BY_HAND: Final = "\n<!-- From here on written by hand; `python -m compliance.law_docs` leaves it as it is. -->\n"


def by_hand() -> str:
    """Return the end of the document that people write, with the line above which everything is generated."""
    written = DOCUMENT.read_text(encoding="utf-8") if DOCUMENT.exists() else ""
    _generated, line, kept = written.partition(BY_HAND)
    return line + kept


def _introduction() -> str:
    return f"""\
<!-- Written by `python -m compliance.law_docs` from the code in compliance/. Change it there, not here. -->

# The law behind the gate / ゲートの根拠となる法令

**{NOT_ADVICE.ja} {NOT_ADVICE.en}**

公開されている法令や資料を、プログラムが扱える規則に直したものです。個々のサービスについて結論を出すものではありません。
クローズド・チャットを始める前に、必ず次のところに確認してください。

- 運営者の主たる事務所の所在地（個人は住所）を管轄する総合通信局（{BUREAUX.ja}）、または弁護士
- 異性紹介事業に当たりそうなときは、事務所の所在地を管轄する警察署

Public sources, turned into rules that a program can carry. They decide nothing for a particular service. Before
switching closed chat on, ask

- the bureau for the operator's main office (for a person: the address): {BUREAUX.en}; or a lawyer
- where a dating-site business is near, the police station for the office

規則の番号（K-3、LAW-03 など）は、画面・記録台帳・API に出る番号と同じです。
The ids (K-3, LAW-03 …) are those that pages, the ledger and the API show."""


def _version() -> str:
    revisions = _table(
        ("key", "法令", "Law", "時点 / as of", "e-Gov revision"),
        (
            (
                statute.key,
                statute.ja,
                f"[{statute.en}]({statute.url})" if statute.url else statute.en,
                statute.version or "–",
                f"`{REVISIONS[statute.key]}`" if statute.key in REVISIONS else "–",
            )
            for statute in STATUTES.values()
        ),
    )
    marks = _table(("mark", "日本語", "English"), ((f"`{mark}`", mark.ja, mark.en) for mark in Confidence))
    return f"""\
## Law version / 法令の時点

電気通信事業法とその省令は {LAW_VERSION} 時点の条文によります。{SEEN_UNTIL} より後の改正は見ていません。
規則ごとの時点は、根拠とする法令の時点です。リリースのたびに、次の改正 ID を e-Gov の最新版と見比べてください。

The Act and its ordinances are as in force on {LAW_VERSION}. Nothing after {SEEN_UNTIL} was visible. Each rule is of the
date of the law that it cites. On each release, compare these revision ids with the latest on e-Gov.

{revisions}

各行の確からしさは次の印で示します。 / How well each row is supported:

{marks}"""


def _rules() -> str:
    rows = _table(
        ("id", "feature", "機能と理由", "Feature and reason", "required", "article", "mark"),
        (
            (
                rule.id,
                f"`{rule.feature}`",
                f"**{rule.title_ja}** {rule.ja}",
                f"**{rule.title_en}.** {rule.en}",
                f"`{rule.required}`",
                _link(rule.article),
                f"`{rule.confidence}`",
            )
            for rule in RULES.values()
        ),
    )
    requirements = _table(
        ("required", "日本語", "English"), ((f"`{required}`", required.ja, required.en) for required in Required)
    )
    return f"""\
## Rules / 規則

{rows}

必要なもの / What `required` means:

{requirements}

部屋の区分は、誰が読めるか・一覧に載るか・入り方・作られ方・定員・履歴の見え方から導き、名前では決まりません。
一つでも「閉じている」があればクローズド、判断できないものが残れば要相談、どちらもなければオープンです。

A room's class follows from who can read it, whether it is listed, how people get in, how it was made, what capacity
hides and who sees its history; never from its name. One closed trait makes it closed; else anything unsettled makes it
a case to consult; else it is open."""


def _statuses() -> str:
    rows = _table(
        ("`TELECOM_REGISTRATION`", "日本語", "English", "requires"),
        (
            (f"`{status}`", text.ja, text.en, ", ".join(f"`{part}`" for part in REQUIRED_PARTS[status]) or "–")
            for status, text in STATUS_TEXTS.items()
        ),
    )
    return f"""\
## Standing / 届出・登録の状況

{rows}

クローズド・チャットは、この設定（第一の鍵）と運営者チェックリストの署名（第二の鍵）がそろい、緊急停止がないときだけ開きます。
`COMPLIANCE_CHECKLIST=advise` では第一の鍵だけで開き、足りない署名は警告として残ります。不明なもの、食い違うもの、
確認できないものがあれば閉じます。届出は「届出」と表示し、登録・許可・認可・認定とは書きません。

Closed chat opens only while this setting (the first key) and the operator's signed checklist (the second) are both
turned and the emergency stop is not pulled. With `COMPLIANCE_CHECKLIST=advise` the first key alone opens, and missing
signatures stay as warnings. Anything unknown, contradictory or unreachable means off. A notification is shown as 届出,
never as a registration, permit or approval."""


def _procedure() -> str:
    nodes = _table(
        ("node", "質問", "Question", "article"),
        ((node.id, node.ja, node.en, _links(node.articles)) for node in NODES.values()),
    )
    outcomes = _table(
        ("outcome", "意味", "Meaning", "article", "mark"),
        (
            (f"`{outcome}`", result.ja, result.en, _links(result.articles), f"`{result.confidence}`")
            for outcome, result in CONSEQUENCES.items()
        ),
    )
    return f"""\
## Decision procedure / 該当性の判定

サービス全体について順に問い、N7 は機能ごとに調べます。「分からない」が一つでも出たところで要相談となり、
クローズド・チャットは開きません。順序は公開資料から組み直したもので、総務省の判定図そのものは確認できていません。

Asked in order for the whole service, N7 for every feature. The first unknown ends in `CONSULT`, which keeps closed chat
off. The order was rebuilt from public sources; the ministry's own chart has not been seen.

{nodes}

164条1項2号の後半（線路の総延長5km未満）は、インターネットから届くサーバーの適用除外としては扱いません。
The second half of 164(1)(ii) (lines shorter than 5 km) is not treated as exempting a server on the internet.

{outcomes}"""


def _checklist() -> str:
    parts = []
    for group in Group:
        rows = _table(
            ("id", "項目と理由", "Item and why", "適用 / applies", "開く条件 / blocks", "article", "有効日数 / holds"),
            (
                (
                    item.id,
                    f"**{item.ja}** {item.why_ja}",
                    f"**{item.en}.** {item.why_en}",
                    _scope(item),
                    "はい / yes" if item.blocks else "いいえ / no",
                    _links(item.articles),
                    str(item.valid_days or "–"),
                )
                for item in ITEMS
                if item.group is group
            ),
        )
        parts.append(f"### {group.en} / {group.ja}\n\n{rows}")
    introduction = """\
## Operator checklist / 運営者チェックリスト

「開く条件」の項目は、クローズド・チャットを開く前に証拠を添えた署名が要ります。有効日数はこのソフトウェアの運用上の目安で、
法令の定めではありません。

Items that block need a signature with evidence before closed chat opens. How many days a signature holds is this
software's own habit, not the law's."""
    return "\n\n".join((introduction, *parts))


_DAY: Final = date(2026, 11, 22)


def example_duties() -> tuple[Duty, ...]:
    """Return each kind of duty once, as what happens on one day of the example brings it about."""
    day, signed = _DAY, ITEM["LAW-06"]
    whole = EndFact(day, date(2027, 1, 10), whole=True)
    facts = duties.Circumstances(
        status=Status.notified,
        filed_on=day,
        happenings=(
            *(Happening(number, kind, day) for number, kind in enumerate(Kind)),
            Happening(len(Kind), Kind.DATA_LEAK, day, attack=True),
        ),
        outages=(OutageFact(1, day, Report.SERIOUS),),
        end=whole,
        lapse=LapseFact(1, day, stopped=True),
        signatures=(SignatureEnd(signed.id, Text(signed.ja, signed.en), signed.articles, day),),
        retention=Retention(day),
    )
    part = replace(facts, end=replace(whole, on=date(2028, 1, 10), whole=False, million=True))
    registered = replace(facts, status=Status.registered)
    found = (*duties.duties_of(facts, day), *duties.duties_of(part, day), *duties.duties_of(registered, day))
    return tuple({(duty.title, duty.what, duty.form, duty.due, duty.articles): duty for duty in found}.values())


def _duties() -> str:
    rows = _table(
        ("すること", "What", "様式 / form", "いつまで / when", "例 / example", "article", "mark"),
        (
            (
                f"**{duty.title.ja}** {duty.what.ja}",
                f"**{duty.title.en}.** {duty.what.en}",
                f"{duty.form.ja} / {duty.form.en}" if duty.form else "–",
                f"{duty.term.ja} / {duty.term.en}",
                duty.due.isoformat(),
                _links(duty.articles),
                f"`{duty.confidence}`",
            )
            for duty in example_duties()
        ),
    )
    return f"""\
## Duties after filing / 届出の後の義務

管理画面の予定表に載る義務です。例は、{_DAY} に届け出て、同じ日に事故・漏えい・変更・停止・最後の消去があり、
2027-01-10 の全部の廃止（影響の大きい役務では 2028-01-10 の一部の廃止）を周知した場合の日付です。
日数は条文のとおりに数え、土日祝日でも動かしません。

What the calendar in the admin keeps. The example: filed on {_DAY}; an accident, leak, change, stop and the last purge
on that day; and users told of an end of the whole on 2027-01-10 (of a part on 2028-01-10, where the effect is great).
Days are counted as the articles say and not moved for weekends or holidays.

{rows}"""


def _papers() -> str:
    kinds = _table(
        ("kind", "書面", "Paper", "だれの書面か", "Whose paper", "article", "秘密 / silence", "mark"),
        (
            (
                f"`{paper.kind}`",
                f"**{paper.ja}** {paper.what.ja}",
                f"**{paper.en}.** {paper.what.en}",
                paper.signed_by.ja,
                paper.signed_by.en,
                _links(paper.articles),
                _link(paper.silence) if paper.silence else "–",
                f"`{paper.confidence}`",
            )
            for paper in papers.PAPERS.values()
        ),
    )
    clocks = _table(
        ("kind", "すること", "What", "日数 / days", "いつまで / when", "article", "mark"),
        (
            (
                f"`{kind}`",
                clock.what.ja,
                clock.what.en,
                "; ".join([f"{clock.start} + {clock.days}", *(f"{v}: {d}" for v, d in clock.varied.items())]),
                f"{clock.term.ja} / {clock.term.en}",
                _links(clock.articles),
                f"`{clock.confidence}`",
            )
            for kind, found in papers.CLOCKS.items()
            for clock in found
        ),
    )
    given = _table(
        ("", *(f"`{kind}`" for kind in papers.Kind)),
        (
            (f"{datum.ja} / {datum.en}", *(papers.may_give(kind, datum).value for kind in papers.Kind))
            for datum in papers.Datum
        ),
    )
    answers = "\n".join(f"- `{answer}`: {answer.ja} / {answer.en}" for answer in papers.Answer)
    letters = _table(
        ("kind", "letter", "件名", "Says", "by mail"),
        (
            (f"`{kind}`", f"`{letter.key}`", letter.ja, letter.gloss, "✓" if letter.by_mail else "–")
            for kind, found in papers.LETTERS.items()
            for letter in found
        ),
    )
    return f"""\
## Papers that arrive / 届く書面と請求

照会・令状・請求の種類ごとに、根拠、期限、出してよいもの、返信の書面を決めています。

What is done with each kind of paper: on what it rests, its clocks, what may be given out, and the letters.

{kinds}

### Clocks / 期限

{clocks}

### What may be given out / 出してよいもの

{given}

{answers}

### Letters / 返信の書面

{letters}"""


def _penalties() -> str:
    rows = _table(
        ("id", "行為", "Act", "上限", "Maximum", "article", "mark"),
        (
            (
                penalty.id,
                penalty.ja,
                penalty.en,
                _maximum(penalty).ja,
                _maximum(penalty).en,
                _links(penalty.articles),
                f"`{penalty.confidence}`",
            )
            for penalty in PENALTIES
        ),
    )
    most = {penalty.id: _maximum(penalty) for penalty in PENALTIES}
    return f"""\
## Penalties / 罰則

- 届出が必要なのに、届出をせずに営んだとき：{cite("TBA 185(i)").ja}（{most["P-2"].ja}）
- 登録が必要なのに、登録を受けずに営んだとき：{cite("TBA 177").ja}（{most["P-1"].ja}）

回線設備を持たないクローズド・チャットに要るのは届出なので、関わるのは前者です。後者を届出の罰則として挙げる説明が
よく見られますが、条文とは異なります。2025年6月1日に懲役と禁錮は拘禁刑に改められました（それより前の行為には経過措置が
あります）。

- Carried on without a notification that was needed: Article 185(i), {most["P-2"].en}.
- Carried on without a registration that was needed: Article 177, {most["P-1"].en}.

What a closed chat without line equipment of its own needs is the notification, so the former concerns it. The latter is
often quoted for a missing notification, which is not what the Act says. On 1 June 2025 confinement (拘禁刑) replaced
imprisonment with and without labour (懲役, 禁錮); earlier acts keep the old name.

{rows}"""


def _open_questions() -> str:
    rows = _table(
        ("id", "日本語", "English"), ((question, text.ja, text.en) for question, text in OPEN_QUESTIONS.items())
    )
    return f"""\
## What is left open / 確認できていないこと

次の点は確定していません。このソフトウェアは、どれについても結論が出たものとして扱いません。
These points are not settled, and nothing in this software presents them as if they were.

{rows}"""


# Sentences --------------------------------------------------------------------------------------------------------

_NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
_FILED: Final = MappingProxyType(
    {
        REGISTRATION: "notified",
        NUMBER: "A-08-12345",
        DATE: "2026-05-18",
        OPERATOR_NAME: "例示株式会社",
        OPERATOR_ADDRESS: "東京都千代田区",
        OPERATOR_CONTACT: "contact@example.jp",
        DATING_NUMBER: "30123456789",
    }
)


def sentences() -> str:
    """Return the chapter with each sentence on why something is off or owed, and on what the standing is."""
    reasons = _table(
        ("cause", "何が止まっていて何で開くか → 次にすること", "What is off, and what opens it → the next step"),
        (
            (f"`{reason.cause}`", f"{reason.ja} → {reason.step.ja}", f"{reason.en} → {reason.step.en}")
            for reason in dict.fromkeys(_reasons())
        ),
    )
    problems = _table(
        ("variable", "日本語", "English"),
        ((f"`{problem.variable}`", problem.ja, problem.en) for problem in dict.fromkeys(_problems())),
    )
    labels = _table(
        ("`TELECOM_REGISTRATION`", "日本語", "English"),
        ((f"`{standing.status}`", standing.label("ja"), standing.label("en")) for standing in _labelled()),
    )
    return f"""\
## Sentences that pages show / 表示する文

閉じているときに利用者と運営者へ示す文を、例の届出と例の日付で一つずつ挙げます。API・画面・コマンドは同じ文を使います。

Every sentence on what is off or owed, with a filing and dates made up for the example. Pages, the API and commands use
these very words.

{reasons}

設定に問題があれば、上の文に続けて次のように示します。 / Where the settings are wrong, such a sentence goes on with:

{problems}

公開ページには届出の状況をこう書きます。 / What public pages say of the filing:

{labels}"""


def _standing(**changes: str) -> Standing:
    return read_standing({**_FILED, **changes}, _NOW.date())


def _signed(*without: str, until: datetime | None = None, facts: Facts | None = None) -> Checklist:
    signatures = {item.id: SignatureFact(item.id, _NOW, until) for item in ITEMS if item.id not in without}
    return Checklist(signatures, facts or Facts())


def _reasons() -> Iterator[Reason]:
    """Each sentence of the policy, by a case in which it is said."""
    pair, dm, dating = Feature.MATCH_PAIR, Feature.DM_TEXT, Feature.PROFILE_DATING
    business = Facts(profiles=True, dating_outcome=DatingOutcome.BUSINESS)
    filed, signed = _standing(), _signed()
    stop, ending = Stop(_NOW, "不具合の点検のため"), Ending(_NOW, date(2027, 1, 10))
    drift = replace(filed, problems=(Problem(REGISTRATION, "…", "…", drift=True),))
    advise = _standing(**{MODE: Mode.advise})
    consult = _signed(facts=Facts(verdict=Outcome.CONSULT))
    unfit = _signed(facts=Facts(verdict=Outcome.REGISTER))
    unlisted = _signed(facts=Facts(filed_features=frozenset()))
    unchecked = Facts(age_checked=False)
    old = _signed("LAW-11")
    old = replace(old, signatures={**old.signatures, "LAW-11": SignatureFact("LAW-11", _NOW - timedelta(180), _NOW)})
    unsettled = replace(RULES[Feature.INVITE_ONLY], required=Required.CONSULT)
    decisions = (
        decide(pair, filed, None, None, _NOW),
        decide(pair, filed, signed, stop, _NOW),
        decide(pair, filed, signed, Stop(_NOW, ""), _NOW),
        decide(pair, filed, signed, None, _NOW, None, Restored(_NOW)),
        decide(pair, filed, signed, None, _NOW, ending, creating=True),
        decide(pair, filed, signed, None, ending.moment, ending),
        decide(pair, Standing(), signed, None, _NOW),
        decide(pair, _standing(**{OPERATOR_NAME: ""}), signed, None, _NOW),
        decide(pair, drift, signed, None, _NOW),
        decide(dating, _standing(**{DATING_NUMBER: ""}), signed, None, _NOW),
        decide(dating, filed, _signed(facts=unchecked), None, _NOW),
        *(decide(pair, standing, consult, None, _NOW) for standing in (filed, advise)),
        *(decide(pair, filed, _signed(facts=Facts(**said)), None, _NOW) for said in _DISAGREE),
        decide(pair, Standing(status=Status.exempt), _signed(facts=Facts(verdict=Outcome.OUT_NO_SERVICE)), None, _NOW),
        decide(pair, filed, _signed(facts=Facts(profiles=True, dating_outcome=DatingOutcome.ASK)), None, _NOW),
        decide(pair, _standing(**{DATING_NUMBER: ""}), _signed(facts=business), None, _NOW),
        decide(dating, _standing(**{DATING_NUMBER: "1"}), signed, None, _NOW),
        decide(pair, filed, old, None, _NOW, creating=True),
        decide(pair, replace(filed, offered=frozenset({dm})), signed, None, _NOW),
        decide(pair, filed, unfit, None, _NOW),
        *(decide(pair, standing, unlisted, None, _NOW) for standing in (filed, advise)),
        *(decide(pair, standing, _signed("LAW-07"), None, _NOW) for standing in (filed, advise)),
        decide(pair, filed, _signed("LAW-06", "LAW-07"), None, _NOW),
        decide(pair, filed, _signed(until=_NOW), None, _NOW),
        decide(dating, filed, _signed("LAW-20"), None, _NOW),
        decide(Feature.ROOM_OPEN, filed, _signed("LAW-11"), None, _NOW),
        judge(unsettled, filed, signed, None, _NOW),
        decide(Feature.READ_CLOSED, filed, signed, None, _NOW),
        decide(Feature.SCAN_CLOSED, filed, signed, None, _NOW),
    )
    for decision in decisions:
        yield from (*decision.reasons, *decision.warnings)
    yield pending(RULES[pair])
    yield changed(Text("届出・登録の設定", "the filing as set on the servers"))


_DISAGREE: Final[tuple[Mapping[str, Any], ...]] = (
    {"number": "A-08-99999"},
    {"arrived_on": "2026-05-19"},
    {"number_notified_on": "2026-05-17"},
    {"filers": (Filer("LAW-03", "別の会社"),)},
    {"filers": (Filer("filing", "", "大阪府"),)},
    {"carries_messages": False},
    {"not_offered": frozenset({Feature.MATCH_PAIR})},
    {"purge_seen": False},
    {"profiles": True, "dating_outcome": "NOT", "dating_number": "30999999999"},
)
"""Facts that do not agree with the example's filing, one for each sentence."""


def _problems() -> Iterator[Problem]:
    """Each thing that can be wrong with the settings."""
    malformed = _standing(**{NUMBER: "A0812345", DATE: "2026-02-30", DATING_NUMBER: "1"})
    yield from malformed.problems
    if malformed.dating_problem:
        yield malformed.dating_problem
    yield from _standing(**{DATE: "2027-01-01"}).problems
    yield from _standing(**{DATE: "0001-01-01"}).problems
    required = (NUMBER, DATE, OPERATOR_NAME, OPERATOR_ADDRESS, OPERATOR_CONTACT)
    yield from _standing(**dict.fromkeys(required, "")).problems
    yield from _standing(**{REGISTRATION: Status.none}).problems
    yield from _standing(**{REGISTRATION: Status.filed}).problems
    yield from _standing(**{REGISTRATION: Status.exempt}).problems


def _labelled() -> Iterator[Standing]:
    yield Standing()
    yield _standing(**{OPERATOR_NAME: ""})
    for status in (Status.filed, Status.notified, Status.registered, Status.exempt):
        numberless = status in {Status.filed, Status.exempt}
        yield _standing(**{REGISTRATION: status, NUMBER: "" if numberless else _FILED[NUMBER]})


# Markdown -------------------------------------------------------------------------------------------------------------


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(headings)
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _link(article: str) -> str:
    citation = cite(article)
    label = f"{citation.ja} / {article}"
    return f"[{label}]({citation.url})" if citation.url else label


def _links(articles: Iterable[str]) -> str:
    return "<br>".join(_link(article) for article in articles)


def _scope(item: Item) -> str:
    scope = f"{item.scope.ja} / {item.scope.en}"
    condition = CONDITIONS.get(item.id)
    return f"{scope}<br>{condition.ja} / {condition.en}" if condition else scope


def _maximum(penalty: Penalty) -> Text:
    if penalty.maximum is None:
        return penalty.note or Text("–", "–")
    if penalty.staff is None:
        return Text(penalty.maximum.ja, penalty.maximum.en)
    return Text(
        f"{penalty.maximum.ja}（従事者は{penalty.staff.ja}）", f"{penalty.maximum.en} (staff: {penalty.staff.en})"
    )


def main() -> None:
    """Write the document."""
    DOCUMENT.parent.mkdir(exist_ok=True)
    DOCUMENT.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
