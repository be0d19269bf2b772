"""Writes to the log: post, edit and delete, as batches that commit together and number each room without holes."""

from __future__ import annotations

import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from msgspec import UNSET, Struct

from chat import libpq, log
from chat.models import Message, Participant
from chat.queries import Person
from chat.wire import MESSAGE_CHARS, Author, Code, Item, Refused, timestamp
from compliance import gate, vault
from compliance.law import Feature
from compliance.policy import Decision

# Controls other than tab and newline, the two overrides that make text lie about its order, and lone surrogates,
# which no database stores.
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff]")


class Entry(Struct):
    """One write to a room's log that waits to be committed."""

    room: UUID
    person: Person
    kind: Message.Kind
    body: str = ""
    client_id: UUID | None = None
    reply_to: int | None = None
    target: int | None = None
    feature: str | None = None  # of the room, as far as who asks knows; with it a post can take the short way


class Stored(Struct, frozen=True):
    """The outcome of one entry: where it stands in the log, and its item (None: an earlier try had stored it)."""

    seq: int
    at: str
    item: Item | None


@dataclass(slots=True)
class Commit:
    """What one transaction stored: an outcome for each entry, in their order, and the new items of each room."""

    outcomes: list[Stored | Refused]
    items: dict[UUID, list[Item]] = field(default_factory=lambda: defaultdict(list))
    heads: dict[UUID, int] = field(default_factory=dict)


class Draft(Struct):
    """A batch on its way to `log.POST`."""

    entries: Sequence[Entry]
    rows: list[log.Row]
    places: Mapping[UUID, list[int]]  # which of the entries are a room's
    at: datetime
    pledge: gate.Pledge | None


class _TouchesClosedTalk(Exception):
    """A batch thought to be about open rooms only met a closed one: it must be done again under the gate's lock."""


def clean(body: str) -> str:
    """Return a body as it is stored: line ends unified, outer blank lines and spaces gone.

    Raises:
        Refused: `size` if nothing or more than 2,000 characters remain, `protocol` for characters that cannot be text.
    """
    body = body.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not body:
        raise Refused(Code.SIZE, _("The message is empty."))
    if len(body) > MESSAGE_CHARS:
        raise Refused(Code.SIZE, _("A message has at most %(most)d characters.") % {"most": MESSAGE_CHARS})
    if _UNWRITABLE.search(body):
        raise Refused(Code.PROTOCOL, _("The message contains control characters that cannot be shown."))
    return body


def commit(entries: Sequence[Entry]) -> Commit:
    """Store a batch of entries across rooms in one transaction.

    Entries of one room keep their order and get the next seqs. A `client_id` that its author used before in the room
    gets its first outcome again and stores nothing. The policy is asked for each closed room inside the transaction.

    Args:
        entries: bodies already passed through `clean`.

    Returns:
        the outcomes, and per room the new items in order of seq.
    """
    draft = draft_of(entries)
    heads = log.post(draft.rows, draft.at, draft.pledge) if draft else None
    return commit_with_care(entries) if draft is None or heads is None else posted(draft, heads)


def commit_with_care(entries: Sequence[Entry]) -> Commit:
    """Do the same step by step, for batches that something may speak against."""
    with translation.override(None):
        try:
            return _commit(entries, gated=False)
        except _TouchesClosedTalk:
            return _commit(entries, gated=True)


