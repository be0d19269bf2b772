"""The table as Markdown: medians, how far the rounds lay apart, and on what all that was measured."""

from __future__ import annotations

import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from tests import embedded
from tests.load import machine
from tests.load.client import ROOT
from tests.load.machine import Cores
from tests.load.stage import Side
from tests.load.workloads import Measured, Size, Workload

Results = dict[tuple[str, Side], list[Measured]]  # one for each round
VERSIONS: Final = ("django", "channels", "channels-redis", "daphne", "twisted", "autobahn", "psycopg", "picows")
NOTES: Final = """\
- Processor time is that of all server processes, user and system, from idle to idle, divided by deliveries: everything
  that a message caused is in it, receipts and hints too. A delivery is one message at one socket, the writer's own
  included. Database and Redis are given beside it.
- Todoke: sessions, gate, limits, receipts after a commit that waits for the disk, closed rooms sealed. The limits count
  every piece, but with buckets too large to run empty: what the service allows one person, three messages a second,
  loads nothing. `delay` runs with the limits that the service has.
- The peer stores, seals, counts and confirms nothing and knows no session; see `tests/load/peer/`.
- Every socket checked each writer's numbers, every receipt and every seq; the log was counted afterwards.
- Ratios hold between rows of one run. The same machine differs from itself by a quarter within an hour."""


def markdown(rows: Sequence[Workload], results: Results, size: Size, cores: Cores, seconds: float) -> str:
    """The whole table.

    Args:
        rows: what was run.
        results: what was measured.
        size: how much of it.
        cores: where.
        seconds: how long it took altogether.
    """
    medians = {key: _median(rounds) for key, rounds in results.items()}
    table = [
        ["workload", "", "unit", "Todoke", "peer", "ratio", "target", "met"],
        *(_row(row, results, medians) for row in rows if (row.name, "todoke") in medians),
    ]
    beside = [
        ["workload", "side", "per second", "CPU", "database", "Redis", "load's CPU", "delay, p50 / p99", "receipt"],
        *(
            _beside(row, side, medians[row.name, side])
            for row in rows
            for side in row.sides
            if (row.name, side) in medians
        ),
    ]
    rounds = f"{size.rounds} rounds of {size.seconds:g} s" if size.rounds > 1 else f"one round of {size.seconds:g} s"
    where = f"servers on core {_list(cores.servers)}, load, database and Redis on core {_list(cores.others)}"
    how = (
        f"{timezone.localdate():%Y-%m-%d}, commit {_commit()}. {machine.name()}; {where}. {_versions()}. Medians of "
        f"{rounds}, in brackets the least and the most; {seconds / 60:.0f} minutes in all. Made by "
        "`python -m tests.load.bench`."
    )
    unit = "Beside it: processor time in the unit of the row (µs or ms), delays in ms."
    return "\n\n".join(["# Performance, measured", how, _table(table), unit, _table(beside), NOTES]) + "\n"


def as_json(results: Results) -> dict[str, dict[str, list[Measured]]]:
    """Each single figure, by workload and side."""
    found: dict[str, dict[str, list[Measured]]] = {}
    for (name, side), rounds in results.items():
        found.setdefault(name, {})[side] = rounds
    return found


def _median(rounds: Sequence[Measured]) -> Measured:
    return {name: statistics.median(measured[name] for measured in rounds) for name in rounds[0]}


def _row(row: Workload, results: Results, medians: Mapping[tuple[str, Side], Measured]) -> list[str]:
    own = medians[row.name, "todoke"]
    peer = medians.get((row.name, "peer"))
    figure = row.headline
    met = row.met(own, peer or own, medians)
    ratio = max(own[figure], peer[figure]) / min(own[figure], peer[figure]) if peer else 0.0
    better = peer is not None and (own[figure] > peer[figure]) == row.more_is_better
    return [
        f"`{row.name}`",
        row.title,
        row.unit,
        _spread(own[figure], [measured[figure] for measured in results[row.name, "todoke"]]),
        _spread(peer[figure], [measured[figure] for measured in results[row.name, "peer"]]) if peer else "",
        f"{'1/' if not better else ''}{ratio:.1f}" if peer else "",
        row.target,
        "yes" if met else "no",
    ]


def _beside(row: Workload, side: Side, measured: Measured) -> list[str]:
    def shown(name: str) -> str:
        return _number(measured[name]) if name in measured else ""

    def both(name: str) -> str:
        return f"{shown(name + '_p50')} / {shown(name + '_p99')}" if f"{name}_p50" in measured else ""

    return [
        f"`{row.name}`",
        side,
        shown("rate"),
        shown("cpu") or shown("ms") or f"{measured['share']:.1f}% of a core",
        shown("database"),
        shown("redis"),
        f"{measured['client']:.0%}" if "client" in measured else "",
        both("delay"),
        both("receipt"),
    ]


def _spread(median: float, all_: Sequence[float]) -> str:
    if len(all_) == 1:
        return _number(median)
    return f"{_number(median)} ({_number(min(all_))}–{_number(max(all_))})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _list(cores: Sequence[int]) -> str:
    return ", ".join(map(str, cores))


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if changed else "")


def _versions() -> str:
    assert embedded.run.valkey is not None
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        database = cursor.fetchone()[0]
    redis: dict[str, Any] = embedded.run.valkey.client().info("server")
    return ", ".join(
        [f"Python {platform.python_version()}", f"PostgreSQL {database}", f"Valkey {redis.get('valkey_version', '')}"]
        + [f"{name} {version(name)}" for name in VERSIONS]
    )
