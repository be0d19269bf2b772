"""Waits for the gate of a server process."""

from __future__ import annotations

import time

import httpx

from tests.serving import Server


def gate_is_on(server: Server, seconds: float = 10) -> None:
    """Returns once the process says that closed chat is on.

    Raises:
        AssertionError: when it does not in time.
    """
    end = time.monotonic() + seconds
    while not (said := httpx.get(f"{server.url}/readyz", timeout=20).json())["gate"]["closed_chat"]:
        assert time.monotonic() < end, said
        time.sleep(0.1)
