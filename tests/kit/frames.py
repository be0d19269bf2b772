"""Frames, right, nearly right and far from it: what the tests of the wire send."""

from __future__ import annotations

import json
import re
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st
from msgspec import inspect

from chat.realtime import all_routes

FIELDS: dict[str, dict[str, inspect.Field]] = {}
"""The fields of each request, by name, with their types."""
for _route in all_routes():
    _info = inspect.type_info(_route.request)
    assert isinstance(_info, inspect.StructType)
    FIELDS[_route.name] = {each.name: each for each in _info.fields}
TABLE = {
    tag: (
        {name for name, each in fields.items() if each.required},
        {name for name in fields if not fields[name].required},
    )
    for tag, fields in FIELDS.items()
}
"""For each request the fields that it must have, and those that it may have."""

EXTRA_RIGHT: dict[str, list[Any]] = {
    "ref": ["r1", "\0", "😀"],
    "room": ["chat"],
    "client_id": [str(uuid4()), uuid4().hex, str(uuid4()).upper()],
    "body": ["a", "😀" * 2000, "\n", "<b>", "\u202e"],
    "topic": ["night"],
    "language": ["ja", "zh-Hant"],
}
"""What the type of a field does not say: the first one stands for the field in a right frame."""
EXTRA_WRONG: dict[str, list[Any]] = {"room": [{"id": "chat"}], "body": [{"text": "a"}]}


def of_type(kind: inspect.Type) -> tuple[list[Any], list[Any]]:  # noqa: PLR0911 -- one for each kind
    """Right and wrong values of a type of `msgspec.inspect`, from its bounds.

    Raises:
        TypeError: the type is of no known kind. Add it here.
    """
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    match kind:
        case inspect.UnionType():
            parts = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
            if len(parts) != 1 or len(parts) == len(kind.types):
                raise TypeError(f"no samples of {kind}")
            right, wrong = of_type(parts[0])
            return [*right, None], [value for value in wrong if value is not None]
        case inspect.StrType():
            right, wrong = _texts(kind.min_length or 0, kind.max_length, kind.pattern or "")
            return right, [*wrong, 1, True, None, [], ["chat"], {}]
        case inspect.IntType():
            right, wrong = _numbers(kind)
            return right, [*wrong, 1.0, 1.5, "1", True, False, None, []]
        case inspect.BoolType():
            return [True, False], [0, 1, "true", None, []]
        case inspect.UUIDType():
            wrong = ["", "x", 1, None, "{}", "0" * 31, "g" * 32, []]
            return [str(uuid4()), uuid4().hex, str(uuid4()).upper()], wrong
        case inspect.ListType():
            right, wrong = of_type(kind.item_type)
            least, most = kind.min_length or 0, kind.max_length
            over = [] if most is None else [right[:1] * (most + 1)]
            lists = [right[:1] * max(least, 1), *([right[:1] * most] if most else []), right[:most]]
            return lists, [*over, *[[]] * (least > 0), [wrong[0]], right[0], None, "x", {}]
        case inspect.LiteralType():
            return list(kind.values), ["no such value", 1.5, None, []]
        case _:
            raise TypeError(f"no samples of {kind}")


def _texts(least: int, most: int | None, pattern: str) -> tuple[list[Any], list[Any]]:
    """Texts at the bounds; where a pattern is, those are wrong that it does not fit."""
    longest = least + 40 if most is None else most
    bounds = ["a" * least, "x" * max(least, 1), "x" * longest, "あ" * longest]
    odd = ["a\0b", "\x1b", "\n"] if least <= 1 and longest >= 3 else []
    texts = dict.fromkeys([*bounds, *odd])
    right = [text for text in texts if re.search(pattern, text)]
    wrong = [text for text in texts if text not in right]
    return right, wrong + ["x" * (least - 1)] * (least > 0) + ["x" * (longest + 1)] * (most is not None)


def _numbers(kind: inspect.IntType) -> tuple[list[Any], list[Any]]:
    """Whole numbers at the bounds, and beyond them."""
    least = kind.ge if kind.ge is not None else None if kind.gt is None else kind.gt + 1
    most = kind.le if kind.le is not None else None if kind.lt is None else kind.lt - 1
    first, last = -(2**53) if least is None else least, 2**53 if most is None else most
    right = dict.fromkeys([0 if first <= 0 <= last else first, first, min(first + 1, last), last])
    below = [] if least is None else [least - 1]
    above = [] if most is None else [most + 1, 2**63, 10**30]
    return list(right), below + above


def _samples(tag: str, name: str) -> tuple[list[Any], list[Any]]:
    right, wrong = of_type(FIELDS[tag][name].type)
    extra = EXTRA_RIGHT.get(name, [])
    if not (extra or right):
        raise TypeError(f"no sample of {tag} fits {name}: write one into EXTRA_RIGHT")
    is_read = (tag, name) != ("message.delete", "body")  # whatever a deletion's body says, it is not read
    return [*extra, *(value for value in right if value not in extra)], [*wrong, *EXTRA_WRONG.get(name, []) * is_read]


_SAMPLES = {tag: {name: _samples(tag, name) for name in fields} for tag, fields in FIELDS.items()}
RIGHT = {tag: {name: right for name, (right, _wrong) in samples.items()} for tag, samples in _SAMPLES.items()}
"""For each request and field, values that are understood: from the field's type, and by hand."""
WRONG = {tag: {name: wrong for name, (_right, wrong) in samples.items()} for tag, samples in _SAMPLES.items()}
"""For each request and field, values that are refused."""


