"""Every door says which feature it serves, and is shut exactly when the law's two keys say so.

A door is a page, a frame, an admin action or a command. They are walked, not listed: whoever adds one without a
declared feature, or with a parameter that has no sample here, fails this file.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from itertools import product
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import matching, messages, offload, rooms, wire
from chat.consumers import Socket
from chat.hub import Hub
from chat.messages import Entry
from chat.models import Message, Participant, Room, User
from chat.outlets import Frame
from chat.queries import Person
from compliance import gate, signing
from compliance.checklist import ITEM
from compliance.classify import Outcome
from compliance.law import RULES, Feature, Required
from compliance.models import GateState, Signature
from compliance.standing import Mode, Status
from compliance.testing import FREE, Door, assert_gated_frame, assert_refusal, evidence_for, sign_all, walk_doors
from tests.compliance.cases import DATING, standing
from tests.conftest import MakeUser, signed_in

CHECKLISTS: Final = ("none", "all but one", "all", "all expired")
LEFT_OUT: Final = "LAW-07"
KEYS: Final = list(product(Status, Mode))
PASSED: Final = {200, 302, 404, 405, 503}
"""What a door answers that the gate lets through; 503: no hub runs here that could feed a stream."""


def opens(feature: Feature, status: Status, mode: Mode, checklist: str, *, stopped: bool) -> bool:
    """What the law's table says, in words of its own: the policy is not asked."""
    keys = status is not Status.none and not stopped and (mode is Mode.advise or checklist == "all")
    match RULES[feature].required:
        case Required.NONE | Required.THIRD_ITEM:
            return True
        case Required.NOTIFIED:
            return keys
        case Required.DATING:  # the age check is not softened by `advise`
            return keys and checklist in {"all", "all but one"}
        case _:
            return False


def turn(settings: Settings, status: Status, mode: Mode) -> None:
    """Turn the deployer's key, as a restart with another environment would."""
    settings.STANDING = standing(status, COMPLIANCE_CHECKLIST=mode, **DATING)


def sign(operator: User, checklist: str) -> None:
    """Sign, so that a verdict which fits every status is on record."""
    Signature.objects.filter(withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now(), withdrawn_by=operator, withdrawal_reason="another row of the table"
    )
    if checklist != "none":
        sign_all(operator, but=[LEFT_OUT] if checklist == "all but one" else ())
        verdict = {"verdict": Outcome.OUT_NOT_FOR_GAIN}
        signing.sign(item=ITEM["LAW-01"], evidence=evidence_for(ITEM["LAW-01"]) | verdict, actor=operator)
    if checklist == "all expired":
        Signature.objects.filter(withdrawn_at__isnull=True).update(expires_at=timezone.now() - timedelta(seconds=1))
    gate.moved(GateState.objects.get_or_create(id=1)[0])


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps a stream from giving back the connection that the test itself uses, as Django's own test client does."""
    monkeypatch.setattr("chat.views.close_old_connections", lambda: None)


# Pages ----------------------------------------------------------------------------------------------------------------


SAMPLES: Final = {"slug": "lockable", "room_id": str(uuid4()), "item_id": "LAW-01", "app_label": "chat"}


def pages(**samples: str) -> list[Door]:
    """Every URL pattern of the service."""
    return [door for door in walk_doors(samples=SAMPLES | samples) if door.kind == "page"]


def test_every_page_declares_its_feature() -> None:
    walked = pages()
    assert len(walked) > 90
    assert [page.name for page in walked if page.feature is None] == []


def test_every_page_of_ours_is_declared_where_it_is_written() -> None:
    """A blanket over a whole branch is for views of others; ours say it themselves, through the gate's decorator."""
    for branch in ("chat.urls", "compliance.urls"):
        for pattern in get_resolver(branch).url_patterns:
            assert "feature" in vars(pattern.callback), pattern
            assert vars(pattern.callback)["__wrapped__"], pattern


def test_a_gated_feature_cannot_be_declared_over_views_that_do_not_ask() -> None:
    gated = [feature for feature in Feature if RULES[feature].required not in FREE]
    for feature in gated:
        with pytest.raises(ValueError, match="gated"):
            gate.declare(feature, get_resolver())


def test_a_view_that_cannot_ask_the_gate_is_refused_at_import() -> None:
    async def view(request: object) -> None: ...

    with pytest.raises(TypeError, match="synchronous"):
        gate.door(Feature.MATCH_PAIR)(view)


