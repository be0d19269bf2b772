"""Safety over a connection: hand over messages to the desk."""

from __future__ import annotations

from typing import cast

from chat.db import run_in_executor
from chat.people import Person
from chat.protocol.replies import ReportFiled
from chat.protocol.requests import ReportCreate
from chat.realtime import Connection, handles
from chat.safety.reports import file_report
from compliance.law import Feature


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
