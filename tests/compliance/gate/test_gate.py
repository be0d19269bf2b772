"""The gate on a real database: it opens on two keys, shuts by itself, and is asked again inside every write."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from chat import matching, rooms
from chat.messages import NewEvent
from chat.models import Message, Pairing, Room, Ticket, User
from chat.people import Person
from chat.protocol import Refused
from compliance import gate
from compliance.law import (
    ITEM,
    ITEMS,
    RULES,
    BadValue,
    Cause,
    Facts,
    Feature,
    Mode,
    Required,
    Standing,
    Status,
    blocking,
    read_standing,
)
from compliance.law.checklist import WIND_DOWN
from compliance.models import Authorisation, GateState, Instance, LedgerEntry, Signature
from compliance.records import ledger
from compliance.testing import evidence_for, lift_stop, notified, sign_all, unguarded
from tests.compliance.cases import DATING, POWERS, TODAY, environments, standing
from tests.conftest import MakeUser
from tests.kit.store import store

GATED = [feature for feature, rule in RULES.items() if rule.required in {Required.NOTIFIED, Required.DATING}]
"""What both keys open; reading and scanning are never open in general."""


@pytest.fixture
def key(settings: Settings) -> Settings:
    """The deployer's key is turned."""
    settings.STANDING = notified(TODAY)
    return settings


@pytest.fixture
def both(key: Settings, operator: User) -> User:
    """Both keys are turned; returns the operator."""
    sign_all(operator)
    return operator


def causes() -> list[Cause]:
    return [reason.cause for reason in gate.current().closed_chat().reasons]


def facts() -> Facts:
    checklist = gate.current().checklist
    assert checklist is not None
    return checklist.facts


def events() -> list[str]:
    return list(LedgerEntry.objects.exclude(event__in=POWERS).values_list("event", flat=True))


# Opening and shutting -------------------------------------------------------------------------------------------------


def test_the_second_key_opens_a_period_with_its_facts(both: User) -> None:
    period = Authorisation.objects.get()
    assert period.closed_at is None
    assert gate.current().authorisation == period.pk
    assert period.snapshot["standing"]["status"] == "notified"
    assert period.snapshot["standing"]["number"] == "A-08-12345"
    assert period.snapshot["unsigned"] == []
    needed = {item.id for item in blocking(notified(TODAY), facts())}
    assert set(period.snapshot["signatures"]) >= needed
    assert events().count("gate.opened") == 1
    assert ledger.verify() is None


def test_each_key_alone_opens_nothing(key: Settings, operator: User) -> None:
    assert not gate.reconcile().closed_chat().allowed
    key.STANDING = Standing()
    sign_all(operator)
    assert not gate.reconcile().closed_chat().allowed
    assert not Authorisation.objects.exists()


def test_a_period_says_when_and_why_it_ended_and_the_next_is_another(both: User) -> None:
    gate.pull_stop(reason="点検のため", actor=both)
    first = Authorisation.objects.get()
    assert first.closed_at is not None
    assert first.closed_because is not None
    [reason] = first.closed_because
    assert reason["cause"] == "emergency_stop"
    assert "点検のため" in reason["ja"]
    lift_stop(reason="終わった", actor=both)
    assert Authorisation.objects.count() == 2
    assert gate.current().authorisation == Authorisation.objects.get(closed_at__isnull=True).pk
    told = [event for event in events() if not event.startswith(("item", "retention"))]
    assert told == ["gate.opened", "stop.pulled", "gate.closed", "stop.lifted", "gate.opened"]
    assert ledger.verify() is None


def test_settling_twice_changes_nothing(both: User) -> None:
    before = gate.reconcile(), events()
    assert (gate.reconcile(), events()) == before


def test_signing_again_keeps_the_period_open(both: User) -> None:
    gate.sign(item=ITEM["LAW-07"], evidence=evidence_for(ITEM["LAW-07"]), actor=both)
    assert Authorisation.objects.get().closed_at is None
    assert Signature.objects.filter(item_id="LAW-07").count() == 2
    assert Signature.objects.get(item_id="LAW-07", withdrawn_at__isnull=False).withdrawal_reason == "renewed"


def test_another_environment_after_a_restart_ends_the_period(both: User, settings: Settings) -> None:
    settings.STANDING = Standing()
    assert not gate.reconcile().closed_chat().allowed
    assert [reason["cause"] for reason in Authorisation.objects.get().closed_because or ()] == ["environment"]


