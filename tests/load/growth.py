"""What growth costs: the same acts in a service of a thousand messages and in one of a million.

`python -m tests.load.growth` prints processor time in µs, of the service's functions and of the database together: the
least of several rounds. Each act is undone. `--json` also writes the figures to a file.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

from tests.load.start import own_servers

SIZES: Final = (100, 100_000)  # people; ten times as many messages
ROUNDS: Final = 3
SECONDS: Final = 1.5  # of a round, since the database's clock ticks in hundredths
Measured = dict[str, dict[int, float]]  # µs by act and number of messages


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure at both sizes and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.growth", description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=SIZES, help="sizes, each larger than the one before")
    parser.add_argument("--json", type=Path, help="where the figures go")
    asked = parser.parse_args(arguments)
    found: Measured = {}
    with own_servers() as cores:
        from tests.load import grown  # noqa: PLC0415 -- the database is chosen by now
        from tests.load.machine import on  # noqa: PLC0415

        grown.open_up()
        for old, new in zip((0, *asked.people), asked.people, strict=False):
            grown.grow(old, new)
            for name, (act, pieces) in acts().items():
                with on(cores.servers):
                    found.setdefault(name, {})[10 * new] = took(act) / pieces
    sizes = [10 * people for people in asked.people]
    print("| µs of processor time | " + " | ".join(f"{size:,} messages" for size in sizes) + " | × |")
    print("| --- |" + " --- |" * (len(sizes) + 1))
    for name, by_size in found.items():
        times = by_size[sizes[-1]] / by_size[sizes[0]]
        print(f"| {name} | " + " | ".join(f"{by_size[size]:,.1f}" for size in sizes) + f" | {times:.2f} |")
    if asked.json:
        asked.json.write_bytes(msgspec.json.encode(found))
    return 0


def acts() -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured, and how many pieces of work each is."""
    from chat import people, rooms  # noqa: PLC0415
    from chat.models import Room  # noqa: PLC0415
    from tests.load import grown  # noqa: PLC0415

    square = grown.square()
    live = Room.objects.filter(ended_at=None).order_by("id").values_list("id", "head", "feature", "revision")[:1000]
    known = [rooms.KnownRoom(key, head, feature, revision) for key, head, feature, revision in live]
    logins = [people.Login(f"{number:032x}", grown.FIRST + number, "") for number in range(1, 1001)]
    return {
        "join a room, its newest page included": (grown.join, 1),
        "post a message": (lambda: grown.post(square), 1),
        "post one of fifty messages": (lambda: grown.post(square, times=50), 50),
        "seek and be matched": (grown.match, 1),
        "look at the head of a room, one of up to a thousand": (lambda: rooms.changed_rooms(known), len(known)),
        "look at a login, one of a thousand": (lambda: people.revoked_logins(logins), len(logins)),
    }


def took(act: Callable[[], object]) -> float:
    """How much processor time an act takes, in µs: of this thread and of the process that serves it in the database."""
    from django.db import connection, transaction  # noqa: PLC0415

    connection.ensure_connection()
    database = psutil.Process(connection.connection.info.backend_pid)

    def used() -> float:
        times = database.cpu_times()
        return time.thread_time() + float(times.user + times.system)

    least = float("inf")
    for _ in range(ROUNDS):
        began, end, count = used(), time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            with transaction.atomic():
                act()
                transaction.set_rollback(True)
            count += 1
        least = min(least, (used() - began) / count)
    return least * 1e6


if __name__ == "__main__":
    sys.exit(main())
