"""Closed talk: matched by the service, shut to everybody else, gone the moment the gate shuts."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from chat.models import Message, Participant, Room, User
from compliance import gate
from compliance.law import ITEM
from compliance.models import Authorisation, LedgerEntry
from compliance.records import ledger
from compliance.testing import NOTIFIED, evidence_for, sign_all
from tests.compliance.cases import POWERS
from tests.conftest import MakeUser, Serve, signed_in
from tests.kit.client import Peer
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def verified(make_user: MakeUser, transactional_db: None) -> list[User]:
    """Three members with a confirmed address."""
    people = [make_user(name) for name in ("あ", "い", "う")]
    for person in people:
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    return people


@pytest.fixture
def open_server(serve: Serve, operator: User) -> Server:
    """A server with both keys turned."""
    sign_all(operator)
    return serve(**NOTIFIED)


def matched(first: Peer, second: Peer) -> str:
    """Have two people seek and be matched; return the room."""
    assert first.ask("match.seek")["type"] == "match.waiting"
    assert second.ask("match.seek")["type"] == "match.waiting"
    made = first.expect("match.made")
    assert second.expect("match.made")["room"] == made["room"]
    return str(made["room"])


def test_two_strangers_talk_and_nobody_else_hears(open_server: Server, verified: list[User]) -> None:
    clients = [signed_in(person) for person in verified]
    with Peer(open_server, clients[0]) as a, Peer(open_server, clients[1]) as b, Peer(open_server, clients[2]) as c:
        assert a.welcome["features"]["room.match_pair"]["allowed"] is True
        room = matched(a, b)
        assert a.join(room)["kind"] == "closed"
        assert b.join(room)["kind"] == "closed"
        assert a.post(room, "ここだけの話")["seq"] == 1
        assert b.expect("messages")["items"][0]["body"] == "ここだけの話"
        for frame in (
            c.join(room),
            c.post(room, "聞こえる？"),
            c.ask("room.sync", room=room, after=0),
            c.ask("room.history", room=room, before=9),
            c.ask("message.edit", room=room, seq=1, body="x"),
            c.ask("match.leave", room=room),
        ):
            assert (frame["type"], frame["code"]) == ("refused", "missing")
        assert "ここだけの話" not in str(c.heard)
    row = Message.objects.get()
    assert row.body is None
    assert row.sealed is not None
    assert "ここだけの話".encode() not in bytes(row.sealed)
    assert Room.objects.get(kind="closed").authorisation == Authorisation.objects.get()


def test_how_far_somebody_has_read_is_kept_for_those_inside_joined_or_not(
    open_server: Server, verified: list[User]
) -> None:
    clients = [signed_in(person) for person in verified]
    with Peer(open_server, clients[0]) as a, Peer(open_server, clients[1]) as b, Peer(open_server, clients[2]) as c:
        room = matched(a, b)
        a.join(room)
        a.post(room, "読んだ？")
        b.say("room.seen", room=room, seq=1)
        assert b.ask("room.history", room=room, before=9)["type"] == "messages"  # behind it in the queue
        frame = c.ask("room.seen", room=room, seq=1)
        assert (frame["type"], frame["code"]) == ("refused", "missing")
    seen = dict(Participant.objects.values_list("user_id", "seen"))
    assert seen == {verified[0].pk: 0, verified[1].pk: 1}


def test_leaving_ends_the_talk_for_both(open_server: Server, verified: list[User]) -> None:
    clients = [signed_in(person) for person in verified]
    with Peer(open_server, clients[0]) as a, Peer(open_server, clients[1]) as b:
        room = matched(a, b)
        a.join(room)
        b.join(room)
        assert a.ask("match.leave", room=room)["reason"] == "left"
        assert b.expect("match.left", room=room)["reason"] == "partner_left"
        assert b.post(room, "まだいる？")["code"] in ("missing", "conflict")


def test_the_emergency_stop_puts_everybody_out_within_a_second(
    open_server: Server, verified: list[User], operator: User
) -> None:
    clients = [signed_in(person) for person in verified]
    with Peer(open_server, clients[0]) as a, Peer(open_server, clients[1]) as b:
        room = matched(a, b)
        a.join(room)
        b.join(room)
        gate.pull_stop(reason="点検のため", actor=operator)
        for peer in (a, b):
            changed = peer.expect("gate.changed", seconds=1.0)
            assert changed["features"]["room.match_pair"]["allowed"] is False
            assert "点検のため" in changed["features"]["room.match_pair"]["reason"]
            assert peer.expect("match.left", room=room)["reason"] == "gate"
        assert a.post(room, "もしもし")["code"] == "gate"
        assert b.join(room)["code"] == "gate"
    assert not Message.objects.exists()
    assert ledger.verify() is None
    events = list(LedgerEntry.objects.exclude(event__in=POWERS).values_list("event", flat=True))
    assert events.index("gate.opened") < events.index("stop.pulled") < events.index("gate.closed")


def test_guests_and_unconfirmed_addresses_are_told_what_is_missing(
    open_server: Server, make_user: MakeUser, client: Client
) -> None:
    client.post("/guest/", {"nickname": "旅人"})
    with Peer(open_server, client) as guest, Peer(open_server, signed_in(make_user())) as member:
        assert guest.ask("match.seek")["code"] == "auth"
        assert member.ask("match.seek")["code"] == "forbidden"


def test_matching_that_is_not_offered_is_not_there(serve: Serve, operator: User, verified: list[User]) -> None:
    sign_all(operator)
    server = serve(**NOTIFIED | {"CLOSED_FEATURES": "invite"})
    with Peer(server, signed_in(verified[0])) as peer:
        features = peer.welcome["features"]
        assert (features["room.match_pair"]["allowed"], features["room.match_pair"]["offered"]) == (False, False)
        assert (features["room.invite_only"]["allowed"], features["room.invite_only"]["offered"]) == (True, True)
        refused = peer.ask("match.seek")
        assert (refused["type"], refused["code"]) == ("refused", "missing")


def test_talks_of_one_feature_go_on_while_another_one_shuts(
    open_server: Server, operator: User, verified: list[User]
) -> None:
    with Peer(open_server, signed_in(verified[0])) as a, Peer(open_server, signed_in(verified[1])) as b:
        room = matched(a, b)
        for peer in (a, b):
            peer.join(room)
        filed = {"room.match_pair": True, "room.invite_only": False, "dm.text": False, "room.recruit": False}
        gate.sign(item=ITEM["LAW-05"], evidence=evidence_for(ITEM["LAW-05"]) | filed, actor=operator)
        features = a.expect("gate.changed")["features"]
        assert [name for name in filed if features[name]["allowed"]] == ["room.match_pair"]
        a.post(room, "まだ続く")
        assert b.expect("messages")["items"][0]["body"] == "まだ続く"
        period = Authorisation.objects.get(closed_at__isnull=True)
        assert period.continues_id == Room.objects.get(pk=room).authorisation_id
