"""What the records promise, the database keeps, whoever writes to it: each guarded table against each statement."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import DatabaseError, connection, models, transaction
from django.utils import timezone

from chat.models import ClosedRoomId, HeldCopy, Message, Room, User
from chat.rooms import LOCKED, OPEN_TO_ALL, PAIRED, columns, create_open_room, lock_room
from compliance import discontinuation, duties, gate
from compliance.duties.occurrences import record_happening
from compliance.law import ITEM, Feature, Text
from compliance.law.duties import Kind
from compliance.models import (
    Approval,
    Assessment,
    Authorisation,
    GateState,
    Happening,
    Hold,
    LedgerEntry,
    LedgerHead,
    Outage,
    Signature,
    guards,
)
from compliance.records import Event, agreement, holds, ledger
from compliance.testing import TurnKeys, lift_hold, lift_stop, unguarded

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NOTICE: Final = discontinuation.Notice(
    service=Text("クローズド・チャット", "Closed chat"),
    on=date(2099, 1, 1),
    until=None,
    reason=Text("理由", "reason"),
    contact=Text("窓口", "desk"),
    alternatives=Text("代わり", "others"),
    protection=Text("注意", "care"),
    suspension=False,
    whole=True,
)


NOTICE_AT: Final = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture
def on(turn_keys: TurnKeys, operator: User) -> Authorisation:
    """Both keys turned; a stop that was pulled and lifted, a hold, an incident, an outage, a recorded assessment."""
    turn_keys()
    gate.pull_stop(reason="点検", actor=operator)
    lift_stop(reason="済み", actor=operator)
    holds.place(scope="everything", subject=None, ground="order", paper="令状", ends_on=None, actor=operator)
    HeldCopy.objects.create(hold=Hold.objects.get(), person=uuid.uuid4(), facts=b"x")
    record_happening(kind=Kind.DATA_LEAK, on=timezone.localdate(), summary="漏えい", attack=False, actor=operator)
    duties.save_outage(Outage(started_at=timezone.now() - timedelta(hours=1), noticed_by="health"), actor=None)
    Assessment.objects.create(
        answered_by=operator,
        outcome="NOTIFY",
        fingerprint="x",
        law_version="x",
        signature=Signature.objects.get(item_id="LAW-01", withdrawn_at__isnull=True),
    )
    period = GateState.objects.get().authorisation
    assert period is not None
    return period


def sql(statement: str, *values: Any) -> int:
    """Run a statement as somebody at the database's shell would."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def refused(act: Callable[[], object]) -> str:
    """Return how the database refuses; empty if it does not. Leaves the transaction usable."""
    try:
        with transaction.atomic():
            act()
    except DatabaseError as error:
        return str(error).splitlines()[0]
    return ""


def a_closed_room(period: Authorisation | None, **changes: Any) -> Room:
    """A closed room as a shell might make it."""
    return Room.objects.create(**{"feature": "room.match_pair", "authorisation": period} | columns(PAIRED) | changes)


def an_open_room(**changes: Any) -> Room:
    """An open room as a shell might make it."""
    return Room.objects.create(**{"slug": f"room-{uuid.uuid4()}"} | columns(OPEN_TO_ALL) | changes)


# Each guarded table × each statement ----------------------------------------------------------------------------------

STAYS: Final = (
    Signature,
    GateState,
    Authorisation,
    LedgerEntry,
    LedgerHead,
    Hold,
    Happening,
    Outage,
    Assessment,
    Approval,
)
"""Tables whose rows, as `on` leaves them, are neither deleted nor replaced."""


def rows(model: type[models.Model]) -> list[Any]:
    return list(model._default_manager.order_by("pk").values())


def test_every_guarded_table_is_walked_here() -> None:
    walked = {model._meta.db_table for model in (*STAYS, Room, ClosedRoomId, User, HeldCopy)}
    assert walked == set(guards.tables())


@pytest.mark.parametrize("model", [*STAYS, ClosedRoomId, User, HeldCopy], ids=lambda model: model.__name__)
def test_no_row_is_deleted(model: type[models.Model], on: Authorisation) -> None:
    a_closed_room(on)
    table, before = model._meta.db_table, rows(model)
    assert before
    assert refused(lambda: sql(f"DELETE FROM {table}"))  # noqa: S608
    assert refused(lambda: model._default_manager.all()._raw_delete(using="default"))
    assert rows(model) == before


