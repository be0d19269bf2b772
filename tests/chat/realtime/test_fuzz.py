"""Whatever is sent to a running server is answered in words: no traceback, no stored nonsense, no neighbour lost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Self, Union

import httpx
import msgspec
import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.test import Client
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pytest_django import DjangoDbBlocker
from websockets.exceptions import ConnectionClosed

from chat import rooms
from chat.models import User
from chat.protocol import Close, Code, Refused, Reply, decode, is_too_large, ref_of, replies
from chat.realtime import all_routes
from compliance.testing import NOTIFIED
from tests.conftest import signed_in
from tests.kit.client import SECONDS, Peer
from tests.kit.frames import TABLE, any_frames, hand_made
from tests.kit.frames import frame as right_frame
from tests.serving import Server

# The WebSocket client draws its keepalive at random, in a thread of its own, while Hypothesis watches.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Do not use the .random. module:hypothesis.errors.HypothesisDeprecationWarning"),
]

PEEK = 65_536  # what Daphne takes as one message; more it closes by itself
EVERY = 100  # frames after which the neighbour is spoken to

_server_frames = msgspec.json.Decoder(Union[tuple(Reply.__subclasses__())])  # noqa: UP007
_answers = {route.request: route.answer for route in all_routes()}


class Neighbourhood:
    """A server with closed chat on; somebody who sends anything, and two who only want to talk."""

    def __init__(self, server: Server, attacker: Client, speaker: Client) -> None:
        self.server = server
        self.attacker = attacker
        self._peer: Peer | None = None
        self.neighbour = Peer(server)
        self.neighbour.join("chat")
        self.speaker = Peer(server, speaker)
        self.speaker.join("chat")
        self.told = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for peer in (self._peer, self.neighbour, self.speaker):
            if peer is not None:
                peer.socket.close()

    @property
    def peer(self) -> Peer:
        """The attacker's socket; a new one where the last was closed."""
        if self._peer is None:
            self._peer = Peer(self.server, self.attacker)
            assert self._peer.join("chat")["type"] == "room.joined"
        return self._peer

    def tell(self, frame: str | bytes, *, text: bool | None = None) -> None:
        """Send one frame, and hold all that comes back against the protocol."""
        peer = self.peer
        sentinel = str(uuid.uuid4())
        with suppress(ConnectionClosed):  # what was on its way is read below
            peer.socket.send(frame, text=text)
            peer.socket.send(json.dumps({"type": "ping", "ref": sentinel}))
        due, heard = Due(frame, text=text), list[Reply]()
        try:
            while not (due.paid(heard) and any(getattr(said, "ref", None) == sentinel for said in heard)):
                heard.append(_server_frames.decode(peer.socket.recv(timeout=SECONDS)))
        except ConnectionClosed as closed:
            peer.socket.close()
            self._peer = None
            put_out_properly(frame, heard, closed, text=text)
            broken = bool(text) or len(frame if isinstance(frame, bytes) else frame.encode()) > PEEK
            if not broken and closed.rcvd and closed.rcvd.code == Close.PROTOCOL and not due.paid(heard):
                self.tell(frame, text=text)  # the frames before this one had used up the patience
                return
        except TimeoutError as error:
            raise AssertionError(f"no answer to {frame!r:.300}; heard: {heard}") from error
        wrong = [said for said in heard if isinstance(said, replies.Refusal) and said.code == Code.UNAVAILABLE]
        assert wrong == [], "something broke inside"
        self.told += 1
        if self.told % EVERY == 0:
            self.look_around()

    def post(self, path: str, asked: dict[str, Any]) -> list[dict[str, Any]]:
        """Send one frame over HTTP; return the answers."""
        cookies = {name: morsel.value for name, morsel in self.attacker.cookies.items()} | {"csrftoken": "x" * 32}
        headers = {"X-CSRFToken": "x" * 32, "Origin": self.server.url}
        answer = httpx.post(self.server.url + path, json=asked, cookies=cookies, headers=headers, timeout=30)
        assert answer.status_code == 200
        return list(answer.json())

    def look_around(self) -> None:
        """The neighbour still hears what is said, and the log tells of nothing that broke."""
        receipt = self.speaker.post("chat", f"聞こえますか {self.told}")
        assert receipt["type"] == "message.accepted", receipt
        self.neighbour.wait(
            lambda frame: frame["type"] == "messages" and any(i["seq"] == receipt["seq"] for i in frame["items"])
        )
        seqs = [item["seq"] for item in self.neighbour.items("chat")]
        assert seqs == list(range(seqs[0], receipt["seq"] + 1)), "the neighbour missed something"
        assert not {"refused", "closing"} & {frame["type"] for frame in self.neighbour.heard}
        log = self.server.log
        for sign in ("Traceback", "[error", "[critical", "Unhandled", "_failed"):
            assert sign not in log, log[max(0, log.index(sign) - 500) :][:4000]


