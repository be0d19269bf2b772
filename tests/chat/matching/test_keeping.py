"""What somebody does is the same on every page of theirs, in every process, whether hints pass or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import composition, people, personal_data
from chat.matching import keeping
from chat.matching.keeping import Keeper
from chat.models import Ticket, User
from chat.people import Person
from chat.realtime import IDLE, Connection
from compliance.law import Mode, Status
from tests.compliance.cases import standing
from tests.conftest import MakeUser
from tests.kit.harness import Hubs
from tests.kit.transport import FakeTransport

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["hints pass", "hints are lost"])
def hubs(request: pytest.FixtureRequest, operator: User, settings: Settings) -> Iterator[Hubs]:
    """Two processes with closed chat on."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    settings.CHAT_RATE_LIMITS = False
    with Hubs(2) as made:
        made.layer.direct = request.param == "hints pass"
        yield made


def keep(hubs: Hubs) -> None:
    """Have each process do what it does every second."""
    for hub in hubs.hubs:
        hubs.run(keeping.keep(hub.parts))
        hubs.settle()


def settle(hubs: Hubs) -> None:
    """Return when every page knows what there is to know; without hints, with the next step."""
    hubs.settle()
    if not hubs.layer.direct:
        keep(hubs)


def matching_frames(transport: FakeTransport) -> list[str]:
    return [kind for kind in transport.types() if kind.startswith("match.")]


def post(hubs: Hubs, hub: int, user: User, kind: str) -> list[str]:
    """Say a frame over a connection that lasts for one request, as over HTTP; return the types of the answers."""

    async def do() -> list[str]:
        transport, parts = FakeTransport(), hubs.hubs[hub].parts
        parts.options = composition.options()
        connection = Connection(parts, transport, person=Person.of(user), login=None, language="ja", address="")
        connection.feed(json.dumps({"type": kind, "ref": kind}))
        assert connection.worker is not None
        await connection.worker
        await asyncio.sleep(0)
        connection.gone()
        return transport.types()

    return hubs.run(do())


def leave(hubs: Hubs, connection: Connection) -> None:
    """Have a connection go."""

    async def do() -> None:
        connection.gone()

    hubs.run(do())
    hubs.settle()


def test_every_page_hears_that_somebody_waits_and_that_they_stopped(hubs: Hubs, make_member: MakeUser) -> None:
    person = make_member()
    (here, heard_here), (there, heard_there) = hubs.connect(0, person), hubs.connect(1, person)
    hubs.say(here, "match.seek", topic="night")
    settle(hubs)
    since = Ticket.objects.get().since
    for heard in (heard_here, heard_there):
        [frame] = [frame for frame in heard.frames if frame["type"] == "match.waiting"]
        assert datetime.fromisoformat(frame["since"]) == since <= datetime.fromisoformat(frame["now"])
    hubs.say(there, "match.cancel")
    settle(hubs)
    keep(hubs)
    assert matching_frames(heard_here) == matching_frames(heard_there) == ["match.waiting", "match.cancelled"]


def test_somebody_who_joins_their_talk_has_come_before_the_next_step(hubs: Hubs, make_member: MakeUser) -> None:
    one, other = make_member("い"), make_member("ろ")
    (here, heard), (theirs, _heard) = hubs.connect(0, one), hubs.connect(1, other)
    hubs.say(here, "match.seek")
    hubs.settle()
    hubs.say(theirs, "match.seek")
    settle(hubs)
    [made] = [frame for frame in heard.frames if frame["type"] == "match.made"]
    hubs.say(here, "room.join", room=made["room"])
    hubs.settle()
    assert set(Ticket.objects.filter(entered_at__isnull=False).values_list("user_id", flat=True)) == {one.pk}


def test_every_page_hears_of_the_match_once_and_of_its_end(hubs: Hubs, make_member: MakeUser) -> None:
    one, other = make_member("い"), make_member("ろ")
    (here, heard_here), (_there, heard_there) = hubs.connect(0, one), hubs.connect(1, one)
    theirs, heard_theirs = hubs.connect(1, other)
    hubs.say(here, "match.seek")
    hubs.settle()
    hubs.say(theirs, "match.seek")
    settle(hubs)
    keep(hubs)
    made = [frame for frame in heard_there.frames if frame["type"] == "match.made"]
    assert [frame["partner"]["name"] for frame in made] == ["ろ"]
    assert matching_frames(heard_here).count("match.made") == matching_frames(heard_theirs).count("match.made") == 1
    hubs.say(theirs, "match.leave", room=made[0]["room"])
    settle(hubs)
    keep(hubs)
    for heard in (heard_here, heard_there):
        assert matching_frames(heard).count("match.left") == 1
        assert matching_frames(heard)[-1] == "match.waiting"  # the other never came: they wait where they stood


