"""Matching: tickets of people who wait, and the pairs that were made."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from chat.models.people import User
from chat.models.rooms import Room


class Ticket(models.Model):
    """What somebody does in matching: they wait, or are in the talk that they were matched into. One each, or none.

    While they wait, `heartbeat_at` says when a process last held a connection of theirs. In a talk, `entered_at` says
    since when they are in its room, and `due_at` by when they must be seen there again; None: nobody judges it.
    `since` stays through a talk: whoever comes back from one that was none has their place in the queue again.
    """

    user = models.OneToOneField(User, models.CASCADE, related_name="ticket", primary_key=True)
    topic = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=8, blank=True)
    since = models.DateTimeField(default=timezone.now)
    heartbeat_at = models.DateTimeField(default=timezone.now)
    room = models.ForeignKey(Room, models.CASCADE, null=True, blank=True, related_name="+")
    entered_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("since", "user"), condition=Q(room__isnull=True), name="who_waits_longest"),
            models.Index(fields=("due_at",), condition=Q(room__isnull=False), name="who_is_due_in_a_talk"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} since {self.since:%H:%M:%S}"


class Pairing(models.Model):
    """Two people whom the service brought together, so that they are not brought together again at once."""

    lower = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)  # leads an index
    higher = models.ForeignKey(User, models.CASCADE, related_name="+")
    room = models.OneToOneField(Room, models.CASCADE, related_name="pairing")
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(lower__lt=F("higher")), name="a_pair_is_written_one_way"),
            models.UniqueConstraint(
                fields=("lower",), condition=Q(ended_at__isnull=True), name="one_live_talk_as_lower"
            ),
            models.UniqueConstraint(
                fields=("higher",), condition=Q(ended_at__isnull=True), name="one_live_talk_as_higher"
            ),
        )
        indexes = (models.Index(fields=("lower", "higher", "-made_at"), name="when_two_people_last_met"),)

    def __str__(self) -> str:
        return f"{self.lower_id} and {self.higher_id}"