def frame(tag: str, **fields: Any) -> dict[str, Any]:
    """A right frame with all that it must have, and changes."""
    return {"type": tag} | {name: RIGHT[tag][name][0] for name in TABLE[tag][0]} | fields


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


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_names = st.sampled_from(sorted({"type"}.union(*FIELDS.values())))
_values = anything | st.sampled_from(
    [
        value
        for samples in (RIGHT, WRONG)
        for fields in samples.values()
        for values in fields.values()
        for value in values
    ]
)
near_frames = st.builds(
    lambda tag, fields: {"type": tag, **fields},
    st.sampled_from(sorted(TABLE)) | anything,
    st.dictionaries(_names, _values),
)
right_frames = st.sampled_from(sorted(TABLE)).flatmap(
    lambda tag: st.fixed_dictionaries(
        {"type": st.just(tag)} | {name: st.sampled_from(RIGHT[tag][name]) for name in TABLE[tag][0]},
        optional={name: st.sampled_from(RIGHT[tag][name]) for name in TABLE[tag][1]},
    )
)


def _spoilt(text: str, at: int, cut: int, put: str) -> str:
    """The text with some letters replaced by others somewhere."""
    start = at % (len(text) + 1)
    return text[:start] + put + text[start + cut :]


_sharp = st.sampled_from(
    [*list('{}[]",:\\0123456789-+.eEtfn\x00\x1b\u202e\ufeff'), "\\u0000", "\\ud800", "null", "NaN"]
)
spoilt_frames = st.builds(
    _spoilt, right_frames.map(json.dumps), st.integers(0, 400), st.integers(0, 4), _sharp | st.text(max_size=3)
)
any_frames = st.one_of(
    near_frames.map(json.dumps),
    near_frames.map(lambda fields: json.dumps(fields, ensure_ascii=False)).filter(lambda text: text.isprintable()),
    right_frames.map(json.dumps),
    spoilt_frames,
    anything.map(json.dumps),
    st.text(max_size=40),
    st.sampled_from([text for text in ODD if isinstance(text, str) and "\ud800" not in text]),
    st.binary(max_size=40),
)
"""Whatever a client could send: text frames as str, binary ones as bytes."""

ROOMS = [
    "../chat",
    "chat/../chat",
    "chat/",
    "/rooms/chat/",
    "%63hat",
    "chat%00",
    "chat\0",
    "chat\n",
    " chat",
    "CHAT",
    "ｃｈａｔ",
    "chat\u200b",
    "\u202etahc",
    "雑談",
    "😀",
    "' OR 1=1 --",
    "{{7*7}}",
    "..\\..\\windows",
    "file:///etc/passwd",
    "null",
    "-1",
    "0" * 32,
    "f" * 32,
    str(uuid4()),
    "{" + str(uuid4()) + "}",
    "urn:uuid:" + str(uuid4()),
    "١" * 32,
    "new",
    "a" * 64,
]
"""Names of rooms that lead nowhere."""

BODIES = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    '"><svg/onload=alert(1)>',
    "\u202ecod.exe",
    "\u202dabc",
    "a\u200bb",
    "\u2066abc\u2069",
    "\u0000",
    "a\u0000b",
    "\u001b[31mred",
    "\u007f",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\ufffe",
    "\U0010ffff",
    "e" + "\u0301" * 500,
    "👩‍👩‍👧‍👦" * 200,
    "\n" * 1999 + "a",
    " ",
    "\u3000",
    "%s%n%x",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "'; DROP TABLE chat_room; --",
]
"""Words that some software stumbles over."""


def hand_made() -> list[str | bytes]:
    """Frames that a person would think of, who wants to break something."""
    frames: list[str | bytes] = [text for text in ODD if isinstance(text, str) and "\ud800" not in text]
    frames += [b"", b"\0", b"\xff" * 100, b'{"type":"ping"}', b"\x81\x00", bytes(range(256)) * 60]
    for room in ROOMS:
        for tag in ("room.join", "room.leave", "room.sync", "room.history", "message.post", "match.leave", "typing"):
            frames.append(json.dumps(frame(tag, room=room)))
    for body in BODIES:
        frames.append(json.dumps(frame("message.post", body=body, client_id=str(uuid4()))))
        frames.append(json.dumps(frame("message.edit", body=body)))
        frames.append(json.dumps(frame("match.seek", topic=body[:40], language=body[:8])))
        frames.append(json.dumps({"type": body, "ref": body[:64]}))
    for number in (0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64, 10**400):
        for tag, name in (
            ("room.join", "after"),
            ("room.sync", "after"),
            ("room.history", "before"),
            ("room.seen", "seq"),
        ):
            frames.append(json.dumps(frame(tag, **{name: number})))
        frames.append(json.dumps(frame("message.edit", seq=number)))
        frames.append(json.dumps(frame("message.delete", seq=number)))
        frames.append(json.dumps(frame("message.post", reply_to=number, client_id=str(uuid4()))))
        frames.append(json.dumps(frame("room.sync", limit=number)))
    for size in (16_383, 16_384, 16_385, 40_000, 65_536):
        frames.append("x" * size)
        frames.append(json.dumps(frame("ping", ref="r")) + " " * (size - len(json.dumps(frame("ping", ref="r")))))
        frames.append(json.dumps(frame("message.post", body="x" * (size - 200))))
        frames.append(json.dumps(frame("ping", ref="x" * (size - 60))))
    return frames
