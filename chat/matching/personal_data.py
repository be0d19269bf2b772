"""What of matching belongs to a person: what they look for, and when they were brought together with somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from chat.models import Pairing, Ticket
from chat.personal_data import Column, Fate, Link, Part, Reader, Section, Type, register
from chat.retention import overdue


def _waiting(reader: Reader) -> Iterator[Mapping[str, Any]]:
    mine = Ticket.objects.filter(user=reader.user).exclude(pk__in=overdue("tickets"))
    yield from mine.values("topic", "language", "since")


def _met(reader: Reader) -> Iterator[Mapping[str, Any]]:
    mine = Pairing.objects.filter(Q(lower=reader.user) | Q(higher=reader.user))
    mine = mine.exclude(room__in=overdue("closed_history").values("pk")).order_by("made_at")
    for pairing in mine.iterator(chunk_size=500):
        yield {"room": pairing.room_id, "made_at": pairing.made_at, "ended_at": pairing.ended_at}


register(
    Part(
        links=(
            Link("chat.Ticket.user", Fate.GOES, "waiting"),
            Link("chat.Pairing.lower", Fate.GOES, "matches"),
            Link("chat.Pairing.higher", Fate.GOES, "matches"),
        ),
        sections=(
            Section(
                70,
                "waiting",
                _("Your place in matching"),
                (
                    Column("topic", Type.TEXT, _("topic")),
                    Column("language", Type.TEXT, _("language")),
                    Column("since", Type.TIME, _("since")),
                ),
                _waiting,
            ),
            Section(
                80,
                "matches",
                _("When you were matched"),
                (
                    Column("room", Type.ID, _("talk")),
                    Column("made_at", Type.TIME, _("from")),
                    Column("ended_at", Type.TIME, _("until")),
                ),
                _met,
            ),
        ),
    )
)
