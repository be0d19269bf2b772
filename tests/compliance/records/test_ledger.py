"""The record of what the gate did cannot be rewritten in the service, and shows where it was rewritten outside."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.models import User
from compliance.law import LAW_VERSION
from compliance.models import LedgerEntry, LedgerHead
from compliance.records import Event, ledger, replay
from compliance.testing import unguarded

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def chain(user: User) -> list[LedgerEntry]:
    """Five entries, a minute apart."""
    with time_machine.travel(START, tick=False) as clock:
        entries = []
        for number in range(1, 6):
            entries.append(ledger.append(Event.FEED_MADE, actor=user if number % 2 else None, payload={"n": number}))
            clock.shift(timedelta(minutes=1))
    return entries


def rewrite(statement: str, *values: Any) -> None:
    """Run a statement on the ledger's table."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount == 1, "the statement changed nothing"


def last_anchor() -> ledger.Anchor | None:
    """Return the newest anchor that was written, or None."""
    entry = LedgerEntry.objects.filter(event=Event.LEDGER_ANCHORED.value).order_by("-seq").first()
    return ledger.Anchor.of(entry) if entry else None


# Written -------------------------------------------------------------------------------------------------------------


def test_entries_are_numbered_without_holes_and_chained(chain: list[LedgerEntry]) -> None:
    assert [entry.seq for entry in chain] == [1, 2, 3, 4, 5]
    assert chain[0].previous_hash == replay.GENESIS
    assert [entry.previous_hash for entry in chain[1:]] == [entry.hash for entry in chain[:-1]]
    assert {entry.law_version for entry in chain} == {LAW_VERSION}
    assert [bool(entry.actor) for entry in chain] == [True, False, True, False, True]
    assert ledger.verify() is None


def test_an_empty_ledger_holds(db: None) -> None:
    assert ledger.verify() is None
    assert last_anchor() is None
    assert ledger.replay().state(None)["closed_chat"] is False


def test_the_hash_can_be_computed_without_this_software(chain: list[LedgerEntry]) -> None:
    """What a proof prints is all that is needed: sorted keys, no spaces, UTF-8, SHA-256."""
    import hashlib  # noqa: PLC0415 -- as somebody outside would

    for entry in json.loads(json.dumps([ledger.with_hash(entry) for entry in chain])):
        stated = entry.pop("hash")
        text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).hexdigest() == stated


_words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | _words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.dictionaries(_words, _values, max_size=5), name=_words)
def test_what_the_database_gives_back_hashes_as_what_was_given(user: User, payload: dict[str, Any], name: str) -> None:
    with transaction.atomic():
        user.name = name[:20] or "x"
        written = ledger.append(Event.FEED_MADE, actor=user, payload=payload)
        read = LedgerEntry.objects.get(pk=written.pk)
        assert ledger.digest(read) == read.hash == written.hash
        assert read.payload == ledger.without_addresses(json.loads(json.dumps(payload)))
        assert ledger.verify() is None
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_the_chain_stays_whole_when_many_write_at_once() -> None:
    def write(number: int) -> None:
        try:
            for step in range(10):
                ledger.append(Event.FEED_MADE, actor=None, payload={"thread": number, "step": step})
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(LedgerEntry.objects.values_list("seq", flat=True)) == list(range(1, 41))
    assert ledger.verify() is None


def test_an_entry_of_a_move_that_failed_leaves_no_hole(chain: list[LedgerEntry]) -> None:
    with transaction.atomic():
        ledger.append(Event.FEED_MADE, actor=None, payload={})
        transaction.set_rollback(True)
    assert ledger.append(Event.FEED_MADE, actor=None, payload={}).seq == 6
    assert ledger.verify() is None


# Not rewritten -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE compliance_ledgerentry SET event = 'gate.opened' WHERE seq = 3",
        "UPDATE compliance_ledgerentry SET seq = 99 WHERE seq = 5",
        "DELETE FROM compliance_ledgerentry WHERE seq = 5",
        "DELETE FROM compliance_ledgerentry",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_entry(statement: str, chain: list[LedgerEntry]) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert LedgerEntry.objects.count() == 5
    assert ledger.verify() is None