@dataclass(frozen=True, slots=True)
class Place:
    """Two people, their closed talk, a room that the first of them has locked and one that they have not."""

    owner: User
    partner: User
    talk: UUID
    locked: UUID
    board: Room


@pytest.fixture
def place(make_member: MakeUser, operator: User, settings: Settings) -> Place:
    """Rooms of every kind, made while both keys were turned."""
    settings.CHAT_RATE_LIMITS = False
    turn(settings, Status.notified, Mode.enforce)
    sign(operator, "all")
    owner, partner = make_member("あ"), make_member("い")
    for person in (owner, partner):
        matching.seek(person=Person.of(person))
    match = matching.pair(partner.pk)
    assert match is not None
    board = rooms.create_open_room(actor=owner, name="lockable")
    private = rooms.create_open_room(actor=owner, name="private")
    said = [Entry(private.pk, Person.of(person), Message.Kind.MESSAGE, "やあ") for person in (owner, partner)]
    messages.commit(said)
    rooms.lock_room(actor=owner, room=private)
    return Place(owner, partner, match.room, private.pk, board)


def knocks(path: str, stranger: Client, owner: Client, *, on_paper: bool) -> Iterator[Any]:
    """Try a page in every way in which the gate might differ; yield each answer."""
    for client in (stranger, owner):
        yield client.get(path, headers={"accept": "application/json"})
    yield owner.post(path, headers={"accept": "application/json"})
    yield owner.head(path)
    if on_paper:  # a page of HTML costs ten of JSON
        yield stranger.get(path)


@pytest.mark.parametrize("checklist", CHECKLISTS)
@pytest.mark.parametrize("stop", ["", "点検のため"], ids=["running", "stopped"])
def test_pages_are_refused_exactly_when_the_keys_are_not_turned(
    stop: str, checklist: str, place: Place, operator: User, settings: Settings
) -> None:
    sign(operator, checklist)
    if stop:
        signing.stop(reason=stop, actor=operator)
    ours = [page for page in pages(room_id=str(place.talk)) if not re.match("/(admin|accounts)/", page.path)]
    gated = [page for page in ours if page.gated]
    assert {page.feature for page in gated} >= {Feature.MATCH_PAIR, Feature.INVITE_ONLY}
    stranger, owner = Client(), signed_in(place.owner)
    for status, mode in KEYS:
        turn(settings, status, mode)
        for page in gated:
            assert page.feature
            for answer in knocks(page.path, stranger, owner, on_paper=mode is Mode.enforce):
                if opens(page.feature, status, mode, checklist, stopped=bool(stop)):
                    assert answer.status_code in PASSED, (page, status, mode)
                else:
                    assert_refusal(answer, page.feature)
        for page in ours if (status, mode) == KEYS[0] else ():
            if page not in gated:
                assert stranger.get(page.path).status_code in PASSED, (page, status, mode)
        said = stranger.get("/api/gate/").json()
        for name, told in said["features"].items():
            allowed = opens(Feature(name), status, mode, checklist, stopped=bool(stop))
            assert told["allowed"] is allowed, (name, status, mode)
        assert said["closed_chat"] is opens(Feature.MATCH_PAIR, status, mode, checklist, stopped=bool(stop))


def test_pages_that_the_law_does_not_gate_are_never_refused(place: Place, operator: User, settings: Settings) -> None:
    """Everything is off; the admin, where it is turned on again, and all else answer as ever."""
    sign(operator, "none")
    signing.stop(reason="点検のため", actor=operator)
    turn(settings, Status.none, Mode.enforce)
    clients = (Client(), signed_in(operator))
    for page in pages():
        if not page.gated:
            for client in clients:
                answer = client.get(page.path, HTTP_ACCEPT="application/json")
                assert answer.status_code < 451, page


def test_a_refusal_comes_before_any_question_of_who_asks(settings: Settings, db: None) -> None:
    turn(settings, Status.none, Mode.enforce)
    for path in ("/match/", "/rooms/no-such-room/lock/", f"/closed/{uuid4()}/"):
        assert Client().get(path).status_code == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS


def test_a_verdict_that_does_not_fit_the_status_keeps_the_door_shut(
    place: Place, operator: User, settings: Settings
) -> None:
    """Signed in full, but LAW-01 says that a notification is due while the deployment claims that none is."""
    signing.sign(item=ITEM["LAW-01"], evidence=evidence_for(ITEM["LAW-01"]), actor=operator)
    for status, allowed in ((Status.notified, True), (Status.exempt, False)):
        turn(settings, status, Mode.enforce)
        assert (Client().get("/match/").status_code == 200) is allowed


