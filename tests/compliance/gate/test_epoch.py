"""The database goes back: processes notice, one begins another epoch, and closed chat waits for the operator."""

import uuid
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client

from chat.models import User
from compliance import gate
from compliance.gate import epoch as epochs
from compliance.gate import instances
from compliance.law import Cause, Status
from compliance.models import GateState, Instance, LedgerEntry
from compliance.records import Event, agreement, ledger, proof, replay
from compliance.testing import sign_all
from tests.compliance.cases import standing
from tests.compliance.pages import text

pytestmark = pytest.mark.django_db

STOP = "/admin/compliance/stop/"


class Process:
    """A server process, as the gate knows it."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.memory = gate.Memory()
        self.beat()

    def beat(self) -> gate.Snapshot:
        """It shows itself; a second has passed since the last time."""
        if self.memory.beat_at is not None:
            self.memory.beat_at -= epochs.BEAT
        return gate.heartbeat(self.id, self.memory)

    def finds(self) -> str:
        """What showed it that the database went back; empty if it did not."""
        try:
            self.beat()
        except gate.WentBack as found:
            return str(found)
        return ""


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture
def on(settings: Any, operator: User) -> None:
    """A deployment whose closed chat is on."""
    settings.STANDING = standing(Status.notified)
    sign_all(operator)


def lose_beats(process: Process, beat: int = 0) -> None:
    """The database has an earlier row of a process."""
    Instance.objects.filter(id=process.id).update(beat=beat)


def entries(*events: Event) -> list[LedgerEntry]:
    """The entries of some kinds."""
    return list(LedgerEntry.objects.filter(event__in=[event.value for event in events]).order_by("seq"))


def test_a_process_that_lost_nothing_goes_on() -> None:
    process = Process()
    ledger.append(Event.DUTY_DONE, actor=None, payload={})
    assert [process.finds() for _ in range(3)] == ["", "", ""]
    assert Instance.objects.get(id=process.id).beat == process.memory.beat == 4
    assert entries(Event.DATABASE_WENT_BACK) == []


@pytest.mark.parametrize("what", ["beat", "row", "ledger", "epoch", "state"])
def test_a_process_notices_what_the_database_lost_and_writes_nothing(what: str) -> None:
    ledger.append(Event.DUTY_DONE, actor=None, payload={})
    process = Process()
    process.beat()
    match what:
        case "beat":
            lose_beats(process, 1)
        case "row":
            Instance.objects.filter(id=process.id).delete()
        case "ledger":  # another entry stands where the last one was
            process.memory.head = (LedgerEntry.objects.count(), "f" * 64)
        case "epoch":  # of a time before another restore
            process.memory.epoch = "a" * 32
        case _:
            process.memory.epoch = "a" * 32
            lose_beats(process)
    before = LedgerEntry.objects.count(), Instance.objects.count()
    found = {"row": "beat", "state": "epoch"}.get(what, what)
    assert [process.finds(), process.finds()] == [found, found]
    assert (LedgerEntry.objects.count(), Instance.objects.count()) == before


def test_a_row_that_was_taken_away_while_the_process_slept_proves_nothing() -> None:
    process = Process()
    process.beat()
    Instance.objects.filter(id=process.id).delete()
    assert process.memory.beat_at is not None
    process.memory.beat_at -= instances.FORGOTTEN_AFTER
    assert process.finds() == ""
    assert Instance.objects.get(id=process.id).beat == process.memory.beat == 1


def test_a_process_that_leaves_misses_nothing() -> None:
    process = Process()
    process.memory.left = True
    gate.deregister(process.id)
    assert process.finds() == ""
    assert not Instance.objects.filter(id=process.id).exists()


@pytest.mark.usefixtures("on")
def test_several_notice_and_one_begins_another_epoch_with_one_entry() -> None:
    first, second = Process(), Process()
    before = first.beat()
    assert second.beat().closed_chat().allowed
    for process in (first, second):
        lose_beats(process)
        assert process.finds() == "beat"
    moved = gate.move_epoch(first.id, first.memory, "beat")
    assert moved.epoch not in {"", before.epoch}
    assert gate.move_epoch(second.id, second.memory, "beat").epoch == moved.epoch
    third = Process()
    assert [process.beat().epoch for process in (first, second, third)] == [moved.epoch] * 3

    [entry] = entries(Event.DATABASE_WENT_BACK)
    said = entry.payload
    assert (said["epoch"], said["instead_of"], said["found_by"]) == (moved.epoch, before.epoch, "beat")
    assert said["remembered"] == {"seq": said["found"]["seq"], "hash": said["found"]["hash"]}
    assert [reason.cause for reason in moved.closed_chat().reasons] == [Cause.restored]
    assert entries(Event.GATE_CLOSED)[-1].payload["causes"] == ["restored"]


def test_a_process_of_the_epoch_before_adopts_the_new_one_in_silence() -> None:
    process = Process()
    epoch = gate.begin_epoch("restored from the backup of 30 November")
    assert (process.finds(), process.memory.epoch) == ("", epoch)
    assert len(entries(Event.DATABASE_WENT_BACK, Event.SERVICE_RESTORED)) == 1


def test_a_database_that_is_being_restored_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process()
    monkeypatch.setattr(epochs, "tables_without_key", lambda: ["chat_user"])
    with pytest.raises(epochs.NotWhole):
        gate.move_epoch(process.id, process.memory, "beat")
    assert entries(Event.DATABASE_WENT_BACK) == []


@pytest.mark.usefixtures("on")
def test_closed_chat_comes_back_when_the_operator_confirms_who_when_and_why(operator: User) -> None:
    process = Process()
    gate.move_epoch(process.id, process.memory, "room")
    for _ in range(2):
        assert not process.beat().closed_chat().allowed
    with pytest.raises(ValidationError):
        gate.confirm_restore(reason=" ", actor=operator)
    gate.confirm_restore(reason="照合済み", actor=operator)
    assert process.beat().closed_chat().allowed
    [confirmed] = entries(Event.RESTORE_CONFIRMED)
    assert confirmed.actor == ledger.actor_of(operator)
    assert confirmed.payload == {"reason": "照合済み"}
    with pytest.raises(ValidationError):
        gate.confirm_restore(reason="もう一度", actor=operator)
    assert ledger.verify() is None
    assert agreement.differences() == []
    replay.check(proof.bundle())


@pytest.mark.usefixtures("on")
def test_the_state_of_a_restore_moves_with_its_entries_only(operator: User) -> None:
    process = Process()
    gate.move_epoch(process.id, process.memory, "beat")
    for change in ({"restored_at": None}, {"epoch": "0" * 32}):
        with pytest.raises(Exception, match="ledger entry"), transaction.atomic():
            GateState.objects.filter(id=1).update(**change)
    guard = "DROP TRIGGER guard_gatestate_restored"
    with connection.cursor() as cursor:
        cursor.execute(guard + (" ON compliance_gatestate" if connection.vendor == "postgresql" else ""))
    GateState.objects.filter(id=1).update(restored_at=None)
    assert ["復元" in each.ja for each in agreement.differences()] == [True]


def test_the_operator_confirms_on_the_page_of_the_stop_in_two_steps(desk: Client) -> None:
    gate.begin_epoch("バックアップから復元")
    page = text(desk.get(STOP))
    assert "データベースが以前の状態に戻りました" in page
    assert "確認待ち" in text(desk.get("/admin/"))
    desk.post(STOP, {"reason": "署名を見直した", "intent": "confirm"})
    assert gate.current().restored is not None
    done = desk.post(STOP, {"reason": "署名を見直した", "intent": "confirm", "_confirm": "1"}, follow=True)
    assert "復元を確認済みにしました" in text(done)
    assert gate.current().restored is None
    assert gate.current().stop is None


def test_the_command_begins_an_epoch_while_no_process_runs_or_where_it_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    process = Process()
    before = gate.current().epoch
    with pytest.raises(CommandError, match="1 server processes"):
        call_command("epoch", "--new", "drill")
    call_command("epoch", "--new", "drill", "--while-running")
    gate.deregister(process.id)
    call_command("epoch", "--new", "restored from the nightly backup")
    call_command("epoch")
    assert gate.current().epoch in capsys.readouterr().out
    assert gate.current().epoch != before
    assert [entry.payload["reason"] for entry in entries(Event.SERVICE_RESTORED)] == [
        "drill",
        "restored from the nightly backup",
    ]
    call_command("gate")
    assert "確認待ち" in capsys.readouterr().out


@pytest.mark.postgres
def test_tables_that_lost_their_key_are_named_and_no_epoch_begins() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE compliance_instance DROP CONSTRAINT compliance_instance_pkey")
    assert gate.tables_without_key() == ["compliance_instance"]
    with pytest.raises(CommandError, match="compliance_instance"):
        call_command("epoch", "--new", "restored under running processes")
