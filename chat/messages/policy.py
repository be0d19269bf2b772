"""Decides who may change or remove a message. The actor of an act is told apart from the author of the message.

Today both acts are the author's own. Whoever keeps a room or moderates gets their right here, and nowhere else.
"""

from __future__ import annotations

from typing import Protocol

from django.utils.translation import gettext as _

from chat.protocol import Code, Refused


class Actor(Protocol):
    """Somebody who acts, such as a `Person`."""

    @property
    def pk(self) -> int:
        """The primary key of their account."""


class Authored(Protocol):
    """A message, as far as this policy asks: a row of the log, or what a write knows of it."""

    @property
    def author_id(self) -> int | None:
        """The primary key of its author's account; None where the account is gone."""


def may_change(actor: Actor, message: Authored) -> None:
    """Let somebody give a message other words, or refuse it.

    Args:
        actor: who wants to change it.
        message: what they want to change.

    Raises:
        Refused: `forbidden` to everybody but its author.
    """
    _authors_only(actor, message)


def may_remove(actor: Actor, message: Authored) -> None:
    """Let somebody take a message out of the room, or refuse it.

    Args:
        actor: who wants to remove it.
        message: what they want to remove.

    Raises:
        Refused: `forbidden` to everybody but its author.
    """
    _authors_only(actor, message)


def _authors_only(actor: Actor, message: Authored) -> None:
    if message.author_id is None or message.author_id != actor.pk:
        raise Refused(Code.FORBIDDEN, _("Only its author can change a message."))