# What always holds ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@given_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=environments,
    unsigned=st.sets(st.sampled_from([item.id for item in ITEMS]), max_size=3),
    stopped=st.booleans(),
    expired=st.booleans(),
)
def test_no_combination_opens_without_the_environments_key(
    both: User, settings: Settings, values: dict[str, str], unsigned: set[str], *, stopped: bool, expired: bool
) -> None:
    with transaction.atomic():
        try:
            key = read_standing(values, TODAY)
        except BadValue:
            key = Standing()  # such a start ends with one line: nothing is filed
        settings.STANDING = key
        live = Signature.objects.filter(withdrawn_at__isnull=True)
        state = gate.lock_exclusive()
        with unguarded():
            live.filter(item_id__in=unsigned).delete()
            if expired:
                live.update(expires_at=timezone.now())
            if stopped:
                state.stopped_at, state.stopped_by_id, state.stop_reason = timezone.now(), both.pk, "点検"
            gate.advance_revision(state)
        snapshot = gate.reconcile()
        for feature in GATED:
            if snapshot.decide(feature).allowed:
                assert key.turned
                assert not stopped
                assert key.mode is Mode.advise or not expired
        on = snapshot.closed_chat().allowed
        assert (snapshot.authorisation is not None) is on
        assert Authorisation.objects.filter(closed_at__isnull=True).count() == on
        with (
            pytest.raises(gate.FeatureClosed) if not on else transaction.atomic(),
            gate.transaction(Feature.MATCH_PAIR),
        ):
            pass
        transaction.set_rollback(True)


@pytest.mark.slow
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("status", Status)
def test_withdrawing_any_signature_never_opens_anything(
    status: Status, mode: Mode, operator: User, settings: Settings
) -> None:
    settings.STANDING = standing(status, COMPLIANCE_CHECKLIST=mode, **DATING)
    verdict = {"verdict": "EXEMPT_ITEM1", "profiles": True, "scanning": True, "operator_in_japan": "no", "paid": "yes"}
    sign_all(operator)
    gate.sign(item=ITEM["LAW-01"], evidence=evidence_for(ITEM["LAW-01"]) | verdict, actor=operator)
    # Form 4 names one feature only: what it leaves out must not open because its record goes.
    filed = dict.fromkeys(Feature, False) | {Feature.MATCH_PAIR: True}
    gate.sign(item=ITEM["LAW-05"], evidence=evidence_for(ITEM["LAW-05"]) | filed, actor=operator)
    before = {feature: gate.reconcile().decide(feature).allowed for feature in Feature}
    assert before[Feature.MATCH_PAIR] is (status is not Status.none)
    for item in ITEMS:
        with transaction.atomic():
            gate.withdraw(item=item, reason="誤りがあった", actor=operator)
            snapshot = gate.reconcile()
            after = {feature: snapshot.decide(feature).allowed for feature in Feature}
            assert [feature for feature in Feature if after[feature] and not before[feature]] == [], item.id
            if item in blocking(settings.STANDING, facts()) and mode is Mode.enforce:
                assert not any(after[feature] for feature in GATED), item.id
            transaction.set_rollback(True)


@pytest.mark.slow
def test_withdrawing_a_blocking_signature_shuts_and_signing_it_opens_again(both: User) -> None:
    applying = blocking(notified(TODAY), facts())
    for item in ITEMS:
        shuts = item in applying
        gate.withdraw(item=item, reason="見直し", actor=both)
        assert gate.current().closed_chat().allowed is not shuts, item.id
        gate.sign(item=item, evidence=evidence_for(item), actor=both)
        assert gate.current().closed_chat().allowed, item.id
    assert Authorisation.objects.filter(continues=None).count() == 1 + len(applying)
    assert ledger.verify() is None


# Shutting by itself ---------------------------------------------------------------------------------------------------


def test_a_signature_that_runs_out_shuts_by_time_alone(key: Settings, operator: User) -> None:
    start = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    shortest = min(item.valid_days for item in ITEMS if item.blocks and item.valid_days)
    with time_machine.travel(start, tick=False) as clock:
        sign_all(operator)
        clock.shift(timedelta(days=shortest, minutes=-1))
        assert gate.reconcile().closed_chat().allowed
        clock.shift(timedelta(minutes=1))
        with pytest.raises(gate.FeatureClosed) as shut, gate.transaction(Feature.MATCH_PAIR):
            pass
        assert [reason.cause for reason in shut.value.decision.reasons] == [Cause.aged]
        assert gate.reconcile().closed_chat().allowed  # what runs goes on
        assert Authorisation.objects.get().closed_at is None
        clock.shift(WIND_DOWN)
        assert causes() == [Cause.checklist]
        assert not gate.reconcile().closed_chat().allowed
        assert Authorisation.objects.get().closed_at == start + timedelta(days=shortest) + WIND_DOWN


