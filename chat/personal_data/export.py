"""Writes what the service knows about somebody into a zip: data for programs, a page for people.

`docs/personal-data.md` describes both. It holds what the person may read at that moment, and nothing of others that the
service does not show them: no reporter, nobody else's blocks, no address, no case and no hold.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import TextIOWrapper
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final
from uuid import UUID

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.html import format_html
from django.utils.translation import gettext as _

from chat.models import User
from chat.personal_data.registry import Reader, Section, Type, sections

FORMAT: Final = "todoke.personal-data"
VERSION: Final = 1
"""Of `data.json`. It changes when a field goes or gets another meaning, not when one is added."""
_IN_MEMORY: Final = 1 << 20  # bytes; what is larger goes through a temporary file
_STYLE: Final = Path(__file__).parent / "export.css"

Export = IO[bytes]


def export(user: User, *, themselves: bool, language: str) -> Export:
    """Return a zip of what the service knows about somebody, row by row: memory stays bounded.

    Args:
        user: whose data.
        themselves: whether they ask for it by themselves, signed in. Else words of closed talk stay sealed.
        language: of the readable page, `ja` or `en`.

    Returns:
        a file at its beginning, which the caller closes.
    """
    made_at = timezone.now()
    reader = Reader(user, themselves)
    target: Any = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 -- the caller closes it
    with (
        translation.override(language),
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive,
        SpooledTemporaryFile(max_size=_IN_MEMORY, mode="w+", encoding="utf-8") as page,
    ):
        with archive.open("data.json", "w") as raw, TextIOWrapper(raw, "utf-8") as data:
            head = {"format": FORMAT, "version": VERSION, "made_at": _json(made_at), "closed_talk": themselves}
            data.write(json.dumps(head, ensure_ascii=False)[:-1])
            for section in sections():
                data.write(f",\n{json.dumps(section.key)}: [")
                _section(section, reader, data.write, page.write)
                data.write("]")
            data.write("}\n")
        with archive.open("index.html", "w") as raw, TextIOWrapper(raw, "utf-8") as html:
            context = {"made_at": made_at, "user": user, "language": language, "themselves": themselves}
            start, _mark, end = render_to_string("chat/people/export.html", context).partition("<!-- sections -->")
            html.write(start)
            page.seek(0)
            while block := page.read(1 << 16):
                html.write(block)
            html.write(end)
        archive.writestr("style.css", _STYLE.read_text("utf-8"))
    target.seek(0)
    opened: Export = target
    return opened


def _section(section: Section, reader: Reader, to_data: Callable[[str], Any], to_page: Callable[[str], Any]) -> None:
    """Write one list to both files."""
    to_page(format_html('<section id="{}"><h2>{}</h2>\n', section.key, section.title))
    is_first = True
    for row in section.rows(reader):
        if is_first:
            cells = [format_html('<th scope="col">{}</th>', column.label) for column in section.columns]
            to_page(f"<div><table><thead><tr>{''.join(cells)}</tr></thead><tbody>\n")
        values = {column.name: row[column.name] for column in section.columns}
        to_data(("\n" if is_first else ",\n") + json.dumps(values, ensure_ascii=False, default=_json))
        to_page("<tr>" + "".join(_cells(section, values)) + "</tr>\n")
        is_first = False
    to_page(format_html("<p>{}</p>\n", _("Nothing.")) if is_first else "</tbody></table></div>\n")
    to_page("</section>\n")


def _cells(section: Section, values: dict[str, Any]) -> Iterator[str]:
    shown: Any
    for column in section.columns:
        value = values[column.name]
        match column.type:
            case Type.TIME if value is not None:
                at = timezone.localtime(value)
                shown = format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M}")
            case Type.FLAG if value is not None:
                shown = _("yes") if value else _("no")
            case Type.NAMES if value is not None:
                shown = _(", ").join(value)
            case _other:
                shown = "" if value is None else value
        yield format_html('<td class="{}">{}</td>', column.name, shown)


def _json(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(type(value).__name__)
