"""Runs the service as its users meet it: a server process of its own, on the test's database and Redis."""

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import psutil
from django.conf import settings
from django.db import connection

from tests import embedded, warm

ROOT: Final = Path(__file__).resolve().parent.parent
START_SECONDS: Final = 60  # a crowded machine starts slowly; the answer itself ends the wait
LIMITS: Final = ("--websocket-max-message-size", "65536", "--websocket-max-frame-size", "65536")
_number: Final = itertools.count(1)


def database_url() -> str:
    """The URL of the database that this test uses, as another process needs it."""
    found: dict[str, Any] = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{quote(str(found['NAME']))}"
    host = found["HOST"] or found["OPTIONS"].get("host", "")
    login = quote(found["USER"] or "", safe="") + (f":{quote(found['PASSWORD'], safe='')}" if found["PASSWORD"] else "")
    place = f"{found['HOST']}:{found['PORT'] or 5432}" if found["HOST"] else ""
    return f"postgres://{login}@{place}/{found['NAME']}" + ("" if place else f"?host={host}")


def environment(**overrides: str) -> dict[str, str]:
    """The environment of a process that belongs to this test; an override of "" unsets."""
    layer: dict[str, Any] = settings.CHANNEL_LAYERS["default"].get("CONFIG", {})
    return os.environ | {
        "DATABASE_URL": database_url(),
        "REDIS_PREFIX": layer.get("prefix", settings.REDIS_PREFIX),
        "PYTHONUNBUFFERED": "1",
        "LOG_LEVEL": "INFO",
        **overrides,
    }


class Server:
    """One server process. Its port is chosen by the system and stays the same over `start` after a kill.

    Args:
        asgi: which server runs the application: ``daphne``, ``uvicorn`` or ``hypercorn``.
        env: settings that differ from the test's own, e.g. ``{"TELECOM_REGISTRATION": "none"}``.
        application: what it serves; tests that need a seam wrap the service in a module of theirs.
        root: the checkout whose code it runs.
    """

    def __init__(
        self,
        asgi: str = "daphne",
        env: Mapping[str, str] | None = None,
        application: str = "config.asgi:application",
        root: Path = ROOT,
    ) -> None:
        self.root = root
        self.asgi = asgi
        self.application = application
        self.env = environment(**(env or {}))
        self.port = 0
        self._log = embedded.run.home / f"server-{next(_number)}.log"
        self._process: warm.Process | None = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, *, wait: bool = True) -> Self:
        """Starts the process and, if asked to wait, returns at its first answer.

        The listening socket is made here and handed over: whoever connects early waits in its queue.

        Raises:
            RuntimeError: see `await_answer`.
        """
        with socket.create_server(("127.0.0.1", self.port), backlog=1024) as listener:
            self.port = listener.getsockname()[1]
            arguments = {
                "daphne": ["daphne", "-v", "0", *LIMITS, "--fd", warm.HANDLE],
                "uvicorn": ["uvicorn", "--fd", warm.HANDLE, "--no-access-log"],
                "hypercorn": ["hypercorn", "--workers", "0", "--bind", f"fd://{warm.HANDLE}"],
            }[self.asgi]
            self._process = warm.start(
                [*arguments, self.application], env=self.env, cwd=self.root, listener=listener, log=self._log
            )
        if wait:
            self.await_answer()
        return self

    def await_answer(self) -> None:
        """Returns at the process's first answer.

        Raises:
            RuntimeError: with the log, when it ends or stays silent.
        """
        request = f"GET /static/- HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), START_SECONDS) as probe:
                probe.sendall(request)
                answered = probe.recv(1)
        except OSError:
            answered = b""
        if not answered:
            self.close()
            raise RuntimeError(f"the server did not answer; its log:\n{self.log}")

    @property
    def process(self) -> warm.Process:
        """The running process.

        Raises:
            RuntimeError: before `start`.
        """
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process

    @property
    def url(self) -> str:
        """The origin of the pages, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """The address of the socket."""
        return f"ws://127.0.0.1:{self.port}/ws/"

    @property
    def log(self) -> str:
        """All that the process has written so far."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def rss(self) -> int:
        """Resident memory in bytes, of the process and its workers."""
        return int(sum(process.memory_info().rss for process in self._family()))

    @property
    def cpu(self) -> float:
        """Processor time used so far, in seconds."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self._family()))

    def _family(self) -> list[psutil.Process]:
        head = psutil.Process(self.process.pid)
        return [head, *head.children(recursive=True)]

    def wait_for_log(self, text: str, seconds: float = 5) -> None:
        """Returns once the log contains the text.

        Raises:
            AssertionError: when it does not in time.
        """
        end = time.monotonic() + seconds
        while text not in self.log:
            assert time.monotonic() < end, f"{text!r} is not in the log:\n{self.log}"
            time.sleep(0.02)

    def kill9(self) -> None:
        """Ends the process as a power cut would; returns when its port is free."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(ConnectionError):
            while True:  # workers end a moment after their parent
                socket.create_connection(("127.0.0.1", self.port)).close()

    def sigterm(self, seconds: float = 15) -> int:
        """Asks the process to end; returns its exit code.

        Raises:
            subprocess.TimeoutExpired: when it does not end in time.
        """
        self.process.terminate()
        return self.process.wait(seconds)

    def ask_to_end(self, number: signal.Signals, seconds: float = 15) -> None:
        """Sends the process a signal; returns when it has ended.

        Raises:
            subprocess.TimeoutExpired: when it does not end in time.
        """
        os.kill(self.process.pid, number)
        self.process.wait(seconds)

    def freeze(self) -> None:
        """Stops the process where it stands, as a hung machine would; its sockets stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen process go on."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Ends the process, frozen or not."""
        if self._process is not None and self._process.poll() is None:
            self.kill9()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def manage(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs ``manage.py`` on the test's database; returns the finished process with its output."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(**(env or {})),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def manage_json(*arguments: str, env: Mapping[str, str] | None = None) -> Any:
    """What a command prints as JSON.

    Raises:
        AssertionError: when it fails, with its errors.
    """
    done = manage(*arguments, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
