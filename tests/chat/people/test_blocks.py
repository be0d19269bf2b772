"""Blocks: every page of the blocker knows of them, and the other side finds nothing out."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from chat import matching, people, personal_data, rooms
from chat.matching import keeping, queue
from chat.messages import NewEvent
from chat.models import Block, Message, Pairing, Preferences, Room, User
from chat.people import Person, handlers
from chat.protocol import Code, Refused
from compliance.law import Mode, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser, Serve, signed_in
from tests.kit.client import Peer
from tests.kit.harness import Hubs
from tests.kit.store import store
from tests.kit.transport import FakeTransport

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["hints pass", "hints are lost"])
def hubs(request: pytest.FixtureRequest, operator: User, settings: Settings) -> Iterator[Hubs]:
    """Two processes with closed chat on."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    settings.CHAT_RATE_LIMITS = False
    with Hubs(2) as made:
        made.layer.direct = request.param == "hints pass"
        while not all(hub.parts.peers._group for hub in made.hubs):  # before, nothing is published
            made.settle()
        yield made


@pytest.fixture
def room(transactional_db: None) -> Room:
    """An open room."""
    return rooms.create_open_room(actor=None, name="雑談", slug="chat")


def step(hubs: Hubs) -> None:
    """Have each process do what it does every few seconds."""
    for hub in hubs.hubs:
        hubs.run(keeping.keep(hub.parts))
        hubs.run(handlers.tell(hub.parts))
        hubs.settle()


def told(transport: FakeTransport) -> list[list[str]]:
    """The lists that came, in their order."""
    return [frame["users"] for frame in transport.frames if frame["type"] == "person.blocks"]


def say(hubs: Hubs, connection: Any, kind: str, **fields: Any) -> None:
    hubs.say(connection, kind, **fields)
    hubs.settle()


# Pages of the blocker ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("guest", [False, True])
def test_each_page_of_the_blocker_knows_whom_they_blocked(hubs: Hubs, make_user: MakeUser, guest: bool) -> None:  # noqa: FBT001 -- a table
    actor = people.enter_as_guest(nickname="旅人") if guest else make_user()
    other = people.enter_as_guest(nickname="客人") if guest else make_user()
    (here, heard_here), (_tab, heard_tab) = hubs.connect(0, actor), hubs.connect(0, actor)
    (_there, heard_there), (_theirs, heard_theirs) = hubs.connect(1, actor), hubs.connect(1, other)
    for kind, users in (("person.block", [str(other.public_id)]), ("person.unblock", [])):
        say(hubs, here, kind, user=str(other.public_id))
        [answer] = [frame for frame in heard_here.frames if frame.get("ref") == kind]
        assert answer == {"type": "person.blocks", "users": users, "ref": kind}
        if hubs.layer.direct:
            assert told(heard_tab)[-1] == told(heard_there)[-1] == users
        step(hubs)
        assert told(heard_tab)[-1] == told(heard_there)[-1] == users
    assert heard_theirs.frames == []


def test_a_page_that_comes_between_two_looks_is_told(hubs: Hubs, make_user: MakeUser) -> None:
    actor, other = make_user(), make_user()
    here, _ = hubs.connect(0, actor)
    say(hubs, here, "person.block", user=str(other.public_id))
    step(hubs)
    _late, heard = hubs.connect(0, actor)
    for _ in range(3):
        step(hubs)
    assert told(heard) == [[str(other.public_id)]]  # and not again with each look


def test_the_first_frame_names_whom_one_has_blocked(serve: Serve, room: Room) -> None:
    browser = Client()
    browser.post("/guest/", {"nickname": "旅人"})
    actor, other = User.objects.get(), people.enter_as_guest(nickname="客人")
    server = serve()
    with Peer(server, browser) as peer, Peer(server) as stranger:
        assert peer.welcome["blocks"] == stranger.welcome["blocks"] == []
        answer = peer.ask("person.block", user=str(other.public_id))
        assert answer["users"] == [str(other.public_id)]
    with Peer(server, browser) as peer:
        assert peer.welcome["blocks"] == [str(other.public_id)]
    personal_data.erase([other])
    with Peer(server, browser) as peer:
        assert peer.welcome["blocks"] == []
    assert not Block.objects.filter(blocker=actor).exists()