def draft_of(entries: Sequence[Entry]) -> Draft | None:
    """Prepare a batch that nothing speaks against, as most are, for `log.POST`; None if it wants care.

    What is said yes to from memory here, the database confirms in the same transaction. Nothing here says no, waits or
    asks the database.
    """
    if not libpq.is_spoken():
        return None
    features: set[str] = set()
    clients: set[int] = set()
    named = 0
    places: defaultdict[UUID, list[int]] = defaultdict(list)
    rows = []
    for number, entry in enumerate(entries):
        if entry.kind is not Message.Kind.MESSAGE or entry.feature is None:
            return None
        if entry.client_id is not None:
            clients.add(entry.client_id.int)
            named += 1
        features.add(entry.feature)
        place = places[entry.room]
        place.append(number)
        rows.append(_row(entry, len(place), is_open=entry.feature == Feature.ROOM_OPEN))
    if len(clients) < named:
        return None  # the same one twice, perhaps of the same author in the same room
    closed = {Feature(feature) for feature in features} - {Feature.ROOM_OPEN}
    pledge = gate.pledge(closed) if closed else None
    if closed and pledge is None:
        return None
    return Draft(entries, rows, places, timezone.now(), pledge)


def posted(draft: Draft, heads: dict[UUID, int]) -> Commit:
    """Return what `log.POST` has stored.

    Args:
        draft: what it was given.
        heads: what it returned.
    """
    at = timestamp(draft.at)
    items: list[Item] = []
    before = {room: heads[room] - len(place) for room, place in draft.places.items()}
    for entry, row in zip(draft.entries, draft.rows, strict=True):
        row.seq += before[row.room]
        items.append(_item(entry, row, at))
    return Commit(
        [Stored(item.seq, at, item) for item in items],
        {room: [items[number] for number in place] for room, place in draft.places.items()},
        heads,
    )


def mark_seen(*, person: Person, room: UUID, seq: int) -> None:
    """Store how far somebody has read in a closed talk. Goes forward only."""
    Participant.objects.filter(room_id=room, user_id=person.pk, left_at__isnull=True, seen__lt=seq).update(seen=seq)


def reseal(*, limit: int) -> int:
    """Seal up to `limit` bodies with the newest key that an older one sealed. Nothing is shown to anybody.

    Returns:
        how many were sealed anew; 0 when none is left.

    Raises:
        Unsealable: a body's key is not in CLOSED_CHAT_KEYS any more.
    """
    with transaction.atomic():
        old = Message.objects.filter(sealed__isnull=False).exclude(
            sealed__gte=vault.current_prefix(), sealed__lt=vault.current_prefix() + b"\xff" * 64
        )
        rows = list(old[:limit])
        for row in rows:
            sealed = bytes(row.sealed or b"")
            anew = vault.seal(row.room_id, vault.unseal(row.room_id, sealed))
            # Only if it is still there: words deleted meanwhile must not come back.
            Message.objects.filter(room_id=row.room_id, seq=row.seq, sealed=sealed).update(sealed=anew)
        return len(rows)


def _commit(entries: Sequence[Entry], *, gated: bool) -> Commit:
    now = timezone.now()
    at = timestamp(now)
    with transaction.atomic():
        ask = gate.hold() if gated else None
        rooms = log.lock({entry.room for entry in entries})
        closed = {room.id for room in rooms.values() if not room.is_open}
        if closed and ask is None:
            raise _TouchesClosedTalk
        features = {rooms[room].feature for room in closed}
        decisions = {feature: ask(Feature(feature)) for feature in features} if ask else {}
        inside = log.inside(list(closed))
        identities = [identity for entry in entries if (identity := _identity(entry))]
        known = {
            identity: Stored(seq, timestamp(stored_at), None)
            for identity, (seq, stored_at) in log.repeats(identities).items()
        }
        targets = _targets(entries)
        result = Commit([])
        rows: list[log.Row] = []
        language = None
        for entry in entries:
            if entry.person.language != language:
                language = entry.person.language
                translation.activate(language)
            key = _identity(entry)
            if key in known:
                result.outcomes.append(Stored(known[key].seq, known[key].at, None))
                continue
            room = rooms.get(entry.room)
            try:
                _permit(entry, room, inside, decisions)
                assert room is not None
                if entry.target is not None:
                    _permit_change(entry, targets.get((entry.room, entry.target)))
                if entry.reply_to is not None and not 0 < entry.reply_to <= room.head:
                    raise Refused(Code.MISSING, _("The message you answer does not exist."))
            except Refused as refused:
                result.outcomes.append(refused)
                continue
            room.head += 1
            row = _row(entry, room.head, is_open=room.is_open)
            rows.append(row)
            stored = Stored(row.seq, at, _item(entry, row, at))
            result.outcomes.append(stored)
            assert stored.item is not None
            result.items[room.id].append(stored.item)
            result.heads[room.id] = room.head
            if key:
                known[key] = stored
            if entry.target is not None and entry.kind == Message.Kind.DELETE:
                gone = targets[entry.room, entry.target]
                gone.body = gone.sealed = None  # for what follows in this batch
        if rows:
            log.append(rows, now)
            log.advance(result.heads, now)
            _erase(entries, result.outcomes)
    return result


