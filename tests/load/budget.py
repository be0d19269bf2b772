"""Where the time goes: what each step of a message, and of a delivery, costs by itself.

`python -m tests.load.budget` prints processor time in µs: the best of several runs, so that a busy machine disturbs
little. The sum of the steps is less than what the bench measures; the rest is the event loop, Twisted and the kernel.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from tests.load.start import own_servers


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every step and print the table."""
    argparse.ArgumentParser(prog="python -m tests.load.budget", description=__doc__).parse_args(arguments)
    with own_servers() as cores:
        from tests.load import stage, steps  # noqa: PLC0415 -- the database is chosen by now
        from tests.load.machine import on  # noqa: PLC0415

        town = stage.Town()
        with on(cores.servers):
            found = asyncio.run(steps.measure(town))
    print("| per | step | µs |\n| --- | --- | --- |")
    for per, step, micro in found:
        print(f"| {per} | {step} | {micro:.1f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
