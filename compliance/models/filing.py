"""What the operator wrote for the notification to the bureau."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


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
