"""Mails to those on duty: what happened and where to go, each in the language of whoever reads it.

A mail leaves the service, so it has no words of anybody, no name, no number of a case and no kind of paper.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings
from django.core.cache import caches
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from compliance.language import language_of
from compliance.law import Text, say
from compliance.law.powers import Power
from compliance.records import holders

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

log = structlog.get_logger("todoke.powers")

PAUSE_SECONDS: Final = 600
"""After a mail that something waits at a place, the next one about that place comes no sooner."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits: what it is, in a sentence that names nobody, the page where it is done, and how often."""

    what: Text
    path: str
    count: int = 1


def tell_on_duty(powers: Collection[Power], waiting: Waiting, *, but: AbstractBaseUser | None = None) -> None:
    """Mail those who hold one of these powers that something arrived, once the transaction is through.

    Args:
        powers: one of them is enough.
        waiting: what arrived, and where.
        but: who needs no mail: whoever did it.
    """

    def send() -> None:
        # The place says it all: who goes there sees whatever else has come meanwhile.
        if caches["default"].add(f"on_duty:{waiting.path}", 1, PAUSE_SECONDS):
            send_all((person, [waiting]) for person in on_duty(powers) if but is None or person.pk != but.pk)

    transaction.on_commit(send, robust=True)


def on_duty(powers: Collection[Power]) -> list[Any]:
    """Return the accounts that hold one of these powers now and have an address, each once."""
    found = {person.pk: person for power in powers for person in holders(power)}
    return [person for _pk, person in sorted(found.items()) if getattr(person, "email", "")]


def send_all(letters: Iterable[tuple[Any, Sequence[Waiting]]]) -> int:
    """Send each person one mail with what waits for them.

    Args:
        letters: people and what waits for each; nothing, and they get none.

    Returns:
        how many were sent. What the mail server refuses is logged: the desk shows the same.
    """
    mails = [_letter(person, waiting) for person, waiting in letters if waiting]
    if not mails:
        return 0
    try:
        return get_connection().send_messages(mails) or 0
    except OSError as error:
        log.warning("mail.unsent", kind="on_duty", error=type(error).__name__)
        return 0


def _letter(person: Any, waiting: Sequence[Waiting]) -> EmailMessage:
    language = language_of(person)
    # The first address that the deployment trusts is its own; without one the mail names the page alone.
    origin = next((each for each in settings.CSRF_TRUSTED_ORIGINS if "*" not in each), "")
    rows = [{"what": say(each.what, language), "url": origin + each.path, "count": each.count} for each in waiting]
    with override(language):
        words = render_to_string("desk/mail/on_duty.txt", {"rows": rows}).strip()
        return EmailMessage(_("Todoke: something waits for you"), f"{words}\n", to=[person.email])
