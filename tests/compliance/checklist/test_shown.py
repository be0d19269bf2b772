"""What the record shows on the items whose work is done in the product, and what speaks against a signature."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.utils import timezone

from chat import rooms, safety
from chat.messages import NewEvent
from chat.models import Message, Reason, Report, User
from chat.people import Person
from compliance import cases
from compliance.checklist.shown import shown_on
from compliance.checklist.status import ChecklistStatus, ItemState
from compliance.law import ITEM, papers
from compliance.law.powers import GROUPS, Group, Power
from compliance.models import Case, Disclosure
from compliance.testing import TurnKeys
from tests.compliance.pages import text
from tests.conftest import MakeStaff, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db

ITEMS: Final = ("LAW-08", "LAW-09", "LAW-13", "LAW-15", "LAW-21")
PAGES: Final = {
    "LAW-08": {"/desk/disclosures/", "/desk/approvals/", "/desk/log/"},
    "LAW-09": {"/desk/reports/"},
    "LAW-13": {"/desk/cases/", "/admin/compliance/hold/"},
    "LAW-15": {"/desk/cases/", "/admin/compliance/calendar/incident/"},
    "LAW-21": {"/legal/requests/", "/desk/cases/", "/account/"},
}


@pytest.fixture(autouse=True)
def own_evidence(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.EVIDENCE_ROOT = tmp_path
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


def page(desk: Client, item: str) -> Any:
    return desk.get(f"/admin/compliance/checklist/{item}/")


def against(item: str, *powers: Power) -> list[str]:
    return [each.en for each in shown_on(ITEM[item], powers).against]


def states(*groups: Group) -> dict[str, ItemState]:
    powers = {power for group in groups for power in GROUPS[group]}
    return {row.item.id: row.state for row in ChecklistStatus.now(powers).rows if row.item.id in ITEMS}


def a_case(actor: User, kind: papers.Kind, *, days_ago: int = 0) -> Case:
    received = timezone.localdate() - timedelta(days=days_ago)
    return cases.open_case(kind=kind, actor=actor, sender="裁判所", received_on=received)


@pytest.mark.parametrize("item", ITEMS)
def test_the_item_leads_to_the_pages_that_do_the_work(item: str, desk: Client) -> None:
    shown = page(desk, item).content.decode()
    for path in PAGES[item]:  # nobody is led to where they may not go
        assert (f'href="{path}"' in shown) is (path != "/desk/cases/" and desk.get(path).status_code != 403)
    assert {url for url, _title in shown_on(ITEM[item], list(Power)).pages} == PAGES[item]
    assert 'href="/admin/compliance/calendar/"' in shown, "its deadlines are in the calendar"


def test_a_signature_that_nobody_can_live_up_to_says_so_and_shuts_nothing(
    turn_keys: TurnKeys, desk: Client, make_staff: MakeStaff
) -> None:
    turn_keys()
    assert set(states().values()) == {ItemState.doubtful}
    status = ChecklistStatus.now()
    assert status.snapshot.closed_chat().allowed
    assert not status.snapshot.open_items()
    assert status.progress.done == status.progress.of, "a signature holds"
    assert "署名済み（記録は異なる内容を示しています）" in text(desk.get("/admin/compliance/checklist/"))
    assert "二要素認証を設定した人がいません" in text(page(desk, "LAW-09"))
    for group in (Group.COMPLIANCE, Group.MODERATOR, Group.OPERATOR):
        make_staff(group)
    assert set(states().values()) == {ItemState.signed}
    Authenticator.objects.all().delete()
    assert set(states().values()) == {ItemState.doubtful}


def test_two_persons_are_two(make_staff: MakeStaff) -> None:
    both = make_staff(Group.COMPLIANCE, Group.OPERATOR)
    assert any("somebody else to agree" in words for words in against("LAW-08"))
    make_staff(Group.OPERATOR)
    assert against("LAW-08") == []
    both.is_active = False
    both.save()
    assert against("LAW-08")


def test_a_report_that_waits_past_its_day_speaks_against_the_signature(make_staff: MakeStaff, user: User) -> None:
    moderator = make_staff(Group.MODERATOR)
    room = rooms.create_open_room(actor=None, name="広場", slug="plaza")
    store([NewEvent(room.pk, Person.of(user), Message.Kind.MESSAGE, "宣伝")])
    report = safety.file_report(person=Person.of(moderator), room="plaza", seqs=[1], reason=Reason.SPAM)
    assert against("LAW-09", Power.REPORTS_READ) == []
    Report.objects.update(filed_at=timezone.now() - timedelta(days=8))
    assert against("LAW-09", Power.REPORTS_READ) == ["Reports wait for an answer past their day."]
    assert against("LAW-09") == []
    facts = {fact.what.en: fact.value.en for fact in shown_on(ITEM["LAW-09"]).facts}
    assert facts["Last day on which a report was looked at"] == "none on record"
    safety.answer(report=report, outcome=Report.Outcome.NO_GROUND, note="", actor=moderator)
    facts = {fact.what.en: fact.value.en for fact in shown_on(ITEM["LAW-09"]).facts}
    assert facts["Last day on which a report was looked at"] == timezone.localdate().isoformat()
    assert against("LAW-09", Power.REPORTS_READ) == []


def test_a_review_that_is_late_speaks_against_the_signature(make_staff: MakeStaff) -> None:
    operator, now = make_staff(Group.OPERATOR), timezone.now()
    make_staff(Group.COMPLIANCE)
    Disclosure.objects.create(ground="danger", since=now, until=now, alone=True, asked_by=operator, reason="x")
    assert against("LAW-08", Power.CASES_SECOND) == []
    Disclosure.objects.update(asked_at=now - timedelta(days=8))
    assert against("LAW-08", Power.CASES_SECOND) == ["A review of what one person did is late."]


def test_requests_that_were_answered_are_counted_with_those_in_time(make_staff: MakeStaff) -> None:
    clerk = make_staff(Group.COMPLIANCE)
    early, late = (a_case(clerk, papers.Kind.SUBJECT_ACCESS, days_ago=days) for days in (3, 20))
    for case in (early, late):
        cases.close_case(case=case, outcome="given", reason="済み", actor=clerk)
    facts = {fact.what.en: fact.value.en for fact in shown_on(ITEM["LAW-21"]).facts}
    assert facts["Requests from outside ended in a year"] == "2, 1 of them in time"


@pytest.mark.parametrize("kind", [papers.Kind.PRESERVATION, papers.Kind.LEAK, papers.Kind.REMOVAL])
def test_who_may_not_know_of_a_live_case_sees_the_same_with_and_without_one(
    kind: papers.Kind, make_staff: MakeStaff, desk: Client
) -> None:
    """The checklist is the operator's, and cases are not."""
    clerk = make_staff(Group.COMPLIANCE, is_superuser=False)
    paths = ["", *(f"{item}/" for item in ITEMS)]
    before = [text(desk.get(f"/admin/compliance/checklist/{path}")) for path in paths]
    a_case(clerk, kind, days_ago=90)
    assert before == [text(desk.get(f"/admin/compliance/checklist/{path}")) for path in paths]
    late = [item for item in ITEMS if "There are cases past their day." in against(item, Power.CASES)]
    assert len(late) == 1


def test_the_evidence_is_taken_from_the_record(desk: Client) -> None:
    filled = {item: page(desk, item).context["form"].initial for item in ITEMS}
    assert filled["LAW-08"]["second_person"] == "運営者"
    assert filled["LAW-08"]["procedure"].startswith("/desk/disclosures/")
    assert filled["LAW-09"]["procedure"].startswith("/desk/reports/")
    assert filled["LAW-21"]["procedure"].startswith("/desk/cases/")


def test_an_auditor_signs_nothing_and_is_told_nothing_more(make_staff: MakeStaff) -> None:
    assert signed_in(make_staff(Group.AUDITOR)).get("/admin/compliance/checklist/").status_code in {302, 403}
