"""How far it goes, and what ends it: rooms × processes × Redis × PostgreSQL, from measured costs.

`python -m tests.load.scale` works out a service of a million sockets; its options ask for another one, or put in other
costs (`--measured` reads those that `python -m tests.load.bench --json` wrote). Arithmetic only: nothing is run.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

COUNTS_SECONDS: Final = 10.0  # how often each process tells the others how many people it has in each room
MOST: Final = 10**9  # sockets; what does not end below, does not end


@dataclass(frozen=True)
class Town:
    """What people do, and what it runs on."""

    sockets: int = 1_000_000
    room_size: int = 50
    messages_per_second: float = 10_000.0
    joins_per_second: float = 500.0
    sockets_per_process: int = 20_000
    groups: int = 1
    database_cores: int = 16
    databases: int = 1
    presence_seconds: float = 1.0
    share: float = 0.6

    @property
    def rooms(self) -> float:
        """Rooms with somebody in them."""
        return self.sockets / self.room_size

    def grown(self, sockets: int) -> Town:
        """The same people's habits, more or fewer of them."""
        times = sockets / self.sockets
        return replace(
            self,
            sockets=sockets,
            messages_per_second=self.messages_per_second * times,
            joins_per_second=self.joins_per_second * times,
        )


@dataclass(frozen=True)
class Costs:
    """Processor time of one piece of work, in µs.

    The defaults are of one machine, rounded: from `python -m tests.load.budget` (a message as one of five in a commit
    and alone in its publication), logins and heads from `python -m tests.load.growth`. What coming costs is assumed;
    the bench's row `arrivals` measures it.
    """

    delivery: float = 10.0
    message: float = 180.0
    join: float = 2_500.0
    hear: float = 90.0
    hear_count: float = 0.2
    redis_publication: float = 27.0
    redis_subscriber: float = 0.8
    database_message: float = 240.0
    database_join: float = 1_500.0
    database_login: float = 2.5
    database_head: float = 3.5

    @classmethod
    def measured(cls, figures: Mapping[str, Any]) -> dict[str, float]:
        """What the bench's JSON says of them: medians of the workloads that it ran.

        Args:
            figures: by workload, side and round.

        Returns:
            costs by name; those that it does not tell are left out.
        """

        def of(workload: str, figure: str) -> float | None:
            rounds = figures.get(workload, {}).get("todoke", [])
            return median(each[figure] for each in rounds) if rounds and figure in rounds[0] else None

        delivery, pair, stored = of("room", "cpu"), of("pairs", "cpu"), of("pairs", "database")
        split, told = of("split", "cpu"), of("split", "redis")
        come, read = of("arrivals", "ms"), of("arrivals", "database")
        # With the two at different processes each message is told once and heard once, which cost about the same;
        # a process that is alone tells nothing.
        told_or_heard = max(0.0, split - pair) if split is not None and pair is not None else None
        found = {
            "delivery": delivery,
            # In a room of two each message is two deliveries; what is left is the message.
            "message": max(0.0, 2 * pair - 2 * delivery) + (told_or_heard or 0.0)
            if pair is not None and delivery is not None
            else None,
            "database_message": None if stored is None else 2 * stored,
            "hear": told_or_heard,
            # A publication and its two copies, one of them to whom it is from, count as three of the same.
            "redis_publication": None if told is None else 2 * told / 3,
            "redis_subscriber": None if told is None else 2 * told / 3,
            "join": None if come is None else 1e3 * come,
            "database_join": None if read is None else 1e3 * read,
        }
        return {name: cost for name, cost in found.items() if cost is not None}


