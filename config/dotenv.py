"""Reads a `.env` file strictly: what could be meant in two ways is an error, and nothing is dropped in silence."""

from __future__ import annotations

import codecs
import re
from typing import Final

_LINE: Final = re.compile(r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=(?P<rest>.*)")
_SINGLE: Final = re.compile(r"'(?P<value>[^']*)'[ \t]*(?:#.*)?")
_DOUBLE: Final = re.compile(r'"(?P<value>(?:[^"\\]|\\.)*)"[ \t]*(?:#.*)?')
_COMMENT: Final = re.compile(r"[ \t]#.*$")
_ESCAPED: Final = {"n": "\n", "r": "\r", "t": "\t"}


class BadLine(ValueError):
    """A line that cannot be read. Its text names the line by number only: what stands there may be a secret."""


def parse(content: bytes) -> dict[str, str]:
    r"""Return the variables of a file.

    A line is empty, a comment that begins with `#`, or `NAME=value`. A value runs to the end of the line, without the
    blanks around it; ` #` begins a comment. In 'single' quotes everything stands for itself; in "double" quotes a
    backslash makes a line break (`\n`), a tab or the next character itself. A byte-order mark and CRLF are read over.

    Raises:
        BadLine: not UTF-8, a line that is none of these, a quote that does not end, or a variable for the second time.
    """
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        raise BadLine("not UTF-8 (UTF-8 ではありません)") from None
    found: dict[str, str] = {}
    where: dict[str, int] = {}
    for number, raw in enumerate(re.split(r"\r\n|\n|\r", text), start=1):
        line = raw.strip(" \t")
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise BadLine(f"line {number}: not NAME=value (NAME=値 の形ではありません)")
        name = match["name"]
        if name in found:
            raise BadLine(f"line {number}: {name} stands already in line {where[name]} (同じ変数が二度あります)")
        found[name] = _value(match["rest"], number)
        where[name] = number
    return found


def _value(rest: str, number: int) -> str:
    text = rest.strip(" \t")
    if text[:1] not in ("'", '"'):
        return _COMMENT.sub("", rest).strip(" \t")
    match = (_SINGLE if text[0] == "'" else _DOUBLE).fullmatch(text)
    if match is None:
        raise BadLine(f"line {number}: the quoted value does not end with its quote (引用符が閉じていません)")
    if text[0] == "'":
        return match["value"]
    return re.sub(r"\\(.)", lambda escape: _ESCAPED.get(escape[1], escape[1]), match["value"])
