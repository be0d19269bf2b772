"""Frames to bytes and back. Every request is decoded here, and nowhere else."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Final, Union

import msgspec

from chat.protocol.errors import Code, Refused
from chat.protocol.requests import FRAME_BYTES, Request

PROTOCOL = "chat.v1"

_requests: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Union[tuple(Request.__subclasses__())])  # noqa: UP007
_decode = _requests.decode

#: Encodes a reply, or any value that stands in one, as JSON bytes. The bound method itself: each message passes here.
encode = msgspec.json.Encoder().encode


def is_too_large(text: str | bytes) -> bool:
    r"""Return whether a frame has more bytes than one may have.

    An escape such as `\u3042` counts as the three bytes that it saves at most: whoever writes their words in escapes
    may write as many words as everybody.
    """
    size = len(text)
    if size > FRAME_BYTES or (isinstance(text, str) and not text.isascii()):
        text = text.encode(errors="surrogatepass") if isinstance(text, str) else text
        return len(text) - 3 * text.count(b"\\u") > FRAME_BYTES
    return False


class Malformed(Refused):
    """A frame that no client of this protocol says. Whoever goes on saying such is put out."""


def decode(text: str | bytes) -> Request:
    """Decode one request. Half a surrogate pair, as a cut through an emoji leaves it, is taken out.

    Raises:
        Malformed: `protocol` for what the contract does not have.
        Refused: `size` or `protocol` for words that a person wrote and this field does not take.
    """
    try:
        return _decode(text)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeError, RecursionError) as error:
        whole = _without_halves(text)
        if whole != text:
            return decode(whole)
        if not isinstance(error, msgspec.ValidationError):
            raise Malformed(Code.PROTOCOL, f"not a JSON object of {PROTOCOL}: {error}") from None
        reason = str(error)
        if _WORDS.search(reason):
            raise Refused(Code.SIZE if "length" in reason else Code.PROTOCOL, reason) from None
        raise Malformed(Code.PROTOCOL, reason) from None


#: Of the errors of msgspec: it is of the right type, but too long or of other characters.
_WORDS: Final = re.compile(r"^Expected `str` (?:of length|matching).*\$\.(?:topic|language|note)`?$", re.DOTALL)
_HALVES: Final = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u(?![dD][89a-fA-F])|\\[^u])"
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)


def _without_halves(text: str | bytes) -> str | bytes:
    if isinstance(text, bytes):
        return text if b"\\u" not in text else _without_halves(text.decode(errors="replace"))
    return _HALVES.sub(lambda found: found[1] or "", text) if "\\u" in text else text


# Reading the `ref` of a frame that cannot be decoded ---------------------------------------------------------------


class _Referred(msgspec.Struct):
    """Of a frame nothing but its `ref`; the decoder passes over all else."""

    ref: str | None = None


_ref_decoder: Final = msgspec.json.Decoder(_Referred)
_TOKENS: Final = 1000  # a frame has some dozens; nobody makes us count more
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\]]', re.DOTALL)
_VALUE: Final = re.compile(r'\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")?', re.DOTALL)
_LAST: Final = re.compile(r'(?<!\\)"ref"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*")\s*\}\s*$', re.DOTALL)
_LAST_CHARS: Final = 1024
_REF_CHARS: Final = 64


def ref_of(text: str | bytes) -> str | None:
    """Return the `ref` of a frame that cannot be decoded, so that the refusal can repeat it; None if there is none.

    Where the frame is no JSON, it is looked for from the front, as far as the text is written like JSON, and at the
    very end. Of several the last one counts, as for `decode`.
    """
    try:
        if (ref := _ref_decoder.decode(text).ref) is not None:
            return ref[:_REF_CHARS]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        pass  # broken, or half a surrogate stands in it
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    text = text.removeprefix("\ufeff")
    return _ref_within(text) or _ref_at_the_end(text)


def _ref_within(text: str) -> str | None:
    depth, found = 0, None
    for number, token in enumerate(_TOKEN.finditer(text)):
        sign = token[0][0]
        if number == _TOKENS or (not depth and sign != "{") or token[0] == '"':
            break
        if sign in "{[":
            depth += 1
        elif sign in "}]":
            depth -= 1
            if not depth:
                break
        elif depth == 1 and _is_ref(token[0]) and (value := _VALUE.match(text, token.end())):
            found = _string(value[1])
    return found


def _is_ref(key: str) -> bool:
    return key == '"ref"' or ("\\u" in key and len(key) <= len(r'"\u0072\u0065\u0066"') and _string(key) == "ref")


def _ref_at_the_end(text: str) -> str | None:
    found = _LAST.search(text[-_LAST_CHARS:])
    return _string(found[1]) if found else None


def _string(literal: str | None) -> str | None:
    """Return what a JSON string says, cut to the length of a `ref`; None for anything else."""
    if literal is None:
        return None
    try:
        said = json.loads(str(_without_halves(literal)), strict=False)
    except ValueError:
        return None
    return str(said)[:_REF_CHARS].encode(errors="ignore").decode()


def tag_of(frame: type[msgspec.Struct]) -> str:
    """Return the name of a frame on the wire: its `type`."""
    return str(frame.__struct_config__.tag)


def timestamp(at: datetime) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
