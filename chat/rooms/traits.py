"""The traits of the rooms that the service makes, and the columns that follow from traits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from django.utils.translation import gettext as _

from chat.protocol import Code, Refused
from compliance.law import Entry, Origin, RoomClass, Traits, room_class

OPEN_TO_ALL: Final = Traits(
    anyone_may_read=True,
    listed=True,
    entry=Entry.anyone,
    designated_recipients=False,
    made_by=Origin.person,
    capacity_hides=False,
    members_only_history=False,
)
PAIRED: Final = replace(
    OPEN_TO_ALL,
    anyone_may_read=False,
    listed=False,
    entry=Entry.pairing,
    designated_recipients=True,
    made_by=Origin.pairing,
    capacity_hides=True,
    members_only_history=True,
)
LOCKED: Final = replace(
    OPEN_TO_ALL,
    anyone_may_read=False,
    listed=False,
    entry=Entry.invitation,
    designated_recipients=True,
    members_only_history=True,
)


def columns(traits: Traits) -> dict[str, Any]:
    """Return the traits and the kind that follows from them, as a room's columns.

    Raises:
        Refused: `gate` for traits whose class the law leaves open; such rooms are not offered.
    """
    kind = room_class(traits)
    if kind is RoomClass.CONSULT:
        raise Refused(Code.GATE, _("How the law treats such a room is not settled, so it is not offered."))
    return {
        "kind": kind.value,
        "anyone_may_read": traits.anyone_may_read,
        "listed": traits.listed,
        "entry": traits.entry.value,
        "designated_recipients": traits.designated_recipients,
        "made_by": traits.made_by.value,
        "capacity_hides": traits.capacity_hides,
        "members_only_history": traits.members_only_history,
    }
