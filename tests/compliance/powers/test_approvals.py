"""Two persons for dangerous acts: who may ask, who may answer, what happens alone, and what the ledger says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from chat.models import User
from compliance import gate
from compliance.law.powers import Group, Power
from compliance.models import Approval, Hold, LedgerEntry
from compliance.powers import Grant, ask_to_give, ask_to_remove_factors, may
from compliance.records import approvals, holds, ledger
from tests.conftest import MakeStaff, MakeUser, proven, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(make_staff: MakeStaff) -> User:
    return make_staff(Group.OPERATOR)


@pytest.fixture
def second(make_staff: MakeStaff) -> User:
    return make_staff(Group.COMPLIANCE)


def events(prefix: str) -> list[tuple[str, str | None]]:
    return list(LedgerEntry.objects.filter(event__startswith=prefix).order_by("seq").values_list("event", "actor"))


def do(browser: Client, approval: Approval, act: str, **fields: str) -> Any:
    return browser.post(f"/desk/approvals/{approval.pk}/", {"act": act, **fields})


def stopped(operator: User) -> Approval:
    gate.pull_stop(reason="点検", actor=operator)
    return gate.ask_to_lift_stop(reason="点検が済んだ", actor=operator)


# The stop -------------------------------------------------------------------------------------------------------------


def test_the_stop_is_lifted_by_two_persons_at_the_desk(operator: User, second: User) -> None:
    approval = stopped(operator)
    with pytest.raises(ValidationError):
        gate.lift_stop(approval=approval, actor=operator)
    do(proven(second), approval, "approve")
    assert gate.current().stop, "the second person agrees; the first carries it out"
    do(proven(operator), approval, "carry_out")
    assert gate.current().stop is None
    first, other = ledger.actor_of(operator).ref, ledger.actor_of(second).ref
    assert events("approval.") == [("approval.requested", first), ("approval.given", other)]
    lifted = LedgerEntry.objects.get(event="stop.lifted")
    assert (lifted.actor_id, lifted.payload["approval"]) == (first, str(approval.pk))
    with pytest.raises(ValidationError):
        gate.lift_stop(approval=approval, actor=operator)


def test_an_approval_lifts_the_stop_that_it_was_asked_for_only(operator: User, second: User) -> None:
    first = stopped(operator)
    approvals.approve(approval=first, actor=second)
    gate.lift_stop(approval=first, actor=operator)
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=True):
        gate.pull_stop(reason="もう一度", actor=operator)
        for used in (first, Approval.objects.get()):
            with pytest.raises((PermissionDenied, ValidationError)):
                gate.lift_stop(approval=used, actor=operator)
    assert gate.current().stop


def test_the_desk_asks_who_one_is_before_an_answer(operator: User, second: User) -> None:
    approval = stopped(operator)
    asked = do(signed_in(second), approval, "approve")
    assert asked["Location"].startswith("/accounts/2fa/reauthenticate/")
    approval.refresh_from_db()
    assert not approval.approved


@pytest.mark.parametrize("act", ["approve", "refuse"])
def test_neither_the_first_person_nor_one_without_the_power_answers(
    operator: User, second: User, make_staff: MakeStaff, act: str
) -> None:
    approval = stopped(operator)
    for person in (operator, make_staff(Group.MODERATOR), make_staff(Group.AUDITOR)):
        assert do(proven(person), approval, act, note="いいえ").status_code == 403
    approval.refresh_from_db()
    assert approval.decided_at is None


def test_a_refusal_ends_it(operator: User, second: User) -> None:
    approval = stopped(operator)
    do(proven(second), approval, "refuse", note="まだ早い")
    do(proven(operator), approval, "carry_out")
    assert gate.current().stop
    assert LedgerEntry.objects.get(event="approval.refused").payload["reason"] == "まだ早い"


def test_a_person_who_lost_the_power_carries_nothing_out(operator: User, second: User) -> None:
    approval = stopped(operator)
    approvals.approve(approval=approval, actor=second)
    operator.groups.clear()
    with pytest.raises(PermissionDenied):
        gate.lift_stop(approval=approval, actor=operator)


# Alone ----------------------------------------------------------------------------------------------------------------


def test_a_sole_operator_waits_a_day_and_the_record_says_so(operator: User) -> None:
    approval = stopped(operator)
    assert LedgerEntry.objects.get(event="approval.requested").payload["alone_from"]
    with pytest.raises(ValidationError):
        gate.lift_stop(approval=approval, actor=operator)
    with (
        time_machine.travel(timezone.now() + timedelta(hours=23, minutes=59), tick=True),
        pytest.raises(ValidationError),
    ):
        gate.lift_stop(approval=approval, actor=operator)
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=True):
        gate.lift_stop(approval=approval, actor=operator)
    assert LedgerEntry.objects.get(event="stop.lifted").payload["alone"] is True


def test_nobody_acts_alone_where_a_second_person_is(operator: User, second: User) -> None:
    approval = stopped(operator)
    assert approval.alone_from is None
    with time_machine.travel(timezone.now() + timedelta(days=6), tick=True), pytest.raises(ValidationError):
        gate.lift_stop(approval=approval, actor=operator)


def test_a_request_lapses_after_a_week(operator: User, second: User) -> None:
    approval = stopped(operator)
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=True), pytest.raises(ValidationError):
        approvals.approve(approval=approval, actor=second)


def test_a_second_person_outside_answers_by_the_link_once(operator: User, client: Client) -> None:
    approval = stopped(operator)
    browser = proven(operator)
    do(browser, approval, "name", name="顧問", email=str(operator.email))
    assert mail.outbox == [], "the first person cannot name themselves"
    do(browser, approval, "name", name="顧問", email="adviser@example.com")
    sent = mail.outbox[0]
    assert sent.to == ["adviser@example.com"]
    path = re.search(r"/desk/second/[^/\s]+/", str(sent.body))
    assert path
    token = path.group().split("/")[3]
    assert not Approval.objects.filter(outside_digest__contains=token).exists(), "the token is stored hashed"
    assert browser.get(path.group()).status_code == 403, "the link is not for the first person"
    assert client.get(path.group()).status_code == 200
    client.post(path.group(), {"act": "approve"})
    assert client.get(path.group()).status_code == 404
    do(browser, approval, "carry_out")
    assert gate.current().stop is None
    given = LedgerEntry.objects.get(event="approval.given")
    assert (given.actor, given.payload["second"]) == (None, "outside")
    assert not [entry for entry in LedgerEntry.objects.all() if "顧問" in str(entry.payload)]


def test_an_outside_person_is_named_only_where_nobody_of_the_staff_is(operator: User, second: User) -> None:
    approval = stopped(operator)
    do(proven(operator), approval, "name", name="顧問", email="adviser@example.com")
    assert mail.outbox == []


# Holds, powers, factors -----------------------------------------------------------------------------------------------


def test_a_hold_is_lifted_by_two_persons(operator: User, second: User) -> None:
    hold = holds.place(scope="everything", subject=None, ground="order", paper="命令", ends_on=None, actor=second)
    approval = holds.ask_to_lift(hold=hold, reason="取消し", actor=second)
    approvals.approve(approval=approval, actor=operator)
    do(proven(second), approval, "carry_out")
    assert Hold.objects.get().lift_reason == "取消し"


def test_powers_are_given_once_a_second_person_agreed(operator: User, second: User, make_user: MakeUser) -> None:
    person = make_user()
    grant = Grant(groups=[Group.MODERATOR])
    approval = ask_to_give(account=person, grant=grant, reason="当番", actor=operator)
    do(proven(operator), approval, "carry_out")
    assert not may(person, Power.PEOPLE)
    approvals.approve(approval=approval, actor=second)
    do(proven(operator), approval, "carry_out")
    assert may(person, Power.PEOPLE)
    given = LedgerEntry.objects.get(event="power.given", payload__account=ledger.actor_of(person).ref)
    assert given.payload["approval"] == str(approval.pk)


def test_nobody_agrees_to_powers_of_their_own(operator: User, second: User) -> None:
    approval = ask_to_give(account=second, grant=Grant(superuser=True), reason="昇格", actor=operator)
    assert approval.alone_from is not None, "who gains is no second person"
    with pytest.raises(PermissionDenied):
        approvals.approve(approval=approval, actor=second)


def test_the_administration_asks_for_powers_and_takes_them_at_once(
    make_user: MakeUser, second: User, staff_browser: Client
) -> None:
    person = make_user(is_staff=True)
    page = f"/admin/chat/user/{person.pk}/change/"
    fields = {"name": person.name, "is_active": "on", "is_staff": "on", "is_superuser": "on"}
    assert "errornote" in staff_browser.post(page, fields).content.decode(), "it asks why"
    staff_browser.post(page, fields | {"why": "当番の責任者"})
    person.refresh_from_db()
    assert (person.is_staff, person.is_superuser) == (True, False)
    approval = Approval.objects.get()
    assert approval.what["superuser"]
    staff_browser.post(page, {"name": person.name, "is_active": "on"})
    person.refresh_from_db()
    assert not person.is_staff


@pytest.fixture
def staff_browser(make_user: MakeUser) -> Client:
    return signed_in(make_user(is_staff=True, is_superuser=True))


@pytest.mark.parametrize("of_staff", [True, False])
def test_anothers_second_factor_takes_two_persons(
    operator: User, second: User, make_user: MakeUser, *, of_staff: bool
) -> None:
    person = make_user(is_staff=of_staff, factor=True)
    approval = ask_to_remove_factors(account=person, reason="紛失", actor=operator)
    assert Authenticator.objects.filter(user=person).exists()
    approvals.approve(approval=approval, actor=second)
    do(proven(operator), approval, "carry_out")
    assert not Authenticator.objects.filter(user=person).exists()
    entry = LedgerEntry.objects.get(event="factor.removed")
    assert (entry.payload["account"], entry.payload["approval"]) == (ledger.actor_of(person).ref, str(approval.pk))


# The database ---------------------------------------------------------------------------------------------------------


def test_the_database_knows_that_the_second_person_is_not_the_first(operator: User, second: User) -> None:
    approval = stopped(operator)
    now = timezone.now()
    rows = Approval.objects.filter(pk=approval.pk)
    for wrong in (
        {"decided_by": operator, "decided_at": now, "approved": True},
        {"decided_at": now, "approved": True},
        {"done_at": now},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**wrong)
