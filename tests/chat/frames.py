"""Frames, right, nearly right and far from it: what the tests of the wire send."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from hypothesis import strategies as st

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


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
_names = st.sampled_from(sorted({"type", *RIGHT}))
_values = anything | st.sampled_from([value for values in (*RIGHT.values(), *WRONG.values()) for value in values])
near_frames = st.builds(
    lambda tag, fields: {"type": tag, **fields},
    st.sampled_from(sorted(TABLE)) | anything,
    st.dictionaries(_names, _values),
)
right_frames = st.sampled_from(sorted(TABLE)).flatmap(
    lambda tag: st.fixed_dictionaries(
        {"type": st.just(tag)} | {name: st.sampled_from(RIGHT[name]) for name in TABLE[tag][0]},
        optional={name: st.sampled_from(RIGHT[name]) for name in TABLE[tag][1]},
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
