"""Starts a demo in a fresh copy of the project, and opens windows on it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page

from config import demo
from tests.serving import ROOT

PARTS: Final = ("manage.py", "pyproject.toml", "chat", "compliance", "config", "templates", "docs")
WIDE: Final = {"width": 1280, "height": 900}
NARROW: Final = {"width": 390, "height": 844}


@contextmanager
def running_demo(place: Path) -> Iterator[tuple[str, float]]:
    """A running demo, in a copy of the project that nothing has run in; its URL, and when it was started.

    Args:
        place: an empty folder for the copy.
    """
    folder = place / "todoke"
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    given = {name: value for name, value in os.environ.items() if name not in demo.REFUSED}
    began = time.monotonic()
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env=given | {"DEMO": "on"}, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("/demo/" in line for line in process.stdout), "the demo did not start"
    yield f"http://127.0.0.1:{port}", began
    process.send_signal(signal.SIGINT)
    process.wait(20)


def window(browser: Browser, url: str, size: dict[str, int], language: str = "ja-JP") -> BrowserContext:
    """A window of one person."""
    return browser.new_context(base_url=url, viewport=size, locale=language, timezone_id="Asia/Tokyo")  # type: ignore[arg-type]


def become(page: Page, role: str) -> None:
    """One press on the tour's page: be somebody else."""
    page.goto("/demo/")
    page.locator(f'button[value="{role}"]').first.click()
