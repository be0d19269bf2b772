"""Invitations of staff: two persons send one, one person accepts it, once, in time, with a second factor."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from chat import retention
from chat.models import User
from compliance.law.powers import Group, Power
from compliance.models import Approval, Invitation, LedgerEntry
from compliance.powers import may
from compliance.records import approvals
from tests.conftest import MakeStaff, MakeUser, give_factor, proven, signed_in

pytestmark = pytest.mark.django_db

ADDRESS = "new-staff@example.jp"


@pytest.fixture
def operator(make_staff: MakeStaff) -> User:
    return make_staff(Group.OPERATOR)


@pytest.fixture
def link(operator: User, make_staff: MakeStaff) -> str:
    """The link of an invitation to be a moderator, as the mail has it."""
    browser = proven(operator)
    browser.post("/desk/staff/", {"address": ADDRESS, "group": "moderator", "reason": "当番"})
    approval = Approval.objects.get()
    browser.post(f"/desk/approvals/{approval.pk}/", {"act": "carry_out"})
    assert mail.outbox == [], "nobody agreed yet"
    approvals.approve(approval=approval, actor=make_staff(Group.COMPLIANCE))
    browser.post(f"/desk/approvals/{approval.pk}/", {"act": "carry_out"})
    [sent] = mail.outbox
    assert sent.to == [ADDRESS]
    found = re.search(r"/desk/invitation/[^/\s]+/", str(sent.body))
    assert found
    return found.group()


@pytest.fixture
def invited(make_member: MakeUser) -> User:
    person = make_member(email=ADDRESS)
    give_factor(person)
    return person


def test_somebody_joins_by_the_link_once(link: str, invited: User, client: Client) -> None:
    assert client.get(link)["Location"].startswith("/accounts/login/")
    browser = signed_in(invited)
    assert browser.get(link).status_code == 200
    assert not may(invited, Power.PEOPLE), "opening the link does not join"
    assert browser.post(link)["Location"] == "/desk/"
    assert may(invited, Power.PEOPLE)
    invited.groups.clear()
    assert browser.post(link).status_code == 404
    assert not may(invited, Power.PEOPLE)
    row = Invitation.objects.get()
    assert (row.address, row.digest) == ("", "")
    told = LedgerEntry.objects.filter(event__startswith="invitation.").order_by("seq").values_list("event", flat=True)
    assert list(told) == ["invitation.sent", "invitation.accepted"]
    assert not [entry for entry in LedgerEntry.objects.all() if ADDRESS in str(entry.payload)]


def test_it_asks_for_a_second_factor_first(link: str, make_member: MakeUser) -> None:
    person = make_member(email=ADDRESS)
    assert signed_in(person).post(link).status_code == 403
    assert not may(person, Power.PEOPLE)


def test_another_account_cannot_use_it(link: str, make_member: MakeUser) -> None:
    person = make_member()
    give_factor(person)
    assert signed_in(person).post(link).status_code == 403
    assert not may(person, Power.PEOPLE)


def test_it_is_stored_hashed_and_over_after_a_week(link: str, invited: User) -> None:
    assert not Invitation.objects.filter(digest=link.split("/")[3]).exists()
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1), tick=True):
        assert signed_in(invited).get(link).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(days=15), tick=True):
        retention.purge()
    assert Invitation.objects.get().address == ""


def test_it_can_be_withdrawn(link: str, invited: User, operator: User) -> None:
    key = Invitation.objects.get().pk
    assert signed_in(invited).post(f"/desk/invitations/{key}/").status_code == 403
    proven(operator).post(f"/desk/invitations/{key}/")
    assert signed_in(invited).get(link).status_code == 404
    assert LedgerEntry.objects.filter(event="invitation.withdrawn").exists()
