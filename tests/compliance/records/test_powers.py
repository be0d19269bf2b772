"""Who gets and loses power stands in the ledger, by whatever door; so do starts and keys. No address and no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from chat import personal_data
from chat.models import User
from compliance.models import Actor, LedgerEntry
from compliance.records import Event, ledger, powers, starts
from compliance.testing import TurnEnvironment

Told = list[tuple[str, dict[str, Any]]]


def told(since: int = 0) -> Told:
    """The entries after a number: event and payload."""
    return list(LedgerEntry.objects.filter(seq__gt=since).order_by("seq").values_list("event", "payload"))


def head() -> int:
    """The number of the last entry."""
    return LedgerEntry.objects.values_list("seq", flat=True).order_by("-seq").first() or 0


def test_a_member_and_a_guest_leave_no_entry(make_user: Any) -> None:
    member = make_user()
    member.name = "別の名前"
    member.save()
    User.objects.create(name="客", is_guest=True)
    assert told() == []
    assert not Actor.objects.exists()


def test_createsuperuser_is_told(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "correct horse battery")
    call_command("createsuperuser", "--noinput", "--email", "boss@example.jp", verbosity=0)
    ref = Actor.objects.get().ref
    assert told() == [
        ("staff.added", {"account": ref, "door": "command"}),
        ("power.given", {"account": ref, "powers": ["superuser"], "door": "command"}),
    ]
    assert "boss" not in json.dumps(told())


@pytest.fixture
def staff(make_user: Any) -> User:
    """A staff account without a power of its own."""
    account: User = make_user("係", is_staff=True, factor=False)
    return account


def join(account: User) -> None:
    account.groups.add(Group.objects.get_or_create(name="moderator")[0])


def leave(account: User) -> None:
    account.groups.clear()


def enlist(account: User) -> None:
    Group.objects.get_or_create(name="auditor")[0].user_set.add(account)


def dissolve(account: User) -> None:
    Group.objects.get(name="auditor").delete()


def empty(account: User) -> None:
    Group.objects.get(name="auditor").user_set.clear()


def permit(account: User) -> None:
    account.user_permissions.add(Permission.objects.get(codename="pull_stop"))


def forbid(account: User) -> None:
    account.user_permissions.set([])


def factor(account: User) -> None:
    Authenticator.objects.create(user=account, type=Authenticator.Type.TOTP, data={"secret": "SECRET"})


def unfactor(account: User) -> None:
    Authenticator.objects.filter(user=account).delete()


def flag(**flags: bool) -> Callable[[User], None]:
    def change(account: User) -> None:
        for name, value in flags.items():
            setattr(account, name, value)
        account.save(update_fields=list(flags))

    return change


CHANGES: dict[str, tuple[list[Callable[[User], None]], Told]] = {
    "group": ([join], [("power.given", {"powers": ["group:moderator"]})]),
    "group left": ([join, leave], [("power.taken", {"powers": ["group:moderator"]})]),
    "group from its side": ([enlist], [("power.given", {"powers": ["group:auditor"]})]),
    "group emptied": ([enlist, empty], [("power.taken", {"powers": ["group:auditor"]})]),
    "group deleted": ([enlist, dissolve], [("power.taken", {"powers": ["group:auditor"]})]),
    "permission": ([permit], [("power.given", {"powers": ["permission:compliance.pull_stop"]})]),
    "permission taken": ([permit, forbid], [("power.taken", {"powers": ["permission:compliance.pull_stop"]})]),
    "superuser": ([flag(is_superuser=True)], [("power.given", {"powers": ["superuser"]})]),
    "superuser no more": (
        [flag(is_superuser=True), flag(is_superuser=False)],
        [("power.taken", {"powers": ["superuser"]})],
    ),
    "staff no more": ([flag(is_staff=False)], [("staff.removed", {})]),
    "suspended": ([flag(is_active=False)], [("account.suspended", {})]),
    "back": ([flag(is_active=False), flag(is_active=True)], [("account.restored", {})]),
    "factor": ([factor], [("factor.added", {"factors": ["totp"]})]),
    "factor removed": ([factor, unfactor], [("factor.removed", {"factors": ["totp"]})]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_of_power_is_told_once(name: str, staff: User) -> None:
    ref = ledger.actor_of(staff).ref
    *before, last = CHANGES[name][0]
    for step in before:
        step(staff)
    since = head()
    last(staff)
    assert told(since) == [(event, {"account": ref, **what, "door": "command"}) for event, what in CHANGES[name][1]]
    assert "SECRET" not in json.dumps(told())
    since = head()
    powers.reconcile()
    assert told(since) == []


def test_what_passes_the_signals_by_is_found_before_the_next_anchor(staff: User, user: User) -> None:
    since = head()
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE chat_user SET is_active = %s WHERE id = %s", [False, staff.pk])
    assert told(since) == []
    call_command("ledger", "anchor", verbosity=0)
    found = [event for event, payload in told(since) if payload.get("door") == "unseen"]
    assert sorted(found) == ["account.suspended", "power.given", "staff.added"]


def test_a_groups_own_permissions_are_told(db: None) -> None:
    group = Group.objects.get(name="auditor")
    permission = Permission.objects.get(codename="view_ledgerentry")
    group.permissions.add(permission)
    group.permissions.clear()
    permission.group_set.add(group)
    what = {"group": "group:auditor", "powers": ["permission:compliance.view_ledgerentry"], "door": "command"}
    assert told() == [("power.given", what), ("power.taken", what), ("power.given", what)]


def test_the_name_of_a_group_of_ones_own_stays_out(staff: User) -> None:
    group = Group.objects.create(name="tanaka@example.jp")
    staff.groups.add(group)
    assert told()[-1][1]["powers"] == [f"group:{group.pk}"]


def test_the_admin_says_who_gave_it(desk: Client, operator: User, staff: User) -> None:
    since = head()
    page = f"/admin/chat/user/{staff.pk}/change/"
    form = desk.get(page).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if isinstance(value, str | int) and value}
    answer = desk.post(page, {**data, "is_staff": "on", "is_active": "", "_save": "x"})
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    entry = LedgerEntry.objects.get(seq__gt=since, event=Event.ACCOUNT_SUSPENDED)
    assert (entry.actor, entry.role) == (ledger.actor_of(operator), "superuser")
    assert entry.payload["door"] == "page"


def test_an_account_in_the_ledger_is_not_deleted_but_erased(staff: User, operator: User) -> None:
    ledger.append(Event.FEED_MADE, actor=operator, payload={})
    with pytest.raises(DatabaseError), transaction.atomic():
        operator.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        staff.delete()
    flag(is_staff=False)(staff)
    personal_data.erase([staff])
    assert not User.objects.filter(pk=staff.pk).exists()
    assert ledger.verify() is None


# Starts --------------------------------------------------------------------------------------------------------------


def test_a_start_says_version_environment_and_filing_and_no_secret(
    turn_environment: TurnEnvironment, settings: Settings, db: None
) -> None:
    standing = turn_environment()
    starts.record_start()
    [(event, payload)] = told()
    assert event == Event.SERVICE_STARTED
    assert payload["environment"] == standing.fingerprint
    assert payload["version"] == settings.VERSION
    assert payload["standing"]["number"] == "A-08-12345"
    written = json.dumps(told())
    assert settings.SECRET_KEY not in written
    assert settings.CLOSED_CHAT_KEYS[0].hex() not in written
    assert "contact@example.jp" not in written


def test_another_key_is_told_at_the_next_start(settings: Settings, db: None) -> None:
    starts.record_start()
    settings.CLOSED_CHAT_KEYS = [b"n" * 32, *settings.CLOSED_CHAT_KEYS]
    starts.record_start()
    settings.SECRET_KEY = "another " * 8
    starts.record_start()
    rotated = [payload for event, payload in told() if event == Event.KEY_ROTATED]
    assert [payload["key"] for payload in rotated] == ["closed_chat", "secret"]
    assert all(payload["before"] != payload["now"] for payload in rotated)


@pytest.mark.slow
def test_starts_in_bulk_are_bounded(settings: Settings, db: None) -> None:
    with time_machine.travel(datetime(2026, 11, 22, tzinfo=UTC), tick=False) as clock:
        for _ in range(20):
            starts.record_start()
        assert len(told()) == starts.MAX_PER_HOUR
        settings.CLOSED_CHAT_KEYS = [b"n" * 32]
        starts.record_start()  # other facts are told at once
        assert len(told()) == starts.MAX_PER_HOUR + 2
        clock.shift(timedelta(hours=2))
        starts.record_start()
        assert len(told()) == starts.MAX_PER_HOUR + 3
