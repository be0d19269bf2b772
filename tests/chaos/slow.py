"""A reader who stops reading while a hundred megabytes would be due, beside others who go on.

As a command: `python -m tests.chaos.slow --megabytes 100 --asgi daphne`.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from tests.chaos import alone

if TYPE_CHECKING:
    from tests.serving import Server

BODY: Final = "🐢" * 2000  # the largest message: 8,000 bytes
WINDOW: Final = 40  # posts under way at a time
BOUND: Final = 16 * 1024 * 1024


@dataclass
class Outcome:
    """What came of it; sizes in bytes, delays in seconds."""

    due: int = 0
    growth: int = 0
    before: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)
    taken: int = 0
    goodbye: dict[str, Any] | None = None
    code: int | None = None
    resumed: int = 0
    seqs: list[int] = field(default_factory=list)
    head: int = 0

    def summary(self) -> str:
        """The figures, in words."""
        return (
            f"due to the reader who stopped {self.due / 1e6:.0f} MB; the process grew by {self.growth / 1e6:.1f} MB;"
            f" closed with {self.code} after {self.taken} events, the other {self.resumed} came after resuming\n"
            f"  another reader's delay, median and most, in ms: before {_ms(self.before)}, during {_ms(self.during)}"
        )


def _ms(delays: list[float]) -> str:
    return f"{1000 * median(delays):.1f} / {1000 * max(delays):.1f}"


def stop_reading(server: Server, room: str, cookie: str, megabytes: int) -> Outcome:
    """Has somebody join a room, stop reading while others post, read on, and come back."""
    from tests.chaos.raw import RawPeer  # noqa: PLC0415 -- needs Django to be set up

    outcome = Outcome()
    posts = megabytes * 1_000_000 // len(BODY.encode())
    with RawPeer(server, cookie, buffer=1 << 20) as writer, RawPeer(server, buffer=1 << 20) as other:
        writer.say("room.join", ref="join", room=room)
        writer.expect("room.joined")
        other.say("room.join", ref="join", room=room)
        other.expect("room.joined")
        _talk(writer, other, room, 200, outcome.before)
        with RawPeer(server) as slow:
            slow.say("room.join", ref="join", room=room, after=0)
            joined = slow.expect("room.joined")  # who is still being filled is waited for, page by page
            rss, most = server.rss, 0
            over = threading.Event()

            def watch() -> None:
                nonlocal most
                while not over.wait(0.05):
                    most = max(most, server.rss)

            watching = threading.Thread(target=watch)
            watching.start()
            try:
                _talk(writer, other, room, posts, outcome.during)
            finally:
                over.set()
                watching.join()
            outcome.due = posts * len(BODY.encode())
            outcome.growth = max(most, server.rss) - rss
            frames = [joined, *slow.rest()]
            outcome.code = slow.code
            outcome.goodbye = frames[-1]
            outcome.seqs = [item["seq"] for frame in frames for item in frame.get("items", ())]
            outcome.taken = len(outcome.seqs)
        last = outcome.seqs[-1] if outcome.seqs else 0
        with RawPeer(server, buffer=1 << 20) as again:
            again.say("room.join", ref="join", room=room, after=last)
            page = again.expect("room.joined")
            outcome.head = page["head"]
            while True:
                outcome.seqs += [item["seq"] for item in page["items"]]
                if not page["more"]:
                    break
                again.say("room.sync", ref="sync", room=room, after=outcome.seqs[-1])
                page = again.expect("messages")
            outcome.resumed = len(outcome.seqs) - outcome.taken
    return outcome


def _talk(writer: Any, other: Any, room: str, posts: int, delays: list[float]) -> None:
    sent: dict[str, float] = {}
    receipts = heard = 0
    done = threading.Event()

    def hear() -> None:
        nonlocal heard
        while heard < posts:
            for item in other.expect("messages")["items"]:
                delays.append(time.monotonic() - sent[item["client_id"]])
                heard += 1
        done.set()

    hearing = threading.Thread(target=hear, daemon=True)
    hearing.start()
    for number in range(posts):
        client_id = str(uuid.uuid4())
        sent[client_id] = time.monotonic()
        writer.say("message.post", ref=str(number), room=room, client_id=client_id, body=BODY)
        while number - receipts >= WINDOW:
            writer.expect("message.accepted")
            receipts += 1
    while receipts < posts:
        writer.expect("message.accepted")
        receipts += 1
    assert done.wait(30), f"another reader heard {heard} of {posts}"


def ask_and_not_read(server: Server, room: str, requests: int) -> int:
    """Has somebody ask for page after page and read none; returns by how many bytes the process grew."""
    from tests.chaos.raw import RawPeer  # noqa: PLC0415 -- needs Django to be set up

    with RawPeer(server) as greedy:
        rss = most = server.rss
        for number in range(requests):
            greedy.say("room.history", ref=str(number), room=room, before=10**9, limit=200)
        end = time.monotonic() + 3
        while time.monotonic() < end:
            most = max(most, server.rss)
            time.sleep(0.02)
        return most - rss


def main() -> int:
    """Runs it on a server of its own; returns 0 if it went well."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.slow", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--asgi", choices=["daphne", "uvicorn", "hypercorn"], default="daphne")
    asked = parser.parse_args()
    with alone.stack():
        from tests.chaos.crowd import Crowd  # noqa: PLC0415 -- Django is set up by now
        from tests.chaos.storm import APPLICATION, SETTINGS  # noqa: PLC0415
        from tests.serving import Server  # noqa: PLC0415

        with Server(asked.asgi, SETTINGS, APPLICATION) as server:
            crowd = Crowd([server], 1, 1, 1)
            outcome = stop_reading(server, crowd.talkers[0].room, crowd.talkers[0].cookie, asked.megabytes)
            print(f"{asked.asgi}: {outcome.summary()}")
            return int(outcome.growth > BOUND or outcome.seqs != list(range(1, outcome.head + 1)))


if __name__ == "__main__":
    sys.exit(main())