#: By the field that each gives: of the town, or, with what is around it taken off, of the costs.
OPTIONS: Final = {
    "--sockets": "open at once",
    "--room-size": "sockets in one room",
    "--messages-per-second": "of everybody",
    "--joins-per-second": "of everybody: connect, session, room",
    "--sockets-per-process": "at most, however little they do",
    "--groups": "of processes, each with rooms of its own: a process hears the hints of its group",
    "--database-cores": "of one database",
    "--databases": "each with rooms of its own",
    "--presence-seconds": "between two counts shown in a room where people come and go all the time",
    "--share": "of a core that may be used up: the rest is for peaks",
    "--cost-delivery-us": "server, per socket that gets a message",
    "--cost-message-us": "server, per message: from reading it to telling other processes",
    "--cost-join-us": "server, per person who comes",
    "--cost-hear-us": "server, per message of another process",
    "--cost-hear-count-us": "server, per room and process that says how many people are in it (every 10 s)",
    "--cost-redis-publication-us": "Redis, per publication",
    "--cost-redis-subscriber-us": "Redis, per process that hears one",
    "--cost-database-message-us": "database, per message",
    "--cost-database-join-us": "database, per person who comes",
    "--cost-database-login-us": "database, per socket and look at the logins (once a minute)",
    "--cost-database-head-us": "database, per room of a process and look at its head (every second)",
}


# --- what it takes ------------------------------------------------------------------------------------------------


def processes(town: Town, costs: Costs) -> int:
    """How many server processes it takes, a core each.

    Returns:
        0 if no number is enough: hearing the others alone takes more than a process may use.
    """
    room = town.share * 1e6 - hearing(town, costs)
    return max(holding(town), math.ceil(1e6 * sum(server_cores(town, costs).values()) / room)) if room > 0 else 0


def holding(town: Town) -> int:
    """How many server processes it takes to hold the sockets, whatever they do."""
    return math.ceil(town.sockets / town.sockets_per_process)


def server_cores(town: Town, costs: Costs) -> dict[str, float]:
    """What the sockets of all processes cost together, in cores, by piece of work."""
    deliveries = town.messages_per_second * town.room_size
    return {
        "deliveries": deliveries * costs.delivery / 1e6,
        "messages": town.messages_per_second * costs.message / 1e6,
        "people who come": town.joins_per_second * costs.join / 1e6,
        # Who comes goes some time, too, and everybody in the room is told; but no room more often than that.
        "presence": min(2 * town.joins_per_second * town.room_size, town.sockets / town.presence_seconds)
        * costs.delivery
        / 1e6,
    }


def hearing(town: Town, costs: Costs) -> float:
    """What one process spends on hearing the others, in µs per second: all of its group, whoever is connected to it."""
    return town.messages_per_second / town.groups * costs.hear + counts(town, costs)


def counts(town: Town, costs: Costs) -> float:
    """What of it goes to how many people each process has in each room."""
    spread = min(town.room_size, max(1.0, holding(town) / town.groups))
    return town.rooms / town.groups * spread / COUNTS_SECONDS * costs.hear_count


def redis_core(town: Town, costs: Costs) -> float:
    """How much of its one core a Redis is asked for, if each group has its own."""
    listeners = max(1.0, (processes(town, costs) or holding(town)) / town.groups)
    each = costs.redis_publication + listeners * costs.redis_subscriber
    return town.messages_per_second / town.groups * each / 1e6


def database_cores(town: Town, costs: Costs) -> dict[str, float]:
    """How many cores of one database are asked for, by piece of work."""
    # A room is spread over this many processes, each of which looks at its head.
    seen = min(town.room_size, max(1.0, (processes(town, costs) or holding(town)) / town.groups))
    each = {
        "log": town.messages_per_second * costs.database_message,
        "people who come": town.joins_per_second * costs.database_join,
        "logins looked at": town.sockets / 60 * costs.database_login,
        "heads looked at": town.rooms * seen * costs.database_head,
    }
    return {name: cost / 1e6 / town.databases for name, cost in each.items()}


# --- what ends it -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limit:
    """Something that more processes do not mend: how much of it is used (1 is all), and the way past it.

    Of what a process may use, hearing messages may take half and hearing counts a quarter: it is there for its sockets.
    """

    name: str
    used: Callable[[Town, Costs], float]
    way: str


