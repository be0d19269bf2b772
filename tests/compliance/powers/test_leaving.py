"""Joining, leaving and the lost device: what ends, and what the ledger says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from compliance import gate
from compliance.law.powers import Group, Power
from compliance.models import Approval, Feed, LedgerEntry
from compliance.powers import giving, inviting, leaving, may
from compliance.records import approvals, ledger
from tests.conftest import MakeStaff, MakeUser, proven, signed_in

pytestmark = pytest.mark.django_db


def test_leaving_ends_groups_sessions_feed_and_requests_at_once(make_staff: MakeStaff) -> None:
    operator, leaver = make_staff(Group.OPERATOR), make_staff(Group.OPERATOR, Group.MODERATOR)
    leaver.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
    browser = signed_in(leaver)
    assert browser.get("/desk/").status_code == 200
    Feed.objects.create(owner=leaver, token_hash="x" * 64, language="ja")
    gate.pull_stop(reason="点検", actor=operator)
    request = gate.ask_to_lift_stop(reason="済み", actor=leaver)
    ref = ledger.actor_of(leaver).ref
    page = f"/desk/staff/{ref}/"
    assert proven(operator).get(page).status_code == 200
    proven(operator).post(page, {"act": "leave", "reason": "退職", "sure": "on"})
    leaver = type(leaver).objects.get(pk=leaver.pk)
    assert not any(may(leaver, power) for power in Power)
    assert (leaver.is_staff, leaver.is_active, leaver.user_permissions.count()) == (False, True, 0)
    assert browser.get("/desk/").status_code == 302, "the session is over"
    assert not Feed.objects.exists()
    request.refresh_from_db()
    assert request.state == Approval.State.WITHDRAWN
    taken = LedgerEntry.objects.filter(event="power.taken", payload__account=ref)
    assert taken.exists()
    assert all(entry.payload["reason"] == "退職" for entry in taken)
    assert LedgerEntry.objects.filter(event="feed.revoked", payload__account=ref).exists()


def test_the_last_who_runs_the_service_does_not_leave(make_staff: MakeStaff) -> None:
    operator = make_staff(Group.OPERATOR)
    proven(operator).post(
        f"/desk/staff/{ledger.actor_of(operator).ref}/", {"act": "leave", "reason": "退職", "sure": "on"}
    )
    assert may(operator, Power.RUN)


def test_somebody_joins_a_group_by_two_persons(make_staff: MakeStaff, make_user: MakeUser) -> None:
    operator, second, person = make_staff(Group.OPERATOR), make_staff(Group.COMPLIANCE), make_user(factor=True)
    given = {"address": str(person.email), "group": "auditor", "reason": "監査"}
    assert proven(second).post("/desk/staff/", given).status_code == 403
    proven(operator).post("/desk/staff/", given)
    approval = Approval.objects.get()
    approvals.approve(approval=approval, actor=second)
    proven(operator).post(f"/desk/approvals/{approval.pk}/", {"act": "carry_out"})
    assert may(person, Power.RECORD)
    person.refresh_from_db()
    assert not person.is_staff, "an auditor is no staff for others to see"


def test_the_command_lets_a_member_of_staff_back_in(
    make_staff: MakeStaff, make_user: MakeUser, capsys: pytest.CaptureFixture[str]
) -> None:
    person = make_staff(Group.AUDITOR)
    browser = signed_in(person)
    with pytest.raises(CommandError):
        call_command("staff", recover=str(person.email), reason=" ")
    with pytest.raises(CommandError):
        call_command("staff", recover=str(make_user().email), reason="紛失")
    assert Authenticator.objects.filter(user=person).exists()
    call_command("staff", recover=str(person.email).upper(), reason="端末の紛失")
    assert not Authenticator.objects.filter(user=person).exists()
    assert browser.get("/desk/").status_code == 302
    entry = LedgerEntry.objects.get(event="staff.recovered")
    assert entry.payload["account"] == ledger.actor_of(person).ref
    assert (entry.payload["reason"], entry.payload["sessions"], entry.payload["door"]) == ("端末の紛失", 1, "command")
    assert LedgerEntry.objects.filter(event="factor.removed", payload__account=entry.payload["account"]).exists()
    call_command("staff", "--list")
    assert f"{person.email}  auditor  no second factor" in capsys.readouterr().out


@pytest.mark.parametrize("by", ["a request", "an invitation", "an invitation that was not sent"])
def test_nothing_that_was_asked_for_somebody_comes_after_they_left(by: str, make_staff: MakeStaff) -> None:
    first, operator, leaver = make_staff(Group.OPERATOR), make_staff(Group.OPERATOR), make_staff(Group.AUDITOR)
    EmailAddress.objects.create(user=leaver, email=leaver.email, verified=True, primary=True)
    if by == "a request":
        grant = giving.Grant(groups=[Group.MODERATOR])
        request = giving.ask_to_give(account=leaver, grant=grant, reason="増員", actor=first)
    else:
        address = str(leaver.email).upper()
        invitation = inviting.ask_to_invite(address=address, group=Group.MODERATOR, reason="増員", actor=first)
        request = invitation.approval
    approvals.approve(approval=request, actor=make_staff(Group.COMPLIANCE))
    token = inviting.send(approval=request, actor=first)[1] if by == "an invitation" else ""
    leaving.off_board(account=leaver, reason="退職", actor=operator)
    ways: dict[str, Callable[[], object]] = {
        "a request": lambda: giving.give(approval=request, actor=first),
        "an invitation": lambda: inviting.accept(token=token, account=leaver),
        "an invitation that was not sent": lambda: inviting.send(approval=request, actor=first),
    }
    with pytest.raises(ValidationError):
        ways[by]()
    assert not leaver.groups.exists()
