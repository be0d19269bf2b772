"""The equipment of this deployment, for the network diagram of form 3 (ネットワーク構成図)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from compliance.adminkit import one_line
from compliance.hostnames import readable_name
from compliance.law import Answer, Text


@dataclass(frozen=True, slots=True)
class Machine:
    """One piece of equipment: what it is, what it does, and where it stands if known."""

    key: str
    name: Text
    role: Text
    host: str
    """Its host name; empty for the machine of the server processes."""
    place: str = ""

    @property
    def where(self) -> str:
        """Which machine it runs on, by the settings; empty for a machine itself."""
        if self.key in {"server", "proxy"}:
            return ""
        return f"別の機器（{self.host}）" if self.host else "サーバープロセスと同じ機器"


_LOCAL: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_STORES: Final = {
    "django.db.backends.postgresql": Text("PostgreSQL（データベース）", "PostgreSQL (database)"),
    "django.db.backends.sqlite3": Text("SQLite（データベース）", "SQLite (database)"),
}
_SERVER: Final = (
    Text("サーバープロセス", "Server processes"),
    Text("画面と会話の受け渡し（ASGI）", "Pages and talk (ASGI)"),
)
_RECORDS: Final = Text("会員・部屋・会話の記録", "Members, rooms and what is said")
_REDIS: Final = (Text("Redis", "Redis"), Text("プロセス間の知らせ", "Hints between processes"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The running configuration. Contains no password and no user name."""

    site: str = ""
    https: bool = False
    processes: int = 0
    """Server processes that run now; 0 if not known."""
    machines: tuple[Machine, ...] = ()
    own_lines: Answer = Answer.UNKNOWN

    @classmethod
    def of(cls, settings: Any, *, processes: int, places: Mapping[str, str], own_lines: Answer) -> Network:
        """Read the deployment's settings.

        Args:
            settings: Django's, or anything with DATABASES, REDIS_URL, TRUSTED_PROXIES, HTTPS and ALLOWED_HOSTS.
            processes: how many server processes run.
            places: where the equipment stands, by its key: `proxy`, `server`, `database`, `redis`.
            own_lines: the answer to N8.
        """
        store = settings.DATABASES["default"]
        database = _STORES.get(store["ENGINE"], Text("データベース", "Database"))
        # psycopg also takes the folder of a socket as a host; that is this machine, too.
        host = str(store.get("HOST") or store.get("OPTIONS", {}).get("host") or "")
        machines = [
            Machine("server", *_SERVER, ""),
            Machine("database", database, _RECORDS, "" if host in _LOCAL or "/" in host else host),
        ]
        if settings.REDIS_URL:
            found = urlsplit(settings.REDIS_URL)
            host = "" if found.scheme == "unix" else found.hostname or ""
            machines.append(Machine("redis", *_REDIS, "" if host in _LOCAL else host))
        if settings.TRUSTED_PROXIES:
            steps = settings.TRUSTED_PROXIES
            name = Text("リバースプロキシ", "Reverse proxy")
            if steps > 1:
                name = Text(f"{name.ja}（{steps}段）", f"{name.en} ({steps} in a row)")
            machines.insert(0, Machine("proxy", name, Text("通信の受け口", "Takes the connections"), ""))
        return cls(
            site=one_line(readable_name(settings.ALLOWED_HOSTS[0].lstrip("."))) if settings.ALLOWED_HOSTS else "",
            https=bool(settings.HTTPS),
            processes=processes,
            machines=tuple(
                Machine(each.key, each.name, each.role, one_line(each.host), one_line(places.get(each.key, "")))
                for each in machines
            ),
            own_lines=own_lines,
        )

    def machine(self, key: str) -> Machine | None:
        """Return the piece of equipment with this key, or None."""
        return next((machine for machine in self.machines if machine.key == key), None)
