"""Answers to the questions N1 to N9, and the verdict that was recorded with them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from compliance.models.checklist import Signature


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
