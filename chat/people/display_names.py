"""Display names: how a name is stored, and who may have which name."""

from __future__ import annotations

from typing import Final

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from chat.models import NAME_LENGTH, NAME_POINTS, User
from chat.text import names

_NAME_LOCK: Final = 0x6E616D65  # "name": keeps one name's lock apart from other locks


def clean_line(text: str, most: int) -> str:
    """Return one line that others read, such as a room's name, as it is stored.

    Args:
        text: as it was typed.
        most: characters, and code points.

    Raises:
        ValidationError: see `names.clean`.
    """
    return names.clean(text, most, most)


def clean_name(name: str) -> str:
    """Return a display name as it is stored. Whether somebody may have it is for `free_name` to say.

    Raises:
        ValidationError: see `names.clean`.
    """
    return names.clean(name, NAME_LENGTH, NAME_POINTS)


def free_name(name: str, *, role: str, pk: int | None = None) -> str:
    """Return a display name as it is stored, if this person may have it.

    Guests take no name that looks like a member's; nobody takes one that looks like that of staff or stands for those
    who run the service. Staff may, but not while others have a name that looks the same.

    Inside a transaction the answer holds until its end: two processes decide about one name after each other.

    Args:
        name: as it was typed.
        role: what the person is or becomes, as `User.role`: `guest`, `staff` or empty for a member.
        pk: the person who has or wants it; None for somebody new.

    Raises:
        ValidationError: not a name (see `names.clean`), or not theirs to take. The words say what to do.
    """
    name = clean_name(name)
    if role != "staff" and names.is_reserved(name):
        raise ValidationError(
            _("This name stands for the people who run the service. Choose another name for yourself.")
        )
    shape = names.skeleton(name)
    if connection.vendor == "postgresql" and connection.in_atomic_block:  # SQLite has one writer at a time
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_NAME_LOCK, shape])
    others = User.objects.filter(skeleton=shape)
    others = others if pk is None else others.exclude(pk=pk)
    if role == "staff":
        if others.exists():
            raise ValidationError(
                _("Somebody else has a name that looks like this. Staff need a name of their own: choose another.")
            )
    elif any(other.role == "staff" for other in others):
        raise ValidationError(_("This name looks like that of somebody who runs the service. Choose another name."))
    elif role == "guest" and any(not other.is_guest for other in others):
        raise ValidationError(
            _("A member has this name, or one that looks like it. Add a word or choose another name.")
        )
    return name