@pytest.mark.parametrize("model", [*STAYS, Room, ClosedRoomId, User, HeldCopy], ids=lambda model: model.__name__)
def test_no_table_is_emptied(model: type[models.Model], on: Authorisation) -> None:
    if connection.vendor != "postgresql":
        assert "TRUNCATE" in refused(lambda: sql(f"TRUNCATE {model._meta.db_table}"))  # SQLite has no such statement
        return
    a_closed_room(on)
    before = rows(model)
    for how in ("", " CASCADE"):
        assert refused(lambda how=how: sql(f"SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE {model._meta.db_table}{how}"))  # type: ignore[misc]
    assert rows(model) == before


@pytest.mark.parametrize("model", [*STAYS, Room, User, HeldCopy], ids=lambda model: model.__name__)
def test_no_row_is_replaced(model: type[models.Model], on: Authorisation) -> None:
    """SQLite's REPLACE deletes the row in the way without asking a delete trigger; PostgreSQL updates it."""
    room = an_open_room()
    a_closed_room(on)
    table, before = model._meta.db_table, rows(model)
    names = [field.column for field in model._meta.concrete_fields]
    listed, key = ", ".join(f'"{name}"' for name in names), model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {listed} FROM {table} LIMIT 1")  # noqa: S608
        row = list(cursor.fetchone())
    places = ", ".join(["%s"] * len(row))
    if connection.vendor == "sqlite":
        assert refused(lambda: sql(f"INSERT OR REPLACE INTO {table} ({listed}) VALUES ({places})", *row))  # noqa: S608
        if model is Room:
            row[names.index(key)], row[names.index("slug")] = uuid.uuid4().hex, room.slug
            assert refused(lambda: sql(f"REPLACE INTO {table} ({listed}) VALUES ({places})", *row))  # noqa: S608
        if model is Signature:
            row[names.index(key)] = 10_000
            assert refused(lambda: sql(f"REPLACE INTO {table} ({listed}) VALUES ({places})", *row))  # noqa: S608
        if model is LedgerEntry:
            row[names.index(key)] = ledger.append(Event.FEED_MADE, actor=None, payload={}).seq + 1
            before = rows(model)
            assert refused(lambda: sql(f"REPLACE INTO {table} ({listed}) VALUES ({places})", *row))  # noqa: S608
        if model is Outage:
            row[names.index(key)] = 10_000
            assert refused(lambda: sql(f"REPLACE INTO {table} ({listed}) VALUES ({places})", *row))  # noqa: S608
    else:
        row = [_plain(value) for value in row]
        assert refused(lambda: sql(f"INSERT INTO {table} ({listed}) VALUES ({places})", *row))  # noqa: S608
    assert rows(model) == before


def _plain(value: Any) -> Any:
    from psycopg.types.json import Json  # noqa: PLC0415 -- on PostgreSQL only

    return Json(value) if isinstance(value, (dict, list)) else value


FROZEN: Final[dict[type[models.Model], set[str]]] = {
    LedgerEntry: set(),
    LedgerHead: set(),
    Signature: set(),
    Authorisation: {"closed_at", "closed_because"},
    Hold: {"lifted_at", "lifted_by_id", "lift_reason"},
    Happening: {"void_because"},
    Assessment: set(),
    GateState: {"revision", "authorisation_id"},
    Outage: {"started_at", "ended_at", "users", "where", "service", "add_on", "cause", "void_because"},
    ClosedRoomId: set(),
}
"""Tables, and the columns that may move by themselves. Every other column is walked."""


def another(field: Any, value: Any, operator: User) -> Any:  # noqa: PLR0911 -- one for each type of column
    """A value that the column could have and does not."""
    match field.get_internal_type():
        case "DateTimeField":
            return timezone.now() + timedelta(days=400)
        case "DateField":
            return date(2098, 1, 1)
        case "JSONField":
            return {"another": True}
        case "BooleanField":
            return not value
        case "UUIDField":
            return uuid.uuid4()
        case "ForeignKey" | "OneToOneField":
            return operator.pk + 10_000 if value else operator.pk
        case kind if "Integer" in kind or "Auto" in kind:
            return (value or 0) + 10_000
        case _:
            return f"{value or ''}x"[-field.max_length :] if field.max_length else f"{value or ''}x"


@pytest.mark.parametrize("model", list(FROZEN), ids=lambda model: model.__name__)
def test_no_other_column_changes_by_a_statement(model: type[models.Model], on: Authorisation, operator: User) -> None:
    a_closed_room(on)
    row = model._default_manager.order_by("pk").values()[0]
    before, taken = rows(model), []
    for field in model._meta.concrete_fields:
        if field.attname in FROZEN[model]:
            continue
        value = another(field, row[field.attname], operator)
        stated = field.get_db_prep_save(value, connection)
        if not refused(lambda: _set(model, row, field, stated)):  # noqa: B023 -- called at once
            taken.append(field.attname)
    assert taken == []
    assert rows(model) == before


