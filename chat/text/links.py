"""Web addresses in what people write, and the template filter that makes them links. The scripts find the same ones.

Where an address ends is a guess, because Japanese puts no blank behind it. The guess is the same on the page that the
server sends and on the one that scripts write: `tests/links.json` is tried on both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import idna
import regex
from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

# Letters of scripts that put no blank between words. を never begins or belongs to a word: an address ends before it.
_DENSE: Final = (
    r"(?:(?![\uff00-\uffef\u3092])"
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\u30fb\u30fc])"
)
_LETTER: Final = rf"(?:(?!{_DENSE}|[\uff00-\uffef\u3092])[\p{{L}}\p{{M}}\p{{N}}])"
_LABEL: Final = rf"(?:{_DENSE}+|{_LETTER})(?:{_LETTER}|[-_])*"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?"
# Neither the half of a host, nor a name before an @, which would show one host and lead to another.
_WHOLE: Final = rf"(?!(?:[-_.]|:(?=[0-9]))*{_LETTER}|[A-Za-z0-9_.!$&'*+,;=:%~-]*@)"
# A particle or the like: the sentence goes on.
_SENTENCE: Final = (
    r"(?:です|でし|では|でも|には|から|まで|より|って|という|とか|など"
    r"|[にはがもとへでの](?:[\p{Script=Han}\p{Script=Katakana}]|(?!" + _DENSE + ")))"
)
# Such letters belong to the address where they begin a part of it, as in /wiki/日本語; not right behind other letters.
_PART: Final = rf"(?:(?<=[/_=&#+-]|_\()(?!{_SENTENCE})(?!(?<=//[^/]*/)\p{{Script=Hiragana}}){_DENSE}+)"
_SIGN: Final = r"[-._~!$&'*+,;=:@%/?#|()\[\]]"
_ADDRESS: Final = regex.compile(rf"[hH][tT][tT][pP][sS]?://{_HOST}{_WHOLE}(?:[/?#](?:{_LETTER}|{_SIGN}|{_PART})*)?")
_TRAILING: Final = regex.compile(r"[-.,:;!?'*~|(\[]+$")
_CLOSES: Final = {")": "(", "]": "["}
# Japanese and Korean hosts show as they are written, other letters as the xn-- form: some look like Latin ones. So do
# some strokes of Japanese, which look like a slash.
_PLAIN_HOST: Final = regex.compile(
    r"(?:(?!ノ|ン|ソ|ゾ|丶|丿|〳|・|ー(?![\p{Script=Hiragana}\p{Script=Katakana}A-Za-z0-9.-]))"
    r"[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u30fc\p{Script=Hangul}A-Za-z0-9_.:-]"
    r"|(?<=\p{Script=Katakana})[ノンソゾ]|[ノンソゾ](?=\p{Script=Katakana}))+"
)


class Address(NamedTuple):
    """A web address in a text: where it stands, and how it is shown and linked."""

    start: int
    end: int
    shown: str


def addresses(text: str) -> Iterator[Address]:
    """Find the web addresses in a text, in order."""
    for found in _ADDRESS.finditer(text):
        written = _TRAILING.sub("", _balanced(found[0]))
        shown = _plain(written)
        if shown:
            yield Address(found.start(), found.start() + len(written), shown)


@register.filter
def linked(text: str) -> SafeString:
    """Return the text as HTML, with its web addresses as links. The targets learn nothing of the page."""
    parts: list[str] = []
    end = 0
    for address in addresses(text):
        parts.append(conditional_escape(text[end : address.start]))
        parts.append(format_html('<a href="{0}" rel="noopener nofollow ugc" target="_blank">{0}</a>', address.shown))
        end = address.end
    return mark_safe("".join([*parts, conditional_escape(text[end:])]))  # noqa: S308 -- each part is escaped


def _balanced(address: str) -> str:
    """Return an address up to a bracket that it closes without having opened it."""
    opened: list[str] = []
    for place, sign in enumerate(address):
        if sign in "([":
            opened.append(sign)
        elif sign in _CLOSES and (not opened or opened.pop() != _CLOSES[sign]):
            return address[:place]
    return address


def _plain(address: str) -> str | None:
    """Return an address with a host that cannot be taken for another one; None if its host cannot be a host."""
    scheme, rest = address.split("://", 1)
    host = regex.match(r"[^/?#]*", rest)[0]
    if host.isascii():
        return address
    if "." not in host:
        return None
    if _PLAIN_HOST.fullmatch(host):
        return address
    name, colon, port = host.partition(":")
    try:
        name = idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return None
    return f"{scheme}://{name}{colon}{port}{rest[len(host) :]}"