# Frames ---------------------------------------------------------------------------------------------------------------

FRAMES: Final[dict[type[wire.ClientFrame], dict[str, Any]]] = {
    wire.RoomJoin: {},
    wire.RoomSync: {"after": 0},
    wire.RoomHistory: {"before": 9},
    wire.MessagePost: {"body": "もしもし"},
    wire.MessageEdit: {"seq": 999, "body": "もしもし"},
    wire.MessageDelete: {"seq": 999},
    wire.RoomSeen: {"seq": 1},
    wire.Typing: {},
    wire.RoomLeave: {},
    wire.MatchSeek: {},
    wire.MatchCancel: {},
    wire.MatchLeave: {"room": str(uuid4())},
    wire.Ping: {},
}
SILENT: Final = {wire.RoomSeen, wire.Typing}


def test_every_frame_declares_its_feature_and_has_a_sample_here() -> None:
    frames = set(wire.ClientFrame.__args__)
    assert {frame for frame in frames if "feature" not in vars(frame)} == set()
    assert frames == set(FRAMES)
    for frame in frames:
        declared = vars(frame)["feature"]
        assert declared is None or isinstance(declared, Feature)
        assert declared is not None or "room" in frame.__struct_fields__, f"{frame} names no room to ask for"


class Ear:
    """Takes a socket's frames in memory; see `outlets.Outlet`."""

    backlog = 0

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def push(self, frame: Frame) -> bool:
        """Take a frame."""
        self.heard.append(json.loads(frame.payload))
        return True

    def flush(self, writes: object) -> None:
        """Nothing waits."""

    async def close(self, code: int, goodbye: Frame) -> None:
        """Take the last frame."""
        self.push(goodbye)

    def abandon(self) -> None:
        """Nothing waits."""


class Line:
    """A hub without its loops, and on it the sockets of two people and of somebody without a name."""

    def __init__(self, place: Place) -> None:
        self.runner = asyncio.Runner()
        self.hub = self.runner.run(self._hub())
        people = (place.owner, place.partner, None)
        self.owner, self.partner, self.stranger = (self.runner.run(self._socket(user)) for user in people)

    async def _hub(self) -> Hub:
        return Hub()

    async def _socket(self, user: User | None) -> Socket:
        person = Person.of(user) if user else None
        socket = Socket(self.hub, Ear(), person=person, login=None, language="ja", address="127.0.0.1")
        self.hub.add(socket)
        return socket

    def look(self) -> None:
        """Have the hub look at the gate, as it does every 0.4 s."""
        gate.farewell(self.hub.instance)  # the environment of one process does not change, except in this table
        self.runner.run(self.hub._look_at_gate())

    def say(self, socket: Socket, kind: type[wire.ClientFrame], **fields: Any) -> dict[str, Any] | None:
        """Say a frame; return its answer, or None if it stays without."""
        return self.runner.run(self._say(socket, kind, fields))

    async def _say(self, socket: Socket, kind: type[wire.ClientFrame], fields: dict[str, Any]) -> dict[str, Any] | None:
        assert isinstance(socket.outlet, Ear)
        ref = str(uuid4())
        if kind is wire.MessagePost:
            fields = {"client_id": str(uuid4()), **fields}
        socket.feed(json.dumps({"type": kind.__struct_config__.tag, "ref": ref, **fields}))
        for _ in range(5000):
            for frame in socket.outlet.heard:
                if frame.get("ref") == ref:
                    return frame
            if kind in SILENT and socket._worker is None:
                return None
            await asyncio.sleep(0.001)
        raise AssertionError(f"{kind} stayed without an answer")

    def close(self) -> None:
        """Let the sockets and the database threads go."""
        self.runner.run(self._close())
        self.runner.close()
        offload.close()

    async def _close(self) -> None:
        for socket in (self.owner, self.partner, self.stranger):
            socket.gone()
        for task in list(self.hub._tasks):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.hub.release()


@pytest.fixture
def line(transactional_db: None, place: Place) -> Iterator[Line]:
    """The two people's sockets, in this process."""
    line = Line(place)
    yield line
    line.close()


def assert_answered(answer: dict[str, Any] | None, feature: Feature, *, allowed: bool) -> None:
    if answer is None or allowed:
        assert answer is None or answer.get("code") != "gate", answer
    else:
        assert_gated_frame(answer, feature)


