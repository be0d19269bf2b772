"""Writes on people: guests who enter with a nickname."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from chat.models import NAME_LENGTH, User
from compliance import gate
from compliance.law import Feature

# Controls, direction marks and overrides, and invisible joiners outside emoji: a name must not pass for another.
_UNNAMEABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def clean_name(name: str, most: int = NAME_LENGTH) -> str:
    """Return a display name as it is stored: normalised (NFKC), single spaces.

    Args:
        name: as it was typed.
        most: characters.

    Raises:
        ValidationError: empty, too long, or with characters that hide or reorder text.
    """
    if _UNNAMEABLE.search(name):
        raise ValidationError(_("A name cannot contain invisible or direction-changing characters."))
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    if not name:
        raise ValidationError(_("Enter a name."))
    if len(name) > most:
        raise ValidationError(_("A name has at most %(most)d characters.") % {"most": most})
    return name


def enter_as_guest(*, nickname: str) -> User:
    """Store a guest, who may write in open rooms. No address is asked and no password can sign in.

    Raises:
        ValidationError: see `clean_name`.
    """
    with gate.writing(Feature.ACCOUNT):
        guest = User(name=clean_name(nickname), is_guest=True)
        guest.set_unusable_password()
        guest.save()
        return guest
