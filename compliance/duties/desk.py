"""Work at the desk with a last day: clocks of cases, reviews, holds that end, approvals, and what chat registers.

Each piece has the powers that may see it. Whoever lacks them gets it on no page, in no feed and in no mail.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.urls import reverse
from django.utils import timezone

from compliance import cases, disclosures
from compliance.law import Confidence, Text, papers
from compliance.law.duties import Duty, State, Term, within
from compliance.law.powers import Power
from compliance.models import Approval, Case, Hold
from compliance.powers import Waiting, on_duty, powers_of, send_all
from compliance.records import approvals


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work: the duty as the calendar shows it, who may see it, and what a mail says of it.

    Attributes:
        duty: with what those who hold the power may know.
        powers: one of them is enough to see it.
        says: without a kind of paper, a number or a name: for mails and for the command line.
        url_name: of the page where it is done.
        lead: from how many days before its day mails name it.
    """

    duty: Duty
    powers: frozenset[Power]
    says: Text
    url_name: str
    lead: int = 1

    def is_due(self, today: date) -> bool:
        """Return whether mails name it on a day."""
        return self.duty.state(today + timedelta(days=self.lead)) in _DUE


_DUE: Final = frozenset({State.LATE, State.NOW})

Source = Callable[[date], Iterable[Work]]
_sources: Final[list[Source]] = []


def register_work(source: Source) -> None:
    """Register what else waits at the desk. Compliance does not import chat, so chat registers reports and appeals.

    Args:
        source: takes today's date in Japan.
    """
    _sources.append(source)


def list_work(today: date) -> list[Work]:
    """Return the work that is open, by deadline."""
    found = [work for source in (_clocks, _silence, _reviews, _holds, _approvals, *_sources) for work in source(today)]
    return sorted(found, key=lambda work: (work.duty.due, work.duty.id))


def mail_on_duty(today: date, others: Collection[Duty]) -> int:
    """Mail each member of staff what is due for them today or late, in their own language.

    Args:
        today: in Japan's calendar.
        others: the duties of the calendar that are not work at the desk; those who run the service get a line on them.

    Returns:
        how many mails were sent.
    """
    due = [work for work in list_work(today) if work.is_due(today)]
    owed = sum(duty.state(today) in _DUE for duty in others)
    rest = [Waiting(_OWED, reverse("admin:compliance_calendar_changelist"), owed)] if owed else []
    letters = []
    for person in on_duty(list(Power)):
        powers = powers_of(person)
        mine = grouped(work for work in due if work.powers & powers)
        letters.append((person, [*mine, *(rest if Power.RUN in powers else [])]))
    return send_all(letters)


_OWED: Final = Text("届出・報告などの期限です。", "A filing, a report or the like is due.")


def grouped(found: Iterable[Work]) -> list[Waiting]:
    """Return work as mails and the command line name it: one line for each kind, with how much of it there is."""
    counts: dict[tuple[str, str], tuple[Work, int]] = {}
    for work in found:
        first, count = counts.get((work.says.en, work.url_name), (work, 0))
        counts[work.says.en, work.url_name] = first, count + 1
    return [Waiting(work.says, reverse(work.url_name), count) for work, count in counts.values()]


_CLOCK: Final = Text("案件の期限です。", "A case has its deadline.")
_ENDS: Final = Text("法的保全がまもなく終わります。", "A legal hold ends soon.")
_REVIEW: Final = Text(
    "一人で行われた対応が、事後の確認を待っています。",
    "Something was done by one person alone, and waits for a review.",
)
_SECOND: Final = Text("二人目の承認を待っています。", "Something waits for a second person’s approval.")


def _clocks(_today: date) -> Iterator[Work]:
    for case, due in cases.open_clocks():
        paper = papers.PAPERS[papers.Kind(case.kind)]
        duty = Duty(
            id=f"case-{case.pk}:{due.clock.key}",
            title=Text(f"{case.name} {paper.ja}", f"{case.name} {paper.en}"),
            what=due.clock.what,
            articles=due.clock.articles,
            due=due.on,
            term=due.clock.term,
            confidence=due.clock.confidence,
            source=f"case-{case.pk}",
            markable=False,
        )
        yield Work(duty, frozenset({Power.CASES}), _CLOCK, "compliance:cases")


