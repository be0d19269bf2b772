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


class Closing(GateState):
    """The planned end's page in the admin: a place and its permissions, no table of its own."""

    class Meta:
        proxy = True
        verbose_name = _("planned end")
        verbose_name_plural = _("planned end")
        default_permissions = ("view",)
        permissions = (("announce_end", "Can announce and withdraw a planned end"),)


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
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("placed by")
    )
    placed_at = models.DateTimeField(_("placed at"), default=timezone.now)
    ends_on = models.DateField(_("last day"), null=True, blank=True)
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
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lift_reason="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lift_reason="")),
                name="a_lifted_hold_says_who_and_why",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {timezone.localtime(self.placed_at):%Y-%m-%d}"
