"""The state of the gate: its one row, the authorisations (提供可能期間), and the server processes that run."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def new_epoch() -> str:
    """Return the name of an epoch: opaque, and never the same twice."""
    return uuid.uuid4().hex


class Authorisation(models.Model):
    """提供可能期間: one period in which both keys were turned, with the facts it was opened on."""

    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_because = models.JSONField(_("why it closed"), null=True, blank=True)
    snapshot = models.JSONField(_("facts at opening"))
    continues = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="continued_by",
        verbose_name=_("continues"),
    )
    """The period that was closed at the same moment because its facts changed; None after a time without any."""

    class Meta:
        verbose_name = _("authorisation")
        verbose_name_plural = _("authorisations")
        ordering = ("-opened_at",)
        constraints = (
            models.UniqueConstraint(fields=("continues",), name="a_period_is_continued_once"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_because__isnull=True)
                | Q(closed_at__isnull=False, closed_because__isnull=False),
                name="a_closed_authorisation_says_why",
            ),
        )

    def __str__(self) -> str:
        end = f"{timezone.localtime(self.closed_at):%Y-%m-%d %H:%M}" if self.closed_at else ""
        return f"{timezone.localtime(self.opened_at):%Y-%m-%d %H:%M} – {end}"


class GateState(models.Model):
    """The one row that every process reads to learn whether the gate moved."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # A random token, not a counter: a value seen in a transaction that was rolled back never comes again.
    revision = models.UUIDField(default=uuid.uuid4)
    authorisation = models.ForeignKey(Authorisation, models.PROTECT, null=True, blank=True, related_name="+")
    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("stopped by")
    )
    stop_reason = models.TextField(_("reason for the stop"), blank=True)
    ends_on = models.DateField(_("day of the end"), null=True, blank=True)
    end_announced_at = models.DateTimeField(_("announced at"), null=True, blank=True)
    end_announced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("announced by"),
    )
    end_notice = models.JSONField(_("notice to users"), default=dict)
    end_reached_at = models.DateTimeField(_("reached at"), null=True, blank=True)
    # Names the history of this database. Another one begins where it goes back, so that whoever remembers more than it
    # holds forgets. The database's own default is for processes that know no epochs.
    epoch = models.CharField(max_length=32, default=new_epoch, db_default="")
    restored_at = models.DateTimeField(_("restored at"), null=True, blank=True)
    """When the database went back, until the operator confirms what it holds."""

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(id=1), name="the_gate_has_one_state"),
            models.CheckConstraint(
                condition=Q(
                    ends_on__isnull=True,
                    end_announced_at__isnull=True,
                    end_announced_by__isnull=True,
                    end_reached_at__isnull=True,
                )
                | Q(ends_on__isnull=False, end_announced_at__isnull=False, end_announced_by__isnull=False),
                name="an_end_says_when_and_who",
            ),
            models.CheckConstraint(
                condition=Q(stopped_at__isnull=True, stopped_by__isnull=True, stop_reason="")
                | (Q(stopped_at__isnull=False, stopped_by__isnull=False) & ~Q(stop_reason="")),
                name="a_stop_says_who_and_why",
            ),
        )

    def __str__(self) -> str:
        return "stopped" if self.stopped_at else "running"


class Stop(GateState):
    """The emergency stop's page in the admin: a place and its permissions, no table of its own."""

    class Meta:
        proxy = True
        verbose_name = _("emergency stop")
        verbose_name_plural = _("emergency stop")
        default_permissions = ("view",)
        permissions = (("pull_stop", "Can pull and lift the emergency stop"),)


class Instance(models.Model):
    """A running server process and the environment it read, so that two that differ are noticed.

    A process that cannot run closed chat by a fault of its own (no key, a wrong clock, a malformed environment) has no
    fingerprint: it has no say in what the gate does.
    """

    id = models.UUIDField(primary_key=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    # How often the process was here. It remembers the number: where the row has a lower one, the database went back.
    beat = models.PositiveBigIntegerField(default=0, db_default=0)
    edition = models.CharField(max_length=32, blank=True)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return str(self.id)