def test_servers_with_different_environments_shut_and_agreeing_ones_open(both: User) -> None:
    gate.heartbeat(uuid.uuid4())
    assert gate.reconcile().closed_chat().allowed
    stranger = Instance.objects.create(id=uuid.uuid4(), fingerprint=standing(Status.none).fingerprint)
    assert causes() == [Cause.drift]
    assert not gate.reconcile().closed_chat().allowed
    assert Authorisation.objects.get().closed_at is not None
    gate.deregister(stranger.pk)
    assert gate.reconcile().closed_chat().allowed


def test_a_server_that_fell_silent_is_forgotten(both: User) -> None:
    Instance.objects.create(
        id=uuid.uuid4(), fingerprint="another", seen_at=timezone.now() - gate.INSTANCE_TTL - timedelta(seconds=1)
    )
    assert gate.reconcile().closed_chat().allowed


def test_a_mode_that_differs_counts_as_another_environment(both: User, settings: Settings) -> None:
    other = replace(settings.STANDING, mode=Mode.advise)
    Instance.objects.create(id=uuid.uuid4(), fingerprint=other.fingerprint)
    assert causes() == [Cause.drift]


@pytest.mark.slow
def test_a_beat_keeps_one_row_per_process_and_reads_the_gate(both: User) -> None:
    me = uuid.uuid4()
    for _ in range(3):
        assert gate.heartbeat(me).closed_chat().allowed
    assert Instance.objects.get().pk == me