def test_whom_one_cannot_block(make_user: MakeUser, monkeypatch: pytest.MonkeyPatch) -> None:
    actor, other, third = (make_user() for _ in range(3))
    monkeypatch.setattr("chat.people.blocks.MOST", 1)

    def refused(user: Any) -> Code:
        with pytest.raises(Refused) as found:
            people.block(actor=Person.of(actor), other=user)
        return found.value.code

    assert refused(actor.public_id) is Code.CONFLICT
    assert refused(uuid4()) is Code.MISSING
    for _ in range(2):
        people.block(actor=Person.of(actor), other=other.public_id)
    assert refused(third.public_id) is Code.CONFLICT
    people.unblock(actor=Person.of(actor), other=third.public_id)
    assert people.blocked_by([actor.pk, other.pk]) == {actor.pk: [str(other.public_id)]}
    assert Preferences.objects.get().user_id == actor.pk


def test_the_page_covers_what_they_write_and_names_them_to_nobody_else(
    room: Room, make_user: MakeUser, user: User, member: Client
) -> None:
    other = make_user("客人")
    store(
        [
            NewEvent(room.id, Person.of(who), Message.Kind.MESSAGE, body, uuid4())
            for who, body in ((other, "やあ"), (user, "どうも"))
        ]
    )
    store([NewEvent(room.id, Person.of(user), Message.Kind.MESSAGE, "返事", uuid4(), reply_to=1)])
    people.block(actor=Person.of(user), other=other.public_id)
    pages = [browser.get("/rooms/chat/").content.decode() for browser in (member, signed_in(other), Client())]
    assert [page.count('data-blocked="true"') for page in pages] == [1, 0, 0]
    assert [page.count('<details class="message-cover">') for page in pages] == [1, 0, 0]
    assert "やあ" in pages[0]  # it can be opened, also without scripts
    assert pages[0].count("ブロックした人の発言</") == 2  # and the quote of it
    assert "ブロックした人の発言</" not in pages[1] + pages[2]


# The other side ------------------------------------------------------------------------------------------------------

_OWN: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|\+00:00)")


def seen_by(transport: FakeTransport, *names: str) -> list[str]:
    """What somebody heard, without what differs each time: ids, times, and the names of this world's people."""
    frames = [json.dumps(frame, ensure_ascii=False, sort_keys=True) for frame in transport.frames]
    for name in names:
        frames = [frame.replace(name, "…") for frame in frames]
    return [_OWN.sub("…", frame) for frame in frames]


def world(hubs: Hubs, make_member: MakeUser, room: Room, act: Callable[[Any, User, str], None]) -> list[str]:
    """Two people in an open room and, twice, in a talk; one acts on the other. Returns what the other one hears."""
    tag = uuid4().hex[:6]
    one, other = make_member(f"い{tag}"), make_member(f"ろ{tag}")
    (theirs, _), (own, heard) = hubs.connect(0, one), hubs.connect(1, other)
    say(hubs, theirs, "room.join", room=room.slug)
    for each in (theirs, own):
        say(hubs, each, "match.seek")
    step(hubs)
    [talk] = [frame["room"] for frame in heard.frames if frame["type"] == "match.made"]
    for each in (theirs, own):
        say(hubs, each, "room.join", room=talk)
    say(hubs, own, "message.post", room=talk, client_id=str(uuid4()), body="こんばんは")
    act(theirs, other, talk)
    hubs.settle()
    step(hubs)
    # Whatever they try now, they hear what they would have heard anyway.
    for kind, fields in (
        ("message.post", {"room": talk, "client_id": str(uuid4()), "body": "いますか"}),
        ("room.join", {"room": talk}),
        ("room.history", {"room": talk, "before": 9}),
        ("match.leave", {"room": talk}),
        ("match.seek", {}),
        ("room.join", {"room": room.slug}),
        ("message.post", {"room": room.slug, "client_id": str(uuid4()), "body": "やあ"}),
        ("typing", {"room": room.slug}),
        ("person.block", {"user": str(one.public_id)}),
        ("person.unblock", {"user": str(one.public_id)}),
    ):
        say(hubs, own, kind, **fields)
    say(hubs, theirs, "match.seek")
    for _ in range(2):
        step(hubs)
    heard_all = seen_by(heard, one.name, other.name)
    for each in (theirs, own):
        say(hubs, each, "match.cancel")
        hubs.run(_gone(each))
    room.messages.all().delete()
    Room.objects.filter(pk=room.pk).update(head=0)
    for hub in hubs.hubs:
        hub.parts.registry.forget()
    return heard_all


