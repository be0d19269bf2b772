"""The main job in Firefox: two guests talk in an open room, and closed chat is refused by law, in words."""

from __future__ import annotations

import pytest

from chat import rooms
from tests.conftest import Serve
from tests.e2e.bidi import FIREFOX, Firefox, Window

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not FIREFOX, reason="needs Firefox (apt install firefox-esr)"),
]

CONNECTED = "document.querySelector('[data-connection][data-state=connected]') !== null"
BODIES = "[...document.querySelectorAll('li.message .message-body')].map((body) => body.textContent).join('|')"


def enter(window: Window, url: str, nickname: str) -> None:
    """Go into the room with a nickname."""
    window.goto(url)
    window.type("form[data-guest] [name=name], form[data-guest] input[type=text]", nickname)
    window.click("form[data-guest] button[type=submit]")
    window.until(f"document.querySelector('form[data-composer]') !== null && {CONNECTED}")


def test_the_main_job_in_firefox(serve: Serve) -> None:
    rooms.create_open_room(actor=None, name="雑談", description="話題は何でも。", slug="talk")
    server = serve(TELECOM_REGISTRATION="none")
    with Firefox() as firefox:
        first, second = firefox.window(), firefox.window()
        enter(first, f"{server.url}/rooms/talk/", "旅人")
        enter(second, f"{server.url}/rooms/talk/", "通りすがり")
        first.type("form[data-composer] textarea", "こんにちは https://example.jp/aです\n")
        second.until(f"{BODIES} === 'こんにちは https://example.jp/aです'")
        assert second.evaluate("document.querySelector('.message-body a').textContent") == "https://example.jp/a"
        second.type("form[data-composer] textarea", "やあ\n")
        first.until(f"{BODIES} === 'こんにちは https://example.jp/aです|やあ'")
        assert first.evaluate("document.querySelector('form[data-composer] textarea').value") == ""

        second.goto(f"{server.url}/match/")
        assert second.evaluate("performance.getEntriesByType('navigation')[0].responseStatus") == 451
        assert "電気通信事業法" in second.evaluate("document.body.innerText")
        first.until(CONNECTED)
