"""What the record shows on the items whose work is done in the product: pages, facts, and facts against a signature.

Facts against a signature are said and shut nothing: a lost phone of one moderator must not end every talk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from django.urls import resolve, reverse
from django.utils import timezone

from compliance import cases, disclosures, duties, law
from compliance.law import Item, Text, papers
from compliance.law.duties import Kind, State
from compliance.law.powers import GROUPS, Group, Power
from compliance.models import Case, Happening, LedgerEntry
from compliance.powers import holders, owns_factor
from compliance.records import Event

YEAR: Final = timedelta(days=365)
"""How far back cases are counted: as long as a signature on these items holds."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact of the record.

    Attributes:
        what: its name.
        value: what the record says.
        against: what a signature on the item then says in vain; None where the fact does not speak against one.
        powers: one of them is needed to see it; none: whoever sees the checklist.
    """

    what: Text
    value: Text
    against: Text | None = None
    powers: frozenset[Power] = frozenset()


@dataclass(frozen=True, slots=True)
class Shown:
    """What the record shows on one item: where the work is done, the facts, and the evidence that follows from them.

    A page that the reader may not open has no address.
    """

    pages: tuple[tuple[str, Text], ...] = ()
    facts: tuple[Fact, ...] = ()
    evidence: Mapping[str, Text] = field(default_factory=dict)

    @property
    def against(self) -> tuple[Text, ...]:
        """What speaks against a signature."""
        return tuple(fact.against for fact in self.facts if fact.against)


_pages: Final[list[tuple[str, str, Text]]] = []


def register_page(item_id: str, url_name: str, title: Text) -> None:
    """Register a page on which the work of an item is done. Compliance does not import chat, so chat registers its own.

    Args:
        item_id: of one of the items that `shown_on` knows.
        url_name: of the page, with its namespace.
        title: of the link.
    """
    _pages.append((item_id, url_name, title))


def shown_on(item: Item, powers: Collection[Power] = ()) -> Shown:
    """Return what the record shows on an item; nothing on an item whose work is not done in the product.

    Args:
        item: of the catalogue.
        powers: of whoever reads it. What takes a power that they lack is left out: nobody learns here of a live case.
    """
    gather = _ITEMS.get(item.id)
    if gather is None:
        return Shown()
    found = gather()
    pages = (*found.pages, *((reverse(url_name), title) for of, url_name, title in _pages if of == item.id))
    seen = tuple(fact for fact in found.facts if not fact.powers or not fact.powers.isdisjoint(powers))
    return Shown(tuple((url if _may_open(url, powers) else "", title) for url, title in pages), seen, found.evidence)


def _may_open(url: str, powers: Collection[Power]) -> bool:
    """Return whether these powers open a page; pages that are none of the desk say it themselves."""
    needed: frozenset[Power] = getattr(resolve(url).func, "powers", frozenset())
    return not needed or not needed.isdisjoint(powers)


# The facts ------------------------------------------------------------------------------------------------------------


def _able(power: Power) -> list[Any]:
    """Return the people who hold a power and have a second factor, without which the desk lets nobody in."""
    return [person for person in holders(power) if owns_factor(person)]


def _who(powers: Iterable[Power]) -> Text:
    """Return the groups that hold these powers, as they are called."""
    groups = [group for group in Group if set(powers) & GROUPS[group]]
    return Text("・".join(group.ja for group in groups), ", ".join(group.en for group in groups))


def _people(power: Power, what: Text, lacking: Text) -> Fact:
    count = len(_able(power))
    return Fact(what, Text(f"{count}人", str(count)), None if count else lacking)


def _two_persons() -> Fact:
    what = Text("二人での確認", "Agreement of two persons")
    asking, second = _able(Power.CASES), _able(Power.CASES_SECOND)
    if any(one.pk != other.pk for one in asking for other in second):
        return Fact(what, Text("できる", "possible"))
    return Fact(
        what,
        Text("できない", "not possible"),
        Text(
            "開示を求める人と、それを承認する別の人が、二要素認証を設定した状態でそろっていません。",
            "There is nobody to ask for a disclosure and somebody else to agree, both with a second factor.",
        ),
    )


def _count(found: int) -> Text:
    return Text(f"{found}件", str(found))


def _late(what: Text, count: int, powers: Collection[Power], against: Text) -> Fact:
    return Fact(what, _count(count), against if count else None, frozenset(powers))


def _overdue(power: Power, today: date) -> int:
    found = [work.duty for work in duties.list_work(today) if power in work.powers]
    return sum(duty.state(today) is State.LATE for duty in found)


def _answered(kinds: Collection[papers.Kind], what: Text, powers: Collection[Power] = ()) -> Fact:
    """Return how many cases of these kinds ended within a year, and in how many of them every last day was kept."""
    ended = Case.objects.filter(kind__in=[kind.value for kind in kinds], closed_at__gte=timezone.now() - YEAR)
    rows = list(ended)
    kept = sum(cases.kept_its_days(case) for case in rows)
    value = Text(f"{len(rows)}件（うち期限内 {kept}件）", f"{len(rows)}, {kept} of them in time")
    return Fact(what, value, None, frozenset(powers))


def _late_clocks(kinds: Collection[papers.Kind]) -> Fact:
    today = timezone.localdate()
    late = sum(
        case.kind in kinds and due.clock.term.has_last_day and due.on < today for case, due in cases.open_clocks()
    )
    against = Text("期限を過ぎた案件があります。", "There are cases past their day.")
    return _late(Text("期限を過ぎた案件", "Cases past their day"), late, {Power.CASES}, against)


# The items ------------------------------------------------------------------------------------------------------------

_LETTERS: Final = (papers.Kind.POLICE_INQUIRY, papers.Kind.BAR_INQUIRY, papers.Kind.WARRANT, papers.Kind.PRESERVATION)
_HANDLES: Final = Text("案件を扱える人（二要素認証あり）", "People who can handle cases, with a second factor")
_NOBODY_HANDLES: Final = Text(
    "案件を扱う権限を持ち、二要素認証を設定した人がいません。",
    "Nobody who may handle cases has a second factor.",
)


def _closed_talk() -> Shown:
    today = timezone.localdate()
    late = sum(disclosures.review_due(row) < today for row in disclosures.awaiting_review())
    second = _who({Power.CASES_SECOND})
    return Shown(
        pages=(
            (reverse("compliance:disclosures"), Text("開示", "Disclosures")),
            (reverse("compliance:approvals"), Text("承認", "Approvals")),
            (reverse("compliance:staff_log"), Text("操作の記録", "Staff log")),
        ),
        facts=(
            _people(Power.CASES, _HANDLES, _NOBODY_HANDLES),
            _two_persons(),
            _late(
                Text("7日を過ぎた事後の確認", "Reviews past their 7 days"),
                late,
                {Power.CASES, Power.CASES_SECOND},
                Text("一人で行われた開示の事後の確認が遅れています。", "A review of what one person did is late."),
            ),
        ),
        evidence={
            "procedure": Text(f"/desk/disclosures/（{law.LAW_VERSION}）", f"/desk/disclosures/ ({law.LAW_VERSION})"),
            "second_person": second,
            "audit": Text("監査人（/desk/log/）", "auditor (/desk/log/)"),
        },
    )


def _reports() -> Shown:
    looked = LedgerEntry.objects.filter(event__in=[Event.REPORT_OPENED.value, Event.REPORT_ANSWERED.value])
    last = looked.order_by("-seq").values_list("at", flat=True).first()
    day = f"{timezone.localtime(last):%Y-%m-%d}" if last else ""
    return Shown(
        facts=(
            _people(
                Power.REPORTS_ANSWER,
                Text("通報に回答できる人（二要素認証あり）", "People who can answer reports, with a second factor"),
                Text(
                    "通報に回答する権限を持ち、二要素認証を設定した人がいません。",
                    "Nobody who may answer reports has a second factor.",
                ),
            ),
            Fact(
                Text("通報を最後に確認した日", "Last day on which a report was looked at"),
                Text(day or "記録なし", day or "none on record"),
            ),
            _late(
                Text("期限を過ぎた通報", "Reports past their day"),
                _overdue(Power.REPORTS_ANSWER, timezone.localdate()),
                {Power.REPORTS_READ},
                Text("期限を過ぎても回答していない通報があります。", "Reports wait for an answer past their day."),
            ),
        ),
        evidence={"consent_text": Text(f"通報の画面（{law.LAW_VERSION}）", f"page of the report ({law.LAW_VERSION})")},
    )


def _authorities() -> Shown:
    return Shown(
        pages=(
            (reverse("compliance:cases"), Text("案件", "Cases")),
            (reverse("admin:compliance_hold_changelist"), Text("法的保全", "Legal holds")),
        ),
        facts=(
            _people(Power.CASES, _HANDLES, _NOBODY_HANDLES),
            _answered(
                _LETTERS,
                Text("この1年に終えた照会・令状・保全要請", "Enquiries, warrants and freeze requests ended in a year"),
                {Power.CASES},
            ),
            _late_clocks(_LETTERS),
        ),
    )


def _leaks() -> Shown:
    leaks = Happening.objects.filter(kind=Kind.DATA_LEAK.value, void_because="")
    return Shown(
        pages=(
            (reverse("admin:compliance_calendar_incident"), Text("漏えいの記録", "Record a leak")),
            (reverse("compliance:cases"), Text("案件（報告書・通知の書面）", "Cases: letters and reports")),
        ),
        facts=(
            _people(Power.CASES, _HANDLES, _NOBODY_HANDLES),
            Fact(
                Text("記録した個人データの漏えい（1年）", "Leaks of personal data on record, in a year"),
                _count(leaks.filter(on__gte=timezone.localdate() - YEAR).count()),
            ),
            _late_clocks((papers.Kind.LEAK,)),
        ),
        evidence={"template": Text("/desk/cases/（漏えいの案件の書面）", "/desk/cases/ (letters of a leak)")},
    )


def _requests() -> Shown:
    return Shown(
        pages=(
            (reverse("compliance:legal_requests"), Text("申出・請求の窓口（公開）", "Requests from outside (public)")),
            (reverse("compliance:cases"), Text("案件", "Cases")),
        ),
        facts=(
            _people(Power.CASES, _HANDLES, _NOBODY_HANDLES),
            _answered(
                papers.FROM_OUTSIDE,
                Text("この1年に終えた外部からの申出・請求", "Requests from outside ended in a year"),
            ),
            _late_clocks(papers.FROM_OUTSIDE),
        ),
        evidence={"procedure": Text(f"/desk/cases/（{law.LAW_VERSION}）", f"/desk/cases/ ({law.LAW_VERSION})")},
    )


_ITEMS: Final[Mapping[str, Callable[[], Shown]]] = {
    "LAW-08": _closed_talk,
    "LAW-09": _reports,
    "LAW-13": _authorities,
    "LAW-15": _leaks,
    "LAW-21": _requests,
}
