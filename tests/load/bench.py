"""The performance table: Todoke and a tutorial-shaped peer, in turn, on the same machine, in the same run.

`python -m tests.load.bench` brings its own PostgreSQL and Valkey, measures every workload three times and writes the
table. Nothing is taken out of the service for it: sessions, gate, sealing, limits and receipts are on, and the database
waits for the disk. While it measures, it checks that nothing is lost, doubled or reordered.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from tests.load import compare
from tests.load.client import ROOT, Crowd
from tests.load.machine import Cores
from tests.load.start import own_servers

TABLE: Final = ROOT / "docs/performance-table.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; return 0 if nothing was lost, whatever the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.bench", description=__doc__)
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one short round, under three minutes")
    size.add_argument("--smoke", action="store_true", help="a handful of sockets: does it run at all?")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this workload; may be repeated")
    parser.add_argument("--alone", action="store_true", help="without the peer: for work on the service itself")
    parser.add_argument("--base", metavar="COMMIT", help="instead of the peer, compare with this commit, in turn")
    parser.add_argument("--rounds", type=int, help="how often each workload is measured")
    parser.add_argument("--seconds", type=float, help="for how long is written")
    parser.add_argument("--clients", type=int, help="processes that make the load; else one for each core of its own")
    parser.add_argument("--out", type=Path, help=f"where the table goes; a whole run: {TABLE.relative_to(ROOT)}")
    parser.add_argument("--json", type=Path, help="where each single figure goes")
    asked = parser.parse_args(arguments)
    if asked.base:
        name = "QUICK" if asked.quick else "SMOKE" if asked.smoke else "FULL"
        seconds = {"seconds": asked.seconds} if asked.seconds else {}
        return compare.compare(asked.base, name, seconds, asked.only, asked.rounds or 3)
    with own_servers() as cores:
        return _measure(asked, cores)


def _measure(asked: argparse.Namespace, cores: Cores) -> int:
    from tests.load import report, stage, workloads  # noqa: PLC0415 -- the database is chosen by now

    size = workloads.QUICK if asked.quick else workloads.SMOKE if asked.smoke else workloads.FULL
    size = msgspec.structs.replace(size, **{n: v for n in ("rounds", "seconds") if (v := getattr(asked, n))})
    rows = [row for row in workloads.table(size) if not asked.only or row.name in asked.only]
    if unknown := set(asked.only) - {row.name for row in rows}:
        names = ", ".join(row.name for row in workloads.table(size))
        print(f"no workload is called {', '.join(unknown)}; there are {names}")
        return 2
    results: report.Results = {}
    began = time.monotonic()
    with Crowd(asked.clients or cores.clients, cores.others) as crowd:
        rig = workloads.Rig(size, cores, stage.Town(), crowd)
        try:
            for turn in range(size.rounds):
                for row in rows:
                    for side in row.sides[: 1 if asked.alone else 2]:
                        measured = row.run(rig, side)
                        results.setdefault((row.name, side), []).append(measured)
                        figure = f"{measured[row.headline]:,.1f} {row.unit}"
                        print(f"{turn + 1}/{size.rounds} {row.name:12} {side:7} {figure}", flush=True)
        except AssertionError as fault:
            print(f"FAILED: {fault}\n{rig.logs()[-4000:]}")
            return 1
        finally:
            rig.close()
    written = report.markdown(rows, results, size, cores, time.monotonic() - began)
    print(f"\n{written}")
    whole = not (asked.quick or asked.smoke or asked.only)
    if out := asked.out or (TABLE if whole else None):
        out.write_text(written)
    if asked.json:
        asked.json.write_bytes(msgspec.json.encode(report.as_json(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
