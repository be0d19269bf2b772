"""A real browser: the system's Chromium, driven by Playwright, against a running server."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.conftest import cookies_of, signed_in
from tests.serving import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks this folder's tests; skips them in words where no browser is installed."""
    for item in items:
        if "/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)
            if not CHROMIUM and item.path.name != "test_firefox.py":  # that one says itself what it needs
                item.add_marker(pytest.mark.skip(reason="needs Chromium (apt install chromium)"))


@pytest.fixture(scope="session", autouse=True)
def database_beside_the_browser() -> Iterator[None]:
    """Allows queries while Playwright's event loop lives in this thread; the loop itself never makes one."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Chromium without its sandbox, which root may not use, and without calls to its maker."""
    return {
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
        ],
    }


@pytest.fixture
def browser_context_args(server: Server) -> dict[str, Any]:
    """A Japanese visitor of the running server."""
    return {"base_url": server.url, "locale": "ja-JP", "timezone_id": "Asia/Tokyo"}


@pytest.fixture
def visit(browser: Browser, browser_context_args: dict[str, Any], server: Server) -> Iterator[Any]:
    """A factory of browser contexts, one per person: ``visit()`` is a stranger, ``visit(user)`` is signed in."""
    contexts: list[BrowserContext] = []

    def enter(user: Any = None, **options: Any) -> BrowserContext:
        context = browser.new_context(**(browser_context_args | options))
        if user is not None:
            context.add_cookies(cookies_of(signed_in(user), server))  # type: ignore[arg-type]
        contexts.append(context)
        return context

    yield enter
    for context in contexts:
        context.close()