def _set(model: type[models.Model], row: Any, field: Any, value: Any) -> None:
    key = model._meta.pk
    sql(
        f'UPDATE {model._meta.db_table} SET "{field.column}" = %s WHERE {key.column} = %s',  # noqa: S608
        value,
        key.get_db_prep_save(row[key.attname], connection),
    )


def test_what_may_move_by_itself_moves_one_way(on: Authorisation, operator: User) -> None:
    assert refused(lambda: sql("UPDATE compliance_happening SET void_because = 'x'")) == ""
    assert "struck out once" in refused(lambda: sql("UPDATE compliance_happening SET void_because = ''"))
    closed_on = timezone.now()
    Authorisation.objects.filter(pk=on.pk).update(closed_at=closed_on, closed_because=[])
    for again in ({"closed_at": None, "closed_because": None}, {"closed_at": closed_on + timedelta(1)}):
        assert "never opens again" in refused(lambda again=again: Authorisation.objects.update(**again))  # type: ignore[misc]
    GateState.objects.update(authorisation=None)
    assert "a period that is open" in refused(lambda: GateState.objects.update(authorisation=on))


# Rooms ----------------------------------------------------------------------------------------------------------------


def test_a_closed_room_never_comes_back_under_its_id(on: Authorisation) -> None:
    room = a_closed_room(on)
    pk = room.pk
    Message.objects.create(room=room, seq=1, author_name="x", sealed=b"x")

    def delete_and_insert() -> None:
        sql("DELETE FROM chat_message WHERE room_id = %s", _id(room))
        sql("DELETE FROM chat_room WHERE id = %s", _id(room))
        an_open_room(pk=pk)

    assert "never used again" in refused(delete_and_insert)
    assert Room.objects.get(pk=pk).kind == "closed"
    room.delete()  # as the purge does
    assert "never used again" in refused(lambda: an_open_room(pk=pk))
    assert "never used again" in refused(lambda: a_closed_room(on, pk=pk))
    assert list(ClosedRoomId.objects.values_list("pk", flat=True)) == [pk]


def _id(room: Room) -> Any:
    return Room._meta.pk.get_db_prep_save(room.pk, connection)


def test_a_locked_room_is_closed_for_good_too(on: Authorisation, user: User) -> None:
    room = lock_room(actor=user, room=create_open_room(actor=user, name="部屋", slug="heya"))
    pk = room.pk
    assert ClosedRoomId.objects.filter(pk=pk).exists()
    room.delete()
    assert "never used again" in refused(lambda: an_open_room(pk=pk))


def test_no_open_room_takes_the_place_of_a_closed_one_by_its_key_or_its_address(on: Authorisation) -> None:
    closed, board = a_closed_room(on), an_open_room()
    sql("DELETE FROM chat_room WHERE id = %s", _id(closed))
    assert "keeps its id" in refused(lambda: sql("UPDATE chat_room SET id = %s WHERE id = %s", _id(closed), _id(board)))
    for slug in (str(closed.pk), closed.pk.hex, closed.pk.hex.upper()):
        assert "never leads to a closed one" in refused(lambda slug=slug: an_open_room(slug=slug))  # type: ignore[misc]
        assert "keeps its address" in refused(lambda slug=slug: Room.objects.filter(pk=board.pk).update(slug=slug))  # type: ignore[misc]


def test_a_closed_room_takes_a_period_that_is_open_and_outlives_it(on: Authorisation, operator: User) -> None:
    running, board = a_closed_room(on), an_open_room()
    gate.pull_stop(reason="点検", actor=operator)
    locked = columns(LOCKED) | {"slug": None, "authorisation": on, "feature": Feature.INVITE_ONLY.value}
    assert "authorisation that is open" in refused(lambda: a_closed_room(on))
    assert "authorisation that is open" in refused(lambda: Room.objects.filter(pk=board.pk).update(**locked))
    Room.objects.filter(pk=running.pk).update(head=5, ended_at=timezone.now())
    assert Room.objects.get(pk=running.pk).kind == "closed"


# Signatures, stop, end, holds move with their entries -----------------------------------------------------------------


