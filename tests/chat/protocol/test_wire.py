"""The frames are what the protocol's table says: nothing else is understood, and nothing that arrives raises."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from chat import composition
from chat.protocol import (
    FRAME_BYTES,
    Author,
    Close,
    Code,
    Item,
    Malformed,
    Refused,
    Reply,
    Request,
    decode,
    encode,
    is_too_large,
    ref_of,
    replies,
    requests,
    tag_of,
    timestamp,
)
from chat.realtime import Way, all_routes, handles, unhandled
from chat.realtime.dispatch import OF_THE_ROOM, routes
from compliance.law import Feature
from tests.kit.frames import ODD, RIGHT, TABLE, WRONG, anything, frame, near_frames, of_type, right_frames
from tests.serving import ROOT

FRAMES = tuple(Request.__subclasses__())
TAGS = {tag_of(frame): frame for frame in FRAMES}


def refusal(text: str | bytes) -> Refused:
    """Why a text is no frame."""
    with pytest.raises(Refused) as refused:
        decode(text)
    assert refused.value.reason
    return refused.value


# The table ------------------------------------------------------------------------------------------------------------


def test_the_frames_are_those_of_the_written_contract() -> None:
    schemas = json.loads((ROOT / "docs/asyncapi.json").read_text())["components"]["schemas"]
    assert set(TAGS) == set(TABLE)
    for tag, struct in TAGS.items():
        must, may = TABLE[tag]
        written = schemas[struct.__name__]
        assert set(written["required"]) - {"type"} == must, tag
        assert set(written["properties"]) - {"type"} == must | may, tag
        assert written["additionalProperties"] is False
        assert must | may == set(RIGHT[tag]) == set(WRONG[tag])
        assert struct.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("tag", TABLE)
def test_every_right_value_is_understood(tag: str) -> None:
    must, may = TABLE[tag]
    for name in must | may:
        for value in RIGHT[tag][name]:
            decoded = decode(json.dumps(frame(tag, **{name: value})))
            assert type(decoded) is TAGS[tag]
            found = getattr(decoded, name)
            assert found == (UUID(value) if isinstance(found, UUID) else value)


@pytest.mark.parametrize("tag", TABLE)
def test_every_wrong_value_is_refused_and_the_refusal_names_its_request(tag: str) -> None:
    must, may = TABLE[tag]
    for name in must | may:
        for value in WRONG[tag][name]:
            text = json.dumps({"ref": "r1"} | frame(tag, **{name: value}) if name != "ref" else frame(tag, ref=value))
            refused = refusal(text)
            is_word = name in ("topic", "language", "note") and isinstance(value, str)
            assert refused.code == ("size" if is_word and value.isprintable() else "protocol"), (tag, name, value)
            assert isinstance(refused, Malformed) is not is_word
            expected = value[:64] if name == "ref" and isinstance(value, str) else None if name == "ref" else "r1"
            assert ref_of(text) == expected


@pytest.mark.parametrize(
    "kind",
    [
        *(str, requests.Ref, requests.RoomKey, requests.Topic, requests.Topic | None, str | None),
        *(int, requests.Seq, requests.Limit | None, Annotated[int, msgspec.Meta(gt=3, lt=5)]),
        *(bool, bool | None, UUID, Literal["up", "down"], Annotated[str, msgspec.Meta(min_length=3, max_length=3)]),
    ],
    ids=str,
)
def test_samples_of_a_type_are_right_and_wrong(kind: Any) -> None:
    right, wrong = of_type(msgspec.inspect.type_info(kind))
    assert right
    assert wrong
    decoder = msgspec.json.Decoder(kind)
    for value in right:
        decoder.decode(json.dumps(value))
    for value in wrong:
        with pytest.raises(msgspec.ValidationError):
            decoder.decode(json.dumps(value))


@pytest.mark.parametrize("tag", TABLE)
def test_a_field_too_few_or_too_many_is_refused(tag: str) -> None:
    for name in TABLE[tag][0]:
        few = frame(tag)
        del few[name]
        assert refusal(json.dumps(few)).code == "protocol"
    for name in ("x", "feature", "Ref", "user", "__class__"):
        assert refusal(json.dumps(frame(tag, **{name: 1}))).code == "protocol"
    assert refusal(json.dumps(frame(tag) | {"type": tag.upper()})).code == "protocol"


@pytest.mark.parametrize(
    "tag", [None, 1, "", "nope", "welcome", "refused", ["ping"], {"a": 1}, "ping\0", "PING", " ping"]
)
def test_an_unknown_type_is_refused(tag: Any) -> None:
    assert refusal(json.dumps({"type": tag, "ref": "r1"})).code == "protocol"


@pytest.mark.parametrize("text", ODD, ids=lambda text: ascii(text[:24]))
def test_what_is_no_frame_is_refused_and_raises_nothing_else(text: str | bytes) -> None:
    assert refusal(text).code == "protocol"
    ref = ref_of(text)
    assert ref is None or len(ref) <= 64
    assert is_too_large(text) in (True, False)


def test_of_a_field_given_twice_the_last_one_counts() -> None:
    decoded = decode('{"type":"ping","ref":"a","ref":"b"}')
    assert decoded == requests.Ping(ref="b")
    assert ref_of('{"type":"nope","ref":"a","ref":"b"}') == "b"
    assert refusal('{"type":"ping","type":"nope"}').code == "protocol"


def test_escapes_and_characters_are_the_same_text() -> None:
    plain = decode('{"type":"ping","ref":"あ😀"}')
    assert decode('{"type":"ping","ref":"\\u3042\\ud83d\\ude00"}') == plain
    assert decode('{"type":"ping","ref":"あ😀"}'.encode()) == plain
    assert decode('{"\\u0074ype":"ping","ref":"あ😀"}') == plain


# Anything -------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@given_settings(max_examples=300)
@given(st.one_of(near_frames.map(json.dumps), anything.map(json.dumps), st.text(), st.binary()))
def test_whatever_arrives_is_a_frame_or_a_refusal(text: str | bytes) -> None:
    with suppress(Refused):
        decoded = decode(text)
        assert isinstance(decoded, FRAMES)
        # What was understood says the same when it is written down again.
        assert decode(msgspec.json.encode(decoded)) == decoded
    ref = ref_of(text)
    assert ref is None or len(ref) <= 64
    assert is_too_large(text) in (True, False)


@given(right_frames)
def test_every_frame_of_the_contract_is_understood(fields: dict[str, Any]) -> None:
    decoded = decode(json.dumps(fields))
    assert type(decoded) is TAGS[fields["type"]]
    assert decode(json.dumps(fields, ensure_ascii=False)) == decoded


# Sizes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["a", "あ", "😀"])
def test_a_frame_is_measured_in_bytes_as_text_and_as_bytes(letter: str) -> None:
    fits = FRAME_BYTES // len(letter.encode())
    for text, too_large in ((letter * fits, False), (letter * (fits + 1), True)):
        assert is_too_large(text) is too_large
        assert is_too_large(text.encode()) is too_large


def test_the_longest_message_of_the_widest_letters_fits_into_a_frame() -> None:
    text = json.dumps(frame("message.post", body="😀" * 2000), ensure_ascii=False)
    assert not is_too_large(text)
    assert isinstance(decode(text), requests.MessagePost)


# What the server says -------------------------------------------------------------------------------------------------


def test_codes_are_those_of_the_contract() -> None:
    assert {close.value for close in Close} == {4400, 4401, 4403, 4408, 4429, 4451, 4503, 4504}
    expected = {"protocol", "auth", "gate", "forbidden", "missing", "rate", "size", "conflict", "unavailable"}
    assert {code.value for code in Code} == expected


def test_each_request_has_a_handler_and_its_answer() -> None:
    assert unhandled() == set()
    assert [route.request for route in all_routes()] == list(FRAMES)
    silent = {route.request for route in all_routes() if route.answer is None}
    nameless = {request for request in FRAMES if "ref" not in TABLE[tag_of(request)][0]}
    assert silent == nameless - {requests.Ping}  # whoever waits for an answer gives it a name
    assert silent >= {requests.RoomSeen, requests.Typing}
    assert {route.answer for route in all_routes() if route.answer} < set(Reply.__subclasses__())


class OfARoom(msgspec.Struct, tag="test.room", tag_field="type"):
    """A request that names a room. The decoder does not know it."""

    room: str
    ref: str | None = None


class OfNoRoom(msgspec.Struct, tag="test.none", tag_field="type"):
    """A request that names none."""

    ref: str | None = None


def test_a_request_has_one_handler() -> None:
    with pytest.raises(ValueError, match="has a handler"):
        handles(requests.Ping, answer=replies.Pong, feature=Feature.SERVICE)


@pytest.mark.parametrize(
    ("request_", "says", "fault"),
    [
        (OfNoRoom, {}, "neither a feature nor a room"),
        (OfNoRoom, {"way": Way.AT_ONCE}, "neither a feature nor a room"),
        (OfNoRoom, {"asks_gate": True}, "neither a feature nor a room"),
        *((OfNoRoom, {"way": way, "feature": Feature.SERVICE}, "names no room") for way in OF_THE_ROOM),
        (OfARoom, {}, "gate nobody asks"),
        (OfARoom, {"takes_person": True, "rate": "read"}, "gate nobody asks"),
        (OfARoom, {"way": Way.AT_ONCE}, "asks no gate at once"),
        (OfARoom, {"way": Way.AT_ONCE, "asks_gate": True}, "asks no gate at once"),
        (OfNoRoom, {"way": Way.AT_ONCE, "feature": Feature.MATCH_PAIR}, "asks no gate at once"),
        (OfNoRoom, {"way": Way.AT_ONCE, "feature": Feature.SERVICE, "takes_person": True}, "no takes_person"),
        (OfNoRoom, {"feature": Feature.SERVICE, "asks_gate": True}, "asks_gate=True"),
        (OfARoom, {"feature": Feature.MATCH_PAIR, "asks_gate": True}, "asks_gate=True"),
        *((OfARoom, {"way": way, "asks_gate": True}, "asks_gate=True") for way in OF_THE_ROOM),
        *((OfARoom, {"way": way, "feature": Feature.MATCH_PAIR}, "the room's feature") for way in OF_THE_ROOM),
    ],
)
def test_a_handler_behind_no_gate_or_with_a_word_that_does_nothing_is_refused(
    request_: Any, says: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        handles(request_, answer=None, **says)
    assert request_ not in routes


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        *((OfARoom, {"way": way, "takes_person": True, "rate": "read"}) for way in OF_THE_ROOM),
        (OfARoom, {"asks_gate": True}),
        (OfARoom, {"feature": Feature.SERVICE}),
        (OfNoRoom, {"feature": Feature.MATCH_PAIR, "takes_person": True}),
        (OfNoRoom, {"way": Way.AT_ONCE, "feature": Feature.SERVICE, "rate": "read"}),
    ],
)
def test_a_handler_behind_a_gate_is_taken(request_: Any, says: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[Any, Any] = {}
    monkeypatch.setattr("chat.realtime.dispatch.routes", taken)
    assert handles(request_, answer=None, **says)(handles) is handles
    assert set(taken) == {request_}


def test_the_service_does_not_start_with_a_rate_that_has_no_numbers(settings: Any) -> None:
    composition.ready()
    settings.CHAT_RATES = {name: rate for name, rate in settings.CHAT_RATES.items() if name != "typing"}
    with pytest.raises(RuntimeError, match="CHAT_RATES has no typing"):
        composition.ready()


def test_server_frames_are_told_apart_by_names_of_their_own() -> None:
    tags = [tag_of(frame) for frame in Reply.__subclasses__()]
    assert len(set(tags)) == len(tags)
    assert {"welcome", "room.joined", "messages", "message.accepted", "refused", "presence", "closing"} < set(tags)


def test_what_is_unset_is_left_out() -> None:
    assert json.loads(encode(replies.Refusal(Code.GATE, "x", rule="K-3"))) == {
        "type": "refused",
        "code": "gate",
        "reason": "x",
        "rule": "K-3",
    }


def test_an_item_carries_what_it_has() -> None:
    item = Item(1, UUID(int=1), "message", Author(None, "旅人"), "", "2026-11-22T00:00:00.000Z")
    assert json.loads(encode(item)) == {
        "seq": 1,
        "id": "00000000-0000-0000-0000-000000000001",
        "kind": "message",
        "author": {"id": None, "name": "旅人"},
        "body": "",
        "at": "2026-11-22T00:00:00.000Z",
    }


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC)), st.integers(-14, 14))  # noqa: DTZ001
def test_times_are_utc_with_milliseconds_and_sort_as_text(at: datetime, hours: int) -> None:
    text = timestamp(at.astimezone(timezone(timedelta(hours=hours))))
    assert text == timestamp(at)
    assert text.endswith("Z")
    assert len(text) == 24
    assert abs(datetime.fromisoformat(text) - at) < timedelta(milliseconds=1)
    assert timestamp(at + timedelta(milliseconds=1)) > text
