"""What a legal hold keeps of people who were erased: apart from everything else, sealed, until the hold ends."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class HeldCopy(models.Model):
    """What one hold keeps of one erased person: the account and the history that the hold names, sealed as JSON."""

    hold = models.ForeignKey("compliance.Hold", models.PROTECT, related_name="+", db_index=False)  # leads a constraint
    person = models.UUIDField()  # the public id that the account had; the hold may name it
    facts = models.BinaryField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("hold", "person"), name="one_held_copy_per_hold_and_person"),)

    def __str__(self) -> str:
        return f"{self.hold_id} keeps {self.person}"


class HeldWord(models.Model):
    """One event of the log with its words, sealed for the place at which it stood."""

    copy = models.ForeignKey(HeldCopy, models.CASCADE, related_name="words")
    room = models.UUIDField()
    seq = models.PositiveBigIntegerField()
    author = models.BigIntegerField()  # the primary key that the account had: words are sealed for it
    kind = models.CharField(max_length=8)
    target = models.PositiveBigIntegerField(null=True)
    sealed = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.room}/{self.seq}"