def test_who_asks_at_one_process_and_listens_at_another_keeps_their_place(hubs: Hubs, make_member: MakeUser) -> None:
    person, other = make_member(), make_member()
    _stream, heard = hubs.connect(1, person)
    assert post(hubs, 0, person, "match.seek") == ["match.waiting"]
    since = Ticket.objects.get().since
    for _ in range(3):
        Ticket.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=20))
        keep(hubs)
    assert Ticket.objects.get().since == since
    theirs, _ = hubs.connect(0, other)
    hubs.say(theirs, "match.seek")
    settle(hubs)
    assert matching_frames(heard)[-1] == "match.made"


def test_who_changes_process_keeps_their_place(hubs: Hubs, make_member: MakeUser) -> None:
    person, other = make_member(), make_member()
    here, _ = hubs.connect(0, person)
    hubs.say(here, "match.seek")
    hubs.settle()
    keep(hubs)
    since = Ticket.objects.get().since
    leave(hubs, here)
    theirs, heard_theirs = hubs.connect(0, other)
    hubs.say(theirs, "match.seek")
    hubs.settle()
    keep(hubs)
    assert "match.made" not in matching_frames(heard_theirs)  # nobody is there for them
    again, heard = hubs.connect(1, person)

    async def welcome() -> None:
        again.welcome(await hubs.hubs[1].backend.activity_of(again.person), [])

    hubs.run(welcome())
    hubs.settle()
    assert datetime.fromisoformat(heard.frames[0]["waiting"]["since"]) == since
    keep(hubs)
    keep(hubs)
    assert matching_frames(heard) == matching_frames(heard_theirs)[1:] == ["match.made"]


def test_who_cancels_or_seeks_after_the_match_is_led_to_the_talk(hubs: Hubs, make_member: MakeUser) -> None:
    one, other = make_member("い"), make_member("ろ")
    (here, heard), (theirs, _) = hubs.connect(0, one), hubs.connect(0, other)
    for each in (here, theirs):
        hubs.say(each, "match.seek")
        hubs.settle()
    late, answers = hubs.connect(1, one)
    for kind in ("match.cancel", "match.seek"):
        hubs.say(late, kind)
        hubs.settle()
    keep(hubs)
    rooms = {frame["room"] for frame in heard.frames if frame["type"] == "match.made"}
    assert [(f["type"], f["ref"], f["room"]) for f in answers.frames if "ref" in f] == [
        ("match.made", kind, rooms.copy().pop()) for kind in ("match.cancel", "match.seek")
    ]
    assert "match.cancelled" not in answers.types()


def test_who_was_erased_is_missed_on_the_page_of_the_other(hubs: Hubs, make_member: MakeUser) -> None:
    one, other = make_member("い"), make_member("ろ")
    (here, heard), (theirs, _) = hubs.connect(0, one), hubs.connect(1, other)
    for each in (here, theirs):
        hubs.say(each, "match.seek")
        hubs.settle()
    settle(hubs)
    [room] = [frame["room"] for frame in heard.frames if frame["type"] == "match.made"]
    for each in (here, theirs):
        hubs.say(each, "room.join", room=room)
    hubs.settle()
    keep(hubs)
    assert Ticket.objects.filter(entered_at__isnull=False).count() == 2
    personal_data.erase([other])
    for _ in range(keeping.STEPS_TO_ALL):
        keep(hubs)
    assert [(f["type"], f.get("reason")) for f in heard.frames if f["type"].startswith("match.")][-2:] == [
        ("match.left", "partner_gone"),
        ("match.waiting", None),
    ]


def test_a_guest_and_a_stranger_do_nothing(hubs: Hubs) -> None:
    activity_of: Any = hubs.hubs[0].backend.activity_of
    guest = Person.of(people.enter_as_guest(nickname="旅人"))
    assert hubs.run(activity_of(None)) == hubs.run(activity_of(guest)) == IDLE


def test_a_process_judges_nobody_before_it_has_seen_everybody_for_the_whole_time() -> None:
    keeper, noon = Keeper(), datetime(2026, 11, 30, 12, tzinfo=UTC)

    def step(second: float, time_of_day: float | None = None) -> float:
        keeper.note_step(second, noon + timedelta(seconds=second if time_of_day is None else time_of_day))
        return keeper.steady

    assert [step(second) for second in range(5)] == [0, 1, 2, 3, 4]
    assert step(60) == 0, "it stood still"
    assert step(61) == 1
    assert step(62, 600) == 0, "the machine slept"
    assert step(63, 601) == 1
    keeper.note_miss()
    assert keeper.steady == 0
    assert step(64, 602) == 0