def knock(line: Line, place: Place, allows: Callable[[Feature], bool]) -> None:
    """Say every frame, about every kind of room, and compare each answer with the law's table."""
    line.look()
    doors = ((place.board.key, Feature.ROOM_OPEN), (str(place.talk), Feature.MATCH_PAIR))
    for key, of_room in (*doors, (str(place.locked), Feature.INVITE_ONLY)):
        allowed = allows(of_room)
        assert_answered(line.say(line.partner, wire.RoomJoin, room=key), of_room, allowed=allowed)
        for kind, fields in FRAMES.items():
            if kind.feature is None:
                answer = line.say(line.owner, kind, room=key, **fields)
                assert_answered(answer, of_room, allowed=allowed)
        assert isinstance(line.partner.outlet, Ear)
        heard = [frame for frame in line.partner.outlet.heard if frame.get("room") == key]
        assert ("typing" in {frame["type"] for frame in heard}) is allowed
        line.partner.outlet.heard.clear()
        for socket in (line.owner, line.partner):
            left = line.say(socket, wire.RoomLeave, room=key)
            assert left
            assert left.get("code") == (None if allowed else "missing")
    for kind, fields in FRAMES.items():
        if kind.feature is not None and kind is not wire.RoomLeave:
            answer = line.say(line.owner, kind, **fields)
            assert_answered(answer, kind.feature, allowed=allows(kind.feature))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("checklist", CHECKLISTS)
def test_frames_are_refused_exactly_when_the_keys_are_not_turned(
    checklist: str, place: Place, line: Line, operator: User, settings: Settings
) -> None:
    sign(operator, checklist)
    for stopped in (False, True):
        if stopped:
            signing.stop(reason="点検のため", actor=operator)
        for status, mode in KEYS:
            turn(settings, status, mode)
            before = Message.objects.filter(room__kind="closed").count()
            Participant.objects.update(seen=0)
            knock(
                line,
                place,
                lambda feature, status=status, mode=mode, stopped=stopped: opens(  # type: ignore[misc]
                    feature, status, mode, checklist, stopped=stopped
                ),
            )
            allowed = opens(Feature.MATCH_PAIR, status, mode, checklist, stopped=stopped)
            assert Message.objects.filter(room__kind="closed").count() == before + 2 * allowed
            assert Participant.objects.filter(seen__gt=0).count() == 2 * allowed


@pytest.mark.django_db(transaction=True)
def test_a_frame_is_refused_before_any_question_of_who_asks(line: Line, settings: Settings) -> None:
    turn(settings, Status.none, Mode.enforce)
    line.look()
    for kind, fields in FRAMES.items():
        if kind.feature is not None and RULES[kind.feature].required not in FREE:
            assert_answered(line.say(line.stranger, kind, **fields), kind.feature, allowed=False)


@pytest.mark.django_db(transaction=True)
def test_what_a_process_has_not_noticed_yet_the_write_notices(place: Place, line: Line, operator: User) -> None:
    """The stop is pulled between a process's last look and the frame: nothing is stored."""
    line.look()
    key = str(place.talk)
    for socket in (line.owner, line.partner):
        joined = line.say(socket, wire.RoomJoin, room=key)
        assert joined
        assert joined["type"] == "room.joined"
    signing.stop(reason="点検のため", actor=operator)
    for kind, fields in ((wire.MessagePost, {"body": "まだ？"}), (wire.MessageEdit, {"seq": 1, "body": "まだ？"})):
        assert_gated_frame(line.say(line.owner, kind, room=key, **fields), Feature.MATCH_PAIR)
    assert_gated_frame(line.say(line.owner, wire.MatchSeek), Feature.MATCH_PAIR)
    assert not Message.objects.filter(room=place.talk).exists()
    left = line.say(line.owner, wire.MatchLeave, room=key)  # a way out is never shut
    assert left
    assert left["type"] == "match.left"


# Admin actions and commands -------------------------------------------------------------------------------------------


def test_every_admin_action_and_every_command_declares_its_feature() -> None:
    doors = [door for door in walk_doors(samples=SAMPLES) if door.kind != "page"]
    assert {door.kind for door in doors} == {"action", "command"}
    assert {door.name for door in doors} >= {"gate", "ledger", "seed"}
    assert [door.name for door in doors if door.feature is None] == []


def test_nothing_that_the_operator_works_with_is_gated() -> None:
    """The keys are turned there: a gate that shut its own lock could not be opened again."""
    assert RULES[Feature.OPERATOR].required in FREE
