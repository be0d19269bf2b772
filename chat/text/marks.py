"""Marks: the sign of a person beside their name, drawn like a small hanko. Form and ink follow from their public id.

`chat/web/text.js` draws the same from what the wire says.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import regex
from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

FORMS: Final = 6
INKS: Final = 8
_CLUSTER: Final = regex.compile(r"\X")

register = template.Library()


class Mark(NamedTuple):
    """What a mark looks like.

    Attributes:
        form: its outline, of `FORMS`.
        ink: its colour, of `INKS`; none of them is near vermilion.
        is_cut: whether the letter is cut out of the ink (白文); else it stands in ink on paper (朱文).
        letter: the first of the name.
    """

    form: int
    ink: int
    is_cut: bool
    letter: str


def mark_of(public_id: str, name: str) -> Mark:
    """Return the mark of a person: the same everywhere; only its letter changes with the name.

    Args:
        public_id: a UUID; its last six digits decide, which are random.
        name: the display name.
    """
    number = int(public_id[-6:], 16)
    letter = (_CLUSTER.findall(name) or [""])[0]
    return Mark(number % FORMS, number // FORMS % INKS, bool(number // (FORMS * INKS) % 2), letter.upper())


@register.simple_tag
def mark(of: Any) -> SafeString | str:
    """Return the mark of an account, or of an author on the wire, as markup; nothing for somebody who is gone.

    It is decoration: the name stands beside it.
    """
    public_id = getattr(of, "public_id", None) or getattr(of, "id", None)
    if not public_id:
        return ""
    drawn = mark_of(str(public_id), of.name)
    return format_html(
        '<span class="mark" data-form="{}" data-ink="{}" data-cut="{}" data-letter="{}" aria-hidden="true"></span>',
        drawn.form,
        drawn.ink,
        int(drawn.is_cut),
        drawn.letter,
    )