LIMITS: Final = (
    Limit(
        "hint fan-out: every process hears every message of its group",
        lambda town, costs: (hearing(town, costs) - counts(town, costs)) / (town.share * 1e6 / 2),
        "groups: shard the hints by room, and send a room's sockets to the processes of its group",
    ),
    Limit(
        "Redis: one core copies every publication to every process",
        lambda town, costs: redis_core(town, costs) / town.share,
        "a Redis for each group",
    ),
    Limit(
        "PostgreSQL: log, logins and heads on one machine",
        lambda town, costs: sum(database_cores(town, costs).values()) / (town.share * town.database_cores),
        "partitions by hash of the room, then those partitions on machines of their own",
    ),
    Limit(
        "presence: every process hears the counts of every room of its group",
        lambda town, costs: counts(town, costs) / (town.share * 1e6 / 4),
        "thinning: tell counts that stay less often, and those of large rooms roughly",
    ),
)


def ends_at(limit: Limit, town: Town, costs: Costs) -> int | None:
    """The number of sockets at which something is used up if habits stay; None if it never is."""
    low, high = 1, MOST
    if limit.used(town.grown(high), costs) <= 1:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if limit.used(town.grown(middle), costs) > 1 else (middle, high)
    return low


# --- in words -----------------------------------------------------------------------------------------------------


def markdown(town: Town, costs: Costs) -> str:
    """All of it, for a document."""
    count = processes(town, costs)
    needed = f"{count:,}" if count else "no number is enough: see what ends it"
    server, database = server_cores(town, costs), database_cores(town, costs)
    ends = sorted(((ends_at(limit, town, costs), limit) for limit in LIMITS), key=lambda end: end[0] or MOST)
    asked = [
        ("server processes, a core each", needed),
        *((f"… {name}", f"{cores:,.1f} cores in all") for name, cores in server.items()),
        ("… hearing the others", f"{hearing(town, costs) / 1e6:.2f} of a core in each"),
        ("Redis", f"{redis_core(town, costs):.2f} of a core for each of {town.groups:,}"),
        ("PostgreSQL", f"{sum(database.values()):.1f} of {town.database_cores} cores on each of {town.databases:,}"),
        *((f"… {name}", f"{cores:,.1f} cores") for name, cores in database.items()),
    ]
    deliveries = town.messages_per_second * town.room_size
    who = (
        f"{town.sockets:,} sockets in {town.rooms:,.0f} rooms of {town.room_size:,}; {town.messages_per_second:,.0f}"
        f" messages, {deliveries:,.0f} deliveries and {town.joins_per_second:,.0f} people who come a second;\n"
        f"of a core, {town.share:.0%} may be used."
    )
    return "\n".join(
        [
            who,
            "",
            "| what | how much |",
            "| --- | --- |",
            *(f"| {name} | {amount} |" for name, amount in asked),
            "",
            "| what ends it, the first at the top | used now | ends at (sockets) | the way past it |",
            "| --- | --- | --- | --- |",
            *(
                f"| {limit.name} | {limit.used(town, costs):.0%} | {f'{end:,}' if end else 'never'} | {limit.way} |"
                for end, limit in ends
            ),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print it for the town and the costs that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.scale", description=__doc__)
    for flag, told in OPTIONS.items():
        kind, name = _field(flag)
        parser.add_argument(flag, type=type(getattr(kind, name)), help=told)
    parser.add_argument("--measured", type=Path, metavar="FILE", help="costs as the bench measured them (--json)")
    asked = vars(parser.parse_args(arguments))
    given: dict[type, dict[str, Any]] = {Town: {}, Costs: {}}
    if (measured := asked["measured"]) is not None:
        given[Costs] = dict(Costs.measured(msgspec.json.decode(measured.read_bytes())))
    for flag in OPTIONS:
        kind, name = _field(flag)
        if (value := asked[flag.removeprefix("--").replace("-", "_")]) is not None:
            given[kind][name] = value
    print(markdown(Town(**given[Town]), Costs(**given[Costs])))
    return 0


def _field(flag: str) -> tuple[type, str]:
    name = flag.removeprefix("--").replace("-", "_")
    cost = name.startswith("cost_")
    return (Costs, name.removeprefix("cost_").removesuffix("_us")) if cost else (Town, name)


if __name__ == "__main__":
    sys.exit(main())