async def _gone(connection: Any) -> None:
    connection.gone()


def test_a_block_looks_like_leaving_to_the_other(hubs: Hubs, make_member: MakeUser, room: Room) -> None:
    def block(connection: Any, other: User, _talk: str) -> None:
        hubs.say(connection, "person.block", user=str(other.public_id))

    def leave(connection: Any, _other: User, talk: str) -> None:
        hubs.say(connection, "match.leave", room=talk)

    blocked = world(hubs, make_member, room, block)
    left = world(hubs, make_member, room, leave)
    assert blocked == left
    why = "partner_left" if hubs.layer.direct else "ended"  # without hints, nobody knows why
    assert any(f'"reason": "{why}"' in frame for frame in blocked)
    assert "block" not in "".join(frame for frame in blocked if '"person.' not in frame)


def test_who_wait_and_block_are_not_matched_and_both_wait_on(hubs: Hubs, make_member: MakeUser) -> None:
    one, other, third = (make_member() for _ in range(3))
    (theirs, _), (own, heard) = hubs.connect(0, one), hubs.connect(1, other)
    say(hubs, theirs, "person.block", user=str(other.public_id))
    for each in (own, theirs):
        say(hubs, each, "match.seek")
    step(hubs)
    assert "match.made" not in heard.types()
    say(hubs, theirs, "person.unblock", user=str(other.public_id))
    say(hubs, own, "person.block", user=str(one.public_id))
    step(hubs)
    assert "match.made" not in heard.types()
    (late, _) = hubs.connect(0, third)
    say(hubs, late, "match.seek")
    step(hubs)
    assert Pairing.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_match_under_way_is_ended_by_the_block(
    make_member: MakeUser, operator: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The match was decided before the block was there, and is committed after it."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    one, other = make_member(), make_member()
    for each in (one, other):
        matching.seek(person=Person.of(each))
    decided, blocked, make = threading.Event(), threading.Event(), queue._match

    def match(*args: Any) -> Any:
        decided.set()
        assert blocked.wait(10)
        return make(*args)

    def pair() -> None:
        try:
            matching.pair(one.pk)
        finally:
            connection.close()

    def block() -> None:
        try:
            ended.extend(people.block(actor=Person.of(other), other=one.public_id))
        finally:
            connection.close()

    monkeypatch.setattr(queue, "_match", match)
    ended: list[people.Ended] = []
    threads = [threading.Thread(target=pair), threading.Thread(target=block)]
    threads[0].start()
    assert decided.wait(10)
    threads[1].start()
    while not Block.objects.exists():
        assert threads[1].is_alive()
    threads[1].join(0.2)  # it would have ended nothing by now, if it did not wait for the match
    blocked.set()
    for thread in threads:
        thread.join()
    assert [set(each.people) for each in ended] == [{one.pk, other.pk}]
    assert Pairing.objects.filter(ended_at__isnull=False).count() == Pairing.objects.count() == 1
    assert people.block(actor=Person.of(other), other=one.public_id) == []
