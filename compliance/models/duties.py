"""Incidents, changes and outages that start legal deadlines, duties that were done, and calendar feeds."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Happening(models.Model):
    """Something that starts a clock: a leak that was learned of, or a change of what was filed. Never a message."""

    kind = models.CharField(_("kind"), max_length=24)
    on = models.DateField(_("day"))
    attack = models.BooleanField(_("an attack may be behind it"), default=False)
    summary = models.TextField(_("what happened"))
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now)
    void_because = models.TextField(_("struck out because"), blank=True)

    class Meta:
        verbose_name = _("incident or change")
        verbose_name_plural = _("incidents and changes")
        ordering = ("-on", "-id")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.on} {self.kind}"


class Calendar(Happening):
    """The operator's calendar in the admin: a place and its permissions, no table of its own."""

    class Meta:
        proxy = True
        verbose_name = _("calendar of duties")
        verbose_name_plural = _("calendar of duties")
        default_permissions = ("view",)
        permissions = (("keep_calendar", "Can record incidents, changes and outages, and mark duties done"),)


class Outage(models.Model):
    """事故記録: a time in which the service was down or bad. Corrected as more is known; the ledger keeps all."""

    class NoticedBy(models.TextChoices):
        PERSON = "person", _("a person")
        HEALTH = "health", _("health data")

    started_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    users = models.PositiveBigIntegerField(_("users hit"), null=True, blank=True)
    where = models.CharField(_("what failed"), max_length=16, blank=True)
    service = models.CharField(_("kind of service"), max_length=16, blank=True)
    add_on = models.BooleanField(_("only an add-on function"), default=False)
    cause = models.TextField(_("cause"), blank=True)
    noticed_by = models.CharField(_("noticed by"), max_length=8, choices=NoticedBy.choices, default=NoticedBy.PERSON)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now)
    void_because = models.TextField(_("struck out because"), blank=True)

    class Meta:
        verbose_name = _("outage")
        verbose_name_plural = _("outages")
        ordering = ("-started_at",)
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=models.F("started_at")),
                name="an_outage_ends_after_it_begins",
            ),
            models.UniqueConstraint(
                fields=("noticed_by",),
                condition=Q(ended_at__isnull=True, noticed_by="health", void_because=""),
                name="health_data_sees_one_outage_at_a_time",
            ),
        )

    def __str__(self) -> str:
        return f"{timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"


class DutyMark(models.Model):
    """A duty of the calendar that was done: which, on which day, and what proves it."""

    duty = models.CharField(_("duty"), max_length=80, unique=True)
    done_on = models.DateField(_("done on"))
    note = models.TextField(_("what proves it"), blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("recorded by")
    )
    done_at = models.DateTimeField(_("recorded at"), default=timezone.now)

    class Meta:
        verbose_name = _("duty done")
        verbose_name_plural = _("duties done")
        default_permissions = ()

    def __str__(self) -> str:
        return self.duty


class Feed(models.Model):
    """One person's address of the calendar feed. Only the hash of its secret is kept; deleting it revokes it."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", primary_key=True)
    token_hash = models.CharField(max_length=64, unique=True)
    language = models.CharField(_("language"), max_length=2, default="ja")
    made_at = models.DateTimeField(_("made at"), default=timezone.now)

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.owner)
