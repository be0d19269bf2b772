"""Matching under load: who waits is in the database already; the service's processes do what they do each second."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Final

from django.db.models import Count, Min
from django.test import Client

from chat.models import Pairing, Participant, Room, Ticket, User
from tests.kit.client import Peer
from tests.serving import Server

TOPIC: Final = "load"
PATIENCE: Final = 30.0  # seconds


@contextmanager
def seekers(servers: Sequence[Server]) -> Iterator[None]:
    """Have somebody wait at each process for a topic that nobody else wants: that keeps it matching."""
    with ExitStack() as stack:
        for number, server in enumerate(servers):
            client = Client()
            free = User.objects.filter(ticket__isnull=True, emailaddress__verified=True).first()
            assert free is not None
            client.force_login(free)
            peer = stack.enter_context(Peer(server, client))
            answer = peer.ask("match.seek", topic=f"nobody else wants {number}")
            assert answer["type"] == "match.waiting", answer
        yield


def wait(pairs: int) -> tuple[int, float]:
    """Wait until so many pairs were made.

    Returns:
        how many were made, and within how many seconds: from the beginning of the first sweep that found one, since a
        process looks but once a second, until they were seen to be stored.
    """
    live = Pairing.objects.filter(ended_at__isnull=True)
    patient = time.monotonic() + PATIENCE
    while (made := live.count()) < pairs and time.monotonic() < patient:
        time.sleep(0.02)
    stored = time.time()
    assert made, "nobody was matched"
    return made, stored - live.aggregate(began=Min("made_at"))["began"].timestamp()


def check(pairs: int) -> None:
    """What must hold of pairs, however fast they were made.

    Raises:
        AssertionError: it does not.
    """
    live = list(Pairing.objects.filter(ended_at__isnull=True).values_list("lower", "higher", "room"))
    assert len(live) >= pairs
    times = Counter(person for lower, higher, _room in live for person in (lower, higher))
    assert set(times.values()) == {1}, "somebody is in two talks"
    rooms = [room for _lower, _higher, room in live]
    assert Room.objects.filter(id__in=rooms, kind="closed", authorisation__isnull=False).count() == len(rooms)
    inside = set(Participant.objects.filter(room__in=rooms, left_at__isnull=True).values_list("user", "room"))
    assert inside == {(person, room) for lower, higher, room in live for person in (lower, higher)}
    tickets = dict(Ticket.objects.filter(room__in=rooms).values_list("room").annotate(Count("user")))
    assert set(tickets.values()) == {2}, "a ticket of a pair is still open"
