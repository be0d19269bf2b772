"""What people have chosen for themselves, and the browsers in which they are signed in."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from chat.models.people import User


class Preferences(models.Model):
    """What somebody chose for their pages. Whoever chose nothing has no row, or an empty word in a column.

    `blocks_at` says when they last blocked or unblocked somebody. By it the processes find whose pages have to be told,
    where a hint was lost.
    """

    user = models.OneToOneField(User, models.CASCADE, related_name="+", primary_key=True)
    language = models.CharField(max_length=8, blank=True, default="")
    theme = models.CharField(max_length=8, blank=True, default="")
    text_size = models.CharField(max_length=8, blank=True, default="")
    enter = models.CharField(max_length=8, blank=True, default="")
    blocks_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("blocks_at",), condition=Q(blocks_at__isnull=False), name="who_blocked_lately"),
        )

    def __str__(self) -> str:
        return f"of {self.user_id}"


class Device(models.Model):
    """A session as its person may see it: in which browser, since when. No address, and no more of the browser's words.

    The session says itself when it was last used, and whether it goes on.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    session = models.CharField(max_length=40, unique=True)  # its key; no reference: sessions go by themselves
    browser = models.CharField(max_length=16, blank=True)
    system = models.CharField(max_length=16, blank=True)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.browser} of {self.user_id}"
