"""Who is signed out anywhere is signed out on live sockets too, within five seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from chat import personal_data, rooms
from chat.models import User
from tests.conftest import MakeUser, Serve, signed_in
from tests.kit.client import Peer

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]


def sign_out(user: User, client: Client) -> None:
    """On another page of the same browser."""
    assert client.post("/accounts/logout/").status_code == 302


def expire(user: User, client: Client) -> None:
    """By the passing of time."""
    assert Session.objects.filter(session_key=client.session.session_key).update(expire_date=timezone.now()) == 1


def ban(user: User, client: Client) -> None:
    """By the operator."""
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User, client: Client) -> None:
    """From another device."""
    user.set_password("another horse battery")
    user.save()


def delete(user: User, client: Client) -> None:
    """The whole account."""
    personal_data.erase([user])


def test_a_login_that_ends_ends_its_live_sockets(serve: Serve, make_user: MakeUser) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    server = serve()
    ends: list[Callable[[User, Client], None]] = [sign_out, expire, ban, change_password, delete]
    people = [make_user() for _ in ends]
    clients = [signed_in(user) for user in people]
    peers = [Peer(server, client) for client in clients]
    with Peer(server, signed_in(make_user())) as neighbour, Peer(server) as reader:
        for peer in [*peers, neighbour, reader]:
            peer.join("chat")
        began = time.monotonic()
        for end, user, client in zip(ends, people, clients, strict=True):
            end(user, client)
        for end, peer in zip(ends, peers, strict=True):
            closing = peer.expect("closing")
            assert (end.__name__, closing["code"], peer.closed()) == (end.__name__, 4401, 4401)
        took = time.monotonic() - began
        assert took < 5
        assert neighbour.ask("ping")["type"] == reader.ask("ping")["type"] == "pong"
    for peer in peers:
        peer.socket.close()
    with Peer(server, clients[1]) as back:  # who is not signed in any more comes back as a reader
        assert back.welcome["user"]["id"] is None
        assert back.join("chat")["type"] == "room.joined"
        assert back.post("chat", "だれ？")["code"] == "auth"
