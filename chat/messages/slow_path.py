"""The slow path into the log: step by step under the rooms' locks, for batches that something may speak against."""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chat.messages import log, taken_back
from chat.messages.events import BatchResult, NewEvent, identity_of, item_of, place_of, row_of
from chat.messages.policy import Standing, may_change, may_remove, may_restore, may_write
from chat.messages.removed import keep_removed, removed_as, words_to_restore
from chat.models import Message, Role, User
from chat.people import mutes_of, network_mutes, people_now
from chat.protocol import Code, Refused, timestamp
from chat.realtime import Committed, Person, refusal_of
from compliance import gate, vault
from compliance.database import STORING, bounded
from compliance.language import current_language
from compliance.law import Decision, Feature
from compliance.law.powers import Power
from compliance.powers import may_act


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
        checks = _Checks(events, rooms, decisions, now)
        identities = [identity for event in events if (identity := identity_of(event))]
        known = {
            identity: Committed(seq, timestamp(stored_at), None)
            for identity, (seq, stored_at) in log.repeats(identities).items()
        }
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
            try:
                room = checks.permit(event)
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
            checks.stored(event)
        if rows:
            stored_events = [
                event
                for event, outcome in zip(events, result.outcomes, strict=True)
                if isinstance(outcome, Committed) and outcome.item is not None
            ]
            keep_removed([event for event in stored_events if event.by])
            log.append(rows, now)
            log.advance(result.heads, now)
            _change_targets(stored_events, closed)
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


def _permit_change(event: NewEvent, target: Message | None, standing: Standing, room: log.LockedRoom) -> None:
    """Let somebody edit, delete, remove or restore a message that is there.

    Args:
        event: the edit or the deletion; its person is the actor. What they do it as (`by`) is noted in it, and the
            words that come back where it restores.
        target: the event that it names; None if there is none.
        standing: who the actor is in the room.
        room: where.

    Raises:
        Refused: `missing`, `forbidden` or `conflict`.
    """
    if event.restores:
        removed_by = removed_as(event.room, event.target) if event.target is not None else ""
        event.by = may_restore(standing, room, removed_by)
    if target is None or target.kind != Message.Kind.MESSAGE:
        raise Refused(Code.MISSING, _("That message does not exist."))
    is_gone = target.body is None and target.sealed is None
    if event.restores:
        if not is_gone:
            raise Refused(Code.CONFLICT, _("That message is there."))
        event.body = words_to_restore(event.room, target.seq)
        return
    if event.kind == Message.Kind.DELETE:
        event.by = may_remove(event.person, target, standing, room, event.reason)
    else:
        may_change(event.person, target)
    if is_gone:
        raise Refused(Code.CONFLICT, _("That message was deleted."))


class _Checks:
    """Whether the events of a batch may be stored: who the writers are in its rooms, and what they change there.

    Args:
        events: the batch.
        rooms: its rooms, under their locks.
        decisions: of the gate, by feature, for the features of closed rooms.
        now: the moment.
    """

    def __init__(
        self,
        events: Sequence[NewEvent],
        rooms: Mapping[UUID, log.LockedRoom],
        decisions: Mapping[str, Decision],
        now: datetime,
    ) -> None:
        self._rooms, self._decisions, self._now = rooms, decisions, now
        self._inside = log.inside([room.id for room in rooms.values() if not room.is_open])
        self._people = people_now({event.person.pk for event in events})
        self._targets = _targets(events)
        self._kept = log.keepers([room.id for room in rooms.values() if room.is_open], list(self._people))
        self._mutes = mutes_of(self._people.keys(), now)
        self._networks = network_mutes({event.origin for event in events if event.origin is not None}, now)
        self._posted: dict[tuple[UUID, int], datetime] = {}

    def permit(self, event: NewEvent) -> log.LockedRoom:
        """Let an event be stored, and note in it who its writer is at this moment.

        Returns:
            the room in which it stands.

        Raises:
            Refused: it may not be stored.
        """
        room = self._rooms.get(event.room)
        event.person = _as_now(event.person, self._people)
        _permit_writing(event, room, self._inside, self._decisions)
        assert room is not None
        standing = self._standing(event, room)
        event.role = standing.role.value
        if event.kind != Message.Kind.DELETE and not event.restores:
            may_write(standing, room, self._now, partial(self._last_at, event, room))
        if event.target is not None:
            _permit_change(event, self._targets.get((event.room, event.target)), standing, room)
        if event.reply_to is not None and not 0 < event.reply_to <= room.head:
            raise Refused(Code.MISSING, _("The message you answer does not exist."))
        return room

    def stored(self, event: NewEvent) -> None:
        """Take note of an event of this batch, for those that follow in it."""
        if event.kind == Message.Kind.MESSAGE:
            self._posted[event.room, event.person.pk] = self._now
        elif event.target is not None and (event.restores or event.kind == Message.Kind.DELETE):
            target = self._targets[event.room, event.target]
            target.body, target.sealed = (event.body, None) if event.restores else (None, None)

    def _standing(self, event: NewEvent, room: log.LockedRoom) -> Standing:
        person = self._people[event.person.pk]
        role = Role(person.role)
        is_keeper = (room.id, person.pk) in self._kept or room.owner == person.pk
        if role is Role.MEMBER and room.is_open and is_keeper:
            role = Role.KEEPER
        networks = self._networks.get(event.origin, []) if person.guest and event.origin else []
        return Standing(role, (*self._mutes.get(person.pk, ()), *networks), partial(_may_moderate, person.pk))

    def _last_at(self, event: NewEvent, room: log.LockedRoom) -> datetime | None:
        """Return when somebody posted last, as far as the room's slow mode asks; edits are free."""
        if event.kind != Message.Kind.MESSAGE:
            return None
        since = self._now - timedelta(seconds=room.slow_seconds)
        return self._posted.get((room.id, event.person.pk)) or log.last_post(room.id, event.person.pk, since)


def _may_moderate(pk: int) -> bool:
    user = User.objects.filter(pk=pk).first()
    return user is not None and may_act(user, Power.WORDS)


def _targets(events: Iterable[NewEvent]) -> dict[tuple[UUID, int], Message]:
    wanted = {(event.room, event.target) for event in events if event.target is not None}
    if not wanted:
        return {}
    match = Q(pk__in=[])
    for room, seq in wanted:
        match |= Q(room_id=room, seq=seq)
    return {(row.room_id, row.seq): row for row in Message.objects.filter(match)}


def _change_targets(events: Sequence[NewEvent], closed: Container[UUID]) -> None:
    """Erase deleted words, and the edits of them: what was taken back is not kept (APPI 22). Put restored ones back.

    Those of closed talk stay sealed for a day, out of the log, for a report by those who had got them.

    Args:
        events: those that were stored.
        closed: which of their rooms are closed.
    """
    for event in events:
        if event.target is None:
            continue
        if event.kind == Message.Kind.DELETE:
            if event.room in closed:
                taken_back.keep(event.room, event.target, before=event.before)
            Message.objects.filter(Q(seq=event.target) | Q(target=event.target), room_id=event.room).update(
                body=None, sealed=None
            )
        elif event.restores:
            Message.objects.filter(room_id=event.room, seq=event.target).update(body=event.body)
