"""記録台帳: the ledger's entries, its head, and the references under which it names people."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Actor(models.Model):
    """A person in the ledger: an opaque reference that stays the same, and the account behind it.

    Entries and proofs carry the reference; only people with access to the administration can resolve it.
    """

    ref = models.CharField(_("reference"), max_length=16, primary_key=True)
    # Empty once the account is erased: then nobody can resolve the reference any more.
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("account")
    )
    powers = models.JSONField(_("powers as the ledger knows them"), default=dict)

    class Meta:
        verbose_name = _("person in the ledger")
        verbose_name_plural = _("people in the ledger")
        default_permissions = ()

    def __str__(self) -> str:
        return self.ref

    @property
    def name(self) -> str:
        """The name of the account, or words for one that was erased."""
        return str(self.user.get_full_name()) if self.user else gettext("an erased account")


class LedgerEntry(models.Model):
    """記録台帳: one append-only entry, chained to the one before it. Triggers refuse everything but the next one."""

    seq = models.PositiveBigIntegerField(_("number"), primary_key=True)
    at = models.DateTimeField(_("at"))
    event = models.CharField(_("event"), max_length=64, db_index=True)
    actor = models.ForeignKey(Actor, models.PROTECT, null=True, related_name="+", verbose_name=_("who"))
    role = models.CharField(_("role at that time"), max_length=16)
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


class LedgerHead(models.Model):
    """The number and hash of the newest ledger entry, kept apart from it: an emptied or cut ledger no longer fits it.

    One row, which a trigger writes with each entry.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    seq = models.PositiveBigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=Q(id=1), name="the_ledger_has_one_head"),)

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"
