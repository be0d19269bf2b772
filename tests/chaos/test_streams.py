"""Where WebSocket is blocked: many listen at once, and the pages go on."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import httpx
import pytest
from django.test import Client

from chat import rooms
from tests.chaos.storm import SETTINGS
from tests.conftest import Serve

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    "asgi", ["daphne", *(pytest.param(other, marks=pytest.mark.long) for other in ("uvicorn", "hypercorn"))]
)
def test_listeners_over_http_hold_no_connection_to_the_database(serve: Serve, asgi: str) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    guest = Client()
    assert guest.post("/guest/", {"nickname": "旅人"}).status_code == 302
    cookies = {name: morsel.value for name, morsel in guest.cookies.items()}
    server = serve(asgi, **SETTINGS)
    with ExitStack() as open_streams, httpx.Client(base_url=server.url, timeout=15, cookies=cookies) as browser:
        streams = [
            open_streams.enter_context(
                httpx.stream("GET", f"{server.url}/rooms/chat/events", timeout=15, cookies=cookies)
            ).iter_lines()
            for _ in range(24)
        ]
        for stream in streams:
            frames = (json.loads(line[6:]) for line in stream if line.startswith("data: "))
            assert next(frames)["type"] == "welcome"
        began = time.monotonic()
        assert browser.get("/rooms/chat/").status_code == 200
        print(f"{asgi}: page after {1000 * (time.monotonic() - began):.0f} ms beside {len(streams)} streams")
