"""A storm: people talk while processes, database, Redis and connections break; afterwards nothing may be missing.

As a command it brings its own PostgreSQL and Valkey: `python -m tests.chaos.storm --seconds 60`.
"""

# ruff: noqa: S311 -- dice, not secrets

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from tests import embedded
from tests.chaos import alone
from tests.chaos.held import HeldRow

if TYPE_CHECKING:
    from tests.chaos.crowd import Crowd
    from tests.chaos.seekers import Seekers
    from tests.serving import Server

APPLICATION: Final = "tests.chaos.asgi:application"
#: Without DEBUG, in which Django keeps every statement in memory; and one address may do as much as many.
SETTINGS: Final = {"DEBUG": "", "CHAT_RATE_LIMITS": "off"}
Fault = Callable[[], Awaitable[None]]


class Storm:
    """What breaks, and how often it did.

    Args:
        crowd: those who must not notice more than "reconnecting".
        dice: chooses; the same seed gives the same order of faults.
    """

    def __init__(self, crowd: Crowd, dice: random.Random) -> None:
        self.crowd = crowd
        self.dice = dice
        self.counts: Counter[str] = Counter()
        self.exits: list[float] = []  # seconds from SIGTERM to the end of the process

    async def blow(self, lanes: Sequence[Sequence[Fault]], seconds: float) -> None:
        """Breaks things for a while: within a lane one after the other, the lanes at the same time.

        Each fault of a lane happens at least once, however short the while.
        """
        end = time.monotonic() + seconds
        await asyncio.gather(*(self._lane(list(lane), end) for lane in lanes))

    async def _lane(self, faults: list[Fault], end: float) -> None:
        for turn in itertools.count():
            self.dice.shuffle(faults)
            for fault in faults:
                if turn and time.monotonic() > end:
                    return
                await fault()
                self.counts[getattr(fault, "__name__", "?")] += 1
                await asyncio.sleep(self.dice.uniform(0.1, 0.8))

    def _victim(self) -> Server:
        return self.dice.choice(self.crowd.servers)

    async def kill(self) -> None:
        """Kills a process as a power cut would, and starts it again."""
        victim = self._victim()
        self.crowd.open.discard(victim)
        await asyncio.to_thread(victim.kill9)
        await self._start(victim)

    async def terminate(self) -> None:
        """Asks a process to end, and starts it again."""
        victim = self._victim()
        self.crowd.open.discard(victim)
        began = time.monotonic()
        await asyncio.to_thread(victim.sigterm)
        self.exits.append(time.monotonic() - began)
        await self._start(victim)

    async def _start(self, victim: Server) -> None:
        await asyncio.to_thread(victim.start)
        self.crowd.open.add(victim)

    async def rotate_secret(self) -> None:
        """Changes SECRET_KEY in its two phases, one process after the other; nobody may be signed out."""
        old, new = self.crowd.servers[0].env["SECRET_KEY"], f"{self.dice.getrandbits(256):064x}"
        for first, other in ((old, new), (new, old)):
            for victim in self.crowd.servers:
                self.crowd.open.discard(victim)
                victim.env |= {"SECRET_KEY": first, "SECRET_KEY_FALLBACKS": other}
                await asyncio.to_thread(victim.sigterm)
                await self._start(victim)

    async def freeze(self) -> None:
        """Stops a process where it stands for five seconds; whoever is connected to it hears nothing."""
        victim = self._victim()
        victim.freeze()
        await asyncio.sleep(5)
        victim.thaw()

    async def cut(self) -> None:
        """Tears every fifth connection."""
        for talker in self.dice.sample(self.crowd.talkers, len(self.crowd.talkers) // 5):
            talker.cut()

    async def restart_valkey(self) -> None:
        """Has Redis go, forget everything and come back."""
        await asyncio.to_thread(embedded.run.restart_valkey, self.dice.uniform(0, 2))

    async def stop_database(self) -> None:
        """Has the database go away for three seconds."""
        await asyncio.to_thread(embedded.run.restart_postgres, 3)

    def summary(self) -> str:
        """The faults, in words."""
        named = ", ".join(f"{name.replace('_', ' ')} × {count}" for name, count in sorted(self.counts.items()))
        longest = f"; longest exit after SIGTERM {max(self.exits):.1f} s" if self.exits else ""
        return f"faults: {named}{longest}"


async def storm(crowd: Crowd, seconds: float, seed: int, seekers: Seekers | None = None) -> Storm:
    """Has a crowd talk through everything that can break on PostgreSQL and Valkey; returns what broke.

    Seekers must be in a talk afterwards; then half of them vanish, and the others must hear of it.
    """
    blowing = Storm(crowd, random.Random(seed))
    crowd.start()
    if seekers is not None:
        seekers.start()
    await crowd.arrive()
    await blowing.blow(
        [
            [blowing.kill, blowing.terminate, blowing.freeze, blowing.rotate_secret],
            [blowing.restart_valkey, blowing.stop_database, blowing.cut],
            [HeldRow(blowing.dice)],
        ],
        seconds,
    )
    if seekers is not None:
        await seekers.meet()
        await seekers.vanish()
    await crowd.finish()
    return blowing


async def power_cuts(crowd: Crowd, seconds: float, seed: int) -> Storm:
    """Has a crowd talk to a single process that is killed again and again; returns what broke."""
    blowing = Storm(crowd, random.Random(seed))
    crowd.start()
    await crowd.arrive()
    await blowing.blow([[blowing.kill, blowing.kill, blowing.cut]], seconds)
    await crowd.finish()
    return blowing


async def rolling_restart(crowd: Crowd, rounds: int) -> Storm:
    """Has each process end and start again, one after the other, while the crowd talks; returns what broke."""
    blowing = Storm(crowd, random.Random(0))
    crowd.start()
    await crowd.arrive()
    for victim in list(crowd.servers) * rounds:
        blowing._victim = lambda victim=victim: victim  # type: ignore[method-assign, misc]
        await blowing.terminate()
        blowing.counts["terminate"] += 1
        await crowd.arrive()
    await crowd.finish()
    return blowing


def promotions(seconds: float) -> int:
    """Has a lagging replica promoted under two people who talk, again and again; returns how often.

    Raises:
        AssertionError: somebody keeps words that are not in the log, or misses one, or a process notices too late.
    """
    from chat import rooms  # noqa: PLC0415 -- Django is set up by now
    from chat.models import User  # noqa: PLC0415
    from tests.chaos.goes_back import Promotion, goes_back  # noqa: PLC0415
    from tests.conftest import signed_in  # noqa: PLC0415
    from tests.kit.clusters import Address, Cluster, source  # noqa: PLC0415
    from tests.serving import Server  # noqa: PLC0415

    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    guest = signed_in(User.objects.create_user("traveller@example.jp", name="旅人"))
    done, end = 0, time.monotonic() + seconds
    while not done or time.monotonic() < end:
        with ExitStack() as running:
            primary = Cluster(source()).start()
            running.callback(primary.stop)
            replica = Cluster(primary.sockets, replica=True).start()
            running.callback(replica.stop)
            promotion = Promotion(primary, replica, Address())
            env = SETTINGS | {"DATABASE_URL": promotion.address.url}
            servers = [running.enter_context(Server("daphne", env)) for _ in range(2)]
            goes_back(servers, guest, promotion.fall, promotion.keep)
        done += 1
    return done


def main() -> int:
    """Runs a storm on servers of its own; returns 0 if nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.storm", description=__doc__)
    parser.add_argument(
        "kind", nargs="?", choices=["storm", "power-cuts", "rolling-restart", "promotion"], default="storm"
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--sockets", type=int, default=200)
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=4, help="pairs of people who seek and change process")
    parser.add_argument("--rate", type=float, default=60, help="posts per second of all together")
    parser.add_argument("--loss", type=float, default=0.1, help="share of hints that are lost")
    parser.add_argument("--asgi", choices=["daphne", "uvicorn", "hypercorn"], default="daphne")
    parser.add_argument("--sqlite", action="store_true", help="SQLite and the in-memory layer; one process")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    with alone.stack(sqlite=asked.sqlite), ExitStack() as running:
        from tests.chaos import seekers as people  # noqa: PLC0415 -- Django is set up by now
        from tests.chaos.crowd import Crowd  # noqa: PLC0415 -- likewise
        from tests.serving import Server  # noqa: PLC0415

        if asked.kind == "promotion":
            print(f"promotion of a lagging replica × {promotions(asked.seconds)}: nothing kept, nothing missed")
            return 0
        env = SETTINGS | people.SETTINGS | {"CHAOS_LOSS": str(asked.loss)}
        processes = 1 if asked.sqlite else 2
        servers = [running.enter_context(Server(asked.asgi, env, APPLICATION)) for _ in range(processes)]
        crowd = Crowd(servers, asked.rooms, asked.sockets, asked.rate)
        print(f"{asked.kind}: {asked.asgi} × {processes}, {asked.seconds:.0f} s, seed {asked.seed}", flush=True)
        try:
            if asked.kind == "rolling-restart":
                broken = asyncio.run(rolling_restart(crowd, max(1, int(asked.seconds / 10))))
            elif asked.kind == "power-cuts" or asked.sqlite:
                broken = asyncio.run(power_cuts(crowd, asked.seconds, asked.seed))
            else:
                seekers = people.Seekers(crowd, asked.pairs)
                broken = asyncio.run(storm(crowd, asked.seconds, asked.seed, seekers))
                print(seekers.summary())
            crowd.verdict()
            assert not crowd.leaks(), f"words or nicknames in a log: {crowd.leaks()}"
        except AssertionError as fault:
            print(f"FAILED\n{fault}", *(server.log[-6000:] for server in servers), sep="\n")
            return 1
        print(broken.summary(), crowd.summary(), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
