"""What a person sees of their own stays out of caches and of compression; the counters stay inside the network."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chat import rooms
from chat.models import Room


@pytest.fixture
def room(db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


OWN = [
    "/",
    "/rooms/chat/",
    "/rooms/new/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/legal/",
    "/no-such-page/",
]


@pytest.mark.parametrize("path", OWN)
def test_pages_of_somebody_who_is_signed_in_are_kept_by_nobody(room: Room, member: Client, path: str) -> None:
    answer = member.get(path)
    asked = {word.strip() for word in answer["Cache-Control"].split(",")}
    assert {"private", "no-store", "no-transform"} <= asked
    assert "Cookie" in answer["Vary"]
    assert answer["Content-Encoding"] in ("identity", "gzip")  # a page that a proxy finds encoded is left as it is


def test_the_admin_is_kept_by_nobody(desk: Client) -> None:
    answer = desk.get("/admin/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert "no-transform" in answer["Cache-Control"]


def test_signing_in_and_out_is_kept_by_nobody(db: None) -> None:
    browser = Client()
    entered = browser.post("/guest/", {"nickname": "旅人"})
    assert entered.status_code == 302
    assert "no-store" in entered["Cache-Control"]
    assert "no-store" in browser.post("/accounts/logout/")["Cache-Control"]


@pytest.mark.parametrize("path", ["/", "/rooms/chat/"])
def test_public_pages_of_a_stranger_say_that_they_differ_by_cookie(room: Room, path: str) -> None:
    answer = Client().get(path)
    assert "Cookie" in answer["Vary"]
    assert "private" not in answer.get("Cache-Control", "") or "no-store" in answer["Cache-Control"]
    assert answer.get("Content-Encoding") != "identity"


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Host",
        "Forwarded",
        "X-Real-IP",
        "Via",
        "X-Client-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Cluster-Client-IP",
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_counters_are_not_shown_through_a_proxy(db: None, settings: Any, header: str, proxies: int) -> None:
    settings.TRUSTED_PROXIES = proxies
    for value in ("127.0.0.1", "for=127.0.0.1", "203.0.113.9"):
        assert Client().get("/metrics", headers={header: value, "Host": "127.0.0.1"}).status_code == 404


@pytest.mark.parametrize(
    ("proxies", "peer", "host", "status"),
    [
        (0, "127.0.0.1", "127.0.0.1:8001", 200),
        (0, "::ffff:10.1.2.3", "10.0.0.7:8001", 200),
        (0, "127.0.0.1", "localhost", 200),
        (0, "", "localhost", 200),
        (0, "127.0.0.1", "chat.example.jp", 404),  # a proxy that says nothing passes the public name on
        (1, "127.0.0.1", "chat.example.jp", 200),  # one that is expected says that it is there
        (1, "1.1.1.1", "chat.example.jp", 404),
        (0, "1.1.1.1", "127.0.0.1", 404),
    ],
)
def test_counters_are_shown_to_who_asks_the_process_itself(
    db: None, settings: Any, proxies: int, peer: str, host: str, status: int
) -> None:
    settings.TRUSTED_PROXIES = proxies
    settings.ALLOWED_HOSTS = ["*"]
    assert Client().get("/metrics", REMOTE_ADDR=peer, headers={"Host": host}).status_code == status
