"""The guards of the records: which rows never change, are never deleted, and change only with their ledger entry.

`compliance.models.guards` installs them as database triggers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from compliance.models.guards import Dialect, Guard, Sql, changed, declare, exists, kept
from compliance.records.events import Event
from compliance.records.replay import GENESIS

_LEDGER: Final = "compliance_ledgerentry"


def _newest(dialect: Dialect, events: Iterable[Event], about: str = "TRUE") -> str:
    listed = ", ".join(f"'{event}'" for event in events)
    return f"(SELECT max(seq) FROM {_LEDGER} WHERE event IN ({listed}) AND {about})"  # noqa: S608 -- our own names


def _latest_is(event: Event, among: Iterable[Event]) -> Sql:
    """Return the condition that the newest entry among some events has this event."""
    return lambda dialect: (
        f"EXISTS (SELECT 1 FROM {_LEDGER} WHERE seq = {_newest(dialect, among)} AND event = '{event}')"  # noqa: S608 -- our own names
    )


def _not_the_next(dialect: Dialect) -> str:
    before = f"coalesce((SELECT hash FROM {_LEDGER} WHERE seq = NEW.seq - 1), '{GENESIS}')"  # noqa: S608 -- our own names
    return (
        f"NEW.seq <> coalesce((SELECT max(seq) FROM {_LEDGER}), 0) + 1 OR NEW.previous_hash <> {before}"  # noqa: S608 -- our own names
        f" OR EXISTS (SELECT 1 FROM {_LEDGER} WHERE hash = NEW.hash"
        f"{'' if dialect.postgresql else ' OR rowid = NEW.rowid'})"
    )


def _not_the_newest(_dialect: Dialect) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM {_LEDGER} WHERE seq = NEW.seq AND hash = NEW.hash)"  # noqa: S608 -- our own names
        f" OR EXISTS (SELECT 1 FROM {_LEDGER} WHERE seq > NEW.seq)"
    )


_ITEM: Final = (Event.ITEM_SIGNED, Event.ITEM_WITHDRAWN)


def _unsigned(dialect: Dialect) -> str:
    about = f"{dialect.text('payload', 'item')} = NEW.item_id"
    return (
        "NEW.withdrawn_at IS NOT NULL OR NOT EXISTS"  # noqa: S608 -- our own names
        f" (SELECT 1 FROM {_LEDGER} WHERE seq = {_newest(dialect, _ITEM, about)}"
        f" AND event = '{Event.ITEM_SIGNED}' AND {dialect.names('payload', 'signature', 'NEW.id')})"
    )


def _not_withdrawn(dialect: Dialect) -> str:
    about = f"{dialect.text('payload', 'item')} = NEW.item_id"
    mine = dialect.names("payload", "signature", "NEW.id")
    columns = ("withdrawn_at", "withdrawn_by_id", "withdrawal_reason")
    moves = " OR ".join(dialect.differs(f"NEW.{column}", f"OLD.{column}") for column in columns)
    return (
        f"({moves}) AND NOT (OLD.withdrawn_at IS NULL AND NEW.withdrawn_at IS NOT NULL AND EXISTS"  # noqa: S608 -- our own names
        f" (SELECT 1 FROM {_LEDGER} WHERE seq = {_newest(dialect, _ITEM, about)}"
        f" AND ((event = '{Event.ITEM_WITHDRAWN}') = ({mine}))))"
    )


def _one_way(column: str, set_to: Sql, unset_to: Sql, *with_it: str) -> Sql:
    """Return the refusal of columns that change together, unless `set_to` or, back to NULL, `unset_to` holds."""

    def sql(dialect: Dialect) -> str:
        moves = " OR ".join(dialect.differs(f"NEW.{name}", f"OLD.{name}") for name in (column, *with_it))
        return (
            f"({moves}) AND NOT (OLD.{column} IS NULL AND NEW.{column} IS NOT NULL AND {set_to(dialect)})"
            f" AND NOT (OLD.{column} IS NOT NULL AND NEW.{column} IS NULL AND {unset_to(dialect)})"
        )

    return sql


_STOP: Final = (Event.STOP_PULLED, Event.STOP_LIFTED)
_BACK: Final = (Event.DATABASE_WENT_BACK, Event.SERVICE_RESTORED)
_RESTORE: Final = (*_BACK, Event.RESTORE_CONFIRMED)
_END: Final = (Event.END_ANNOUNCED, Event.END_WITHDRAWN, Event.END_REACHED)
_LIFTED: Final = ("lifted_at", "lifted_by_id", "lift_reason")
_ANSWERED: Final = (
    "outside_name",
    "outside_digest",
    "decided_by_id",
    "decided_at",
    "approved",
    "note",
    "withdrawn_at",
    "done_at",
)
_EXTENDED: Final = ("extended_at", "extended_by_id", "ends_on")
_NAMED: Final = ("subject", "paper", "extension_paper")


def _set_once(column: str, said: Sql, *with_it: str) -> Sql:
    return _one_way(column, said, lambda _dialect: "FALSE", *with_it)


def _entry_of_hold(event: Event) -> Sql:
    """Return the condition that the row's hold has an entry of this event."""

    def sql(dialect: Dialect) -> str:
        return f"{_newest(dialect, (event,), dialect.names('payload', 'hold', 'NEW.id'))} IS NOT NULL"

    return sql


