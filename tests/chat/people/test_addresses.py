"""Limits are kept by subscriber: one IPv4 address or one IPv6 /64, however a proxy writes it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chat.models import User
from chat.realtime.handshake import Entrance, address, network
from chat.realtime.limits import Seats
from tests.kit.harness import Hubs


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[::ffff:203.0.113.9]:4711", "203.0.113.9"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::7]", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::7]:4711", "2001:db8:1:2::/64"),
        ('"[2001:db8:1:2::7]:4711"', "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_one_subscriber_is_one_key(written: str, kept: str, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    assert network(address(f"198.51.100.1, {written}", "10.0.0.1")) == kept


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, "203.0.113.9", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "unknown", "10.0.0.1"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (3, "198.51.100.1, 203.0.113.9", "10.0.0.1"),
    ],
)
def test_as_much_is_believed_as_our_own_proxies_say(proxies: int, forwarded: str, found: str, settings: Any) -> None:
    settings.TRUSTED_PROXIES = proxies
    assert address(forwarded, "10.0.0.1") == found


def test_nicknames_of_one_network_share_a_rate_and_are_told_when_to_come_back(db: None, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    settings.CHAT_RATE_LIMITS = True
    settings.CHAT_RATES = settings.CHAT_RATES | {"guest": (3, 0.05)}
    answers = [
        Client().post(
            "/guest/", {"nickname": f"客{number}"}, headers={"X-Forwarded-For": f"[2001:db8::{number + 1:x}]:1"}
        )
        for number in range(5)
    ]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 429, 429]
    assert 1 <= int(answers[-1]["Retry-After"]) <= 20
    assert "しばらく" in answers[-1].content.decode() or "お待ち" in answers[-1].content.decode()
    elsewhere = Client().post("/guest/", {"nickname": "別の人"}, headers={"X-Forwarded-For": "2001:db8:0:1::1"})
    assert elsewhere.status_code == 302


def test_seats_are_counted_by_key_and_given_back() -> None:
    seats = Seats(2)
    with seats.seat("a") as first, seats.seat("a") as second:
        assert (first, second, seats.are_full("a")) == (True, True, True)
        with seats.seat("a") as third, seats.seat("b") as other:
            assert (third, other) == (False, True)
        assert seats.are_full("a")
    assert not seats.are_full("a")
    assert len(seats) == 0


@pytest.mark.django_db(transaction=True)
def test_anonymous_readers_of_one_address_share_what_they_may_read(settings: Any) -> None:
    settings.CHAT_RATE_LIMITS = True
    settings.CHAT_RATES = settings.CHAT_RATES | {"join_address": (3, 0.001), "read_address": (4, 0.001)}
    with Hubs(1) as hubs:
        sockets = [hubs.connect(0, None) for _ in range(6)]
        stranger = hubs.connect(0, None)
        for socket, _paper in sockets:
            socket.address = "192.0.2.1"
        stranger[0].address = "192.0.2.99"

        def answers(kind: str, **fields: Any) -> list[str]:
            said = []
            for socket, paper in [*sockets, stranger]:
                hubs.say(socket, kind, room="nowhere", **fields)
                hubs.settle()
                said.append(paper.frames[-1]["code"])
            return said

        assert answers("room.join") == ["missing"] * 3 + ["rate"] * 3 + ["missing"]
        assert answers("room.history", before=5) == ["missing"] * 4 + ["rate"] * 2 + ["missing"]
        assert sockets[-1][1].frames[-1]["retry_after"] > 1


ORIGINS = [
    ("http://chat.example.jp", True),
    ("http://chat.example.jp:80", True),
    ("https://chat.example.jp", False),
    ("http://chat.example.jp:8080", False),
    ("http://other.example.jp", False),
    ("http://chat.example.jp.evil.example", False),
    ("http://chat.example.jp@evil.example", False),
    ("http://chat.example.jp/", False),
    ("null", False),
    ("file://", False),
    ("https://trusted.example.jp", True),
    ("http://trusted.example.jp", False),
    ("https://trusted.example.jp:8443", False),
    ("https://a.wild.example.jp:444", True),
    ("https://wild.example.jp.evil.example:444", False),
    ("", True),
]


async def opens(origin: str, host: str = "chat.example.jp", **headers: str) -> bool:
    """Whether a socket may be opened from an origin."""
    let_in: list[object] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        let_in.append(scope)

    coming = iter(("websocket.connect", "websocket.disconnect"))

    async def receive() -> dict[str, Any]:
        return {"type": next(coming), "code": 1006}

    async def send(message: dict[str, Any]) -> None:
        assert message["type"] == "websocket.close"

    named = {"host": host, **({"origin": origin} if origin else {}), **headers}
    lines = [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]
    await Entrance(application)({"type": "websocket", "path": "/ws/", "headers": lines}, receive, send)
    return bool(let_in)


@pytest.fixture
def entrance(settings: Any) -> Any:
    """Settings under which a host of ours is served without TLS, and without a proxy."""
    settings.ALLOWED_HOSTS = ["chat.example.jp", "other.example.jp"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://trusted.example.jp", "https://*.wild.example.jp:444"]
    settings.HTTPS, settings.TRUSTED_PROXIES = False, 0
    return settings


@pytest.mark.parametrize(("origin", "ours"), ORIGINS)
async def test_an_origin_is_scheme_host_and_port(entrance: Any, origin: str, *, ours: bool) -> None:
    assert await opens(origin) is ours


async def test_a_proxy_that_is_trusted_tells_the_scheme(entrance: Any) -> None:
    said = {"x_forwarded_proto": "https"}
    assert not await opens("https://chat.example.jp", **said)
    entrance.TRUSTED_PROXIES = 1
    assert await opens("https://chat.example.jp", **said)
    assert not await opens("http://chat.example.jp", **said)
    assert await opens("https://chat.example.jp:8443", host="chat.example.jp:8443", **said)
    entrance.HTTPS = True
    assert await opens("https://chat.example.jp")
    assert not await opens("http://chat.example.jp")


async def test_a_host_that_is_not_served_is_nobodys_own(entrance: Any) -> None:
    assert not await opens("http://evil.example", host="evil.example")


def test_sign_in_counts_by_network(client: Client, user: User, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/m/ip"}
    for number in range(4):
        answer = Client().post(
            "/accounts/login/",
            {"login": f"nobody{number}@example.jp", "password": "wrong"},
            headers={"X-Forwarded-For": f"[2001:db8::{number + 1:x}]:99"},
        )
    assert answer.context["form"].errors.as_data()["__all__"][0].code == "too_many_login_attempts"