def test_an_unreachable_database_means_off(both: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> gate.Snapshot:
        raise DatabaseError("no answer")

    monkeypatch.setattr("compliance.gate.snapshot.read", away)
    snapshot = gate.current()
    assert causes() == [Cause.unreachable]
    assert gate.reconcile().revision is None
    assert snapshot.decide(Feature.ROOM_OPEN).allowed
    assert gate.door(Feature.MATCH_PAIR)(HttpResponse)(RequestFactory().get("/api/x")).status_code == 451


# Inside the writes ----------------------------------------------------------------------------------------------------


@pytest.fixture
def people(make_member: MakeUser, both: User) -> list[User]:
    """Two members."""
    return [make_member("あ"), make_member("い")]


@pytest.fixture
def talk(people: list[User]) -> Room:
    """Their closed talk."""
    for person in people:
        matching.seek(person=Person.of(person))
    match = matching.pair(people[1].pk)
    assert match is not None
    return Room.objects.get(pk=match.room)


Shutting = Callable[[User, Settings], object]
SHUT: dict[str, Shutting] = {
    "stop": lambda operator, _settings: gate.pull_stop(reason="点検", actor=operator),
    "withdrawal": lambda operator, _settings: gate.withdraw(item=ITEM["LAW-07"], reason="見直し", actor=operator),
    "environment": lambda _operator, settings: setattr(settings, "STANDING", Standing()),
    "drift": lambda _operator, _settings: Instance.objects.create(id=uuid.uuid4(), fingerprint="another"),
}


@pytest.mark.parametrize("shut", SHUT.values(), ids=SHUT)
def test_every_write_of_closed_chat_asks_again_after_the_page_was_shown(
    shut: Shutting, people: list[User], talk: Room, both: User, settings: Settings
) -> None:
    """Pages and frames were let through while the gate was open; it shuts before they write."""
    owner = people[0]
    board = rooms.create_open_room(actor=owner, name="board")
    told = NewEvent(talk.pk, Person.of(owner), Message.Kind.MESSAGE, "まだ？")
    open_too = NewEvent(board.pk, Person.of(owner), Message.Kind.MESSAGE, "こちらは公開")
    shut(both, settings)
    with pytest.raises(gate.FeatureClosed):
        matching.seek(person=Person.of(owner))
    with pytest.raises(gate.FeatureClosed):
        rooms.lock_room(actor=owner, room=board)
    refused, stored = store([told, open_too]).outcomes
    assert isinstance(refused, Refused)
    assert (refused.code, refused.rule) == ("gate", RULES[Feature.MATCH_PAIR].id)
    assert not isinstance(stored, Refused)
    assert not Message.objects.filter(room=talk).exists()
    assert Room.objects.get(pk=board.pk).is_open


def test_nobody_is_matched_once_the_gate_is_shut(people: list[User], both: User) -> None:
    for person in people:
        matching.seek(person=Person.of(person))
    gate.pull_stop(reason="点検", actor=both)
    assert matching.pair(people[0].pk) is None
    assert matching.sweep() == []
    assert not Pairing.objects.exists()
    assert Ticket.objects.count() == 2


def test_the_lock_page_that_was_open_locks_nothing_once_the_gate_is_shut(
    people: list[User], both: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop falls between the view's own question and the write's."""
    owner = people[0]
    rooms.create_open_room(actor=owner, name="board")
    client = Client()
    client.force_login(owner)
    lock = rooms.lock_room

    def late(**kwargs: object) -> Room:
        gate.pull_stop(reason="点検", actor=both)
        return lock(**kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(rooms, "lock_room", late)
    answer = client.post("/rooms/board/lock/", {"understood": "on"})
    assert answer.status_code == 451
    assert 'rel="blocked-by"' in answer["Link"]
    assert Room.objects.get(slug="board").is_open


def test_between_the_keys_and_the_period_no_write_passes(both: User) -> None:
    """Both keys are turned, but nobody has opened the period yet: a closed room would lack its authorisation."""
    state = GateState.objects.get()
    state.authorisation = None
    gate.advance_revision(state)
    with transaction.atomic():
        assert not gate.lock_shared()(Feature.MATCH_PAIR).allowed
    gate.reconcile()
    with transaction.atomic():
        assert gate.lock_shared()(Feature.MATCH_PAIR).allowed


@pytest.mark.parametrize("feature", [Feature.ROOM_OPEN, Feature.ACCOUNT])
def test_what_the_law_does_not_gate_is_written_whatever_the_gate_says(feature: Feature, db: None) -> None:
    with gate.transaction(feature) as authorisation:
        assert authorisation is None


def test_all_features_of_a_write_must_be_open(both: User) -> None:
    with pytest.raises(gate.FeatureClosed) as shut, gate.transaction(Feature.MATCH_PAIR, Feature.PROFILE_DATING):
        pass
    assert shut.value.decision.feature is Feature.PROFILE_DATING


@pytest.fixture
def in_a_thread(transactional_db: None) -> Iterator[Callable[[Callable[[], object]], threading.Thread]]:
    """Runs something in a thread with a connection of its own."""
    threads: list[threading.Thread] = []

    def start(job: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            try:
                job()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        threads.append(thread)
        thread.start()
        return thread

    yield start
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
def test_the_gate_waits_for_a_write_under_way_and_the_next_write_finds_it_shut(
    both: User, in_a_thread: Callable[[Callable[[], object]], threading.Thread]
) -> None:
    with gate.transaction(Feature.MATCH_PAIR):
        stopping = in_a_thread(lambda: gate.pull_stop(reason="点検", actor=both))
        stopping.join(timeout=0.3)
        assert stopping.is_alive()  # the write ends under the period in which it began
    stopping.join(timeout=10)
    assert not stopping.is_alive()
    with pytest.raises(gate.FeatureClosed), gate.transaction(Feature.MATCH_PAIR):
        pass


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_from_a_transaction_that_was_rolled_back_is_never_used_again(both: User) -> None:
    try:
        with transaction.atomic():
            gate.pull_stop(reason="点検", actor=both)
            assert not gate.current().closed_chat().allowed
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert gate.current().closed_chat().allowed


# Refusals in bulk -----------------------------------------------------------------------------------------------------


def test_refusals_are_summed_up_and_not_written_one_by_one(client: Client, key: Settings, db: None) -> None:
    gate.write_refusals()
    before = LedgerEntry.objects.count()
    for _ in range(5):
        client.get("/match/")
    client.get("/rooms/x/lock/")
    assert LedgerEntry.objects.count() == before
    gate.write_refusals()
    entry = LedgerEntry.objects.latest("seq")
    assert (entry.event, entry.payload) == ("gate.refused", {"counts": {"room.match_pair": 5, "room.invite_only": 1}})
    gate.write_refusals()
    assert LedgerEntry.objects.count() == before + 1