def test_the_models_refuse_too(chain: list[LedgerEntry]) -> None:
    entry = chain[2]
    entry.payload = {"n": 33}
    for change in (entry.save, entry.delete, LedgerEntry.objects.all().delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerEntry.objects.update(event="gate.opened")


def test_who_wrote_in_the_ledger_cannot_be_deleted(chain: list[LedgerEntry], user: User) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        user.delete()


# Rewritten outside, and found ----------------------------------------------------------------------------------------

CHANGES: dict[str, Any] = {
    "at": START + timedelta(microseconds=1),
    "event": "feed.revoked",
    "actor_id": None,
    "role": "auditor",
    "payload": '{"n": 33}',
    "law_version": "2020-01-01",
    "previous_hash": "0" * 63 + "1",
    "hash": "0" * 63 + "1",
}


def test_every_column_is_covered() -> None:
    assert set(CHANGES) == {field.attname for field in LedgerEntry._meta.fields} - {"seq"}


def test_a_changed_entry_is_found(chain: list[LedgerEntry]) -> None:
    for column, value in CHANGES.items():
        for seq in (1, 3, 5):
            with transaction.atomic():
                with unguarded():
                    rewrite(f"UPDATE compliance_ledgerentry SET {column} = %s WHERE seq = %s", value, seq)  # noqa: S608
                fault = ledger.verify()
                assert fault is not None, column
                assert fault.seq == seq, column
                assert str(seq) in fault.what
                transaction.set_rollback(True)
    assert ledger.verify() is None


@pytest.mark.parametrize("seq", [1, 3])
def test_a_removed_entry_is_found(seq: int, chain: list[LedgerEntry]) -> None:
    with unguarded():
        rewrite("DELETE FROM compliance_ledgerentry WHERE seq = %s", seq)
    fault = ledger.verify()
    assert fault == ledger.Fault(seq, f"entry {seq} is missing: the next one found is {seq + 1}")


def test_a_removed_entry_is_found_though_the_others_were_numbered_anew(chain: list[LedgerEntry]) -> None:
    with unguarded():
        rewrite("DELETE FROM compliance_ledgerentry WHERE seq = 2")
        for seq in (3, 4, 5):
            rewrite("UPDATE compliance_ledgerentry SET seq = %s WHERE seq = %s", seq - 1, seq)
    fault = ledger.verify()
    assert fault is not None
    assert fault.seq == 2


def test_swapped_entries_are_found(chain: list[LedgerEntry]) -> None:
    with unguarded():
        for old, new in ((2, 99), (3, 2), (99, 3)):
            rewrite("UPDATE compliance_ledgerentry SET seq = %s WHERE seq = %s", new, old)
    fault = ledger.verify()
    assert fault is not None
    assert fault.seq == 2


def test_an_entry_slipped_in_is_found(chain: list[LedgerEntry]) -> None:
    with unguarded():
        for seq in (5, 4, 3):
            rewrite("UPDATE compliance_ledgerentry SET seq = %s WHERE seq = %s", seq + 1, seq)
        forged = LedgerEntry(
            seq=3,
            at=chain[2].at,
            event="gate.opened",
            payload={},
            law_version=LAW_VERSION,
            previous_hash=chain[1].hash,
        )
        forged.hash = ledger.digest(forged)
        forged.save(force_insert=True)
    fault = ledger.verify()
    assert fault is not None
    assert fault.seq == 4


def test_an_entry_hashed_anew_after_its_change_is_found_by_the_next(chain: list[LedgerEntry]) -> None:
    forged = chain[2]
    forged.payload = {"n": 33}
    with unguarded():
        LedgerEntry.objects.filter(seq=3).update(payload=forged.payload, hash=ledger.digest(forged))
    fault = ledger.verify()
    assert fault is not None
    assert fault.seq == 4


def test_a_cut_end_and_an_emptied_ledger_are_found(chain: list[LedgerEntry]) -> None:
    for first in (5, 3, 1):
        with unguarded("ledger_delete"):
            LedgerEntry.objects.filter(seq__gte=first).delete()
        fault = ledger.verify()
        assert fault is not None
        assert fault.seq == first
        assert "the head knows entry 5" in fault.what
    for _number in range(6):  # the service goes on, and the cut stays found
        ledger.append(Event.FEED_MADE, actor=None, payload={})
    fault = ledger.verify()
    assert fault == ledger.Fault(5, "entry 5 is not the one that the head knows: the chain was rewritten")


def test_a_tail_that_was_written_anew_is_found_though_its_chain_holds(chain: list[LedgerEntry]) -> None:
    with unguarded("ledger_delete", "ledger_head"):
        LedgerEntry.objects.filter(seq=5).delete()
        ledger.append(Event.FEED_MADE, actor=None, payload={"n": 55})
    fault = ledger.verify()
    assert fault == ledger.Fault(5, "entry 5 is not the one that the head knows: the chain was rewritten")


def test_an_entry_put_behind_the_last_one_past_the_service_is_found(chain: list[LedgerEntry]) -> None:
    with unguarded("ledger_head"):
        ledger.append(Event.FEED_MADE, actor=None, payload={"n": 6})
    fault = ledger.verify()
    assert fault == ledger.Fault(6, "entry 6 is not known to the head: it was not appended by the service")


def test_a_head_that_was_rewritten_too_shows_against_an_anchor(chain: list[LedgerEntry]) -> None:
    """The one thing that the database alone cannot show."""
    kept = ledger.Anchor.of(chain[4])
    with unguarded():
        LedgerEntry.objects.filter(seq=5).delete()
        LedgerHead.objects.update(seq=4, hash=chain[3].hash)
    assert ledger.verify() is None
    fault = ledger.verify([kept])
    assert fault is not None
    assert fault.seq == 5


def test_a_shift_of_all_times_is_found(chain: list[LedgerEntry]) -> None:
    with unguarded():
        LedgerEntry.objects.update(at=F("at") + timedelta(hours=9))
    fault = ledger.verify()
    assert fault is not None
    assert fault.seq == 1
