"""What the operator signed: signatures on checklist items, each with its evidence."""

from __future__ import annotations

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
