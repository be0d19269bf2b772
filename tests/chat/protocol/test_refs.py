"""The `ref` of a frame is read from whatever is wrong with it, at a cost that nobody can drive up."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol import MESSAGE_CHARS, Code, Malformed, Refused, decode, is_too_large, ref_of, requests
from tests.kit.frames import frame

WHOLE = json.dumps(frame("message.post", ref="r1", client_id=str(uuid.uuid4()), body="こんにちは"))


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ('{"type":"message.post","ref":"r1","body":"' + "あ" * 30_000, "r1"),
        ('{"type":"message.post","body":"' + "あ" * 30_000 + '","ref":"r1"}', "r1"),
        ('{"type":"message.post","body":"' + "あ" * 9_000 + '","ref":"r1","x":"' + "い" * 9_000 + '"}', "r1"),
        ('{"type":"nope","ref":"r1"}', "r1"),
        ('{"ref":"r1","type":"ping",}', "r1"),
        ('{"ref":"r1","type":', "r1"),
        ('{"type":"ping","body":"a "quoted" word","ref":"r1"}', "r1"),
        ('{"type":"ping","ref":"a\nb"}', "a\nb"),
        ('\ufeff{"type":"ping","ref":"r1"}', "r1"),
        ('{"\\u0072ef":"r1"}', "r1"),
        ('{"ref":"\\u3042\\ud83d\\ude00"}', "あ😀"),
        ('{"ref":"a\\ud83d"}', "a"),
        ('{"ref":"' + "x" * 65 + '"}', "x" * 64),
        ('{"ref":"a","ref":"b"}', "b"),
        ('{"ref":"a","ref":5}', None),
        ('{"x":{"ref":"inner"},"ref":"outer"}', "outer"),
        ('{"x":{"ref":"inner"}}', None),
        ('{"body":"\\"ref\\":\\"no\\""}', None),
        ('[{"ref":"a"}]', None),
        ('{"ref":5}', None),
        ('{"ref":null}', None),
        ('{"ref":["a"]}', None),
        (b'{"type":"ping","ref":"r1","x":"\xff"}', "r1"),
        ("", None),
    ],
    ids=lambda text: ascii(text[:30]) if text else None,
)
def test_ref_is_read_from_what_cannot_be_decoded(text: str | bytes, ref: str | None) -> None:
    assert ref_of(text) == ref


@given(st.integers(0, len(WHOLE)), st.integers(0, 3), st.text(max_size=3))
def test_frame_spoilt_behind_its_ref_keeps_it(at: int, cut: int, put: str) -> None:
    behind = WHOLE.index('"r1"') + 4
    start = behind + at % (len(WHOLE) - behind)
    text = WHOLE[:start] + put.replace('"', "") + WHOLE[start + cut :]
    assert ref_of(text) == "r1"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "{" * 60_000,
        '{"a":1,' * 8_000,
        '"ref":"a\\' * 6_000,
        '{"' + "\\" * 60_000,
        '{"ref"' * 10_000,
        '""' * 30_000,
    ],
    ids=lambda text: text[:8],
)
def test_looking_for_a_ref_takes_a_few_milliseconds_at_most(text: str) -> None:
    began = time.thread_time()
    ref_of(text)
    assert time.thread_time() - began < 0.05


@pytest.mark.parametrize(
    ("half", "body"),
    [("\\ud83d", ""), ("\\ude00", ""), ("\\uD83D", ""), ("\\ud83d\\ud83d\\ude00", "😀"), ("\\\\ud83d", "\\ud83d")],
)
def test_half_a_surrogate_is_taken_out_and_the_rest_understood(half: str, body: str) -> None:
    text = WHOLE.replace(json.dumps("こんにちは"), f'"a{half}b"')
    decoded = decode(text)
    assert isinstance(decoded, requests.MessagePost)
    assert decoded.body == f"a{body}b"
    assert decode(text.encode()) == decoded


def test_as_many_words_fit_into_a_frame_as_escapes_as_in_letters() -> None:
    words: dict[str, Any] = {"ref": "😀" * 64, "client_id": str(uuid.uuid4()), "room": "x" * 64}
    longest = json.dumps(frame("message.post", body="😀" * MESSAGE_CHARS, reply_to=2**53 - 1, **words))
    assert len(longest) > 24_000
    assert not is_too_large(longest)
    assert not is_too_large(longest.encode())
    assert is_too_large(json.dumps(frame("message.post", body="😀" * 3 * MESSAGE_CHARS)))


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"topic": "x" * 41}, Code.SIZE), ({"topic": "a\x1b"}, Code.PROTOCOL), ({"language": "x" * 9}, Code.SIZE)],
)
def test_words_of_a_person_that_do_not_fit_are_no_misbehaviour(fields: dict[str, str], code: Code) -> None:
    with pytest.raises(Refused) as refused:
        decode(json.dumps(frame("match.seek") | fields))
    assert refused.value.code == code
    assert not isinstance(refused.value, Malformed)


def test_a_ref_amid_a_long_frame_is_found() -> None:
    text = json.dumps({"type": "zip", "x": ["a"] * 1200, "ref": "amid", "z": 1})
    assert ref_of(text) == ref_of(text.encode()) == "amid"
