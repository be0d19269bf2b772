"""Starts a module as a process of its own, forked from one that has imported already what every server imports.

A server's start is mostly imports, and a test run starts hundreds. What depends on the environment (the settings, and
all that reads them) is not imported before the fork.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Final

IMPORTED: Final = (
    "autobahn.twisted.websocket",
    "twisted.web.http",
    "twisted.internet.asyncioreactor",
    "django.contrib.admin.options",
    "django.contrib.staticfiles.storage",
    "django.core.handlers.asgi",
    "django.db.backends.postgresql.base",
    "django.db.backends.sqlite3.base",
    "channels.routing",
    "channels_redis.pubsub",
    "psycopg_pool",
    "prometheus_client",
    "structlog",
    "uvicorn.config",
    "hypercorn.config",
    "compliance.law.items",
    "compliance.law.duties",
)
OURS: Final = ("chat", "compliance", "config", "tests")
ROOT: Final = Path(__file__).resolve().parent.parent
HANDLE: Final = "{fd}"  # in an argument: stands for the listening socket's number
_context: ForkServerContext | None = None


class Process:
    """A running process, with as much of `subprocess.Popen` as servers need."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """Return the exit code once it has ended.

        Raises:
            subprocess.TimeoutExpired: when it does not in time.
        """
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(str(self.pid), seconds or 0)
        return self._process.exitcode

    def terminate(self) -> None:
        """Ask it to end (SIGTERM)."""
        self._process.terminate()


def start(
    arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path, listener: socket.socket, log: Path
) -> Process:
    """Run `python -m` with these arguments in a session of its own.

    Args:
        arguments: the module's name, and what follows it; `HANDLE` in one stands for the listener.
        env: its whole environment.
        cwd: where it runs.
        listener: a listening socket that it inherits.
        log: where its output is appended.
    """
    global _context  # noqa: PLW0603 -- one for the run; it ends with its parent
    if _context is None:
        _context = multiprocessing.get_context("forkserver")
        _context.set_forkserver_preload(list(IMPORTED))
    process = _context.Process(
        target=_run, args=(list(arguments), dict(env), str(cwd), listener, str(log)), daemon=True
    )
    process.start()
    return Process(process)


def _run(arguments: list[str], env: dict[str, str], cwd: str, listener: socket.socket, log: str) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    if not Path(__file__).is_relative_to(cwd):  # another checkout brings its own
        for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
            del sys.modules[name]
        sys.path[:] = [cwd, *(place for place in sys.path if place not in ("", str(ROOT)))]
    for target, opened in (
        (0, os.open(os.devnull, os.O_RDONLY)),
        (1, os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)),
    ):
        os.dup2(opened, target)
    os.dup2(1, 2)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w", buffering=1), open(2, "w", buffering=1)  # noqa: SIM115
    sys.argv = [argument.replace(HANDLE, str(listener.fileno())) for argument in arguments]
    os.set_inheritable(listener.fileno(), True)  # noqa: FBT003 -- workers of the server have it, too
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
