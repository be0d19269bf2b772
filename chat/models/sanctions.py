"""Acts on people and on words, the appeals against them, and the keepers of open rooms."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.models.people import User
from chat.models.reports import Reason
from chat.models.rooms import Room

REASON_LENGTH = 500


class Sanction(models.Model):
    """An act on a person: a warning, a mute or a suspension, everywhere or in one open room.

    It takes effect with the commit and ends by the clock: no job has to run. `changed_at` moves with each change, so
    that every process finds what happened lately.
    """

    class Kind(models.TextChoices):
        WARN = "warn", _("warning")
        MUTE = "mute", _("mute")
        SUSPEND = "suspend", _("suspension")

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    user = models.ForeignKey(User, models.CASCADE, related_name="sanctions")
    room = models.ForeignKey(Room, models.CASCADE, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=REASON_LENGTH)
    rule = models.CharField(max_length=16, choices=Reason.choices)
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by_role = models.CharField(max_length=6)
    seen_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                name="only_mutes_are_of_one_room", condition=Q(room__isnull=True) | Q(kind__in=("warn", "mute"))
            ),
            models.CheckConstraint(name="a_warning_has_no_end", condition=~Q(kind="warn") | Q(until__isnull=True)),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"


class AddressMute(models.Model):
    """The network of a muted or suspended guest, as a keyed digest: no other nickname from it writes meanwhile.

    No page shows it. It holds for a day, and for seven at most where the guest is seen again.
    """

    digest = models.CharField(max_length=32, db_index=True)
    sanction = models.ForeignKey(Sanction, models.CASCADE, related_name="+", db_index=False)  # leads a constraint
    first_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("sanction", "digest"), name="one_mute_per_act_and_network"),)

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M}"


class LeftAct(models.Model):
    """An act that goes on although the person erased their account.

    It has a keyed digest of the address instead of a person, and neither name, reason nor words. Whoever confirms that
    address again has the act again.
    """

    public_id = models.UUIDField(editable=False)  # of the act
    digest = models.CharField(max_length=64, db_index=True)
    kind = models.CharField(max_length=8, choices=Sanction.Kind.choices)
    room = models.ForeignKey(Room, models.CASCADE, null=True, related_name="+")
    rule = models.CharField(max_length=16, choices=Reason.choices)
    by_role = models.CharField(max_length=6)
    until = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(db_index=True)  # `until`, or three years after the person left

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("public_id", "digest"), name="an_act_is_left_once_an_address"),)

    def __str__(self) -> str:
        return f"{self.kind} until {self.ends_at:%Y-%m-%d}"


class Appeal(models.Model):
    """What somebody says against an act on them: once per act."""

    class Outcome(models.TextChoices):
        UPHELD = "upheld", _("the act stands")
        LIFTED = "lifted", _("the act is lifted")

    sanction = models.OneToOneField(Sanction, models.CASCADE, related_name="appeal", primary_key=True)
    words = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, blank=True, default="")
    note = models.CharField(max_length=REASON_LENGTH, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=("at",), condition=Q(outcome=""), name="appeals_that_wait"),)

    def __str__(self) -> str:
        return f"against {self.sanction_id}"


class Keeper(models.Model):
    """Somebody who keeps order in an open room, named by its owner. The owner, who created the room, has no row."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="keepers", db_index=False)  # leads a constraint
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    named_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("room", "user"), name="one_keeper_per_room_and_person"),)

    def __str__(self) -> str:
        return f"{self.user_id} keeps {self.room_id}"


class RemovedMessage(models.Model):
    """The words of an open message that a keeper or staff removed: sealed, for seven days, for staff to restore."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="+", db_index=False)  # leads a constraint
    seq = models.PositiveBigIntegerField()
    sealed = models.BinaryField(null=True)
    author = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    by_role = models.CharField(max_length=6)
    reason = models.CharField(max_length=REASON_LENGTH)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("room", "seq"), name="a_message_is_removed_once"),)

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"
