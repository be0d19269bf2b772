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
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import composition, matching, rooms
from chat.db import shutdown_executor
from chat.messages import NewEvent
from chat.models import Message, Participant, Room, User
from chat.people import Person
from chat.protocol import Request, requests, tag_of
from chat.realtime import Connection, Hub, LoopClock, Route, all_routes, unhandled
from chat.realtime.dispatch import routes
from compliance import gate
from compliance.law import ITEM, RULES, Feature, Mode, Outcome, Required, Status
from compliance.law.checklist import WIND_DOWN
from compliance.models import GateState, Instance, Signature
from compliance.testing import (
    FREE,
    Door,
    assert_gated_frame,
    assert_refusal,
    evidence_for,
    sign_all,
    unguarded,
    walk_doors,
)
from tests.compliance.cases import DATING, standing
from tests.conftest import MakeUser, signed_in
from tests.kit.frames import RIGHT, TABLE
from tests.kit.store import store
from tests.kit.transport import FakeTransport

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
    for signature in Signature.objects.filter(withdrawn_at__isnull=True):
        gate.withdraw(item=ITEM[signature.item_id], reason="another row of the table", actor=operator)
    if checklist != "none":
        sign_all(operator, but=[LEFT_OUT] if checklist == "all but one" else ())
        verdict = {"verdict": Outcome.OUT_NOT_FOR_GAIN}
        gate.sign(item=ITEM["LAW-01"], evidence=evidence_for(ITEM["LAW-01"]) | verdict, actor=operator)
    if checklist == "all expired":
        long_ago = timezone.now() - WIND_DOWN - timedelta(seconds=1)  # what runs goes on until then
        with unguarded("signature_update"):
            Signature.objects.filter(withdrawn_at__isnull=True).update(expires_at=long_ago)
    gate.advance_revision(GateState.objects.get_or_create(id=1)[0])


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps a stream from giving back the connection that the test itself uses, as Django's own test client does."""
    monkeypatch.setattr("chat.people.frames.close_old_connections", lambda: None)


# Pages ----------------------------------------------------------------------------------------------------------------


SAMPLES: Final = {
    "slug": "lockable",
    "room_id": str(uuid4()),
    "item_id": "LAW-01",
    "app_label": "chat",
    "ref": str(uuid4()),
    "case_id": str(uuid4()),
    "paper_id": "1",
    "disclosure_id": str(uuid4()),
}


def pages(**samples: str) -> list[Door]:
    """Every URL pattern of the service."""
    return [door for door in walk_doors(samples=SAMPLES | samples) if door.kind == "page"]


def test_every_page_declares_its_feature() -> None:
    walked = pages()
    assert len(walked) > 90
    assert [page.name for page in walked if page.feature is None] == []


def patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    """Every pattern under a resolver, whatever includes it."""
    for part in resolver.url_patterns:
        if isinstance(part, URLResolver):
            yield from patterns(part)
        else:
            yield part


def test_every_page_of_ours_is_declared_where_it_is_written() -> None:
    """A blanket over a whole branch is for views of others; ours say it themselves, through the gate's decorator."""
    for branch in ("chat.urls", "compliance.urls"):
        found = list(patterns(get_resolver(branch)))
        assert found
        for pattern in found:
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
    said = [NewEvent(private.pk, Person.of(person), Message.Kind.MESSAGE, "やあ") for person in (owner, partner)]
    store(said)
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


@pytest.mark.slow
@pytest.mark.parametrize("checklist", CHECKLISTS)
@pytest.mark.parametrize("stop", ["", "点検のため"], ids=["running", "stopped"])
def test_pages_are_refused_exactly_when_the_keys_are_not_turned(
    stop: str, checklist: str, place: Place, operator: User, settings: Settings
) -> None:
    sign(operator, checklist)
    if stop:
        gate.pull_stop(reason=stop, actor=operator)
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


@pytest.mark.slow
def test_pages_that_the_law_does_not_gate_are_never_refused(place: Place, operator: User, settings: Settings) -> None:
    """Everything is off; the admin, where it is turned on again, and all else answer as ever."""
    sign(operator, "none")
    gate.pull_stop(reason="点検のため", actor=operator)
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
    gate.sign(item=ITEM["LAW-01"], evidence=evidence_for(ITEM["LAW-01"]), actor=operator)
    for status, allowed in ((Status.notified, True), (Status.exempt, False)):
        turn(settings, status, Mode.enforce)
        assert (Client().get("/match/").status_code == 200) is allowed


# Frames ---------------------------------------------------------------------------------------------------------------


def sample(route: Route) -> dict[str, Any]:
    """Return the fields that a request must have, without `ref` and the room that it is said of."""
    must = TABLE[route.name][0]
    fields = {name: RIGHT[route.name][name][0] for name in must - {"ref", "room", "client_id"}}
    if route.request is requests.RoomSeen:
        fields["seq"] = 1  # of what is there
    if route.feature is not None and "room" in must:
        fields["room"] = str(uuid4())
    return fields


def test_every_frame_declares_its_feature_and_has_a_sample_here() -> None:
    assert unhandled() == set()
    for route in all_routes():
        assert route.feature is None or isinstance(route.feature, Feature)
        assert route.feature is not None or "room" in route.request.__struct_fields__, f"{route.name} names no room"
        assert isinstance(sample(route), dict)


