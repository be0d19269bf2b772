"""What of safety belongs to a person: their own reports, acts on them, appeals. No export says who reported them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from chat.models import LEFT_NAME, Keeper, Report, ReportedMessage, Role, Sanction
from chat.people import leave_acts
from chat.personal_data import Column, Fate, Leaving, Link, Part, Reader, Section, Type, register
from chat.retention import overdue


def _reports(reader: Reader) -> Iterator[Mapping[str, Any]]:
    yield from (
        Report.objects.filter(reporter=reader.user)
        .exclude(pk__in=overdue("reports"))
        .order_by("filed_at")
        .values("reason", "note", "filed_at", "answered_at", "outcome", "answer")
        .iterator(chunk_size=500)
    )


def _acts(reader: Reader) -> Iterator[Mapping[str, Any]]:
    mine = Sanction.objects.filter(user=reader.user).exclude(pk__in=overdue("acts"))
    mine = mine.select_related("room", "appeal").order_by("at")
    for act in mine.iterator(chunk_size=500):
        appeal = getattr(act, "appeal", None)
        yield {
            "kind": act.kind,
            "room": act.room.key if act.room else None,
            "reason": act.reason,
            "rule": act.rule,
            "at": act.at,
            "until": act.until,
            "lifted_at": act.lifted_at,
            "appeal": appeal.words if appeal else None,
            "outcome": appeal.outcome if appeal else None,
            "note": appeal.note if appeal else None,
        }


def _kept(reader: Reader) -> Iterator[Mapping[str, Any]]:
    for keeper in Keeper.objects.filter(user=reader.user).select_related("room").order_by("at"):
        yield {"room": keeper.room.key, "name": keeper.room.name, "since": keeper.at}


def _erase(leaving: Leaving) -> None:
    """Take people's names out of the copies that were handed to the desk; keep what still holds of acts on them."""
    leave_acts(leaving.people)
    theirs = ReportedMessage.objects.filter(author__in=leaving.people)
    theirs.update(author_name=LEFT_NAME, author_role=Role.LEFT)


register(
    Part(
        links=(
            Link("chat.Report.reporter", Fate.UNLINKED, "reports"),
            Link("chat.Report.answered_by", Fate.UNLINKED, why="work of staff"),
            Link("chat.ReportedMessage.author", Fate.UNLINKED, why="nobody learns that they were reported"),
            Link("chat.Sanction.user", Fate.GOES, "acts"),
            Link("chat.Sanction.by", Fate.UNLINKED, why="work of staff and keepers"),
            Link("chat.Sanction.lifted_by", Fate.UNLINKED, why="work of staff and keepers"),
            Link("chat.Appeal.decided_by", Fate.UNLINKED, why="work of staff"),
            Link("chat.Keeper.user", Fate.GOES, "kept_rooms"),
            Link("chat.Keeper.named_by", Fate.UNLINKED, why="who named others"),
            Link("chat.RemovedMessage.author", Fate.UNLINKED, why="removed words, for seven days, sealed"),
            Link("chat.RemovedMessage.by", Fate.UNLINKED, why="work of staff and keepers"),
            Link("chat.TakenBack.author", Fate.UNLINKED, why="deleted words, for a day, sealed for a report"),
        ),
        sections=(
            Section(
                90,
                "reports",
                _("What you reported"),
                (
                    Column("reason", Type.TEXT, _("reason")),
                    Column("note", Type.TEXT, _("your note, unless it is about closed talk")),
                    Column("filed_at", Type.TIME, _("time")),
                    Column("answered_at", Type.TIME, _("answered")),
                    Column("outcome", Type.TEXT, _("outcome")),
                    Column("answer", Type.TEXT, _("answer")),
                ),
                _reports,
            ),
            Section(
                91,
                "acts",
                _("Acts on you, and your appeals"),
                (
                    Column("kind", Type.TEXT, _("kind")),
                    Column("room", Type.TEXT, _("room")),
                    Column("reason", Type.TEXT, _("reason")),
                    Column("rule", Type.TEXT, _("rule")),
                    Column("at", Type.TIME, _("time")),
                    Column("until", Type.TIME, _("until")),
                    Column("lifted_at", Type.TIME, _("lifted")),
                    Column("appeal", Type.TEXT, _("your appeal")),
                    Column("outcome", Type.TEXT, _("outcome")),
                    Column("note", Type.TEXT, _("answer")),
                ),
                _acts,
            ),
            Section(
                92,
                "kept_rooms",
                _("Rooms in which you are a keeper"),
                (
                    Column("room", Type.TEXT, _("room")),
                    Column("name", Type.TEXT, _("name")),
                    Column("since", Type.TIME, _("since")),
                ),
                _kept,
            ),
        ),
        erase=_erase,
    )
)
