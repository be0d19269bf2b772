"""What the operator signed, what the gate did, and the record of both. No decision is taken here."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Signature(models.Model):
    """One checklist item signed by a person, with its evidence. Signatures are withdrawn, never deleted."""

    item_id = models.CharField(_("item"), max_length=8)
    evidence = models.JSONField(_("evidence"), default=dict)
    law_version = models.CharField(_("law version"), max_length=32)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("signed by")
    )
    signed_at = models.DateTimeField(_("signed at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("withdrawn by"),
    )
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawal_reason = models.TextField(_("reason for withdrawing"), blank=True)

    class Meta:
        verbose_name = _("signature")
        verbose_name_plural = _("signatures")
        ordering = ("item_id", "-signed_at")
        constraints = (
            models.UniqueConstraint(
                fields=("item_id",), condition=Q(withdrawn_at__isnull=True), name="one_live_signature_per_item"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True, withdrawal_reason="")
                | (Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawal_reason="")),
                name="withdrawal_says_who_and_why",
            ),
        )

    def __str__(self) -> str:
        return f"{self.item_id} {timezone.localtime(self.signed_at):%Y-%m-%d}"


class Checklist(Signature):
    """The checklist's pages in the admin: a place and its permissions, no table of its own."""

    class Meta:
        proxy = True
        verbose_name = _("operator’s checklist")
        verbose_name_plural = _("operator’s checklist")
        default_permissions = ("view",)
        permissions = (("sign_checklist", "Can sign and withdraw checklist items"),)


class Assessment(models.Model):
    """One walk through the questions N1 to N9: a draft until it is recorded as LAW-01, then kept as it was."""

    answers = models.JSONField(_("answers"), default=dict)
    notes = models.JSONField(_("why"), default=dict)
    features = models.JSONField(_("features as the code had them"), default=dict)
    fingerprint = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(_("verdict"), max_length=24, blank=True)
    law_version = models.CharField(_("law version"), max_length=32, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("answered by")
    )
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    signature = models.OneToOneField(
        Signature, models.PROTECT, null=True, blank=True, related_name="assessment", verbose_name=_("signature")
    )

    class Meta:
        verbose_name = _("assessment")
        verbose_name_plural = _("assessments")
        ordering = ("-changed_at",)
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("answered_by",), condition=Q(signature__isnull=True), name="one_draft_per_person"
            ),
            models.CheckConstraint(
                condition=Q(signature__isnull=True) | ~(Q(outcome="") | Q(fingerprint="") | Q(law_version="")),
                name="a_recorded_assessment_is_whole",
            ),
        )

    def __str__(self) -> str:
        return f"{self.outcome or '…'} {self.changed_at:%Y-%m-%d}"


class Filing(models.Model):
    """What the operator wrote for the notification's forms beyond what the environment says. One row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    facts = models.JSONField(_("facts"), default=dict)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("changed by")
    )
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)

    class Meta:
        verbose_name = _("draft of the notification")
        verbose_name_plural = _("drafts of the notification")
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(id=1), name="there_is_one_filing"),)

    def __str__(self) -> str:
        return f"{self.changed_at:%Y-%m-%d}"


class Authorisation(models.Model):
    """提供可能期間: one period in which both keys were turned, with the facts it was opened on."""

    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    closed_because = models.JSONField(_("why it closed"), null=True, blank=True)
    snapshot = models.JSONField(_("facts at opening"))

    class Meta:
        verbose_name = _("authorisation")
        verbose_name_plural = _("authorisations")
        ordering = ("-opened_at",)
        constraints = (
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
    """The one row that every process reads to know whether the gate moved."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    # A random token, not a counter: a value seen in a transaction that was rolled back never comes again.
    revision = models.UUIDField(default=uuid.uuid4)
    authorisation = models.ForeignKey(Authorisation, models.PROTECT, null=True, blank=True, related_name="+")
    stopped_at = models.DateTimeField(_("stopped at"), null=True, blank=True)
    stopped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("stopped by")
    )
    stop_reason = models.TextField(_("reason for the stop"), blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(id=1), name="the_gate_has_one_state"),
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
    """A running server process and the environment it read, so that two that differ are noticed."""

    id = models.UUIDField(primary_key=True)
    fingerprint = models.CharField(max_length=64)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return str(self.id)


class LedgerEntry(models.Model):
    """記録台帳: one append-only entry, chained to the one before it. Triggers refuse UPDATE and DELETE."""

    seq = models.PositiveBigIntegerField(_("number"), primary_key=True)
    at = models.DateTimeField(_("at"))
    event = models.CharField(_("event"), max_length=64, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", verbose_name=_("who")
    )
    actor_name = models.CharField(_("name at that time"), max_length=254, blank=True)
    payload = models.JSONField(_("what"))
    law_version = models.CharField(_("law version"), max_length=32)
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        ordering = ("seq",)

    def __str__(self) -> str:
        return f"{self.seq} {self.event}"
