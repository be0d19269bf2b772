"""Triggers on rooms: a closed room never comes back open, and none begins without a period that is open.

See `compliance.models.guards`, which installs them.
"""

from __future__ import annotations

from typing import Final

from chat.models.people import NEVER_DELETED
from compliance.models.guards import Dialect, Guard, changed, declare, exists, kept

_ROOM: Final = "chat.Room"
_ID: Final = "chat.ClosedRoomId"
_USER: Final = "chat.User"
_HELD: Final = "chat.HeldCopy"


def _used(_dialect: Dialect) -> str:
    return "EXISTS (SELECT 1 FROM chat_closedroomid c WHERE c.id = NEW.id)"


def _no_open_period(_dialect: Dialect) -> str:
    return (
        "NEW.kind = 'closed' AND NOT EXISTS (SELECT 1 FROM compliance_authorisation a"
        " WHERE a.id = NEW.authorisation_id AND a.closed_at IS NULL)"
    )


def _leads_to_a_closed_one(dialect: Dialect) -> str:
    bare = "replace(NEW.slug, '-', '')"
    found = f"{bare}::uuid" if dialect.postgresql else f"lower({bare})"
    return (
        f"CASE WHEN length({bare}) = 32 AND {dialect.hex_only(bare)}"  # noqa: S608 -- our own names
        f" THEN EXISTS (SELECT 1 FROM chat_closedroomid c WHERE c.id = {found}) ELSE FALSE END"
    )


def _is_held(_dialect: Dialect) -> str:
    # The database's day is the day in UTC, which ends after the day in Japan: it keeps a few hours longer.
    return (
        "EXISTS (SELECT 1 FROM compliance_hold h WHERE h.id = OLD.hold_id AND h.lifted_at IS NULL"
        " AND (h.ends_on IS NULL OR h.ends_on >= CURRENT_DATE))"
    )


def ready() -> None:
    """Declare the guards of this app's tables. Called when the models are there."""
    declare(
        Guard(
            name="room_id_used",
            model=_ROOM,
            on="INSERT",
            says="the id of a closed room is never used again",
            refuse=_used,
        ),
        Guard(
            name="room_begins",
            model=_ROOM,
            on="INSERT",
            says="a closed room takes an authorisation that is open",
            refuse=_no_open_period,
        ),
        Guard(
            name="room_address",
            model=_ROOM,
            on="INSERT",
            says="the address of an open room never leads to a closed one",
            refuse=_leads_to_a_closed_one,
        ),
        Guard(
            name="room_replace",
            model=_ROOM,
            on="INSERT",
            says="a room is never replaced",
            refuse=exists(_ROOM, "id", "slug"),
            replace_only=True,
        ),
        Guard(
            name="room_id",
            model=_ROOM,
            on="UPDATE",
            columns=("id",),
            says="a room keeps its id",
            refuse=lambda _dialect: "NEW.id <> OLD.id",
        ),
        Guard(
            name="room_kind",
            model=_ROOM,
            on="UPDATE",
            columns=("kind",),
            says="a closed room never becomes open",
            refuse=lambda _dialect: "OLD.kind = 'closed' AND NEW.kind <> 'closed'",
        ),
        Guard(
            name="room_authorisation",
            model=_ROOM,
            on="UPDATE",
            columns=("authorisation_id",),
            says="a closed room keeps the authorisation it was made under",
            refuse=lambda dialect: (
                f"OLD.kind = 'closed' AND {dialect.differs('NEW.authorisation_id', 'OLD.authorisation_id')}"
            ),
        ),
        Guard(
            name="room_closes",
            model=_ROOM,
            on="UPDATE",
            columns=("kind",),
            says="a closed room takes an authorisation that is open",
            refuse=lambda dialect: f"OLD.kind <> 'closed' AND {_no_open_period(dialect)}",
        ),
        Guard(
            name="room_slug",
            model=_ROOM,
            on="UPDATE",
            columns=("slug",),
            says="an open room keeps its address",
            refuse=lambda dialect: f"NEW.kind = 'open' AND {dialect.differs('NEW.slug', 'OLD.slug')}",
        ),
        *(
            Guard(
                name=f"room_closed_{on.lower()}",
                model=_ROOM,
                on=on,
                columns=("kind",) if on == "UPDATE" else (),
                refuse=lambda _dialect: "NEW.kind = 'closed'",
                does=lambda dialect: f"INSERT INTO chat_closedroomid (id) SELECT NEW.id WHERE NOT {_used(dialect)}",
            )
            for on in ("INSERT", "UPDATE")
        ),
        *kept(_ID, "the id of a closed room"),
        Guard(
            name="room_id_form",
            model=_ROOM,
            on="INSERT",
            says="the id of a room has one spelling",
            refuse=lambda _dialect: "typeof(NEW.id) <> 'text' OR length(NEW.id) <> 32 OR NEW.id GLOB '*[^0-9a-f]*'",
            replace_only=True,
        ),
        Guard(
            name="closedroomid_update",
            model=_ID,
            on="UPDATE",
            says="the id of a closed room stays",
            refuse=changed(_ID),
        ),
        # Accounts: only the erasure, which empties a row first, lets it go. Its constraint says what empty is.
        Guard(
            name="user_delete",
            model=_USER,
            on="DELETE",
            says=NEVER_DELETED,
            refuse=lambda _dialect: "OLD.erased_at IS NULL",
        ),
        Guard(
            name="user_replace",
            model=_USER,
            on="INSERT",
            says="an account is never replaced",
            refuse=exists(_USER, "id", "public_id", "email"),
            replace_only=True,
        ),
        Guard(
            name="heldcopy_delete",
            model=_HELD,
            on="DELETE",
            says="what a legal hold keeps stays until the hold ends",
            refuse=_is_held,
        ),
        Guard(
            name="heldcopy_update",
            model=_HELD,
            on="UPDATE",
            says="what a legal hold keeps is only sealed anew",
            refuse=changed(_HELD, but=("facts",)),
        ),
        Guard(
            name="heldcopy_replace",
            model=_HELD,
            on="INSERT",
            says="what a legal hold keeps is never replaced",
            refuse=lambda dialect: (
                f"{exists(_HELD, 'id')(dialect)} OR EXISTS (SELECT 1 FROM chat_heldcopy c"  # noqa: S608 -- our own names
                " WHERE c.hold_id = NEW.hold_id AND c.person = NEW.person)"
            ),
            replace_only=True,
        ),
    )
