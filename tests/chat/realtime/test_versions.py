"""Processes of two versions, side by side: each understands the other's publications, or ignores them in silence."""

from __future__ import annotations

import uuid
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from chat import rooms
from chat.protocol.replies import LeaveReason
from chat.realtime import publication
from chat.realtime.publication import VERSION, Departure, Ephemeral, Hint, Publication
from tests.conftest import MakeUser
from tests.kit.harness import Hubs

pack = msgspec.msgpack.encode
unpack = msgspec.msgpack.decode
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=9) | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
ids = st.uuids()
parts = {
    "hints": st.builds(Hint, ids, st.integers(1, 99), st.just("room.open"), st.integers(0, 9), st.none()),
    "people": st.tuples(st.lists(st.integers(1, 9), max_size=3), st.text(max_size=9)),
    "ephemerals": st.builds(Ephemeral, ids, st.integers(0, 9), st.integers(1, 9), st.binary(max_size=9)),
    "presence": st.tuples(ids, st.integers(0, 9)),
    "departures": st.builds(Departure, ids, st.lists(st.integers(1, 9)), st.sampled_from(get_args(LeaveReason))),
    "revalidate": ids,
    "moved": st.integers(1, 9),
}
publications = st.fixed_dictionaries({}, optional={name: st.lists(part, max_size=3) for name, part in parts.items()})


@given(said=publications, more=st.dictionaries(st.text(min_size=1).filter(lambda n: n not in parts), plain, max_size=3))
def test_fields_that_a_later_version_adds_are_ignored(said: dict[str, Any], more: dict[str, Any]) -> None:
    more.pop("version", None)
    assert publication.decode(pack(said | more)) == (Publication(**said), 0)


@given(said=publications, kind=st.sampled_from(sorted(parts)), foreign=plain)
def test_part_that_is_not_understood_takes_no_other_along(said: dict[str, Any], kind: str, foreign: Any) -> None:
    wire: dict[str, Any] = unpack(pack(said))
    wire[kind] = [*wire.get(kind, []), foreign, {"another": "shape"}]
    found, unknown = publication.decode(pack(wire))
    assert unknown in (1, 2)  # what was made up may be a part by chance
    for name in parts:
        known = said.get(name, [])
        assert unpack(pack(getattr(found, name)))[: len(known)] == unpack(pack(known))


@given(said=publications, version=plain.filter(lambda version: version != VERSION))
def test_publication_of_another_version_is_ignored_whole(said: dict[str, Any], version: Any) -> None:
    assert publication.decode(pack(said | {"version": version})) == (Publication(), 1)


@given(garbage=st.binary(max_size=60) | plain.map(pack) | plain)
def test_garbage_is_ignored(garbage: Any) -> None:
    found, _unknown = publication.decode(garbage)
    assert isinstance(found, Publication)


def test_publication_of_the_version_before_is_understood() -> None:
    room = uuid.uuid4()
    wire = {"hints": [[room.bytes, 3, "room.open", 0]], "presence": [[room.bytes, 2]]}
    assert publication.decode(pack(wire)) == (
        Publication(hints=[Hint(room, 3, "room.open", 0)], presence=[(room, 2)]),
        0,
    )
    assert b"version" not in publication.encode(Publication())


@pytest.mark.django_db(transaction=True)
def test_what_another_version_announces_arrives_by_the_log_and_fills_no_log_file(
    make_user: MakeUser, caplog: pytest.LogCaptureFixture
) -> None:
    room = rooms.create_open_room(actor=None, name="雑談", slug="chat")
    with Hubs(2) as hubs:
        writer, _ = hubs.connect(0, make_user())
        reader, heard = hubs.connect(1, make_user())
        for connection in (writer, reader):
            hubs.say(connection, "room.join", room="chat")
        hubs.settle()
        hubs.layer.held.clear()
        before = _unknown()
        for number, foreign in enumerate(
            (
                b"\xc1",
                pack({"version": VERSION + 1, "hints": "in another shape"}),
                pack({"hints": [[room.id.bytes, 1, "room.open", 0, [b"no JSON"]]], "departures": [[1, 2, "moon"]]}),
            )
        ):
            hubs.say(writer, "message.post", room="chat", client_id=str(uuid.uuid4()), body=f"word {number}")
            hubs.settle()
            for held in hubs.layer.held:
                held["body"] = foreign
            while hubs.layer.held:
                hubs.layer.deliver(0)
            hubs.settle()
            hubs.check_heads(1)
        items = [item["seq"] for frame in heard.frames if frame["type"] == "messages" for item in frame["items"]]
        assert items == [1, 2, 3]
        assert _unknown() > before
    assert not [record for record in caplog.records if record.name == "todoke.hub" and "hint" in record.getMessage()]


def _unknown() -> float:
    return REGISTRY.get_sample_value("todoke_hints_total", {"outcome": "unknown"}) or 0
