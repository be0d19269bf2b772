"""Approvals of two persons for dangerous acts, and invitations of staff."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

APPROVAL_DAYS: Final = 7
"""For how long a request can be answered and carried out."""
INVITATION_DAYS: Final = 7
"""For how long an invitation can be accepted."""


class Approval(models.Model):
    """A dangerous act that one member of staff asked for and another one answers, before it is carried out once."""

    class Kind(models.TextChoices):
        STOP_LIFT = "stop.lift", _("lift the emergency stop")
        HOLD_LIFT = "hold.lift", _("lift a legal hold")
        POWER_GIVE = "power.give", _("give powers")
        FACTOR_REMOVE = "factor.remove", _("remove a second factor")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting for the second person")
        RIPE = "ripe", _("can be carried out")
        REFUSED = "refused", _("refused")
        WITHDRAWN = "withdrawn", _("withdrawn")
        DONE = "done", _("carried out")
        LAPSED = "lapsed", _("lapsed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("act"), max_length=16, choices=Kind.choices)
    subject = models.CharField(_("on what"), max_length=64, blank=True)  # a reference: of a hold, of an account
    what = models.JSONField(_("what exactly"), default=dict)
    reason = models.TextField(_("reason"))
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(default=timezone.now)
    # Where there is no second person: from when on the first may act alone.
    alone_from = models.DateTimeField(null=True, blank=True)
    # A second person without an account, whom a sole operator names; the link of the mail is stored hashed.
    outside_name = models.CharField(max_length=100, blank=True)
    outside_digest = models.CharField(max_length=64, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    approved = models.BooleanField(default=False)
    note = models.TextField(blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ("-requested_at",)
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requested_by")),
                name="the_second_person_is_not_the_first",
            ),
            models.CheckConstraint(
                condition=Q(approved=False)
                | (Q(decided_at__isnull=False) & (Q(decided_by__isnull=False) | ~Q(outside_digest=""))),
                name="an_approval_says_who_gave_it",
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True)
                | Q(approved=True)
                | Q(decided_at__isnull=True, alone_from__isnull=False, done_at__gte=F("alone_from")),
                name="done_by_two_or_after_the_wait",
            ),
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | Q(withdrawn_at__isnull=True), name="what_is_withdrawn_is_not_done"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def lapses_at(self) -> datetime:
        """When the request can no longer be answered nor carried out."""
        return self.requested_at + timedelta(days=APPROVAL_DAYS)

    @property
    def state(self) -> State:
        """Where the request stands now."""
        now = timezone.now()
        if self.done_at:
            return self.State.DONE
        if self.withdrawn_at:
            return self.State.WITHDRAWN
        if self.decided_at and not self.approved:
            return self.State.REFUSED
        if now >= self.lapses_at:
            return self.State.LAPSED
        ripe = self.approved or (self.alone_from is not None and now >= self.alone_from)
        return self.State.RIPE if ripe else self.State.WAITING


class Invitation(models.Model):
    """Somebody who is asked by mail to join a group of the staff: once, within seven days, until it is withdrawn."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    approval = models.OneToOneField(Approval, models.PROTECT, related_name="+")
    address = models.EmailField(blank=True)  # empty once the invitation is over
    language = models.CharField(max_length=2, default="ja")
    digest = models.CharField(max_length=64, blank=True)  # of the link; empty until a second person agreed
    sent_at = models.DateTimeField(null=True, blank=True)
    over_at = models.DateTimeField(null=True, blank=True)  # accepted or withdrawn

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def open(self) -> bool:
        """Whether the link still counts."""
        return self.sent_at is not None and self.over_at is None and timezone.now() < self.ends_at

    @property
    def ends_at(self) -> datetime:
        """Until when the link counts, once it was sent."""
        assert self.sent_at is not None
        return self.sent_at + timedelta(days=INVITATION_DAYS)
