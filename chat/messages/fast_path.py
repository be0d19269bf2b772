"""The fast path into the log: a batch of plain messages in one round trip, which the database checks by itself."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final
from uuid import UUID

from django.utils import timezone
from msgspec import Struct

from chat.db import is_postgresql
from chat.messages import log
from chat.messages.events import BatchResult, NewEvent, item_of, place_of, row_of
from chat.models import Message
from chat.protocol import Access, Item, timestamp
from chat.realtime import Committed
from compliance import gate, vault
from compliance.law import Feature

TRIES: Final = 5
"""How often words are sealed for the next seq before the room is locked for it: another process may be faster."""
SEALS: Final = 2
"""For how many seqs words are sealed where another process writes, too."""


class Batch(Struct):
    """A batch on its way to `log.POST`."""

    events: Sequence[NewEvent]
    rows: list[log.Row]
    places: Mapping[UUID, list[int]]  # which of the events are a room's
    at: datetime
    token: gate.OptimisticToken | None  # optimistic: the gate's yes from memory, which the database verifies

    def seal(self, heads: Mapping[UUID, int], busy: Container[UUID] = ()) -> None:
        """Seal the words of closed rooms for the seqs that follow these heads; where none is known, zero.

        Args:
            heads: by room.
            busy: rooms in which another process may be faster: their words are sealed for some later seqs, too.
        """
        if self.token is None:
            return
        closed: list[tuple[log.Row, int]] = []
        bodies: list[tuple[vault.Place, str]] = []
        for event, row in zip(self.events, self.rows, strict=True):
            if row.feature != Feature.ROOM_OPEN:
                row.head = heads.get(row.room, 0)
                first, count = row.head + row.seq, SEALS if row.room in busy else 1
                closed.append((row, count))
                bodies += [(place_of(row, seq), event.body) for seq in range(first, first + count)]
        sealed = iter(vault.seal_all(bodies))
        for row, count in closed:
            row.seals = list(islice(sealed, count))


def prepare(events: Sequence[NewEvent], heads: Mapping[UUID, int], busy: Container[UUID]) -> Batch | None:
    """Return a batch for `log.POST`, as most are; None if it must take the slow path.

    Optimistic: decides from cached state, never refuses, never blocks. The SQL function checks everything again in the
    same transaction.

    Args:
        events: what is to be stored.
        heads: of closed rooms, as far as they are known here; see `Batch.seal`.
        busy: likewise.
    """
    if not is_postgresql():
        return None
    features: set[str] = set()
    clients: set[int] = set()
    named = 0
    places: defaultdict[UUID, list[int]] = defaultdict(list)
    rows = []
    for number, (event, id_) in enumerate(zip(events, _ids(len(events)), strict=True)):
        if event.kind is not Message.Kind.MESSAGE or event.feature is None or event.tries >= TRIES:
            return None
        if event.client_id_written is not None:  # no client of ours writes it so
            return None
        if event.client_id is not None:
            clients.add(event.client_id.int)
            named += 1
        features.add(event.feature)
        place = places[event.room]
        place.append(number)
        body = event.body if event.feature == Feature.ROOM_OPEN else None
        rows.append(row_of(event, len(place), id_, body=body))
    if len(clients) < named:
        return None  # the same one twice, perhaps of the same author in the same room
    closed = {Feature(feature) for feature in features} - {Feature.ROOM_OPEN}
    token = gate.optimistic(closed) if closed else None
    if closed and token is None:
        return None
    batch = Batch(events, rows, places, timezone.now(), token)
    batch.seal(heads, busy)
    return batch


def _ids(count: int) -> Iterator[UUID]:
    """Yield random ids (UUID version 4), all from one call for random numbers."""
    random = os.urandom(16 * count)
    return (UUID(bytes=random[at : at + 16], version=4) for at in range(0, len(random), 16))


def result_of(batch: Batch, answer: log.Answer) -> BatchResult:
    """Return what `log.POST` has stored.

    Args:
        batch: its input.
        answer: its output.
    """
    at = timestamp(batch.at)
    items: dict[int, Item] = {}
    heads = {room: answer.heads[room] for room in answer.stored}
    places = {room: batch.places[room] for room in answer.stored}
    before = {room: heads[room] - len(place) for room, place in places.items()}
    for number, (event, row) in enumerate(zip(batch.events, batch.rows, strict=True)):
        if row.room in before:
            row.seq += before[row.room]
            items[number] = item_of(event, row, at)
    return BatchResult(
        [
            Committed(item.seq, at, item) if (item := items.get(number)) is not None else None
            for number in range(len(batch.events))
        ],
        {room: [items[number] for number in place] for room, place in places.items()},
        heads,
        # It was stored only where the room is what its writer took it to be.
        {room: Access(batch.events[place[0]].feature or "", answer.revisions[room]) for room, place in places.items()},
        {room: head for room, head in answer.heads.items() if room not in answer.stored},
    )