def _identity(entry: Entry) -> tuple[UUID, int, UUID] | None:
    return (entry.room, entry.person.pk, entry.client_id) if entry.client_id else None


def _targets(entries: Iterable[Entry]) -> dict[tuple[UUID, int], Message]:
    wanted = {(entry.room, entry.target) for entry in entries if entry.target is not None}
    if not wanted:
        return {}
    match = Q(pk__in=[])
    for room, seq in wanted:
        match |= Q(room_id=room, seq=seq)
    return {(row.room_id, row.seq): row for row in Message.objects.filter(match)}


def _permit(
    entry: Entry, room: log.Place | None, inside: set[tuple[UUID, int]], decisions: Mapping[str, Decision]
) -> None:
    if room is None or (not room.is_open and (room.id, entry.person.pk) not in inside):
        raise Refused(Code.MISSING, _("There is no such room, or it is not open to you."))
    if room.ended_at is not None:
        raise Refused(Code.CONFLICT, _("This talk has ended."))
    decision = decisions.get(room.feature)
    if decision is not None and not decision.allowed:
        raise Refused(Code.GATE, decision.reason(gate.spoken()), rule=decision.rule.id)


def _permit_change(entry: Entry, target: Message | None) -> None:
    if target is None or target.kind != Message.Kind.MESSAGE:
        raise Refused(Code.MISSING, _("That message does not exist."))
    if target.author_id != entry.person.pk:
        raise Refused(Code.FORBIDDEN, _("Only its author can change a message."))
    if target.body is None and target.sealed is None:
        raise Refused(Code.CONFLICT, _("That message was deleted."))


def _row(entry: Entry, seq: int, *, is_open: bool) -> log.Row:
    words = entry.body if entry.kind != Message.Kind.DELETE else None
    return log.Row(
        room=entry.room,
        seq=seq,
        id=uuid.uuid4(),
        kind=entry.kind.value,
        author=entry.person.pk,
        author_name=entry.person.name,
        client_id=entry.client_id,
        body=words if is_open else None,
        sealed=vault.seal(entry.room, words) if words is not None and not is_open else None,
        reply_to=entry.reply_to,
        target=entry.target,
        feature=entry.feature,
    )


def _item(entry: Entry, row: log.Row, at: str) -> Item:
    return Item(
        seq=row.seq,
        id=row.id,
        kind=row.kind,
        author=Author(entry.person.id, entry.person.name),
        body=entry.body if entry.kind != Message.Kind.DELETE else "",
        at=at,
        client_id=entry.client_id or UNSET,
        reply_to=entry.reply_to or UNSET,
        target=entry.target or UNSET,
    )


def _erase(entries: Sequence[Entry], outcomes: Sequence[Stored | Refused]) -> None:
    """Take deleted words, and the edits of them, out of the log: what was taken back is not kept (APPI 22)."""
    for entry, outcome in zip(entries, outcomes, strict=True):
        if entry.kind == Message.Kind.DELETE and isinstance(outcome, Stored) and outcome.item is not None:
            Message.objects.filter(Q(seq=entry.target) | Q(target=entry.target), room_id=entry.room).update(
                body=None, sealed=None
            )
