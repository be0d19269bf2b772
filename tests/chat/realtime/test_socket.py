"""What a person on a socket can rely on: join, post, receive, be refused in words."""

import socket
import time
import uuid
from contextlib import suppress

import pytest
from django.test import Client
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from chat import rooms
from chat.models import Room
from tests.chaos.raw import RawPeer
from tests.kit.client import Peer
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


@pytest.fixture
def guest(transactional_db: None, room: Room) -> Client:
    """A browser of somebody who entered with a nickname."""
    client = Client()
    answer = client.post("/guest/", {"nickname": "旅人", "next": "/rooms/chat/"})
    assert answer.status_code == 302
    return client


def test_welcome_says_who_one_is_and_what_is_off(server: Server, guest: Client) -> None:
    with Peer(server, guest) as peer, Peer(server, language="en") as reader:
        assert peer.welcome["protocol"] == "chat.v1"
        assert peer.welcome["user"]["name"] == "旅人"
        assert peer.welcome["user"]["guest"] is True
        assert peer.welcome["features"]["room.open"]["allowed"] is True
        assert peer.welcome["features"]["room.match_pair"] == peer.welcome["features"]["room.match_pair"] | {
            "allowed": False,
            "rule": "K-3",
        }
        assert reader.welcome["user"]["id"] is None
        assert "TELECOM_REGISTRATION" in reader.welcome["features"]["room.match_pair"]["reason"]


def test_a_message_reaches_everybody_once_after_its_receipt(server: Server, guest: Client) -> None:
    with Peer(server, guest) as peer, Peer(server) as reader:
        assert peer.join("chat")["head"] == 0
        assert reader.join("chat")["items"] == []
        receipt = peer.post("chat", "こんにちは")
        assert receipt["type"] == "message.accepted"
        assert receipt["seq"] == 1
        item = reader.expect("messages")["items"][0]
        assert (item["seq"], item["body"], item["author"]["name"]) == (1, "こんにちは", "旅人")
        assert peer.expect("messages")["items"] == [item]


def test_a_repeated_client_id_gets_the_first_receipt_and_stores_nothing(server: Server, guest: Client) -> None:
    with Peer(server, guest) as peer:
        peer.join("chat")
        client_id = str(uuid.uuid4())
        first = peer.post("chat", "一度だけ", client_id=client_id)
        again = peer.post("chat", "一度だけ", client_id=client_id)
        assert (again["seq"], again["at"]) == (first["seq"], first["at"])
        assert peer.post("chat", "次")["seq"] == first["seq"] + 1


def test_coming_back_with_after_fills_the_hole(server: Server, guest: Client) -> None:
    with Peer(server, guest) as peer:
        peer.join("chat")
        for number in range(5):
            peer.post("chat", f"{number}")
        with Peer(server) as reader:
            joined = reader.join("chat", after=2)
            assert [item["seq"] for item in joined["items"]] == [3, 4, 5]
            assert joined["more"] is False
            older = reader.ask("room.history", room="chat", before=3)
            assert [item["seq"] for item in older["items"]] == [1, 2]


def test_an_anonymous_reader_cannot_write(server: Server, room: Room) -> None:
    with Peer(server) as reader:
        reader.join("chat")
        refused = reader.post("chat", "だれ？")
        assert (refused["type"], refused["code"]) == ("refused", "auth")


def test_matching_is_refused_with_rule_and_reason(server: Server, guest: Client) -> None:
    with Peer(server, guest) as peer:
        refused = peer.ask("match.seek")
        assert (refused["code"], refused["rule"]) == ("gate", "K-3")
        assert "16条" in refused["reason"]


def test_edits_and_deletions_are_events_and_deleted_words_leave_the_log(server: Server, guest: Client) -> None:
    with Peer(server, guest) as peer, Peer(server) as reader:
        peer.join("chat")
        reader.join("chat")
        peer.post("chat", "まちがい")
        assert peer.ask("message.edit", room="chat", seq=1, body="なおした")["seq"] == 2
        assert peer.ask("message.delete", room="chat", seq=1)["seq"] == 3
        kinds = [reader.expect("messages")["items"][0] for _ in range(3)]
        assert [(item["kind"], item.get("target")) for item in kinds] == [
            ("message", None),
            ("edit", 1),
            ("delete", 1),
        ]
        with Peer(server) as late:
            assert [item["body"] for item in late.join("chat")["items"]] == ["", "", ""]
        assert peer.ask("message.edit", room="chat", seq=1, body="また")["code"] == "conflict"


NONSENSE = (
    "{",
    "[1]",
    "null",
    '"x"',
    "{}",
    '{"type":"nope"}',
    '{"type":"ping","x":1}',
    '{"type":"room.join","ref":1,"room":"chat"}',
    "\x00",
    '{"type":"message.post","ref":"a","room":"chat","client_id":"x","body":"b"}',
)


def test_nonsense_is_refused_in_words_and_the_socket_lives(server: Server, room: Room) -> None:
    for frame in NONSENSE:
        with Peer(server) as peer:
            peer.raw(frame)
            assert (frame, peer.expect("refused")["code"]) == (frame, "protocol")
            assert peer.ask("ping")["type"] == "pong"
    assert "Traceback" not in server.log


def test_neither_another_site_nor_a_hidden_header_opens_a_socket(server: Server) -> None:
    for origin in ("https://evil.example", "http://127.0.0.1.evil.example", "null", "file://"):
        with pytest.raises(InvalidStatus) as denied:
            connect(server.ws_url, additional_headers={"Origin": origin})
        assert denied.value.response.status_code == 403, origin
    for headers in ({"Origin": server.url}, {}):  # our own page, and what is no browser
        with connect(server.ws_url, additional_headers=headers) as opened:
            assert '"welcome"' in str(opened.recv(timeout=10))
    answers = {b"\x0b": 400, b"\x0c": 400, b"\x1c": 400, b"\x1d": 400, b"\x1e": 400, b"\x85": 400, b" ": 101}
    for between, status in answers.items():
        lines = [
            b"GET /ws/ HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}".encode(),
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            b"X-Any: thing" + between + b"Cookie: sessionid=stolen",
        ]
        with socket.create_connection(("127.0.0.1", server.port), 10) as bare:
            bare.sendall(b"\r\n".join([*lines, b"", b""]))
            assert bare.recv(4096).startswith(f"HTTP/1.1 {status} ".encode()), between


@pytest.mark.slow
def test_a_flood_costs_no_memory_and_no_neighbour(server: Server) -> None:
    padded = b'{"type":"ping"' + b" " * 16_000 + b"}"
    with Peer(server) as neighbour, RawPeer(server, buffer=1 << 20) as flood:
        before = most = server.rss
        flood.socket.settimeout(0.5)
        for _ in range(40):
            for _ in range(50):
                flood._protocol.send_text(padded)
            is_taken = False
            with suppress(OSError):  # the server stops reading, then ends the connection
                flood.socket.sendall(b"".join(flood._protocol.data_to_send()))
                is_taken = True
            most = max(most, server.rss)
            began = time.monotonic()
            assert neighbour.ask("ping")["type"] == "pong"
            assert time.monotonic() - began < 2
            if not is_taken:
                break
        assert most - before < 16_000_000  # of up to 32 million bytes sent
        frames = []
        with suppress(OSError):  # nor does it take an answer to its close frame
            while (frame := flood.read()) is not None:
                frames.append(frame)
        frames += flood._frames
    assert {frame["type"] for frame in frames} == {"pong", "refused", "closing"}
    assert (frames[-1]["code"], flood.code) == (4429, 4429)
    assert neighbour.heard[-1]["type"] == "pong"
