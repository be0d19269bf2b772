"""Matching over a connection: look for somebody, and stop looking."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from django.utils.translation import gettext_noop as _
from msgspec import UNSET

from chat.db import run_in_executor
from chat.matching import keeping, queue
from chat.people import Person
from chat.protocol import Author, Code, Refused
from chat.protocol.replies import MatchCancelled, MatchMade, MatchWaiting, Talk, Waiting
from chat.protocol.requests import MatchCancel, MatchSeek
from chat.realtime import IDLE, Activity, Connection, handles
from compliance.law import Feature

__all__ = ["keeping"]  # its jobs are registered with it


@handles(MatchSeek, answer=MatchWaiting, feature=Feature.MATCH_PAIR, rate="seek")
async def seek(connection: Connection, request: MatchSeek) -> None:
    """Wait, and be matched as soon as somebody fits. Whoever is in a talk already is led back to it.

    Raises:
        Refused, gate.FeatureClosed: see `queue.seek`.
    """
    if connection.person is None:
        text = _("Talking with one other person needs an account. Open rooms do not.")
        raise Refused(Code.AUTH, connection.translate(text))
    person, language, parts = _person(connection), connection.language, connection.parts
    topic, wish = request.topic or "", request.language or ""
    since, match = await run_in_executor(language, queue.seek, person=person, topic=topic, language=wish)
    if match is not None:
        _lead_back(connection, request.ref, match)
        return
    connection.say(MatchWaiting(since, datetime.now(UTC), request.ref))
    connection.activity = Activity(Waiting(since, request.topic or UNSET, request.language or UNSET), ())
    parts.moved([person.pk])
    match = await run_in_executor(language, queue.pair, person.pk)
    if match is not None:
        parts.moved([each.pk for each in match.people])


@handles(MatchCancel, answer=MatchCancelled, feature=Feature.SERVICE, takes_person=True)
async def cancel(connection: Connection, request: MatchCancel) -> None:
    """Stop waiting. Whoever has been matched meanwhile hears that instead."""
    person = _person(connection)
    match = await run_in_executor(connection.language, queue.cancel, person=person)
    if match is not None:
        _lead_back(connection, request.ref, match)
        return
    connection.say(MatchCancelled("cancelled", request.ref))
    connection.activity = IDLE
    connection.parts.moved([person.pk])


def _lead_back(connection: Connection, ref: str, match: queue.Match) -> None:
    """Answer somebody who is in a talk."""
    partner = match.partner_of(_person(connection).pk)
    entered = _person(connection).pk in match.entered
    talk = Talk(str(match.room), Author(partner.id, partner.name), entered)
    connection.say(MatchMade(talk.room, talk.partner, entered, ref))
    connection.activity = Activity(None, (talk,))


def _person(connection: Connection) -> Person:
    return cast("Person", connection.signed_in())  # whom `authenticate` found