def put_out_properly(frame: str | bytes, heard: list[Reply], closed: ConnectionClosed, *, text: bool | None) -> None:
    """Hold the end of a connection against the protocol: it is said before it is done."""
    assert closed.rcvd is not None, "the connection was cut without a word"
    assert isinstance(heard[-1], replies.Closing), heard
    assert heard[-1].code == closed.rcvd.code == Close.PROTOCOL


class Due:
    """The answer that a frame must get, by the protocol."""

    def __init__(self, frame: str | bytes, *, text: bool | None) -> None:
        self.answer: type[Any] | None = None
        self.ref: Any = msgspec.UNSET
        self.silent = False
        self.codes: set[Code] = set(Code) - {Code.PROTOCOL}
        if isinstance(frame, bytes) and not text:
            self.codes = {Code.PROTOCOL}
            self.ref = self._or_unset(ref_of(frame))
        elif is_too_large(frame):
            self.codes = {Code.SIZE}
            self.ref = self._or_unset(ref_of(frame))
        else:
            self._read(frame)

    def _read(self, frame: str | bytes) -> None:
        try:
            request = decode(frame)
        except Refused as refused:
            self.codes = {refused.code}
            self.ref = self._or_unset(ref_of(frame))
        else:
            self.answer = _answers[type(request)]
            self.silent = self.answer is None and request.ref is None
            if self.answer is None:
                self.answer = replies.Noted
            self.ref = self._or_unset(request.ref)

    @staticmethod
    def _or_unset(ref: str | None) -> Any:
        return msgspec.UNSET if ref is None else ref

    def paid(self, heard: list[Reply]) -> bool:
        """Whether it is among what was heard."""
        return (
            self.silent
            or [said for said in heard if self._is_under_ref(said)]
            == [said for said in heard if self._pays(said)]
            != []
        )

    def _is_under_ref(self, said: Reply) -> bool:
        return getattr(said, "ref", msgspec.UNSET) == self.ref and (
            self.ref is not msgspec.UNSET or isinstance(said, (replies.Refusal, replies.Pong))
        )

    def _pays(self, said: Reply) -> bool:
        if not self._is_under_ref(said):
            return False
        if isinstance(said, replies.Refusal):
            return said.code in self.codes and bool(said.reason)
        return self.answer is not None and isinstance(said, self.answer)


@pytest.fixture(scope="module")
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Empties the database once, when this file's server has ended, and never under a server that writes."""
    with django_db_blocker.unblock():
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture(scope="module")
def place(transactional_db: None) -> Iterator[Neighbourhood]:
    """One server for the whole file: what one test did to it the next one meets."""
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    people = [User.objects.create_user(email=f"{name}@example.jp", name=name) for name in ("a", "b")]
    for person in people:
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    env = {**NOTIFIED, "COMPLIANCE_CHECKLIST": "advise", "CHAT_RATE_LIMITS": "off"}
    with Server(env=env) as server, Neighbourhood(server, *map(signed_in, people)) as place:
        yield place


@pytest.fixture(autouse=True)
def nobody_is_lost(place: Neighbourhood) -> Iterator[None]:
    """Looks around after each test."""
    yield
    place.look_around()


# Over the socket ------------------------------------------------------------------------------------------------------


def test_what_somebody_would_think_of_who_wants_to_break_it(place: Neighbourhood) -> None:
    for frame in hand_made():
        place.tell(frame)


@given_settings(max_examples=250)
@given(frame=any_frames)
def test_frames_that_nobody_would_think_of(place: Neighbourhood, frame: str | bytes) -> None:
    place.tell(frame)


@pytest.mark.long
@given_settings(max_examples=20_000)
@given(frame=any_frames)
def test_many_frames_that_nobody_would_think_of(place: Neighbourhood, frame: str | bytes) -> None:
    place.tell(frame)


@pytest.mark.parametrize(
    "payload", [b"\xff", b'{"type":"ping","ref":"\xed\xa0\x80"}', b"\xc0\x80", b"\xf4\x90\x80\x80"]
)
def test_text_that_is_no_utf_8_ends_the_connection_with_a_word(place: Neighbourhood, payload: bytes) -> None:
    place.tell(payload, text=True)


def test_a_message_that_no_server_should_hold_in_memory_ends_the_connection(place: Neighbourhood) -> None:
    place.tell('{"type":"ping","ref":"' + "x" * 200_000 + '"}')
    place.tell("あ" * 100_000)


def test_fragments_are_one_frame(place: Neighbourhood) -> None:
    text = json.dumps({"type": "ping", "ref": "あ" * 20}, ensure_ascii=False)
    place.peer.socket.send(iter([text[:5], text[5:20], "", text[20:]]))
    assert place.peer.expect("pong", ref="あ" * 20)


def test_a_burst_in_one_write_is_answered_in_full_and_in_order(place: Neighbourhood) -> None:
    peer = place.peer
    refs = [peer.say("room.sync", room="chat", after=n) if n % 3 else peer.say("ping") for n in range(60)]
    answers = {ref: peer.wait(lambda frame, ref=ref: frame.get("ref") == ref) for ref in refs}  # type: ignore[misc]
    assert {frame["type"] for frame in answers.values()} == {"pong", "messages"}
    synced = [frame["ref"] for frame in peer.heard if frame["type"] == "messages" and frame.get("ref") in refs]
    assert synced == [ref for ref in refs if answers[ref]["type"] == "messages"]


