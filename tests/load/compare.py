"""Compares two commits, row by row in turn, each with servers and a database of its own.

`python -m tests.load.bench --base COMMIT` (`make bench BASE=COMMIT`) checks the base out into `var/bench/` and runs
both sides in processes that stay up. Each row is measured on one side and at once on the other, so a machine that gets
slower slows both; the ratio is taken pair by pair. Both sides use this checkout's virtual environment.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from runpy import run_path
from typing import Any, Final, Self

import msgspec

ROOT: Final = Path(__file__).resolve().parents[2]
WORST: Final = 1.1  # a row that costs more than this times the base is a step back
FIGURES: Final = ("database",)  # compared beside the headline


# --- one side ----------------------------------------------------------------------------------------------------


def serve(size: str, overrides: Mapping[str, float]) -> None:
    """Measure rows of the checkout in the working directory: one name a line in, one JSON object a line out.

    Args:
        size: `FULL`, `QUICK` or `SMOKE`, as that checkout's workloads define it.
        overrides: rounds and seconds that replace the size's own.
    """
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else is printed goes to standard error
    from tests.load.start import own_servers  # noqa: PLC0415 -- of the checkout that is measured

    with own_servers() as cores:
        from tests.load import stage, workloads  # noqa: PLC0415 -- the database is chosen by now
        from tests.load.client import Crowd  # noqa: PLC0415

        asked = msgspec.structs.replace(getattr(workloads, size), **overrides)
        rows = workloads.table(asked)
        measures: dict[str, Any] = {row.name: (lambda rig, row=row: row.run(rig, "todoke")) for row in rows}
        facts: dict[str, Any] = {row.name: [row.unit, row.headline, row.more_is_better] for row in rows}
        here = run_path(str(Path(__file__).with_name("pages.py")))  # the rows of pages that an earlier commit lacks
        for name in here["PAGES"].keys() - facts.keys():
            measures[name], facts[name] = partial(here["ask"], row=name), ["ms", "ms", False]
        with Crowd(cores.clients, cores.others) as crowd:
            rig = workloads.Rig(asked, cores, stage.Town(), crowd)
            try:
                _answer(answers, facts)
                for line in sys.stdin:
                    _answer(answers, measures[line.strip()](rig))
            except AssertionError as fault:
                _answer(answers, {"fault": f"{fault}\n{rig.logs()[-4000:]}"})
            finally:
                rig.close()


def _answer(answers: Any, told: object) -> None:
    answers.write(msgspec.json.encode(told).decode() + "\n")


class Side:
    """A process that measures one checkout."""

    def __init__(self, checkout: Path, size: str, overrides: Mapping[str, float]) -> None:
        code = f"from runpy import run_path; run_path({str(Path(__file__))!r})['serve']({size!r}, {dict(overrides)!r})"
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.rows: dict[str, tuple[str, str, bool]] = self._read()

    def measure(self, row: str) -> dict[str, float]:
        """Measure a row once.

        Raises:
            AssertionError: something was lost, doubled or reordered.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{row}\n")
        self._process.stdin.flush()
        measured: dict[str, float] = self._read()
        return measured

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "a side ended before it answered; its output stands above"
        told = msgspec.json.decode(line)
        assert "fault" not in told, told["fault"]
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


@contextmanager
def checked_out(commit: str) -> Iterator[tuple[Path, str]]:
    """Check a commit out beside this one, and remove it afterwards.

    Yields:
        its folder and its short name.
    """
    short = _git("rev-parse", "--short", f"{commit}^{{commit}}")
    folder = ROOT / "var/bench" / short
    shutil.rmtree(folder, ignore_errors=True)
    _git("worktree", "prune")
    _git("worktree", "add", "--quiet", "--detach", str(folder), short)
    try:
        yield folder, short
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode:
        raise SystemExit(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout.strip()


# --- both sides --------------------------------------------------------------------------------------------------


def compare(commit: str, size: str, overrides: Mapping[str, float], only: Sequence[str], rounds: int) -> int:
    """Measure this checkout against a base commit and print the ratios.

    Args:
        commit: the base.
        size: `FULL`, `QUICK` or `SMOKE`.
        overrides: seconds and the like that replace the size's own.
        only: the names of the rows to measure; all that both sides have if it is empty.
        rounds: how often each row is measured on each side.

    Returns:
        0; 1 if a row costs more than `WORST` times the base or lost something; 2 for a row that is not there.
    """
    began = time.monotonic()
    with (
        checked_out(commit) as (folder, short),
        Side(folder, size, overrides) as base,
        Side(ROOT, size, overrides) as here,
    ):
        if unknown := set(only) - here.rows.keys():
            print(f"no workload is called {', '.join(unknown)}; there are {', '.join(here.rows)}")
            return 2
        names = [name for name in here.rows if name in base.rows and (not only or name in only)]
        results: dict[str, list[tuple[dict[str, float], dict[str, float]]]] = {name: [] for name in names}
        try:
            for turn in range(rounds):
                for name in names:
                    # The side that begins takes turns: what the first leaves behind must not always meet the second.
                    if turn % 2:
                        after = here.measure(name)
                        before = base.measure(name)
                    else:
                        before = base.measure(name)
                        after = here.measure(name)
                    results[name].append((before, after))
                    print(f"{turn + 1}/{rounds} {name:12} {ratio(here.rows[name], before, after):.2f} ×", flush=True)
        except AssertionError as fault:
            print(f"FAILED: {fault}")
            return 1
        for name in sorted(here.rows.keys() ^ base.rows.keys()):
            print(f"{name}: only {'here' if name in here.rows else 'in the base'}, not compared")
        minutes = (time.monotonic() - began) / 60
        print(f"\nThis checkout against {short}, {rounds} rounds in turn, {minutes:.0f} minutes.\n")
        return verdict(here.rows, results)


def ratio(row: tuple[str, str, bool], before: Mapping[str, float], after: Mapping[str, float]) -> float:
    """How many times the base's cost: above 1 is worse."""
    _unit, headline, more_is_better = row
    ratio = after[headline] / before[headline]
    return 1 / ratio if more_is_better else ratio


def verdict(
    rows: Mapping[str, tuple[str, str, bool]],
    results: Mapping[str, Sequence[tuple[dict[str, float], dict[str, float]]]],
) -> int:
    """Print the table of a comparison; return 1 if a row costs more than `WORST` times the base, else 0."""
    print(f"| workload | unit | base | here | ratio (least–most) | database | ≤ {WORST} |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    worse = 0
    for name, pairs in results.items():
        unit, headline, _more = rows[name]
        ratios = [ratio(rows[name], *pair) for pair in pairs]
        median = statistics.median(ratios)
        beside = [
            statistics.median(after[figure] / before[figure] for before, after in pairs)
            for figure in FIGURES
            if all(pair[side].get(figure) for pair in pairs for side in (0, 1))
        ]
        worse += median > WORST
        base, here = (statistics.median(pair[side][headline] for pair in pairs) for side in (0, 1))
        print(
            f"| `{name}` | {unit} | {base:,.2f} | {here:,.2f} | {median:.2f} ({min(ratios):.2f}–{max(ratios):.2f}) |"
            f" {' '.join(f'{times:.2f}' for times in beside)} | {'no' if median > WORST else 'yes'} |"
        )
    return 1 if worse else 0
