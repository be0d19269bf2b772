"""The staff log: whose acts somebody sees, and what the search finds."""

from __future__ import annotations

import pytest
from django.utils import timezone

from chat.models import User
from compliance.law.powers import Group
from compliance.records import Event, ledger
from tests.conftest import MakeStaff, MakeUser, signed_in

pytestmark = pytest.mark.django_db


def act(actor: User, event: Event = Event.PROOF_EXPORTED, **payload: str) -> int:
    return ledger.append(event, actor=actor, payload=payload).seq


def shown(viewer: User, query: str = "") -> list[int]:
    answer = signed_in(viewer).get(f"/desk/log/{query}")
    assert answer.status_code == 200
    return [row["seq"] for row in answer.context["rows"]]


@pytest.mark.parametrize("group", [Group.AUDITOR, Group.COMPLIANCE, Group.OPERATOR])
def test_these_see_the_acts_of_all_staff_and_moderators_their_own(make_staff: MakeStaff, group: Group) -> None:
    moderator, other, viewer = make_staff(Group.MODERATOR), make_staff(Group.MODERATOR), make_staff(group)
    mine, theirs = act(moderator), act(other)
    assert shown(viewer)[:2] == [theirs, mine]
    assert shown(moderator) == [mine]
    assert shown(moderator, f"?who={ledger.actor_of(other).ref}") == [mine], "a moderator chooses no other person"


def test_acts_of_members_are_not_in_it(make_staff: MakeStaff, make_user: MakeUser) -> None:
    viewer = make_staff(Group.OPERATOR)
    reported = act(make_user(), Event.REPORT_FILED)
    assert reported not in shown(viewer)


def test_the_search_finds_by_person_act_and_day(make_staff: MakeStaff) -> None:
    viewer, one, two = make_staff(Group.AUDITOR), make_staff(Group.OPERATOR), make_staff(Group.OPERATOR)
    ref = ledger.actor_of(two).ref
    exported, stopped, on_two = (
        act(one),
        act(two, Event.STOP_PULLED, reason="点検"),
        act(one, Event.POWER_GIVEN, account=ref),
    )
    assert shown(viewer, f"?who={ref}&event=&start=&end=") == [on_two, stopped]
    assert shown(viewer, "?event=stop.pulled") == [stopped]
    assert set(shown(viewer, f"?start={timezone.localdate()}")) >= {exported, stopped, on_two}
    assert shown(viewer, "?end=2020-01-01") == []
    assert shown(viewer, f"?before={stopped}&event=proof.exported") == [exported]


def test_it_names_people_as_they_are_called(make_staff: MakeStaff) -> None:
    viewer, person = make_staff(Group.AUDITOR), make_staff(Group.OPERATOR, name="当直")
    act(person)
    page = signed_in(viewer).get("/desk/log/").content.decode()
    assert "当直" in page
    assert person.email not in page