def _not_emptied(dialect: Dialect) -> str:
    """Return the refusal of whom a hold names: it changes to nobody only, and only once the hold is over."""
    nobody = "'00000000-0000-0000-0000-000000000000'" if dialect.postgresql else f"'{'0' * 32}'"
    over = "(OLD.lifted_at IS NOT NULL OR OLD.ends_on < CURRENT_DATE)"
    emptied = f"({over} AND NEW.paper = '' AND (NEW.subject IS NULL OR NEW.subject = {nobody}))"
    extended = "(OLD.extended_at IS NULL AND NEW.extended_at IS NOT NULL)"
    named = " OR ".join(dialect.differs(f"NEW.{name}", f"OLD.{name}") for name in _NAMED[:2])
    paper = dialect.differs("NEW.extension_paper", "OLD.extension_paper")
    return f"(({named}) AND NOT {emptied}) OR ({paper} AND NOT {extended} AND NOT {emptied})"


def _not_open(dialect: Dialect) -> str:
    return (
        f"{dialect.differs('NEW.authorisation_id', 'OLD.authorisation_id')} AND NEW.authorisation_id IS NOT NULL"  # noqa: S608 -- our own names
        " AND NOT EXISTS (SELECT 1 FROM compliance_authorisation a"
        " WHERE a.id = NEW.authorisation_id AND a.closed_at IS NULL)"
    )


def _went_back(dialect: Dialect) -> str:
    return f"({' OR '.join(_latest_is(event, _RESTORE)(dialect) for event in _BACK)})"


def _not_the_new_epoch(dialect: Dialect) -> str:
    return (
        f"{dialect.differs('NEW.epoch', 'OLD.epoch')} AND OLD.epoch <> ''"  # noqa: S608 -- our own names
        f" AND NOT EXISTS (SELECT 1 FROM {_LEDGER} WHERE seq = {_newest(dialect, _BACK)}"
        f" AND {dialect.text('payload', 'epoch')} = NEW.epoch)"
    )