def test_a_withdrawn_signature_never_comes_back(on: Authorisation, operator: User) -> None:
    withdrawn = Signature.objects.get(item_id="LAW-07", withdrawn_at__isnull=True)
    gate.withdraw(item=ITEM["LAW-07"], reason="見直し", actor=operator)
    back = "UPDATE compliance_signature SET withdrawn_at = NULL, withdrawn_by_id = NULL, withdrawal_reason = ''"
    assert "withdrawn once" in refused(lambda: sql(f"{back} WHERE id = %s", withdrawn.pk))
    assert not gate.reconcile().closed_chat().allowed
    gate.sign(item=ITEM["LAW-07"], evidence=withdrawn.evidence, actor=operator)
    assert "withdrawn once" in refused(lambda: sql(f"{back} WHERE id = %s", withdrawn.pk))
    assert agreement.differences() == []


def test_a_signature_takes_the_entry_that_names_it(on: Authorisation, operator: User) -> None:
    gate.withdraw(item=ITEM["LAW-07"], reason="見直し", actor=operator)
    for number in (None, 10_000):
        new = Signature(pk=number, item_id="LAW-07", signed_by=operator)
        assert "takes a ledger entry" in refused(lambda new=new: new.save(force_insert=True))  # type: ignore[misc]
    with pytest.raises(DatabaseError, match="withdrawn once"), transaction.atomic():
        Signature.objects.filter(item_id="LAW-06").update(
            withdrawn_at=timezone.now(), withdrawn_by=operator, withdrawal_reason="x"
        )


def test_a_stop_is_lifted_and_an_end_is_moved_with_an_entry_only(on: Authorisation, operator: User) -> None:
    gate.pull_stop(reason="点検", actor=operator)
    lifted = {"stopped_at": None, "stopped_by": None, "stop_reason": ""}
    for change in (lifted, {"stop_reason": "別"}, {"stopped_at": timezone.now()}):
        assert "the stop moves" in refused(lambda change=change: GateState.objects.update(**change))  # type: ignore[misc]
    lift_stop(reason="済み", actor=operator)
    pulled = {"stopped_at": timezone.now(), "stopped_by": operator, "stop_reason": "x"}
    assert "the stop moves" in refused(lambda: GateState.objects.update(**pulled))
    discontinuation.announce(NOTICE, actor=operator)
    none: dict[str, Any] = {"ends_on": None, "end_announced_at": None, "end_announced_by": None, "end_notice": {}}
    others: list[dict[str, Any]] = [{"ends_on": date(2098, 1, 1)}, {"end_notice": {}}, {"end_announced_at": NOTICE_AT}]
    for end in (none, *others):
        assert "planned end moves" in refused(lambda end=end: GateState.objects.update(**end))  # type: ignore[misc]
    assert "is reached" in refused(lambda: GateState.objects.update(end_reached_at=timezone.now()))
    discontinuation.withdraw(reason="続ける", actor=operator)
    assert agreement.differences() == []


def test_a_hold_is_lifted_with_an_entry_only_and_once(on: Authorisation, operator: User) -> None:
    hold = Hold.objects.get()
    lifted = {"lifted_at": timezone.now(), "lifted_by": operator, "lift_reason": "x"}
    assert "lifted once" in refused(lambda: Hold.objects.update(**lifted))
    lift_hold(hold=hold, reason="期間満了", actor=operator)
    assert "lifted once" in refused(lambda: Hold.objects.update(lifted_at=None, lifted_by=None, lift_reason=""))
    assert agreement.differences() == []


def test_an_entry_that_does_not_follow_the_last_is_refused(on: Authorisation) -> None:
    last = LedgerEntry.objects.latest("seq")

    def forged(**changes: Any) -> None:
        fields = {"at": last.at, "event": "x", "payload": {}, "law_version": "x", "previous_hash": last.hash}
        LedgerEntry.objects.create(**{"seq": last.seq + 1, "hash": "f" * 64} | fields | changes)

    for changes in ({"seq": last.seq + 2}, {"seq": last.seq}, {"seq": 0}, {"previous_hash": "0" * 64}):
        assert "append-only" in refused(lambda changes=changes: forged(**changes))  # type: ignore[misc]
    assert refused(lambda: forged(hash=last.hash))
    assert ledger.verify() is None


# Taken away, and noticed ----------------------------------------------------------------------------------------------


def test_the_guards_are_those_that_are_declared(db: None) -> None:
    assert guards.missing() == []
    assert len(guards.triggers(connection.vendor)) > 40


