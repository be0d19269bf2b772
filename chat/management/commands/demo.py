"""Starts a demo (見本): a database of its own, the service on loopback, a partner to talk with, a tour at /demo/."""

from __future__ import annotations

import fcntl
import ipaddress
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connections

from chat.demo import cast, seed
from compliance.law import Feature

LIMITS: Final = ("--websocket-max-message-size", "65536", "--websocket-max-frame-size", "65536")
START_SECONDS: Final = 30.0
END_SECONDS: Final = 6.0


class Command(BaseCommand):
    help = "Start a demo on loopback: everything in it is invented."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="an address of this machine's loopback")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--keep", action="store_true", help="go on with the database of the last demo")

    def handle(self, *args: Any, host: str, port: int, keep: bool, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("`make demo` starts it | `make demo` で起動します")
        if not _is_loopback(host):
            raise CommandError(f"HOST: {host} is not loopback; a demo stays on this machine | 見本は外へ公開できません")
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        path = Path(settings.DATABASES["default"]["NAME"])
        path.parent.mkdir(parents=True, exist_ok=True)
        signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
        with _alone(path.with_name("lock")):
            _prepare(path, keep=keep)
            partners = cast.partner_sessions()
            connections.close_all()
            serve = ["-m", "daphne", "-v", "0", *LIMITS, "-b", host, "-p", str(port), "config.asgi:application"]
            with _process(serve) as server:
                if not _answers(f"{url}/healthz", server):
                    raise CommandError(f"{url} does not answer; if the port is taken: make demo PORT=8001")
                self.stdout.write(f"Todoke 見本 | demo: {url}/demo/   (Ctrl+C: stop | 停止)")
                self.stdout.flush()
                with _process(["-m", "chat.demo.partner", url, settings.SESSION_COOKIE_NAME, *partners]):
                    server.wait()


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock: a second demo would take the database away from the first.

    Raises:
        CommandError: another demo runs in this checkout.
    """
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                "A demo runs in this folder already | このフォルダでは、見本がもう動いています"
            ) from None
        yield


def _prepare(path: Path, *, keep: bool) -> None:
    """Make the database of a demo, and fill it; keep it if asked to, and if there is one.

    Raises:
        CommandError: the one that is kept cannot be read, or not brought up to date.
    """
    fresh = not (keep and path.exists())
    if fresh:
        for part in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + part).unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as made:
            made.execute(f"PRAGMA application_id = {settings.DEMO_MARK}")  # before WAL: the mark is in the file itself
    try:
        call_command("migrate", verbosity=0)
    except DatabaseError as error:
        raise CommandError(
            f"DEMO: {path} cannot be used ({error}); move it away, or start without KEEP=1"
            " | このデータベースは使えません。移すか、KEEP=1 なしで起動してください"
        ) from error
    if fresh:
        seed.fill()


@contextmanager
def _process(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Python process beside this one, and end it with this one."""
    process = subprocess.Popen([sys.executable, *arguments], cwd=settings.BASE_DIR)  # noqa: S603 -- our own modules
    try:
        yield process
    except KeyboardInterrupt:
        pass  # the process got it, too
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _answers(url: str, server: subprocess.Popen[bytes]) -> bool:
    """Return whether the server answers in time; a port that is taken ends it at once."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 -- our own address
                return bool(answer.status == 200 and server.poll() is None)  # noqa: PLR2004 -- OK
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False