def declare_all() -> None:
    """Declare the guards of this app's tables. Called once, when the models are loaded."""
    entry, head, signature = "compliance.LedgerEntry", "compliance.LedgerHead", "compliance.Signature"
    state, period, hold = "compliance.GateState", "compliance.Authorisation", "compliance.Hold"
    approval = "compliance.Approval"
    assessment, happening, outage = "compliance.Assessment", "compliance.Happening", "compliance.Outage"
    declare(
        # The ledger: the next entry is appended, nothing else ever happens to it.
        Guard(
            name="ledger_append",
            model=entry,
            on="INSERT",
            says="the ledger is append-only: an entry follows the last one",
            refuse=_not_the_next,
        ),
        Guard(name="ledger_update", model=entry, on="UPDATE", says="the ledger is append-only"),
        Guard(name="ledger_delete", model=entry, on="DELETE", says="the ledger is append-only"),
        Guard(
            name="ledger_head",
            model=entry,
            on="INSERT",
            does=lambda _dialect: (
                # A head that does not fit stays: a cut ledger goes on, so that a stop can be pulled, and stays found.
                "UPDATE compliance_ledgerhead SET seq = NEW.seq, hash = NEW.hash"
                " WHERE seq = NEW.seq - 1 AND hash = NEW.previous_hash;"
                " INSERT INTO compliance_ledgerhead (id, seq, hash)"
                " SELECT 1, NEW.seq, NEW.hash WHERE NEW.seq = 1 AND NOT EXISTS (SELECT 1 FROM compliance_ledgerhead)"
            ),
        ),
        Guard(name="ledgerhead_delete", model=head, on="DELETE", says="the head of the ledger is never deleted"),
        Guard(
            name="ledgerhead_update",
            model=head,
            on="UPDATE",
            says="the head of the ledger follows the ledger",
            refuse=lambda dialect: f"NEW.seq <> OLD.seq + 1 OR {_not_the_newest(dialect)}",
        ),
        Guard(
            name="ledgerhead_insert",
            model=head,
            on="INSERT",
            says="the ledger has one head",
            refuse=lambda dialect: f"EXISTS (SELECT 1 FROM compliance_ledgerhead) OR {_not_the_newest(dialect)}",  # noqa: S608 -- our own names
        ),
        # Signatures: given and withdrawn with an entry that says so; never back.
        *kept(signature, "a signature"),
        Guard(
            name="signature_signed",
            model=signature,
            on="INSERT",
            says="a signature takes a ledger entry that names it",
            refuse=_unsigned,
        ),
        Guard(
            name="signature_one_live",
            model=signature,
            on="INSERT",
            says="this item has a live signature",
            refuse=lambda _dialect: (
                "EXISTS (SELECT 1 FROM compliance_signature s WHERE s.item_id = NEW.item_id AND s.withdrawn_at IS NULL)"
            ),
            replace_only=True,
        ),
        Guard(
            name="signature_update",
            model=signature,
            on="UPDATE",
            says="what was signed never changes",
            refuse=changed(signature, but=("withdrawn_at", "withdrawn_by_id", "withdrawal_reason")),
        ),
        Guard(
            name="signature_withdrawn",
            model=signature,
            on="UPDATE",
            says="a signature is withdrawn once, with a ledger entry",
            refuse=_not_withdrawn,
        ),
        # The gate's one row: stop and planned end move with their entries.
        *kept(state, "the state of the gate"),
        Guard(
            name="gatestate_blank",
            model=state,
            on="INSERT",
            says="the gate begins without stop, end and period",
            refuse=lambda _dialect: (
                "NEW.stopped_at IS NOT NULL OR NEW.ends_on IS NOT NULL OR NEW.authorisation_id IS NOT NULL"
            ),
        ),
        Guard(
            name="gatestate_stop",
            model=state,
            on="UPDATE",
            says="the stop moves with a ledger entry",
            refuse=_one_way(
                "stopped_at",
                _latest_is(Event.STOP_PULLED, _STOP),
                _latest_is(Event.STOP_LIFTED, _STOP),
                "stopped_by_id",
                "stop_reason",
            ),
        ),
        Guard(
            name="gatestate_end",
            model=state,
            on="UPDATE",
            says="the planned end moves with a ledger entry",
            refuse=_one_way(
                "ends_on",
                _latest_is(Event.END_ANNOUNCED, _END),
                _latest_is(Event.END_WITHDRAWN, _END),
                "end_announced_at",
                "end_announced_by_id",
                "end_notice",
            ),
        ),
        Guard(
            name="gatestate_reached",
            model=state,
            on="UPDATE",
            says="the end is reached with a ledger entry",
            refuse=_one_way(
                "end_reached_at", _latest_is(Event.END_REACHED, _END), _latest_is(Event.END_WITHDRAWN, _END)
            ),
        ),
        Guard(
            name="gatestate_restored",
            model=state,
            on="UPDATE",
            says="a restore is noted and confirmed with a ledger entry",
            refuse=_one_way("restored_at", _went_back, _latest_is(Event.RESTORE_CONFIRMED, _RESTORE)),
        ),
        Guard(
            name="gatestate_epoch",
            model=state,
            on="UPDATE",
            says="another epoch begins with a ledger entry that names it",
            refuse=_not_the_new_epoch,
        ),
        Guard(
            name="gatestate_period",
            model=state,
            on="UPDATE",
            says="the gate points at a period that is open",
            refuse=_not_open,
        ),
        # Periods: closed once, and what they were opened on stays.
        *kept(period, "an authorisation"),
        Guard(
            name="authorisation_update",
            model=period,
            on="UPDATE",
            says="an authorisation keeps the facts it was opened on",
            refuse=changed(period, but=("closed_at", "closed_because")),
        ),
        Guard(
            name="authorisation_closed",
            model=period,
            on="UPDATE",
            says="a closed authorisation never opens again",
            refuse=_set_once("closed_at", lambda _dialect: "TRUE", "closed_because"),
        ),
        # Holds: extended once and lifted once, with an entry each.
        *kept(hold, "a legal hold"),
        Guard(
            name="hold_update",
            model=hold,
            on="UPDATE",
            says="a legal hold keeps what it names",
            refuse=changed(hold, but=(*_LIFTED, *_EXTENDED, *_NAMED)),
        ),
        Guard(
            name="hold_emptied",
            model=hold,
            on="UPDATE",
            says="a legal hold names whom it keeps until it is over",
            refuse=_not_emptied,
        ),
        Guard(
            name="hold_extended",
            model=hold,
            on="UPDATE",
            says="a legal hold is extended once, with a ledger entry",
            refuse=_set_once(_EXTENDED[0], _entry_of_hold(Event.HOLD_EXTENDED), *_EXTENDED[1:]),
        ),
        Guard(
            name="hold_lifted",
            model=hold,
            on="UPDATE",
            says="a legal hold is lifted once, with a ledger entry",
            refuse=_set_once(_LIFTED[0], _entry_of_hold(Event.HOLD_LIFTED), *_LIFTED[1:]),
        ),
        # Approvals: never taken away; what was asked stays, and each answer is given once.
        *kept(approval, "an approval"),
        Guard(
            name="approval_update",
            model=approval,
            on="UPDATE",
            says="an approval keeps what was asked",
            refuse=changed(approval, but=_ANSWERED),
        ),
        Guard(
            name="approval_done",
            model=approval,
            on="UPDATE",
            says="an approval is used once",
            refuse=_set_once("done_at", lambda _dialect: "TRUE"),
        ),
        # A recorded assessment; incidents, changes and outages, which are struck out and never taken away.
        Guard(
            name="assessment_update",
            model=assessment,
            on="UPDATE",
            says="a recorded assessment never changes",
            refuse=lambda dialect: f"OLD.signature_id IS NOT NULL AND {changed(assessment)(dialect)}",
        ),
        Guard(
            name="assessment_delete",
            model=assessment,
            on="DELETE",
            says="a recorded assessment is never deleted",
            refuse=lambda _dialect: "OLD.signature_id IS NOT NULL",
        ),
        Guard(
            name="assessment_replace",
            model=assessment,
            on="INSERT",
            says="a recorded assessment is never replaced",
            refuse=exists(assessment, "id", "signature_id"),
            replace_only=True,
        ),
        *kept(happening, "a recorded incident or change"),
        Guard(
            name="happening_update",
            model=happening,
            on="UPDATE",
            says="a recorded incident or change is struck out once, and never changed",
            refuse=lambda dialect: (
                f"{changed(happening, but=('void_because',))(dialect)}"
                " OR (OLD.void_because <> '' AND NEW.void_because <> OLD.void_because)"
            ),
        ),
        *kept(outage, "a recorded outage"),
        Guard(
            name="outage_update",
            model=outage,
            on="UPDATE",
            says="a recorded outage keeps its number, who recorded it and that it was struck out",
            refuse=lambda dialect: (
                f"NEW.id <> OLD.id OR NEW.recorded_at <> OLD.recorded_at OR NEW.noticed_by <> OLD.noticed_by"
                f" OR {dialect.differs('NEW.recorded_by_id', 'OLD.recorded_by_id')}"
                " OR (OLD.void_because <> '' AND NEW.void_because <> OLD.void_because)"
            ),
        ),
        *(
            Guard(
                name=f"outage_one_running_{on.lower()}",
                model=outage,
                on=on,
                says="health data see one outage at a time",
                refuse=lambda _dialect: (
                    "NEW.ended_at IS NULL AND NEW.noticed_by = 'health' AND NEW.void_because = ''"
                    " AND EXISTS (SELECT 1 FROM compliance_outage o WHERE o.id <> NEW.id AND o.ended_at IS NULL"
                    " AND o.noticed_by = 'health' AND o.void_because = '')"
                ),
                replace_only=True,
            )
            for on in ("INSERT", "UPDATE")
        ),
    )
