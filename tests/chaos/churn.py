"""People who come and are gone again at any moment, thousands of times: nothing of them may stay behind.

As a command: `python -m tests.chaos.churn --cycles 5000`.
"""

# ruff: noqa: S311 -- dice, not secrets

from __future__ import annotations

import argparse
import asyncio
import json
import random
import socket
import struct
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx
import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.chaos import alone

if TYPE_CHECKING:
    from tests.serving import Server

AT_ONCE: Final = 20
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: go without a word
GARBAGE: Final = 16_000_000  # bytes that the collector may not have come to; 5,000 sockets left behind take far more
WARM_UP: Final = 1500  # cycles after which a process has its caches and its memory arenas


@dataclass
class Weight:
    """What a process holds at a moment: pieces by name, open files, and memory in bytes."""

    pieces: dict[str, int] = field(default_factory=dict)
    files: int = 0
    rss: int = 0

    def __str__(self) -> str:
        pieces = ", ".join(f"{name} {count}" for name, count in self.pieces.items() if name != "lost")
        return f"{self.rss / 1e6:.1f} MB, files {self.files}, {pieces}"


def weigh(server: Server) -> Weight:
    """Waits until the last ones have been let go, at most half a minute, and weighs the process."""
    end = time.monotonic() + 30
    while True:
        pieces = httpx.get(f"{server.url}/chaos/inside").json()
        if not pieces["sockets"] or time.monotonic() > end:
            break
        time.sleep(0.2)
    time.sleep(2.5)  # Daphne looks once a second for applications that have ended
    pieces = httpx.get(f"{server.url}/chaos/inside").json()
    return Weight(pieces, psutil.Process(server.process.pid).num_fds(), server.rss)


async def churn(server: Server, room: str, cookie: str, cycles: int) -> None:
    """Has people connect and go: in mid-handshake, before the welcome, while joining, in mid-sentence, with a word."""
    left = iter(range(cycles))

    async def come_and_go() -> None:
        for _ in left:
            with suppress(OSError, TimeoutError, InvalidHandshake, ConnectionClosed):
                await _visit(server, room, cookie, random.randrange(6))

    await asyncio.gather(*(come_and_go() for _ in range(AT_ONCE)))


async def _visit(server: Server, room: str, cookie: str, depth: int) -> None:
    bare = socket.create_connection(("127.0.0.1", server.port))
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    if depth == 0:
        bare.sendall(b"GET /ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n")
        bare.close()
        return
    async with asyncio.timeout(20):
        talking: ClientConnection = await connect(
            server.ws_url,
            sock=bare,
            additional_headers={"Cookie": cookie},
            compression=None,
            proxy=None,
            ping_interval=None,
            close_timeout=2,
        )
        try:
            if depth == 1:
                return
            await talking.recv()
            await talking.send(json.dumps({"type": "room.join", "ref": "1", "room": room}))
            if depth == 2:
                return
            while json.loads(await talking.recv())["type"] != "room.joined":
                pass
            words = {"client_id": str(uuid.uuid4()), "body": "またね"}
            await talking.send(json.dumps({"type": "message.post", "ref": "2", "room": room, **words}))
            if depth == 3:
                return
            while json.loads(await talking.recv())["type"] != "message.accepted":
                pass
            if depth == 5:
                await talking.close()
        finally:
            talking.transport.abort()


def main() -> int:
    """Runs it on a server of its own; returns 0 if nothing stayed behind."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.churn", description=__doc__)
    parser.add_argument("--cycles", type=int, default=5000)
    parser.add_argument("--asgi", choices=["daphne", "uvicorn", "hypercorn"], default="daphne")
    asked = parser.parse_args()
    with alone.stack():
        from tests.chaos.crowd import Crowd  # noqa: PLC0415 -- Django is set up by now
        from tests.chaos.storm import APPLICATION, SETTINGS  # noqa: PLC0415
        from tests.serving import Server  # noqa: PLC0415

        with Server(asked.asgi, SETTINGS, APPLICATION) as server:
            talker = Crowd([server], 1, 1, 1).talkers[0]
            asyncio.run(churn(server, talker.room, talker.cookie, WARM_UP))
            before = weigh(server)
            asyncio.run(churn(server, talker.room, talker.cookie, asked.cycles))
            after = weigh(server)
    print(f"{asked.asgi}, {asked.cycles} times\n  before: {before}\n  after:  {after}")
    return int(faults(before, after) != [])


def faults(before: Weight, after: Weight) -> list[str]:
    """What stayed behind, in words."""
    found = [
        f"{name}: {before.pieces[name]}, then {count}"
        for name, count in after.pieces.items()
        if name != "lost" and count > before.pieces[name] + (name == "tasks") * 2
    ]
    if after.files > before.files + 4:
        found.append(f"files: {before.files}, then {after.files}")
    if after.rss > before.rss + GARBAGE:
        found.append(f"memory: {before.rss}, then {after.rss}")
    return found


if __name__ == "__main__":
    sys.exit(main())