def _silence(_today: date) -> Iterator[Work]:
    """An order of silence ends: until then the case stays open, and from then on it can be closed."""
    for case in Case.objects.filter(closed_at__isnull=True, silent_until__isnull=False):
        assert case.silent_until is not None
        duty = Duty(
            id=f"case-{case.pk}:silence",
            title=Text(f"{case.name} 秘密保持の期間の終わり", f"{case.name}: the silence ends"),
            what=Text(
                "この日まで、案件を終了できず、だれにも知らせません。翌日から、当事者に知らせるかを法務担当が決めます。",
                "Until this day the case cannot be closed and nobody is told. From the next day on compliance decides "
                "whether parties are told.",
            ),
            articles=("CCP 218(3)" if case.silence == Case.Silence.ORDERED else "CCP 197(5)",),
            due=case.silent_until,
            term=Term.WITHOUT_DELAY,
            source=f"case-{case.pk}",
            markable=False,
        )
        yield Work(duty, frozenset({Power.CASES}), _CLOCK, "compliance:cases")


def _reviews(_today: date) -> Iterator[Work]:
    for row in disclosures.awaiting_review():
        duty = Duty(
            id=f"disclosure-{row.pk}",
            title=Text("一人で行われた開示の事後の確認", "Review of a disclosure that one person made alone"),
            what=Text(
                "行った人とは別の人が、事由・範囲・渡した相手を7日以内に確かめ、結果を記録します。",
                "Somebody else checks ground, scope and who received it within 7 days, and records what they found.",
            ),
            articles=("TBA 4(1)", "PC 37"),
            due=disclosures.review_due(row),
            term=Term.HABIT,
            confidence=Confidence.INFERENCE,
            source=f"disclosure-{row.pk}",
            markable=False,
        )
        yield Work(duty, frozenset({Power.CASES, Power.CASES_SECOND}), _REVIEW, "compliance:disclosures", lead=7)


def _holds(today: date) -> Iterator[Work]:
    for hold in Hold.objects.filter(lifted_at__isnull=True, ends_on__gte=today):
        assert hold.ends_on is not None
        freeze = hold.ground == Hold.Ground.FREEZE
        duty = Duty(
            id=f"hold-{hold.pk}",
            title=Text(f"法的保全（{hold.pk}）の終わり", f"Legal hold no. {hold.pk} ends"),
            what=Text(
                "この日を過ぎると保全は終わり、対象の記録は保存期間どおりに消えます。"
                + (
                    "延長の求めがあれば、それまでに延長します。"
                    if freeze
                    else "続ける命令や事情があれば、それまでに手続をします。"
                ),
                "After this day it ends, and what it kept is erased in its time. "
                + (
                    "Extend it before then, if that is asked for." if freeze else "Act before then, if it has to go on."
                ),
            ),
            articles=("CCP 197(3)", "CCP 197(4)") if freeze else ("APPI 22",),
            due=hold.ends_on,
            source=f"case-{hold.case_id}" if hold.case_id else f"hold-{hold.pk}",
            markable=False,
        )
        yield Work(duty, frozenset({Power.CASES}), _ENDS, "compliance:cases", lead=7)


def _approvals(_today: date) -> Iterator[Work]:
    waiting = Approval.objects.filter(done_at=None, withdrawn_at=None, decided_at=None)
    for row in waiting:
        if row.state not in {Approval.State.WAITING, Approval.State.RIPE}:
            continue
        duty = Duty(
            id=f"approval-{row.pk}",
            title=Text("二人目の承認の依頼", "A request for a second person’s approval"),
            what=Text(
                "承認か不承認かを答えます。依頼から7日で失効します。",
                "Agree or refuse. The request lapses 7 days after it was made.",
            ),
            articles=("TBA 4",),
            due=within(timezone.localdate(row.requested_at), 1),
            term=Term.HABIT,
            confidence=Confidence.INFERENCE,
            source="compliance:approvals",
            markable=False,
        )
        yield Work(duty, frozenset({approvals.RULES[Approval.Kind(row.kind)].second}), _SECOND, "compliance:approvals")
