"""The slow path into the log: step by step under the rooms' locks, for batches that something may speak against."""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chat.messages import log, taken_back
from chat.messages.events import BatchResult, NewEvent, identity_of, item_of, place_of, row_of
from chat.messages.policy import may_change, may_remove
from chat.models import Message
from chat.people import people_now
from chat.protocol import Code, Refused, timestamp
from chat.realtime import Committed, Person, refusal_of
from compliance import gate, vault
from compliance.database import STORING, bounded
from compliance.language import current_language
from compliance.law import Decision, Feature


class _TouchesClosedTalk(Exception):
    """A batch thought to be about open rooms only met a closed one: it must be done again under the gate's lock."""


def store_slowly(events: Sequence[NewEvent]) -> BatchResult:
    """Store a batch of events across rooms in one transaction, over the thread's own connection.

    Events of one room keep their order and get the next seqs. A `client_id` that its author used before in the room
    gets its first outcome again and stores nothing. The policy is asked for each closed room inside the transaction.
    Whoever writes stands there under the name and the role that they have at this moment: `person` of an event is
    changed where its process remembers others.

    Args:
        events: their bodies have passed `clean`.

    Returns:
        an outcome for each event, and per room the new items in order of seq.
    """
    with translation.override(None), bounded(STORING):
        try:
            return _store(events, gated=False)
        except _TouchesClosedTalk:
            return _store(events, gated=True)


def _store(events: Sequence[NewEvent], *, gated: bool) -> BatchResult:
    now = timezone.now()
    at = timestamp(now)
    with transaction.atomic():
        ask = gate.lock_shared() if gated else None
        rooms = log.lock({event.room for event in events})
        closed = {room.id for room in rooms.values() if not room.is_open}
        if closed and ask is None:
            raise _TouchesClosedTalk
        features = {rooms[room].feature for room in closed}
        decisions = {feature: ask(Feature(feature)) for feature in features} if ask else {}
        inside = log.inside(list(closed))
        people = people_now({event.person.pk for event in events})
        identities = [identity for event in events if (identity := identity_of(event))]
        known = {
            identity: Committed(seq, timestamp(stored_at), None)
            for identity, (seq, stored_at) in log.repeats(identities).items()
        }
        targets = _targets(events)
        result = BatchResult([])
        rows: list[log.Row] = []
        language = None
        for event in events:
            if event.person.language != language:
                language = event.person.language
                translation.activate(language)
            key = identity_of(event)
            if key in known:
                result.outcomes.append(Committed(known[key].seq, known[key].at, None))
                continue
            room = rooms.get(event.room)
            try:
                event.person = _as_now(event.person, people)
                _permit_writing(event, room, inside, decisions)
                assert room is not None
                if event.target is not None:
                    _permit_change(event, targets.get((event.room, event.target)))
                if event.reply_to is not None and not 0 < event.reply_to <= room.head:
                    raise Refused(Code.MISSING, _("The message you answer does not exist."))
            except Refused as refused:
                result.outcomes.append(refused)
                continue
            room.head += 1
            words = event.body if event.kind != Message.Kind.DELETE else None
            row = row_of(event, room.head, uuid.uuid4(), body=words if room.is_open else None)
            if words is not None and not room.is_open:
                row.sealed = vault.seal(place_of(row, row.seq), words)
            rows.append(row)
            item = item_of(event, row, at)
            stored = Committed(row.seq, at, item)
            result.outcomes.append(stored)
            result.items[room.id].append(item)
            result.heads[room.id] = room.head
            result.access[room.id] = room.access
            if key:
                known[key] = stored
            if event.target is not None and event.kind == Message.Kind.DELETE:
                gone = targets[event.room, event.target]
                gone.body = gone.sealed = None  # for what follows in this batch
        if rows:
            log.append(rows, now)
            log.advance(result.heads, now)
            _erase(events, result.outcomes, closed)
    return result


def _as_now(person: Person, people: Mapping[int, Person]) -> Person:
    """Return who somebody is at this moment.

    Raises:
        Refused: `auth` where the account is gone or suspended.
    """
    found = people.get(person.pk)
    if found is None:
        raise Refused(Code.AUTH, _("You are signed out here."))
    return person.as_now(found)


def _permit_writing(
    event: NewEvent, room: log.LockedRoom | None, inside: Container[tuple[UUID, int]], decisions: Mapping[str, Decision]
) -> None:
    """Let somebody write in a room: anybody in an open one, the people inside in a closed one while the gate allows it.

    Args:
        event: what they write.
        room: where, read under its lock; None if there is no such room.
        inside: who is inside the closed rooms, as (room, person).
        decisions: of the gate, by feature, for the features of closed rooms.

    Raises:
        Refused: `missing`, `conflict` where the room has ended, or `gate`.
    """
    if room is None or (not room.is_open and (room.id, event.person.pk) not in inside):
        raise Refused(Code.MISSING, _("There is no such room, or it is not open to you."))
    if room.ended_at is not None:
        raise Refused(Code.CONFLICT, _("This talk has ended."))
    decision = decisions.get(room.feature)
    if decision is not None and not decision.allowed:
        raise refusal_of(decision, current_language())


def _permit_change(event: NewEvent, target: Message | None) -> None:
    """Let somebody edit or delete a message that is there.

    Args:
        event: the edit or the deletion; its person is the actor.
        target: the event that it names; None if there is none.

    Raises:
        Refused: `missing`, `forbidden` or `conflict`.
    """
    if target is None or target.kind != Message.Kind.MESSAGE:
        raise Refused(Code.MISSING, _("That message does not exist."))
    permit = may_remove if event.kind == Message.Kind.DELETE else may_change
    permit(event.person, target)
    if target.body is None and target.sealed is None:
        raise Refused(Code.CONFLICT, _("That message was deleted."))


def _targets(events: Iterable[NewEvent]) -> dict[tuple[UUID, int], Message]:
    wanted = {(event.room, event.target) for event in events if event.target is not None}
    if not wanted:
        return {}
    match = Q(pk__in=[])
    for room, seq in wanted:
        match |= Q(room_id=room, seq=seq)
    return {(row.room_id, row.seq): row for row in Message.objects.filter(match)}


def _erase(events: Sequence[NewEvent], outcomes: Sequence[Committed | Refused | None], closed: Container[UUID]) -> None:
    """Erase deleted words, and the edits of them, from the log: what was taken back is not kept (APPI 22).

    Those of closed talk stay sealed for a day, out of the log, for a report by those who had got them.
    """
    for event, outcome in zip(events, outcomes, strict=True):
        if event.kind == Message.Kind.DELETE and isinstance(outcome, Committed) and outcome.item is not None:
            if event.room in closed and event.target is not None:
                taken_back.keep(event.room, event.target, before=event.before)
            Message.objects.filter(Q(seq=event.target) | Q(target=event.target), room_id=event.room).update(
                body=None, sealed=None
            )
