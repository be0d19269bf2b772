"""A suspended member of staff comes back by two persons, at whatever door somebody tries alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth import models as auth
from django.core.exceptions import ValidationError
from django.utils import timezone

from chat import safety
from chat.models import Reason, Sanction, User
from chat.people import reinstate_expired
from chat.protocol import Refused
from compliance.law.powers import Group, Power
from compliance.models import Approval, LedgerEntry
from compliance.powers import ask_to_give, ask_to_reinstate, may, staff_pages
from compliance.powers.giving import Grant, give
from compliance.records import approvals, ledger
from tests.conftest import MakeStaff, MakeUser, proven

pytestmark = pytest.mark.django_db


@pytest.fixture
def suspended(make_staff: MakeStaff) -> User:
    return make_staff(Group.MODERATOR, is_active=False)


def page(person: User) -> str:
    return f"/desk/staff/{ledger.actor_of(person).ref}/"


def now(person: User) -> User:
    return User.objects.get(pk=person.pk)


def test_the_desk_asks_a_second_person_and_the_record_says_so(make_staff: MakeStaff, suspended: User) -> None:
    operator, second = make_staff(Group.OPERATOR), make_staff(Group.COMPLIANCE)
    browser = proven(operator)
    assert page(suspended) in browser.get("/desk/staff/").content.decode()
    browser.post(page(suspended), {"act": "back", "reason": "復帰"})
    approval = Approval.objects.get()
    assert not now(suspended).is_active
    browser.post(f"/desk/approvals/{approval.pk}/", {"act": "carry_out"})
    assert not now(suspended).is_active
    approvals.approve(approval=approval, actor=second)
    browser.post(f"/desk/approvals/{approval.pk}/", {"act": "carry_out"})
    assert may(now(suspended), Power.PEOPLE)
    entry = LedgerEntry.objects.get(event="account.restored")
    assert entry.payload["approval"] == str(approval.pk)


def test_the_admin_asks_a_second_person_too(make_user: MakeUser, make_staff: MakeStaff, suspended: User) -> None:
    root = make_user(is_staff=True, is_superuser=True)
    make_staff(Group.COMPLIANCE)
    browser = proven(root)
    action = {"action": "reinstate", "_selected_action": [str(suspended.pk)], "reason": "復帰"}
    browser.post("/admin/chat/user/", action)
    assert not now(suspended).is_active
    assert Approval.objects.get().what["active"] is True
    Approval.objects.all().update(withdrawn_at=timezone.now())
    change = {"name": suspended.name, "is_active": "on", "is_staff": "on", "why": "復帰"}
    change["groups"] = str(auth.Group.objects.get(name=Group.MODERATOR).pk)
    answer = browser.post(f"/admin/chat/user/{suspended.pk}/change/", change)
    assert answer.status_code == 302
    assert not now(suspended).is_active
    assert Approval.objects.filter(withdrawn_at=None).get().what["active"] is True


def test_a_plain_member_comes_back_by_one_person(make_user: MakeUser) -> None:
    root, member = make_user(is_staff=True, is_superuser=True), make_user(is_active=False)
    proven(root).post("/admin/chat/user/", {"action": "reinstate", "_selected_action": [str(member.pk)]})
    assert now(member).is_active


@pytest.mark.parametrize("way", ["lifted", "by the clock"])
def test_the_end_of_a_suspension_gives_no_powers_back(make_staff: MakeStaff, make_user: MakeUser, way: str) -> None:
    moderator, person = make_staff(Group.MODERATOR), make_user()
    until = timezone.now() + timedelta(days=1)
    given = {"user": person, "actor": moderator, "reason": "荒らし", "rule": Reason.HARASSMENT, "until": until}
    act = safety.act(kind=Sanction.Kind.SUSPEND, **given)  # type: ignore[arg-type]
    person.groups.add(auth.Group.objects.get(name=Group.OPERATOR))
    if way == "lifted":
        with pytest.raises(Refused):
            safety.lift(sanction=act, actor=moderator)
    else:
        with time_machine.travel(until + timedelta(hours=1), tick=True):
            assert reinstate_expired([person.pk], timezone.now()) == []
    assert not now(person).is_active


def test_nobody_comes_back_with_more_than_was_agreed_to(make_staff: MakeStaff, suspended: User) -> None:
    operator, second = make_staff(Group.OPERATOR), make_staff(Group.COMPLIANCE)
    approval = ask_to_reinstate(account=suspended, reason="復帰", actor=operator)
    approvals.approve(approval=approval, actor=second)
    suspended.groups.add(auth.Group.objects.get(name=Group.OPERATOR))
    with pytest.raises(ValidationError):
        give(approval=approval, actor=operator)
    assert not now(suspended).is_active


def test_powers_for_a_suspended_account_wait_until_it_is_back(make_staff: MakeStaff, suspended: User) -> None:
    operator, second = make_staff(Group.OPERATOR), make_staff(Group.COMPLIANCE)
    approval = ask_to_give(account=suspended, grant=Grant(groups=["operator"]), reason="任命", actor=operator)
    approvals.approve(approval=approval, actor=second)
    with pytest.raises(ValidationError):
        give(approval=approval, actor=operator)
    assert {group.name for group in now(suspended).groups.all()} == {"moderator"}


def test_no_page_gives_a_power_alone_whatever_it_calls(
    make_staff: MakeStaff, suspended: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record refuses it: a page that forgets the second person changes nothing."""

    def careless(*, account: User, **_given: object) -> None:
        account.is_active = True
        account.save(update_fields=("is_active",))

    monkeypatch.setitem(staff_pages._ASKED, "back", careless)
    browser = proven(make_staff(Group.OPERATOR))
    answer = browser.post(page(suspended), {"act": "back", "reason": "復帰"})
    assert answer.status_code == 403
    assert LedgerEntry.objects.filter(event="account.restored").count() == 0


def test_whoever_agreed_and_lost_the_power_agreed_to_nothing(make_staff: MakeStaff, suspended: User) -> None:
    operator, second = make_staff(Group.OPERATOR), make_staff(Group.COMPLIANCE)
    approval = ask_to_reinstate(account=suspended, reason="復帰", actor=operator)
    approvals.approve(approval=approval, actor=second)
    second.groups.clear()
    with pytest.raises(ValidationError):
        give(approval=approval, actor=operator)
    assert not now(suspended).is_active


def test_ending_everything_takes_a_tick(make_staff: MakeStaff) -> None:
    operator, moderator = make_staff(Group.OPERATOR), make_staff(Group.MODERATOR)
    proven(operator).post(page(moderator), {"act": "leave", "reason": "退職"})
    assert may(now(moderator), Power.PEOPLE)
    proven(operator).post(page(moderator), {"act": "leave", "reason": "退職", "sure": "on"})
    assert not may(now(moderator), Power.PEOPLE)
