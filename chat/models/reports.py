"""Reports: what people hand over to the desk, and the words of closed talk that were taken back a moment ago."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.people import NAME_POINTS, User
from chat.models.rooms import Room
from compliance import vault


class Reason(models.TextChoices):
    """Why something is reported. The names are those of the wire."""

    HARASSMENT = "harassment", _("Harassment")
    SEXUAL = "sexual", _("Sexual words nobody asked for")
    MINOR = "minor", _("A child or a young person is at risk")
    THREAT = "threat", _("A threat, or danger to somebody")
    FRAUD = "fraud", _("Fraud, or a request for money")
    PERSONAL_DATA = "personal_data", _("Somebody’s personal data")
    SPAM = "spam", _("Advertising or spam")
    DATING = "dating", _("A search for a date")
    ILLEGAL = "illegal", _("Something else that is illegal")
    OTHER = "other", _("Something else")


class Report(models.Model):
    """What one person handed over, and the desk's answer. Of a closed room it holds nothing but the chosen messages.

    `room` is no foreign key: the copies outlive the room. The desk is never shown the one of a closed room.
    """

    class Outcome(models.TextChoices):
        ACTED = "acted", _("Something was done about it")
        NO_GROUND = "no_ground", _("Nothing was found that breaks the rules")
        PASSED_ON = "passed_on", _("It was passed on to those who deal with it")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    reporter = models.ForeignKey(User, models.SET_NULL, null=True, related_name="reports")
    room = models.UUIDField()
    closed = models.BooleanField()
    reason = models.CharField(max_length=16, choices=Reason.choices)
    note = models.TextField(blank=True, default="")
    note_sealed = models.BinaryField(null=True)
    filed_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True, default="")
    answer = models.TextField(blank=True, default="")
    same_as = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = (
            # Who presses twice, or whose answer was lost, has one report.
            models.UniqueConstraint(
                fields=("reporter", "same_as"),
                condition=Q(answered_at__isnull=True),
                name="one_live_report_of_the_same",
            ),
            models.CheckConstraint(name="report_reason_is_known", condition=Q(reason__in=Reason.values)),
            models.CheckConstraint(name="notes_on_closed_talk_are_sealed", condition=Q(closed=False) | Q(note="")),
        )
        indexes = (models.Index(fields=("filed_at",), condition=Q(answered_at__isnull=True), name="reports_that_wait"),)

    def __str__(self) -> str:
        return str(self.id)

    @property
    def place(self) -> vault.Place:
        """The place for which its note is sealed."""
        return vault.Place(self.id, 0, self.reporter_id, "note")


class ReportedMessage(models.Model):
    """One chosen message as it was when it was handed over: its words, or words that it had before."""

    class State(models.TextChoices):
        CURRENT = "current", _("as it stood")
        EDITED = "edited", _("before it was changed")
        DELETED = "deleted", _("before it was deleted")

    report = models.ForeignKey(Report, models.CASCADE, related_name="messages", db_index=False)  # leads a constraint
    number = models.PositiveSmallIntegerField()  # its place in the report; the words are sealed for it
    seq = models.PositiveBigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.CURRENT)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    author_name = models.CharField(max_length=NAME_POINTS)
    author_role = models.CharField(max_length=6, blank=True, default="")
    at = models.DateTimeField()
    body = models.TextField(null=True)  # noqa: DJ001 -- null says that the words are sealed
    sealed = models.BinaryField(null=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("report", "number"), name="a_place_in_a_report_is_taken_once"),
            models.CheckConstraint(
                name="reported_words_are_plain_or_sealed",
                condition=Q(body__isnull=True, sealed__isnull=False) | Q(body__isnull=False, sealed__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.report_id}/{self.number}"

    @property
    def place(self) -> vault.Place:
        """The place for which its words are sealed: one of the report, and none of the room."""
        return vault.Place(self.report_id, self.number, self.author_id, "report")


class TakenBack(models.Model):
    """Words of a closed talk that their author deleted. They stay sealed, for a day, for those who had got them.

    Nobody reads them but in a report: the log has them no more.
    """

    room = models.ForeignKey(Room, models.CASCADE, related_name="+", db_index=False)  # leads a constraint
    seq = models.PositiveBigIntegerField()  # of the event that had the words: the message, or an edit of it
    message = models.PositiveBigIntegerField()  # the seq of the message
    kind = models.CharField(max_length=8)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    sealed = models.BinaryField()
    written_at = models.DateTimeField()
    at = models.DateTimeField(default=timezone.now)  # when it was deleted
    had_by = models.JSONField(default=list)  # the primary keys of those to whom it was delivered

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("room", "seq"), name="words_are_taken_back_once"),)
        indexes = (models.Index(fields=("at",), name="when_words_were_taken_back"),)

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"

    @property
    def place(self) -> vault.Place:
        """The place for which its words are sealed: still the one in the log."""
        target = self.message if self.message != self.seq else None
        return vault.Place(self.room_id, self.seq, self.author_id, self.kind, target)
