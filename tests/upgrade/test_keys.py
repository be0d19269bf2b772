"""SECRET_KEY changes as docs/howto/rotate-keys.md says: two processes, step by step, and nobody is signed out."""

from __future__ import annotations

import re
from typing import Final

import httpx
import pytest
from django.conf import settings
from django.test import Client

from chat import rooms
from tests.conftest import Serve
from tests.kit.client import Peer
from tests.serving import ROOT, Server

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.redis, pytest.mark.django_db(transaction=True)]

KEYS: Final = {
    "": "",
    "old": settings.SECRET_KEY,
    "new": "the next key of these tests and long enough",
}


def steps() -> list[dict[str, str]]:
    """The environments of the how-to's steps, in order."""
    text = (ROOT / "docs/howto/rotate-keys.md").read_text("utf-8").partition("## The service's key")[2]
    found = re.findall(r"SECRET_KEY=(\w+)\n *SECRET_KEY_FALLBACKS=(\w*)\n", text)
    assert len(found) == 3
    return [{"SECRET_KEY": KEYS[key], "SECRET_KEY_FALLBACKS": KEYS[other]} for key, other in found]


def write(server: Server, guest: Client, words: str) -> None:
    """Has the guest post at a process over a page's own request, which needs the session and the token."""
    cookies = {name: morsel.value for name, morsel in guest.cookies.items()}
    with httpx.Client(base_url=server.url, cookies=cookies, timeout=20) as browser:
        page = browser.get("/rooms/chat/")
        assert "旅人" in page.text
        assert page.cookies.get("sessionid", cookies["sessionid"]) == cookies["sessionid"]
        frame = {"type": "message.post", "ref": "a", "room": "chat", "client_id": _client_id(words), "body": words}
        token = {"X-CSRFToken": cookies["csrftoken"]}
        [answer] = browser.post("/rooms/chat/events", json=frame, headers=token).json()
        assert answer["type"] == "message.accepted", answer


def _client_id(words: str) -> str:
    return f"00000000-0000-4000-8000-{abs(hash(words)) % 10**12:012d}"


def test_guest_keeps_name_sockets_and_hints_through_every_step_of_the_how_to(serve: Serve) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    guest = Client()
    assert guest.post("/guest/", {"nickname": "旅人"}).status_code == 302
    guest.get("/rooms/chat/")
    servers = [serve(), serve()]
    for number, step in enumerate(steps()):
        for turn, rolled in enumerate(servers):
            other = servers[1 - turn]
            with Peer(other, guest) as socket:  # a tab at the process that stays
                assert socket.join("chat")["type"] == "room.joined"
                assert rolled.sigterm() == 0
                rolled.env |= step
                rolled.start()
                words = f"{number} {turn}"
                write(rolled, guest, words)
                heard = socket.expect("messages", room="chat")
                assert [item["body"] for item in heard["items"]] == [words]
                assert socket.post("chat", "still here")["type"] == "message.accepted"
                write(other, guest, f"{words} at the other")
    with Peer(servers[0], guest) as socket:
        assert socket.welcome["user"]["name"] == "旅人"
    for server in servers:
        assert "hint_unreadable" not in server.log