def test_a_guard_that_is_off_is_named_and_put_back(on: Authorisation, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ledger_delete", "room_id_used"):
        with unguarded(name):
            assert guards.missing() == [f"guard_{name}"]
            with pytest.raises(SystemExit):
                call_command("ledger", "verify")
            assert f"guard_{name}" in capsys.readouterr().err
            call_command("check", "--database", "default")
            assert f"guard_{name}" in capsys.readouterr().err
            if connection.vendor == "sqlite":
                guards.install("default")
                assert guards.missing() == []
                sql(f"DROP TRIGGER guard_{name}")
    call_command("ledger", "verify")


def _tampered(operator: User) -> Iterator[tuple[str, str, Callable[[], object]]]:
    live = Signature.objects.filter(item_id="LAW-07", withdrawn_at__isnull=True)
    withdrawn = {"withdrawn_at": timezone.now(), "withdrawn_by": operator, "withdrawal_reason": "x"}
    yield "LAW-07", "it has ended", lambda: live.update(**withdrawn)
    yield "LAW-07", "evidence", lambda: live.update(evidence={})
    yield "LAW-07", "expiry", lambda: live.update(expires_at=timezone.now() + timedelta(days=4000))
    yield "LAW-07", "the row is gone", live.delete
    yield (
        "signature 10000",
        "no ledger entry",
        lambda: Signature.objects.create(pk=10_000, item_id="LAW-99", signed_by=operator),
    )
    yield (
        "emergency stop",
        "the row says that it is pulled",
        lambda: GateState.objects.update(stopped_at=timezone.now(), stopped_by=operator, stop_reason="x"),
    )
    yield (
        "planned end",
        "the day or the notice",
        lambda: GateState.objects.update(
            ends_on=date(2099, 1, 1), end_announced_at=timezone.now(), end_announced_by=operator
        ),
    )
    yield (
        "period",
        "it has ended",
        lambda: Authorisation.objects.filter(closed_at=None).update(closed_at=timezone.now(), closed_because=[]),
    )
    yield (
        "period",
        "facts at opening",
        lambda: Authorisation.objects.filter(closed_at=None).update(snapshot={"signatures": []}),
    )
    yield "the current period", "not the one", lambda: GateState.objects.update(authorisation=None)
    yield "legal hold", "what it names", lambda: Hold.objects.update(paper="別")
    yield "legal hold", "the row is gone", Hold.objects.all().delete


@pytest.mark.parametrize("number", range(12))
def test_a_row_that_was_changed_past_the_guards_is_named_in_words(
    number: int, on: Authorisation, operator: User, capsys: pytest.CaptureFixture[str]
) -> None:
    assert agreement.differences() == []
    tampered = list(_tampered(operator))
    assert len(tampered) == 12
    about, what, change = tampered[number]
    with unguarded():
        Assessment.objects.all().delete()
        HeldCopy.objects.all().delete()
        change()
    [difference, *_] = [each for each in agreement.differences() if about in each.en]
    assert what in difference.en
    assert difference.ja
    assert ledger.verify() is None
    with pytest.raises(SystemExit):
        call_command("ledger", "verify")
    assert capsys.readouterr().err


def test_an_emptied_ledger_is_noticed(on: Authorisation, capsys: pytest.CaptureFixture[str]) -> None:
    """Even where the head went with it, the rows that it told of remain."""
    with unguarded():
        LedgerEntry.objects.all()._raw_delete(using="default")
    fault = ledger.verify()
    assert fault is not None
    assert fault.seq == 1
    with unguarded():
        LedgerHead.objects.all().delete()
    assert ledger.verify() is None
    assert len(agreement.differences()) > 20


def test_an_entry_that_says_nothing_of_its_event_is_named(on: Authorisation) -> None:
    for event in (Event.GATE_OPENED, Event.ITEM_SIGNED, Event.HOLD_LIFTED):
        ledger.append(event, actor=None, payload={})
    hollow = [each.number for each in agreement.differences() if each.table == "ledgerentry"]
    assert hollow == list(LedgerEntry.objects.order_by("seq").values_list("seq", flat=True))[-3:]
    ledger.append(Event.END_ANNOUNCED, actor=None, payload={"notice": None})
    assert "ledgerentry" in {each.table for each in agreement.differences()}


def test_an_app_is_not_asked_for_guards_of_tables_that_it_lacks() -> None:
    assert {guard.model.split(".")[0] for guard in guards.declared().values()} == {"chat", "compliance"}
    assert all(apps.get_model(guard.model) for guard in guards.declared().values())


@pytest.mark.django_db(transaction=True)
def test_flush_of_a_deployment_is_refused_by_the_guards(operator: User, turn_keys: TurnKeys) -> None:
    """What tests do between tests is theirs alone: the statements themselves are refused."""
    turn_keys()
    statements = connection.ops.sql_flush(_style(), connection.introspection.django_table_names(only_existing=True))
    assert refused(lambda: [sql(statement) for statement in statements])
    assert LedgerEntry.objects.exists()


def _style() -> Any:
    from django.core.management.color import no_style  # noqa: PLC0415 -- Django's own name for none

    return no_style()