def test_too_many_requests_that_wait_are_refused_and_the_socket_lives(place: Neighbourhood) -> None:
    peer = place.peer
    refs = [peer.say("room.history", room="chat", before=9) for _ in range(300)]
    answers = [peer.wait(lambda frame, ref=ref: frame.get("ref") == ref) for ref in refs]  # type: ignore[misc]
    assert {frame.get("code") for frame in answers} <= {None, "rate"}
    assert peer.ask("ping")["type"] == "pong"


def test_whoever_keeps_sending_nonsense_is_told_why_and_put_out(place: Neighbourhood) -> None:
    with Peer(place.server) as peer:
        with suppress(ConnectionClosed):  # it may be out before the last of them
            for _ in range(20):
                peer.raw("nonsense")
        assert peer.closed() == Close.PROTOCOL
        assert [frame["type"] for frame in peer.heard][-1] == "closing"
        assert peer.heard[-1]["code"] == Close.PROTOCOL
        assert {frame["type"] for frame in peer.heard} == {"welcome", "refused", "closing"}


def test_somebody_without_a_name_sends_anything_and_changes_nothing(place: Neighbourhood) -> None:
    before = place.speaker.join("chat")["head"]
    for start in range(0, len(frames := [frame for frame in hand_made() if isinstance(frame, str)]), 5):
        with Peer(place.server) as peer:
            for frame in frames[start : start + 5]:
                if len(frame.encode()) <= PEEK:
                    peer.raw(frame)
            peer.ask("ping")
            assert not {"message.accepted", "match.waiting"} & {frame["type"] for frame in peer.heard}
            assert "unavailable" not in {frame.get("code") for frame in peer.heard}
    assert place.speaker.join("chat")["head"] == before


# Over HTTP ------------------------------------------------------------------------------------------------------------

paths = st.sampled_from(["/rooms/chat/events", "/match/events", f"/closed/{uuid.uuid4()}/events", "/rooms/none/events"])


@given_settings(max_examples=80)
@given(frame=any_frames, path=paths)
def test_the_way_round_answers_anything_too(place: Neighbourhood, frame: str | bytes, path: str) -> None:
    cookies = {name: morsel.value for name, morsel in place.attacker.cookies.items()}
    content = frame.encode() if isinstance(frame, str) else frame
    headers = {"X-CSRFToken": "x" * 32, "Origin": place.server.url, "Content-Type": "application/json"}
    answer = httpx.post(
        place.server.url + path,
        content=content,
        cookies={**cookies, "csrftoken": "x" * 32},
        headers=headers,
        timeout=30,
    )
    assert answer.status_code in {200, 404, 413}, (answer.status_code, answer.text[:500])
    if answer.status_code == 200:
        heard = [_server_frames.decode(json.dumps(said)) for said in answer.json()]
        assert not [said for said in heard if isinstance(said, replies.Refusal) and said.code == Code.UNAVAILABLE]
        assert Due(content, text=True).paid(heard), (frame, heard)


@pytest.mark.parametrize("tag", TABLE)
def test_the_way_round_answers_as_the_socket_does(place: Neighbourhood, tag: str) -> None:
    fields = {"ref": "r1", "client_id": str(uuid.uuid4())} if "client_id" in TABLE[tag][0] else {"ref": "r1"}
    room = {"match.leave": str(uuid.uuid4())}.get(tag, "chat")
    asked = right_frame(tag, **fields, **({"room": room} if "room" in TABLE[tag][0] else {}))
    with Peer(place.server, place.attacker) as peer:
        peer.raw(json.dumps(asked))
        by_socket = peer.wait(lambda said: said.get("ref") == "r1")
    if "client_id" in asked:
        asked["client_id"] = str(uuid.uuid4())
    [by_post] = [said for said in place.post("/rooms/chat/events", asked) if said.get("ref") == "r1"]
    assert {name: by_post.get(name) for name in ("type", "code", "room")} == {
        name: by_socket.get(name) for name in ("type", "code", "room")
    }


def test_who_types_over_http_is_seen_by_the_others(place: Neighbourhood) -> None:
    place.neighbour.heard.clear()
    assert place.post("/rooms/chat/events", {"type": "typing", "room": "chat"}) == []
    assert place.neighbour.expect("typing", room="chat")["user"]["name"] == "a"


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "9" * 400, "%00", "١", "1;2", "", "NaN"])
def test_a_stream_may_be_asked_for_with_anything(place: Neighbourhood, after: str) -> None:
    with httpx.stream("GET", f"{place.server.url}/rooms/chat/events?after={after}", timeout=30) as answer:
        assert answer.status_code == 200
        assert next(answer.iter_lines()).startswith("data: ")


def test_after_all_this_the_server_still_serves(place: Neighbourhood) -> None:
    assert httpx.get(place.server.url + "/rooms/chat/").status_code == 200
    assert place.server.process.poll() is None
