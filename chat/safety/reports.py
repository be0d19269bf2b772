"""Writes reports: a party hands over chosen messages; the desk opens them and answers."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from chat import messages
from chat.models import Reason, Report, ReportedMessage, User
from chat.people import Person
from chat.protocol import REPORT_NOTE_CHARS, REPORTED_MESSAGES, Code, Refused
from chat.safety.queries import Chosen, choose, missing_seqs, reportable
from compliance import vault
from compliance.law import Text
from compliance.law.powers import Power
from compliance.powers import Waiting, may, tell_on_duty
from compliance.records import ledger
from compliance.records.events import Event

NOTE_CHARS: Final = REPORT_NOTE_CHARS
URGENT: Final = (Reason.MINOR, Reason.THREAT)
"""What is looked at first, in this order; the rest by age."""
_URGENT: Final = Text("急ぎの通報が届きました。", "An urgent report arrived.")


def file_report(*, person: Person, room: str | UUID, seqs: Collection[int], reason: str, note: str = "") -> UUID:
    """Hand over chosen messages of a room to the desk. In closed talk nothing else of the room is opened.

    The copies are sealed for a place of their own: what their author deletes afterwards stays with the desk. The same
    report of the same person that still waits is returned again.

    Args:
        person: who reports.
        room: the room's public id.
        seqs: of the messages, at most 50.
        reason: one of `Reason`.
        note: words to the desk.

    Returns:
        the report's id.

    Raises:
        Refused: `auth`; `missing` for a room or a message that is not theirs to know of; `conflict` for one that was
            deleted; `size`.
    """
    if not User.objects.filter(pk=person.pk, is_active=True).exists():
        raise Refused(Code.AUTH, _("You are signed out here."))
    if not seqs:
        raise Refused(Code.SIZE, _("Choose at least one message."))
    if len(set(seqs)) > REPORTED_MESSAGES:
        raise Refused(Code.SIZE, _("A report has at most %(most)d messages.") % {"most": REPORTED_MESSAGES})
    if reason not in Reason.values:
        raise Refused(Code.PROTOCOL, _("Choose what it is about."))
    note = _cleaned(note)
    with transaction.atomic():
        access = reportable(room, person.pk)
        try:
            chosen = choose(access, set(seqs))
        except vault.Unsealable as error:
            text = _("This message cannot be shown: its stored text was changed, or its key is missing.")
            raise Refused(Code.CONFLICT, text) from error
        if refused := missing_seqs(chosen, set(seqs), access):
            raise refused
        report = Report(
            id=uuid.uuid4(),
            reporter_id=person.pk,
            room=access.room.pk,
            closed=not access.room.is_open,
            reason=reason,
            filed_at=timezone.now(),
            same_as=_identity(access.room.pk, reason, note, chosen),
        )
        if note and report.closed:
            report.note_sealed = vault.seal(report.place, note)
        else:
            report.note = note
        same = Report.objects.filter(reporter_id=person.pk, same_as=report.same_as, answered_at__isnull=True)
        if (known := same.values_list("pk", flat=True).first()) is not None:
            return known
        try:
            with transaction.atomic():
                report.save(force_insert=True)
        except IntegrityError:  # the same report, at the same moment
            return same.values_list("pk", flat=True).get()
        ReportedMessage.objects.bulk_create(_copies(report, chosen))
        ledger.append(Event.REPORT_FILED, actor=None, payload={"report": str(report.pk)})
        if reason in URGENT:
            tell_on_duty({Power.REPORTS_ANSWER}, Waiting(_URGENT, reverse("chat:desk_reports")))
    return report.pk


def _cleaned(note: str) -> str:
    if not note.strip():
        return ""
    note = messages.clean(note)
    if len(note) > NOTE_CHARS:
        raise Refused(Code.SIZE, _("A note has at most %(most)d characters.") % {"most": NOTE_CHARS})
    return note


def _identity(room: UUID, reason: str, note: str, chosen: Sequence[Chosen]) -> str:
    """Return what makes a report the same one again. It is keyed: nobody can guess words by it."""
    events = ",".join(str(words.seq) for each in chosen for words in each.words)
    return salted_hmac("chat.safety.report", f"{room} {reason} {events} {note}", algorithm="sha256").hexdigest()


def _copies(report: Report, chosen: Sequence[Chosen]) -> list[ReportedMessage]:
    copies: list[ReportedMessage] = []
    for each in chosen:
        for words in each.words:
            copy = ReportedMessage(
                report=report,
                number=len(copies) + 1,
                seq=each.seq,
                state=words.state,
                author_id=each.author_pk,
                author_name=each.name,
                author_role=each.role,
                at=words.at,
            )
            if report.closed:
                copy.sealed = vault.seal(copy.place, words.body)
            else:
                copy.body = words.body
            copies.append(copy)
    return copies


def open_report(*, report: Report, actor: User) -> list[tuple[ReportedMessage, str]]:
    """Open the words of a report for the desk: exactly those that were handed over. Each look is an entry.

    Raises:
        Refused: `forbidden` without the power.
        vault.Unsealable: a copy was changed, or its key is gone.
    """
    if not may(actor, Power.REPORTS_READ):
        raise Refused(Code.FORBIDDEN, _("You may not do this."))
    with transaction.atomic():
        ledger.append(Event.REPORT_OPENED, actor=actor, payload={"report": str(report.pk)})
        Report.objects.filter(pk=report.pk, opened_at__isnull=True).update(opened_at=timezone.now())
        copies = list(report.messages.select_related("author").order_by("number"))
        return [
            (
                copy,
                vault.unseal(copy.place, bytes(copy.sealed), vault.Purpose.REPORTED)
                if copy.sealed is not None
                else copy.body or "",
            )
            for copy in copies
        ]


def note_of(report: Report) -> str:
    """Return what the reporter wrote to the desk. Call this where the report is opened only."""
    if report.note_sealed is None:
        return report.note
    return vault.unseal(report.place, bytes(report.note_sealed), vault.Purpose.REPORTED)


def answer(*, report: UUID, outcome: str, note: str, actor: User) -> None:
    """Answer a report, which ends its case. The reporter reads the note on their own page.

    Args:
        report: its id.
        outcome: one of `Report.Outcome`.
        note: words to the reporter.
        actor: who answers.

    Raises:
        Refused: `forbidden` without the power; `missing`; `conflict` where it is answered already; `protocol`, `size`.
    """
    if not may(actor, Power.REPORTS_ANSWER):
        raise Refused(Code.FORBIDDEN, _("You may not do this."))
    if outcome not in Report.Outcome.values:
        raise Refused(Code.PROTOCOL, _("Choose what came of it."))
    note = _cleaned(note)
    with transaction.atomic():
        row = Report.objects.select_for_update().filter(pk=report).first()
        if row is None:
            raise Refused(Code.MISSING, _("There is no such report."))
        if row.answered_at is not None:
            raise Refused(Code.CONFLICT, _("This report has an answer already."))
        ledger.append(Event.REPORT_ANSWERED, actor=actor, payload={"report": str(report), "outcome": outcome})
        Report.objects.filter(pk=report).update(
            outcome=outcome, answer=note, answered_at=timezone.now(), answered_by=actor
        )
