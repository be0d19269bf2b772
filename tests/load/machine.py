"""The machine: which processes run on which cores, what they use, and what to call it in a table."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Cores:
    """Who runs where: the servers on some cores, load, database and Redis on the others."""

    servers: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def clients(self) -> int:
        """How many processes make the load: more than there are cores for them would only wait for each other."""
        return min(4, max(1, len(self.others) - 1))

    @classmethod
    def of_this_machine(cls) -> Cores:
        """Give the two server processes a core each if that leaves as many; a single core is everybody's."""
        cores = sorted(os.sched_getaffinity(0))
        count = max(1, min(2, len(cores) // 2))
        return cls(tuple(cores[:count]), tuple(cores[count:] or cores))


@contextlib.contextmanager
def on(cores: Sequence[int]) -> Iterator[None]:
    """Start processes on these cores: a child takes over, with all its threads, where its parent runs."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_of(pid: int) -> float:
    """Seconds of processor time that a process and those below it have used."""
    total = 0.0
    head = psutil.Process(pid)
    for process in [head, *head.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def more_files() -> None:
    """Let this process and those that it starts hold as many sockets as the system allows."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def name() -> str:
    """The machine in one line."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cores, memory = len(os.sched_getaffinity(0)), psutil.virtual_memory().total / 2**30
    return f"{model}, {cores} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"
