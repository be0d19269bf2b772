"""The log of messages: one row for each event of a room."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.people import NAME_POINTS, Role, User
from chat.models.rooms import Room


class Message(models.Model):
    """One event of a room's log. `seq` is dense per room; edits and deletions are events with a `target`."""

    class Kind(models.TextChoices):
        MESSAGE = "message"
        EDIT = "edit"
        DELETE = "delete"
        NOTICE = "notice"

    # The room leads the key, so that the table can be split by hash of the room without touching a query.
    pk = models.CompositePrimaryKey("room_id", "seq")
    room = models.ForeignKey(Room, models.CASCADE, related_name="messages", db_index=False)
    seq = models.PositiveBigIntegerField()
    id = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.MESSAGE)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+", db_index=False)
    author_name = models.CharField(max_length=NAME_POINTS)
    author_role = models.CharField(max_length=6, choices=Role.choices, blank=True, default="", db_default="")
    client_id = models.UUIDField(null=True)
    # As its author's client wrote it, where that is not the usual spelling: the author knows it again by it.
    client_id_written = models.CharField(max_length=36, null=True)  # noqa: DJ001 -- null is free, and nearly all are
    body = models.TextField(null=True)  # noqa: DJ001 -- null says that the words are sealed or were deleted
    sealed = models.BinaryField(null=True)
    reply_to = models.PositiveBigIntegerField(null=True)
    target = models.PositiveBigIntegerField(null=True)
    # Of a deletion: who removed a message that is not their own (`keeper`, `staff`). Of an edit: it gives removed words
    # back, and is a `restore` on the wire; the version before takes it for an edit of what is deleted.
    by = models.CharField(max_length=6, blank=True, default="", db_default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            # The author leads, so that what somebody wrote is found when their account goes; the room is in it, so that
            # it can be kept where the table is split by room.
            models.UniqueConstraint(fields=("author", "room", "client_id"), name="a_client_id_is_stored_once"),
            models.CheckConstraint(
                name="words_are_plain_or_sealed", condition=Q(body__isnull=True) | Q(sealed__isnull=True)
            ),
            models.CheckConstraint(name="author_role_is_known", condition=Q(author_role__in=Role.values)),
            models.CheckConstraint(
                name="edits_and_deletions_have_a_target",
                condition=Q(kind__in=("edit", "delete"), target__isnull=False)
                | Q(kind__in=("message", "notice"), target__isnull=True),
            ),
        )
        indexes = (
            models.Index(fields=("room", "target"), condition=Q(target__isnull=False), name="what_changed_a_message"),
        )

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"