class Line:
    """A hub without its loops, and on it the connections of two people and of somebody without a name."""

    def __init__(self, place: Place) -> None:
        self.runner = asyncio.Runner()
        self.hub = self.runner.run(self._hub())
        people = (place.owner, place.partner, None)
        self.owner, self.partner, self.stranger = (self.runner.run(self._connect(user)) for user in people)

    async def _hub(self) -> Hub:
        return Hub(composition.Database(), None, LoopClock(), composition.options())

    async def _connect(self, user: User | None) -> Connection:
        person = Person.of(user) if user else None
        made = Connection(
            self.hub.parts, FakeTransport(), person=person, login=None, language="ja", address="127.0.0.1"
        )
        self.hub.parts.registry.add(made)
        return made

    def look(self) -> None:
        """Have the hub look at the gate, as it does every 0.25 s."""
        # The environment of one process does not change, except in this table: what it said of itself is long ago.
        Instance.objects.filter(id=self.hub.instance).update(seen_at=timezone.now() - timedelta(hours=1))
        self.runner.run(self.hub.parts.gate.look())

    def say(self, connection: Connection, request: type[Request], **fields: Any) -> dict[str, Any] | None:
        """Say a frame; return its answer, or None if it stays without."""
        return self.runner.run(self._say(connection, request, fields))

    async def _say(
        self, connection: Connection, request: type[Request], fields: dict[str, Any]
    ) -> dict[str, Any] | None:
        frames = heard(connection)
        ref = str(uuid4())
        if request is requests.MessagePost:
            fields = {"client_id": str(uuid4()), **fields}
        connection.feed(json.dumps({"type": tag_of(request), "ref": ref, **fields}))
        is_silent = routes[request].answer is None
        for _ in range(5000):
            found = next((frame for frame in frames if frame.get("ref") == ref), None)
            if found is not None and not is_silent:
                return found
            if is_silent and connection.worker is None and not self.hub.parts.tasks.running:
                await asyncio.sleep(0)  # what was said in this turn is written at its end
                return next((frame for frame in frames if frame.get("ref") == ref), None)
            await asyncio.sleep(0.001)
        raise AssertionError(f"{request} stayed without an answer")

    def close(self) -> None:
        """Let the connections and the database threads go."""
        self.runner.run(self._close())
        self.runner.close()
        shutdown_executor()

    async def _close(self) -> None:
        for connection in (self.owner, self.partner, self.stranger):
            connection.gone()
        for task in list(self.hub.parts.tasks.running):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.hub.stop()


def heard(connection: Connection) -> list[dict[str, Any]]:
    """What a connection was sent."""
    assert isinstance(connection.transport, FakeTransport)
    return connection.transport.frames


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


def saying() -> list[Route]:
    """Every route, joining first and leaving last."""
    order = {requests.RoomJoin: 0, requests.RoomLeave: 2}
    return sorted(all_routes(), key=lambda route: order.get(route.request, 1))


def knock(line: Line, place: Place, allows: Callable[[Feature], bool]) -> None:
    """Say every frame, about every kind of room, and compare each answer with the law's table."""
    line.look()
    doors = ((place.board.key, Feature.ROOM_OPEN), (str(place.talk), Feature.MATCH_PAIR))
    for key, of_room in (*doors, (str(place.locked), Feature.INVITE_ONLY)):
        allowed = allows(of_room)
        assert_answered(line.say(line.partner, requests.RoomJoin, room=key), of_room, allowed=allowed)
        for route in saying():
            if route.feature is None:
                answer = line.say(line.owner, route.request, room=key, **sample(route))
                assert_answered(answer, of_room, allowed=allowed)
        there = [frame for frame in heard(line.partner) if frame.get("room") == key]
        assert ("typing" in {frame["type"] for frame in there}) is allowed
        heard(line.partner).clear()
        for socket in (line.owner, line.partner):
            left = line.say(socket, requests.RoomLeave, room=key)
            assert left
            assert left.get("code") == (None if allowed else "missing")
    for route in saying():
        if route.feature is not None and route.request is not requests.RoomLeave:
            answer = line.say(line.owner, route.request, **sample(route))
            assert_answered(answer, route.feature, allowed=allows(route.feature))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("checklist", CHECKLISTS)
def test_frames_are_refused_exactly_when_the_keys_are_not_turned(
    checklist: str, place: Place, line: Line, operator: User, settings: Settings
) -> None:
    sign(operator, checklist)
    for stopped in (False, True):
        if stopped:
            gate.pull_stop(reason="点検のため", actor=operator)
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
    for route in all_routes():
        if route.feature is not None and RULES[route.feature].required not in FREE:
            assert_answered(line.say(line.stranger, route.request, **sample(route)), route.feature, allowed=False)


@pytest.mark.django_db(transaction=True)
def test_what_a_process_has_not_noticed_yet_the_write_notices(place: Place, line: Line, operator: User) -> None:
    """The stop is pulled between a process's last look and the frame: nothing is stored."""
    line.look()
    key = str(place.talk)
    for socket in (line.owner, line.partner):
        joined = line.say(socket, requests.RoomJoin, room=key)
        assert joined
        assert joined["type"] == "room.joined"
    gate.pull_stop(reason="点検のため", actor=operator)
    for kind, fields in (
        (requests.MessagePost, {"body": "まだ？"}),
        (requests.MessageEdit, {"seq": 1, "body": "まだ？"}),
    ):
        assert_gated_frame(line.say(line.owner, kind, room=key, **fields), Feature.MATCH_PAIR)
    assert_gated_frame(line.say(line.owner, requests.MatchSeek), Feature.MATCH_PAIR)
    assert not Message.objects.filter(room=place.talk).exists()
    left = line.say(line.owner, requests.MatchLeave, room=key)  # a way out is never shut
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
