"""Writes days as an iCalendar stream (RFC 5545). Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

_FOLD: Final = 75
_ESCAPED: Final = str.maketrans({"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n"})
_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Day:
    """One whole day on which something is due."""

    uid: str
    on: date
    summary: str
    description: str
    url: str
    category: str
    remind_days: int | None = None
    """How many days before a reminder is due; None for none."""


def escape(text: str) -> str:
    r"""Return a text as a TEXT value (RFC 5545, 3.3.11): `\`, `;`, `,` and line ends escaped, controls gone."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", unified).translate(_ESCAPED)


def fold(line: str) -> str:
    """Return a content line in pieces of at most 75 octets (RFC 5545, 3.1), no character cut in two."""
    pieces: list[str] = []
    piece, octets = "", 0
    for character in line:
        size = len(character.encode())
        if octets + size > _FOLD:
            pieces.append(piece)
            piece, octets = "", 1  # the space with which a piece goes on
        piece, octets = piece + character, octets + size
    return "\r\n ".join([*pieces, piece])


def utc(moment: datetime) -> str:
    """Return a DATE-TIME in UTC (RFC 5545, 3.3.5, form 2)."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def render(name: str, days: Iterable[Day], now: datetime) -> str:
    """Return the calendar.

    Args:
        name: what calendar programs show.
        days: each with a UID that stays the same from one reading to the next.
        now: with a time zone; the moment of this reading.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Todoke//Duties//JA",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{escape(name)}",
        f"X-WR-CALNAME:{escape(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT12H",
    ]
    for day in days:
        lines += _event(day, now)
    lines.append("END:VCALENDAR")
    return "".join(f"{fold(line)}\r\n" for line in lines)


def _event(day: Day, now: datetime) -> list[str]:
    lines = [
        "BEGIN:VEVENT",
        f"UID:{escape(day.uid)}",
        f"DTSTAMP:{utc(now)}",
        f"DTSTART;VALUE=DATE:{day.on:%Y%m%d}",
        f"DTEND;VALUE=DATE:{day.on + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{escape(day.summary)}",
        f"DESCRIPTION:{escape(day.description)}",
        f"URL:{day.url}",
        f"CATEGORIES:{escape(day.category)}",
        "TRANSP:TRANSPARENT",
    ]
    if day.remind_days is not None:
        lines += [
            "BEGIN:VALARM",
            "ACTION:DISPLAY",
            f"DESCRIPTION:{escape(day.summary)}",
            f"TRIGGER:-P{day.remind_days}D",
            "END:VALARM",
        ]
    return [*lines, "END:VEVENT"]
