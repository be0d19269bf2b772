"""Form fields for what is written in half-width signs: days, numbers, codes and addresses.

A Japanese keyboard types １２３, ａ＠ｅｘａｍｐｌｅ．ｊｐ and ２０２６／１１／３０ as readily.
A field here folds them before anything is checked. Its type in HTML is text where a browser would refuse full-width
signs before the server sees them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, ClassVar, Final

from django import forms

_DAY_FORMATS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
_MOMENT_FORMATS: Final = tuple(f"{day}{gap}%H:%M" for day in _DAY_FORMATS for gap in ("T", " "))
# What stands for a hyphen between digits: a minus, dashes, and the long vowel mark on the same key.
_HYPHEN: Final = re.compile(r"(?<=[0-9A-Za-z])[‐‑‒–—―−ー－](?=[0-9A-Za-z])")


def half_width(text: str) -> str:
    """Return text in half-width signs (NFKC), without blanks around it, with hyphens between letters and digits."""
    return _HYPHEN.sub("-", unicodedata.normalize("NFKC", text).strip())


class _HalfWidth(forms.Field):
    """Folds what was typed before the field reads it."""

    #: Attributes of the HTML control; a phone chooses its keyboard by them.
    keyboard: ClassVar[dict[str, str]] = {}

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.TextInput(attrs=self.keyboard))
        super().__init__(**options)

    def to_python(self, value: Any) -> Any:
        """Return the value of the text in half-width signs."""
        return super().to_python(half_width(value) if isinstance(value, str) else value)


class DayField(_HalfWidth, forms.DateField):
    """A day, typed or picked in the browser."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))
        super().__init__(input_formats=_DAY_FORMATS, **options)


class MomentField(_HalfWidth, forms.DateTimeField):
    """A day and a time of day in the server's time zone."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}))
        super().__init__(input_formats=_MOMENT_FORMATS, **options)


class NumberField(_HalfWidth, forms.IntegerField):
    """A whole number; 1,000 is one."""

    keyboard: ClassVar[dict[str, str]] = {"inputmode": "numeric", "autocomplete": "off"}

    def to_python(self, value: Any) -> Any:
        """Return the number, without the signs that part its thousands."""
        return super().to_python(half_width(value).replace(",", "") if isinstance(value, str) else value)


class CodeField(_HalfWidth, forms.CharField):
    """A number with a form of its own: a postal code, a phone number, a filing's number."""


class _Dotted(_HalfWidth):
    """An address: 。 stands for its dots."""

    def to_python(self, value: Any) -> Any:
        """Return the address with dots."""
        return super().to_python(half_width(value).replace("。", ".") if isinstance(value, str) else value)


class MailField(_Dotted, forms.EmailField):
    """An e-mail address."""

    keyboard: ClassVar[dict[str, str]] = {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}


class LinkField(_Dotted, forms.URLField):
    """The address of a page."""

    keyboard: ClassVar[dict[str, str]] = {"inputmode": "url", "autocapitalize": "none", "spellcheck": "false"}

    def __init__(self, **options: Any) -> None:
        super().__init__(assume_scheme="https", **options)


class IdField(_HalfWidth, forms.UUIDField):
    """The id of a person or a room."""

    keyboard: ClassVar[dict[str, str]] = {"autocapitalize": "none", "spellcheck": "false"}
