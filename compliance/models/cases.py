"""Cases: papers that reached the operator, what is enclosed, the letters that answer them, and disclosures."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

_USER = settings.AUTH_USER_MODEL


class Case(models.Model):
    """案件: one paper or request and what became of it. Never words of a talk."""

    class Silence(models.TextChoices):
        NONE = "", _("nothing said about it")
        ASKED = "asked", _("asked to keep it secret (Code of Criminal Procedure 197(5))")
        ORDERED = "ordered", _("ordered to keep it secret (Code of Criminal Procedure 218(3))")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.PositiveIntegerField(_("number"), unique=True)
    kind = models.CharField(_("kind"), max_length=20)
    variant = models.CharField(max_length=16, default="ordinary")
    sender = models.CharField(_("from whom"), max_length=200)
    reference = models.CharField(_("number of the paper"), max_length=100, blank=True)
    dated_on = models.DateField(_("date of the paper"), null=True, blank=True)
    received_on = models.DateField(_("received on"))
    named_on = models.DateField(_("last day that the paper names"), null=True, blank=True)
    asked_on = models.DateField(_("the poster received the enquiry on"), null=True, blank=True)
    ordered_on = models.DateField(_("a court’s order came on"), null=True, blank=True)
    about = models.TextField(_("what is asked for"), blank=True)
    silence = models.CharField(_("secrecy"), max_length=8, choices=Silence.choices, blank=True, default="")
    silent_until = models.DateField(_("kept secret until"), null=True, blank=True)
    contact = models.EmailField(_("mail address"), blank=True)
    language = models.CharField(max_length=2, default="ja", db_default="ja")  # of its sender, and of mails to them
    from_outside = models.BooleanField(default=False)
    done = models.JSONField(default=dict)  # the clocks that were met, each with its day
    opened_by = models.ForeignKey(_USER, models.PROTECT, null=True, related_name="+", verbose_name=_("opened by"))
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    closed_by = models.ForeignKey(_USER, models.PROTECT, null=True, related_name="+", verbose_name=_("closed by"))
    closed_at = models.DateTimeField(_("closed at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=12, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    emptied_at = models.DateTimeField(null=True)  # what names people was erased, after the period of retention

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ("-opened_at",)
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by__isnull=True, outcome="")
                | (Q(closed_at__isnull=False, closed_by__isnull=False) & ~Q(outcome="")),
                name="a_closed_case_says_who_and_how",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Its number as letters carry it."""
        return f"C-{self.number:05d}"

    @property
    def is_open(self) -> bool:
        """Whether it is still under way."""
        return self.closed_at is None


class CasePaper(models.Model):
    """A file of a case, by its hash; the bytes lie in the store of evidence."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="papers")
    name = models.CharField(max_length=220)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    type = models.CharField(max_length=100)
    added_by = models.ForeignKey(_USER, models.PROTECT, null=True, related_name="+")
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        ordering = ("added_at", "pk")
        constraints = (models.UniqueConstraint(fields=("case", "sha256"), name="a_case_has_a_file_once"),)

    def __str__(self) -> str:
        return self.name


class Letter(models.Model):
    """A letter of a case as it was issued."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="letters")
    key = models.CharField(max_length=24)
    text = models.TextField()
    issued_by = models.ForeignKey(_USER, models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField(default=timezone.now)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("issued_at",)

    def __str__(self) -> str:
        return f"{self.case_id} {self.key}"


class Disclosure(models.Model):
    """開示: a look into closed talk on a ground, at the least scope, agreed to by a second person."""

    class Ground(models.TextChoices):
        ORDER = "order", _("an order of a court or a warrant")
        DANGER = "danger", _("present danger to life, body, liberty or property (Penal Code 37)")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="disclosures")
    ground = models.CharField(_("ground"), max_length=8, choices=Ground.choices)
    reason = models.TextField(_("reason"))
    rooms = models.JSONField(default=list)
    people = models.JSONField(default=list)
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    asked_by = models.ForeignKey(_USER, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    alone = models.BooleanField(default=False)
    approved_by = models.ForeignKey(_USER, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)
    refused_by = models.ForeignKey(_USER, models.PROTECT, null=True, related_name="+")
    refused_at = models.DateTimeField(null=True)
    refusal = models.TextField(blank=True)
    made_at = models.DateTimeField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)
    records = models.PositiveIntegerField(null=True)
    opened_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(_USER, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    finding = models.TextField(blank=True)

    class Meta:
        verbose_name = _("disclosure")
        verbose_name_plural = _("disclosures")
        ordering = ("-asked_at",)
        default_permissions = ()
        constraints = (
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("asked_by")),
                name="a_disclosure_is_agreed_to_by_another",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by__isnull=True) | ~Q(reviewed_by=F("asked_by")),
                name="a_disclosure_is_reviewed_by_another",
            ),
            models.CheckConstraint(
                condition=Q(made_at__isnull=True) | Q(approved_at__isnull=False) | Q(alone=True),
                name="a_disclosure_is_made_once_agreed",
            ),
            models.CheckConstraint(
                condition=Q(approved_at__isnull=True) | Q(refused_at__isnull=True),
                name="a_disclosure_is_agreed_to_or_refused",
            ),
            models.CheckConstraint(
                condition=Q(opened_at__isnull=True) | Q(made_at__isnull=False), name="what_is_opened_was_made"
            ),
            models.CheckConstraint(condition=Q(ground="danger") | Q(case__isnull=False), name="an_order_has_its_case"),
        )

    def __str__(self) -> str:
        return str(self.id)
