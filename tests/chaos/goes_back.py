"""Two people talk while the database goes back to the fifth of ten messages; nobody keeps nor misses anything.

The ways in which it goes back are `tests/chaos/test_epoch.py`'s; one of them is a fault of the storm's own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from django.test import Client

from tests.kit.client import Peer
from tests.serving import Server

if TYPE_CHECKING:
    from tests.kit.clusters import Address, Cluster

NOTICED_WITHIN: Final = 2.0
MARGIN: Final = 3.0  # of a crowded machine


def insist(ask: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Asks again what is refused for a moment, as every client does: connections to the old server are still found."""
    for _ in range(10):
        answer = ask()
        if answer.get("code") != "unavailable":
            return answer
        time.sleep(0.2)
    raise AssertionError(answer)


class Reader:
    """Somebody who reads a room over one process after another, and forgets what a service tells them to forget."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.epoch = ""
        self.held: dict[int, str] = {}  # what stands on their page: words by seq

    def come(self, server: Server, seconds: float = 30) -> Peer:
        """Connects, as often as it takes, and joins with what is held."""
        end = time.monotonic() + seconds
        while True:
            try:
                peer = Peer(server, self.client)
                break
            except (AssertionError, OSError):
                assert time.monotonic() < end
                time.sleep(0.1)
        after = {"after": max(self.held), "epoch": self.epoch} if self.held else {}
        joined = insist(lambda: peer.ask("room.join", room="chat", **after))
        assert joined["type"] == "room.joined", joined
        if joined.get("reset"):
            self.held = {}
        self.epoch = joined["epoch"]
        assert peer.heard[0]["epoch"] == joined["epoch"]
        self.take(joined["items"])
        return peer

    def take(self, items: list[dict[str, Any]]) -> None:
        """What comes is shown under its seq."""
        self.held |= {item["seq"]: item["body"] for item in items}

    def hear(self, peer: Peer, seq: int) -> None:
        """Waits until an event has come."""
        while seq not in self.held:
            self.take(peer.expect("messages")["items"])


def say(peer: Peer, *bodies: str) -> list[int]:
    """Posts, one after the other; returns the seqs of the receipts."""
    receipts = []
    for body in bodies:
        client_id = str(uuid4())
        receipts.append(insist(lambda body=body, client_id=client_id: peer.post("chat", body, client_id=client_id)))  # type: ignore[misc]
    assert {receipt["type"] for receipt in receipts} == {"message.accepted"}, receipts
    return [receipt["seq"] for receipt in receipts]


def goes_back(servers: Sequence[Server], guest: Client, fall: Callable[[], None], keep: Callable[[], None]) -> None:
    """Two people talk; the database goes back to the fifth of ten messages; nobody keeps nor misses anything.

    Args:
        servers: the processes; the writer is at the first, the reader at the last.
        guest: their browser.
        fall: has the database go back to what it was at `keep`.
        keep: is called after the fifth message.
    """
    writer, reader, late = Reader(guest), Reader(guest), Reader(guest)
    at_first, at_last = writer.come(servers[0]), reader.come(servers[-1])
    assert say(at_first, *(f"旧{n}" for n in range(1, 6))) == [1, 2, 3, 4, 5]
    time.sleep(1.5)  # a beat of each process lies before what is kept, and one after
    keep()
    assert say(at_first, *(f"旧{n}" for n in range(6, 11))) == [6, 7, 8, 9, 10]
    reader.hear(at_last, 10)
    time.sleep(1.5)
    late.held, late.epoch = dict(reader.held), reader.epoch
    began = time.monotonic()
    fall()
    fallen = time.monotonic()
    assert (at_first.closed(30), at_last.closed(30)) == (4503, 4503)
    assert time.monotonic() - fallen < NOTICED_WITHIN + MARGIN, f"after {time.monotonic() - began:.1f} s"

    at_first, at_last = writer.come(servers[0]), reader.come(servers[-1])
    assert writer.epoch == reader.epoch != late.epoch
    assert reader.held == {n: f"旧{n}" for n in range(1, 6)}
    assert say(at_first, *(f"新{n}" for n in range(6, 13))) == [*range(6, 13)]
    reader.hear(at_last, 12)
    late.come(servers[0])
    log = {n: f"{'旧' if n < 6 else '新'}{n}" for n in range(1, 13)}
    assert reader.held == late.held == log


class Promotion:
    """A replica that lags and is promoted: the address leads to the primary, then to it.

    Args:
        primary: runs.
        replica: runs, and takes what the primary commits.
        address: under which the processes reach either.
    """

    def __init__(self, primary: Cluster, replica: Cluster, address: Address) -> None:
        self.primary, self.replica, self.address = primary, replica, address
        address.point_at(primary)

    def keep(self) -> None:
        """Has the replica lag from here on."""
        self.replica.until("SELECT head FROM chat_room WHERE slug = 'chat'", 5)
        self.replica.detach()

    def fall(self) -> None:
        """The primary is gone, and the replica takes its place."""
        self.primary.stop()
        self.replica.promote()
        self.address.point_at(self.replica)
