"""The frames are what the protocol's table says: nothing else is understood, and nothing that arrives raises."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from chat import wire
from chat.wire import Close, Code, Refused

FRAMES = get_args(wire.ClientFrame)
TAGS = {frame.__struct_config__.tag: frame for frame in FRAMES}
TABLE = {
    "room.join": ({"ref", "room"}, {"after"}),
    "room.leave": ({"ref", "room"}, set()),
    "room.sync": ({"ref", "room", "after"}, {"limit"}),
    "room.history": ({"ref", "room", "before"}, {"limit"}),
    "message.post": ({"ref", "room", "client_id", "body"}, {"reply_to"}),
    "message.edit": ({"ref", "room", "seq", "body"}, set()),
    "message.delete": ({"ref", "room", "seq"}, {"body"}),
    "room.seen": ({"room", "seq"}, {"ref"}),
    "typing": ({"room"}, {"ref"}),
    "match.seek": ({"ref"}, {"topic", "language"}),
    "match.cancel": ({"ref"}, set()),
    "match.leave": ({"ref", "room"}, set()),
    "ping": (set(), {"ref"}),
}
"""For each frame of the contract the fields that it must have, and those that it may have."""
RIGHT: dict[str, list[Any]] = {
    "ref": ["r1", "", "あ" * 64, "\0", "😀"],
    "room": ["chat", "a", "x" * 64, str(uuid4())],
    "after": [0, 1, 2**53 - 1],
    "before": [0, 1, 2**53 - 1],
    "seq": [0, 1, 2**53 - 1],
    "reply_to": [0, 1, 2**53 - 1, None],
    "limit": [1, 200, None],
    "client_id": [str(uuid4()), uuid4().hex, str(uuid4()).upper()],
    "body": ["a", "あ" * 2000, "😀" * 2000, "\n", "<b>", "\u202e"],
    "topic": ["", "night", "夜" * 40, None],
    "language": ["", "ja", "zh-Hant", None],
}
WRONG: dict[str, list[Any]] = {
    "ref": ["x" * 65, 1, True, [], {}],
    "room": ["", "x" * 65, 1, None, ["chat"], {"id": "chat"}],
    "after": [-1, 2**53, 2**63, 10**30, 1.5, 1.0, "1", True, []],
    "before": [-1, 2**53, 1.0, "1", None],
    "seq": [-1, 2**53, 1.0, "1", None, False],
    "reply_to": [-1, 2**53, 1.0, "1"],
    "limit": [0, 201, -1, 1.0, "1", 10**30],
    "client_id": ["", "x", 1, None, "{}", "0" * 31, "g" * 32],
    "body": ["", "あ" * 2001, 1, None, [], {"text": "a"}],
    "topic": ["x" * 41, 1, [], "a\0b", "\x1b", "\n"],
    "language": ["x" * 9, 1, "\0"],
}


def frame(tag: str, **fields: Any) -> dict[str, Any]:
    """A right frame with all that it must have, and changes."""
    return {"type": tag} | {name: RIGHT[name][0] for name in TABLE[tag][0]} | fields


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


ODD = [
    "",
    " ",
    "{",
    "}",
    "[]",
    "[1]",
    "null",
    "true",
    "0",
    "-1e999",
    '"ping"',
    "{}",
    "{'type':'ping'}",
    '{"type":"ping",}',
    '{"type":"ping"}{}',
    '{"type":"ping"} x',
    '{"type":NaN}',
    '{"type":"ping","ref":"\\ud800"}',
    '{"type":"ping","ref":"\\udc00\\ud800"}',
    '{"type":"ping","ref":"\\x41"}',
    '{"type":"ping","ref":"a\nb"}',
    '{"type":"ping","ref":"\t"}',
    '\ufeff{"type":"ping"}',
    '{"type":"ping","ref":' + "[" * 3000,
    '{"type":"ping","ref":' + "[" * 3000 + "]" * 3000 + "}",
    '{"a":' * 3000 + "1" + "}" * 3000,
    "[" * 16_000,
    '{"type":"room.join","ref":"a","room":"x","after":1e3}',
    '{"type":"room.join","ref":"a","room":"x","after":Infinity}',
    '{"type":"room.join","ref":"a","room":"x","after":' + "9" * 5000 + "}",
    '{"type":"room.join","ref":"a","room":"x","after":00}',
    "\0",
    "\x00" * 100,
    "// comment",
    b"\xff\xfe",
    b'{"type":"ping","ref":"\xff"}',
    b'{"type":"ping","ref":"\xed\xa0\x80"}',
    b'{"type":"ping","ref":"\xc0\x80"}',
    b'{"type":"ping","ref":"\xf8\x88\x80\x80\x80"}',
    '{"type":"ping","ref":"\ud800"}',
]
"""Texts that look like frames, and do not."""


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

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_names = st.sampled_from(sorted({"type", *RIGHT}))
_values = _json | st.sampled_from([value for values in (*RIGHT.values(), *WRONG.values()) for value in values])
near_frames = st.builds(
    lambda tag, fields: {"type": tag, **fields},
    st.sampled_from(sorted(TABLE)) | _json,
    st.dictionaries(_names, _values),
)
right_frames = st.sampled_from(sorted(TABLE)).flatmap(
    lambda tag: st.fixed_dictionaries(
        {"type": st.just(tag)} | {name: st.sampled_from(RIGHT[name]) for name in TABLE[tag][0]},
        optional={name: st.sampled_from(RIGHT[name]) for name in TABLE[tag][1]},
    )
)


@given_settings(max_examples=300)
@given(st.one_of(near_frames.map(json.dumps), _json.map(json.dumps), st.text(), st.binary()))
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
    item = wire.Item(1, "id", "message", wire.Author(None, "旅人"), "", "2026-11-22T00:00:00.000Z")
    assert json.loads(wire.encode_bytes(item)) == {
        "seq": 1,
        "id": "id",
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
