"""法的保全: legal holds on records."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Hold(models.Model):
    """法的保全: records that the retention job leaves alone while a freeze request, an order or a case lasts."""

    class Scope(models.TextChoices):
        EVERYTHING = "everything", _("everything")
        PERSON = "person", _("one person’s records")
        ROOM = "room", _("one room’s records")

    class Ground(models.TextChoices):
        FREEZE = "freeze", _("freeze request (Code of Criminal Procedure 197(3))")
        ORDER = "order", _("court order not to erase")
        CASE = "case", _("a complaint or dispute under way")

    scope = models.CharField(_("what is held"), max_length=12, choices=Scope.choices)
    # The law knows nothing of chat: a person's public id or a room's id, which the job in chat understands.
    subject = models.UUIDField(_("whose, or which room (id)"), null=True, blank=True)
    ground = models.CharField(_("ground"), max_length=8, choices=Ground.choices)
    paper = models.TextField(_("paper: authority, number, date, what it names"))
    case = models.ForeignKey(
        "compliance.Case", models.PROTECT, null=True, blank=True, related_name="holds", verbose_name=_("case")
    )
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("placed by")
    )
    placed_at = models.DateTimeField(_("placed at"), default=timezone.now)
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    extended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("extended by")
    )
    extended_at = models.DateTimeField(_("extended at"), null=True, blank=True)
    extension_paper = models.TextField(_("paper of the extension: authority, number, date"), blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("lifted by")
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True, blank=True)
    lift_reason = models.TextField(_("why it was lifted"), blank=True)

    class Meta:
        verbose_name = _("legal hold")
        verbose_name_plural = _("legal holds")
        ordering = ("-placed_at",)
        default_permissions = ("view", "add", "change")
        constraints = (
            models.CheckConstraint(
                condition=Q(scope="everything", subject__isnull=True)
                | Q(scope__in=("person", "room"), subject__isnull=False),
                name="a_hold_names_what_it_holds",
            ),
            models.CheckConstraint(
                condition=Q(ground="order") | Q(ends_on__isnull=False), name="only_an_order_holds_without_end"
            ),
            models.CheckConstraint(
                condition=Q(extended_at__isnull=True, extended_by__isnull=True, extension_paper="")
                | (Q(ground="freeze", extended_at__isnull=False, extended_by__isnull=False) & ~Q(extension_paper="")),
                name="only_a_freeze_is_extended_on_paper",
            ),
            models.CheckConstraint(
                condition=~Q(ground="freeze", scope="everything"), name="a_freeze_names_what_it_keeps"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lift_reason="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lift_reason="")),
                name="a_lifted_hold_says_who_and_why",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {timezone.localtime(self.placed_at):%Y-%m-%d}"
