"""Safety over a connection, on its own in each process, and in the navigation of the desk."""

from __future__ import annotations

from typing import cast

from django.utils.translation import gettext_lazy as _

from chat.db import run_in_executor
from chat.people import Person
from chat.protocol.replies import ReportFiled
from chat.protocol.requests import ReportCreate
from chat.realtime import Connection, handles
from chat.safety import notices
from chat.safety.appeals import waiting_for
from chat.safety.reports import file_report
from compliance.law import Feature
from compliance.law.powers import Power
from compliance.powers import register_desk_page

__all__ = ["notices", "report"]


@handles(ReportCreate, answer=ReportFiled, feature=Feature.SERVICE, rate="report", takes_person=True)
async def report(connection: Connection, request: ReportCreate) -> None:
    """Report messages of a room. The gate never shuts it: a threat in a talk that was stopped can be reported.

    Raises:
        Refused: see `file_report`.
    """
    filed = await run_in_executor(
        connection.language,
        file_report,
        person=cast("Person", connection.signed_in()),
        room=request.room,
        seqs=request.seqs,
        reason=request.reason,
        note=request.note or "",
    )
    connection.say(ReportFiled(request.ref, str(filed)))


register_desk_page(
    "chat:desk_people",
    _("People"),
    Power.PEOPLE,
    30,
    about=_("Find a person: their standing, earlier acts, and what they wrote in open rooms."),
)
register_desk_page(
    "chat:desk_appeals",
    _("Appeals"),
    Power.PEOPLE,
    20,
    about=_("What people say against acts on them. A second moderator decides where there is one."),
    waiting=waiting_for,
)
