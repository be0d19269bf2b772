"""What only a real browser shows of the pure modules: text as nodes.

Everything else about them is tested in tests/js, without a browser.
"""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

STATIC = Path(__file__).resolve().parents[2] / "chat" / "static"


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", "": "text/html"}  # noqa: RUF012 -- the base class has it so

    def do_GET(self) -> None:
        if self.path.endswith(".js"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=ja><title>t</title><textarea></textarea><p></p>")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """The static files at an address of their own, without the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def blank(browser: Browser, files: str) -> Iterator[Page]:
    """An empty page beside the modules."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(files)
    yield page
    context.close()


# --- text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)><script>alert(2)</script>",
        "javascript:alert(1) data:text/html,x vbscript:x ftp://example.com",
        "&amp; &lt;b&gt; \u202e<i>right to left</i>",
        "😀" * 2000,
    ],
)
def test_markup_and_odd_schemes_show_as_text(blank: Page, text: str) -> None:
    shown = blank.evaluate(
        """async (text) => {
          const { writeText } = await import("/chat/web/text.js");
          const place = document.querySelector("p");
          writeText(place, text);
          return [place.textContent, place.childElementCount];
        }""",
        text,
    )
    assert shown == [text, 0]


def test_web_addresses_become_links_that_tell_the_target_nothing(blank: Page) -> None:
    text = "見て「https://example.jp/a?b=1&c=（x）」と http://example.com/path_(wiki). HTTPS://EXAMPLE.NET、終わり https://"
    links = blank.evaluate(
        """async (text) => {
          const { writeText } = await import("/chat/web/text.js");
          const place = document.querySelector("p");
          writeText(place, text);
          const links = [...place.querySelectorAll("a")].map((a) => [a.textContent, a.rel, a.target]);
          return [place.textContent === text, links];
        }""",
        text,
    )
    safe = ["noopener nofollow ugc", "_blank"]
    assert links == [
        True,
        [
            ["https://example.jp/a?b=1&c=", *safe],
            ["http://example.com/path_(wiki)", *safe],
            ["HTTPS://EXAMPLE.NET", *safe],
        ],
    ]
