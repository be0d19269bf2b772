"""The frames are what the protocol's table says: nothing else is understood, and nothing that arrives raises."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from chat import wire
from chat.wire import Close, Code, Refused
from tests.chat.frames import ODD, RIGHT, TABLE, WRONG, anything, frame, near_frames, right_frames

FRAMES = get_args(wire.ClientFrame)
TAGS = {frame.__struct_config__.tag: frame for frame in FRAMES}


def refusal(text: str | bytes) -> Refused:
    """Why a text is no frame."""
    with pytest.raises(Refused) as refused:
        wire.decode(text)
    assert refused.value.reason
    return refused.value


# The table ------------------------------------------------------------------------------------------------------------


def test_the_frames_are_those_of_the_contract() -> None:
    assert set(TAGS) == set(TABLE)
    assert set(wire.type_names.values()) == set(FRAMES)
    for tag, (must, may) in TABLE.items():
        info = msgspec.inspect.type_info(TAGS[tag])
        assert isinstance(info, msgspec.inspect.StructType)
        assert {field.name for field in info.fields if field.required} == must, tag
        assert {field.name for field in info.fields if not field.required} == may, tag
        assert info.forbid_unknown_fields


@pytest.mark.parametrize("tag", TABLE)
def test_every_right_value_is_understood(tag: str) -> None:
    must, may = TABLE[tag]
    for name in must | may:
        for value in RIGHT[name]:
            decoded = wire.decode(json.dumps(frame(tag, **{name: value})))
            assert type(decoded) is TAGS[tag]
            expected = UUID(value) if name == "client_id" else value
            assert getattr(decoded, name) == expected


@pytest.mark.parametrize("tag", TABLE)
def test_every_wrong_value_is_refused_and_the_refusal_names_its_request(tag: str) -> None:
    must, may = TABLE[tag]
    for name in must | may:
        for value in WRONG[name]:
            if tag == "message.delete" and name == "body" and (value is None or isinstance(value, str)):
                continue  # whatever a deletion's body says, it is not read
            text = json.dumps({"ref": "r1"} | frame(tag, **{name: value}) if name != "ref" else frame(tag, ref=value))
            refused = refusal(text)
            too_long = name == "body" and isinstance(value, str)
            assert refused.code == ("size" if too_long else "protocol"), (tag, name, value)
            expected = value[:64] if name == "ref" and isinstance(value, str) else None if name == "ref" else "r1"
            assert wire.ref_of(text) == expected


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
    ref = wire.ref_of(text)
    assert ref is None or len(ref) <= 64
    assert wire.is_too_large(text) in (True, False)


def test_of_a_field_given_twice_the_last_one_counts() -> None:
    decoded = wire.decode('{"type":"ping","ref":"a","ref":"b"}')
    assert decoded == wire.Ping(ref="b")
    assert wire.ref_of('{"type":"nope","ref":"a","ref":"b"}') == "b"
    assert refusal('{"type":"ping","type":"nope"}').code == "protocol"


def test_escapes_and_characters_are_the_same_text() -> None:
    plain = wire.decode('{"type":"ping","ref":"あ😀"}')
    assert wire.decode('{"type":"ping","ref":"\\u3042\\ud83d\\ude00"}') == plain
    assert wire.decode('{"type":"ping","ref":"あ😀"}'.encode()) == plain
    assert wire.decode('{"\\u0074ype":"ping","ref":"あ😀"}') == plain


# Anything -------------------------------------------------------------------------------------------------------------


@given_settings(max_examples=300)
@given(st.one_of(near_frames.map(json.dumps), anything.map(json.dumps), st.text(), st.binary()))
def test_whatever_arrives_is_a_frame_or_a_refusal(text: str | bytes) -> None:
    with suppress(Refused):
        decoded = wire.decode(text)
        assert isinstance(decoded, FRAMES)
        # What was understood says the same when it is written down again.
        assert wire.decode(msgspec.json.encode(decoded)) == decoded
    ref = wire.ref_of(text)
    assert ref is None or len(ref) <= 64
    assert wire.is_too_large(text) in (True, False)


@given(right_frames)
def test_every_frame_of_the_contract_is_understood(fields: dict[str, Any]) -> None:
    decoded = wire.decode(json.dumps(fields))
    assert type(decoded) is TAGS[fields["type"]]
    assert wire.decode(json.dumps(fields, ensure_ascii=False)) == decoded


# Sizes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["a", "あ", "😀"])
def test_a_frame_is_measured_in_bytes_as_text_and_as_bytes(letter: str) -> None:
    fits = wire.FRAME_BYTES // len(letter.encode())
    for text, too_large in ((letter * fits, False), (letter * (fits + 1), True)):
        assert wire.is_too_large(text) is too_large
        assert wire.is_too_large(text.encode()) is too_large


def test_the_longest_message_of_the_widest_letters_fits_into_a_frame() -> None:
    text = json.dumps(frame("message.post", body="😀" * 2000), ensure_ascii=False)
    assert not wire.is_too_large(text)
    assert isinstance(wire.decode(text), wire.MessagePost)


# What the server says -------------------------------------------------------------------------------------------------


def test_codes_are_those_of_the_contract() -> None:
    assert {close.value for close in Close} == {4400, 4401, 4403, 4408, 4429, 4451, 4503, 4504}
    expected = {"protocol", "auth", "gate", "forbidden", "missing", "rate", "size", "conflict", "unavailable"}
    assert {code.value for code in Code} == expected


def test_each_request_has_its_answer() -> None:
    assert set(wire.ANSWERS) == set(FRAMES)
    silent = {frame for frame, answer in wire.ANSWERS.items() if answer is None}
    assert silent == {wire.RoomSeen, wire.Typing}
    assert {answer for answer in wire.ANSWERS.values() if answer} < set(get_args(wire.ServerFrame))


def test_server_frames_are_told_apart_by_names_of_their_own() -> None:
    tags = [frame.__struct_config__.tag for frame in get_args(wire.ServerFrame)]
    assert len(set(tags)) == len(tags)
    assert {"welcome", "room.joined", "messages", "message.accepted", "refused", "presence", "closing"} < set(tags)


def test_what_is_none_is_left_out() -> None:
    assert json.loads(wire.encode("refused", code=Code.GATE, reason="x", ref=None, rule="K-3")) == {
        "type": "refused",
        "code": "gate",
        "reason": "x",
        "rule": "K-3",
    }


def test_an_item_carries_what_it_has() -> None:
    item = wire.Item(1, UUID(int=1), "message", wire.Author(None, "旅人"), "", "2026-11-22T00:00:00.000Z")
    assert json.loads(wire.encode_bytes(item)) == {
        "seq": 1,
        "id": "00000000-0000-0000-0000-000000000001",
        "kind": "message",
        "author": {"id": None, "name": "旅人"},
        "body": "",
        "at": "2026-11-22T00:00:00.000Z",
    }


@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1), timezones=st.just(UTC)), st.integers(-14, 14))  # noqa: DTZ001
def test_times_are_utc_with_milliseconds_and_sort_as_text(at: datetime, hours: int) -> None:
    text = wire.timestamp(at.astimezone(timezone(timedelta(hours=hours))))
    assert text == wire.timestamp(at)
    assert text.endswith("Z")
    assert len(text) == 24
    assert abs(datetime.fromisoformat(text) - at) < timedelta(milliseconds=1)
    assert wire.timestamp(at + timedelta(milliseconds=1)) > text
