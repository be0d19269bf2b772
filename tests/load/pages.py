"""What pages, files and probes of health cost: requests in turn over one connection, each a row of the bench.

Imports nothing of the checkout, so that a comparison measures an earlier commit by the same rows.
"""

from __future__ import annotations

import http.client
from typing import Any, Final

#: By row: path, how often it is asked for, what it may cost in ms of the servers' processor, and a title.
PAGES: Final[dict[str, tuple[str, int, float, str]]] = {
    "healthz": ("/healthz", 2000, 0.5, "a probe of health"),
    "lobby": ("/", 200, 8.5, "the lobby, by somebody who is not signed in"),
    "page": ("/legal/", 200, 12.5, "the page on filing and law"),
    "file": ("/static/chat/web/base.css", 500, 1.5, "a style sheet"),
}
WARM: Final = 20


def ask(rig: Any, row: str) -> dict[str, float]:
    """Ask one server process for a row's page.

    Args:
        rig: of the checkout that is measured.
        row: its name.

    Raises:
        AssertionError: an answer was not 200.
    """
    path, times, _most, _title = PAGES[row]
    stage = rig.stage("todoke")
    connection = http.client.HTTPConnection("127.0.0.1", stage.servers[0].port, timeout=60)
    try:
        for _ in range(WARM):
            _ask(connection, path)
        before = stage.calm()
        for _ in range(times):
            _ask(connection, path)
        used = stage.used() - before
    finally:
        connection.close()
    milli = 1e3 / times
    return {"ms": used.servers * milli, "database": used.database * milli, "redis": used.redis * milli}


def _ask(connection: http.client.HTTPConnection, path: str) -> None:
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == http.client.OK, f"{path}: {answer.status}"
