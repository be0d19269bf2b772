"""What people do about each other over a connection: block somebody, and take it back.

Each page of the blocker learns of it by `person.blocks`, in every process. A hint can be lost: so each process looks
now and then who blocked somebody lately.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import cast

from chat.db import run_in_executor
from chat.people import blocks
from chat.people.person import Person
from chat.protocol.replies import PersonBlocks
from chat.protocol.requests import PersonBlock, PersonUnblock
from chat.realtime import Connection, Parts, Subscriber, every, handles
from compliance.law import Feature

LOOK_SECONDS = 2.0


@handles(PersonBlock, answer=PersonBlocks, feature=Feature.SERVICE, rate="block", takes_person=True)
async def block(connection: Connection, request: PersonBlock) -> None:
    """Block somebody. A talk of the two ends, as if the blocker had left it.

    Raises:
        Refused: see `blocks.block`.
    """
    actor, parts = _person(connection), connection.parts
    ended = await run_in_executor(connection.language, _block, actor, request)
    for talk in ended:
        others = [pk for pk in talk.people if pk != actor.pk]
        parts.depart(talk.room, [actor.pk], "left")
        parts.depart(talk.room, others, "partner_left")
        parts.revalidate(talk.room)
        parts.moved(talk.people)
    await _answer(connection, request.ref)


@handles(PersonUnblock, answer=PersonBlocks, feature=Feature.SERVICE, rate="block", takes_person=True)
async def unblock(connection: Connection, request: PersonUnblock) -> None:
    """Take a block back."""
    await run_in_executor(connection.language, _unblock, _person(connection), request)
    await _answer(connection, request.ref)


def _block(actor: Person, request: PersonBlock) -> list[blocks.Ended]:
    return blocks.block(actor=actor, other=request.user)


def _unblock(actor: Person, request: PersonUnblock) -> None:
    blocks.unblock(actor=actor, other=request.user)


async def _answer(connection: Connection, ref: str) -> None:
    pk = _person(connection).pk
    users = (await run_in_executor(connection.language, blocks.blocked_by, [pk])).get(pk, [])
    connection.say(PersonBlocks(users, ref))
    connection.parts.send_to([pk], PersonBlocks(users), answered=connection)


class _Told:
    """Which connections of this process were told of which change."""

    def __init__(self) -> None:
        self.changes: dict[tuple[int, datetime], set[Subscriber]] = {}


@every(LOOK_SECONDS)
async def tell(parts: Parts) -> None:
    """Tell each page here whose person blocked or unblocked somebody lately, in whatever process."""
    people, told = parts.registry.people, parts.state(_Told)
    changed = await run_in_executor("ja", blocks.changed_lately, people.keys()) if people else {}
    told.changes = {change: told.changes.get(change, set()) for change in changed.items()}
    due: Collection[int] = [
        pk
        for pk, at in changed.items()
        if not people.get(pk, set()) <= told.changes[pk, at]  # it may be gone by now
    ]
    found = await run_in_executor("ja", blocks.blocked_by, due) if due else {}
    for pk in due:
        done = told.changes[pk, changed[pk]]
        for client in people.get(pk, set()) - done:
            done.add(client)
            client.say(PersonBlocks(found.get(pk, [])))


def _person(connection: Connection) -> Person:
    return cast("Person", connection.signed_in())  # whom `authenticate` found
