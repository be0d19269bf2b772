"""The records in the admin: signatures, authorisation periods, the ledger and its proof, and legal holds."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.contrib.auth import get_permission_codename, get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.adminkit import ClosedAdmin, DayField, ReadOnly, evidence_in_words
from compliance.language import current_language, localized
from compliance.law import ITEM
from compliance.models import Authorisation, Hold, LedgerEntry, Signature, guards
from compliance.records import Event, agreement, holds, ledger, proof, replay

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


SHORT_LEDGER: Final = 2_000
"""The list verifies a chain of up to this many entries at each request. A longer one is verified on demand."""


class PeriodForm(forms.Form):
    """A period in days of Japan's calendar, both included. Without a day it begins or ends with the ledger."""

    start = DayField(required=False, label=gettext_lazy("First day"))
    end = DayField(required=False, label=gettext_lazy("Last day"))

    def clean(self) -> None:
        """Refuse a period that begins in the future, or ends before it begins."""
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and start > timezone.localdate():
            self.add_error("start", _("This day is in the future."))
        if start and end and end < start:
            self.add_error("end", _("The last day lies before the first."))

    @property
    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """The first moment of the period, and the first moment after it; None where the period is open."""
        start, end = self.cleaned_data["start"], self.cleaned_data["end"]
        return _midnight(start), _midnight(end + timedelta(days=1) if end else None)


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time())) if day else None


class HoldForm(forms.ModelForm[Hold] if TYPE_CHECKING else forms.ModelForm):  # type: ignore[misc]
    """Places a hold. The errors of `holds.faults` stand beside the fields."""

    def clean(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in ("scope", "subject", "ground", "paper", "ends_on")}
        if not self.errors:
            for name, fault in holds.faults(**given).items():
                self.add_error(name, fault)
        return dict(self.cleaned_data)

    def validate_constraints(self) -> None:
        """Skip the constraints: `holds.faults` covers them with messages."""


class ChangeHoldForm(forms.ModelForm[Hold] if TYPE_CHECKING else forms.ModelForm):  # type: ignore[misc]
    """Extends a freeze request (day and paper) or asks that a hold is lifted (reason): one of the two."""

    extend_to = DayField(
        label=gettext_lazy("Extend to (last day)"),
        help_text=gettext_lazy("A freeze request can be extended once, by 30 days at most and 60 in all."),
        required=False,
        widget=AdminDateWidget,
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        lifting, paper = bool(given.get("lift_reason")), given.get("extension_paper") or ""
        extending = bool(given.get("extend_to") or paper.strip())
        if self.errors:
            return dict(given)
        if lifting == extending:
            raise ValidationError(_("Either say why the hold is lifted, or enter day and paper of its extension."))
        if extending:
            wrong = holds.extension_faults(hold=self.instance, ends_on=given.get("extend_to"), paper=paper)
            for name, fault in wrong.items():
                self.add_error(name, fault)
        return dict(given)

    def _post_clean(self) -> None:
        """Leave the row unchanged: `holds.extend` and `holds.lift` change it, each with a ledger entry."""


@admin.register(Hold)
class HoldAdmin(ClosedAdmin):
    """法的保全: placed, extended and lifted; never changed otherwise, never deleted."""

    list_display = ("placed_at", "scope", "ground", "ends_on", "lifted_at")
    ordering = ("-placed_at",)
    fields = ("scope", "subject", "ground", "paper", "ends_on")
    kept = (*fields, "placed_by", "placed_at", "extended_by", "extended_at", "lifted_by", "lifted_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.lifted_at is None) and super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None:
            return self.fields
        return (*self.kept, *(("extend_to", "extension_paper") if self._extends(obj) else ()), "lift_reason")

    @staticmethod
    def _extends(hold: Hold) -> bool:
        return hold.ground == Hold.Ground.FREEZE and hold.extended_at is None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.kept if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 -- Django's own signature
        return super().get_form(request, obj, change, form=ChangeHoldForm if obj else HoldForm, **kwargs)

    def _ask_to_lift(self, request: HttpRequest, hold: Hold, reason: str) -> None:
        try:
            holds.ask_to_lift(hold=hold, reason=reason, actor=cast("AbstractBaseUser", request.user))
        except ValidationError as refused:
            self.message_user(request, " ".join(refused.messages), messages.ERROR)
        else:
            asked = _("A second person is asked to agree. Until then the hold holds; the desk shows the request.")
            self.message_user(request, asked, messages.WARNING)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's own signature
        """Place or extend the hold, with a ledger entry; ask that it is lifted."""
        actor = request.user
        assert actor.is_authenticated
        given = form.cleaned_data
        if change and given.get("extend_to"):
            holds.extend(hold=obj, ends_on=given["extend_to"], paper=given["extension_paper"], actor=actor)
        elif change:
            self._ask_to_lift(request, obj, given["lift_reason"])
        else:
            obj.pk = holds.place(**form.cleaned_data, actor=actor).pk


@admin.register(Signature)
class SignatureAdmin(ReadOnly):
    """All signatures, withdrawn ones included."""

    list_display = ("item", "signed_by", "signed_at", "expires_at", "withdrawn_at", "withdrawn_by")
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter), "item_id")
    list_select_related = ("signed_by", "withdrawn_by")
    ordering = ("-signed_at",)
    fields = (
        "item",
        "recorded",
        "law_version",
        "signed_by",
        "signed_at",
        "expires_at",
        "withdrawn_by",
        "withdrawn_at",
        "withdrawal_reason",
    )

    @admin.display(description=gettext_lazy("item"), ordering="item_id")
    def item(self, signature: Signature) -> str:
        """The item with its title."""
        known = ITEM.get(signature.item_id)
        return f"{signature.item_id} {localized(known)}" if known else signature.item_id

    @admin.display(description=gettext_lazy("evidence"))
    def recorded(self, signature: Signature) -> SafeString:
        """The evidence, piece by piece."""
        known = ITEM.get(signature.item_id)
        pieces = evidence_in_words(known, signature.evidence) if known else signature.evidence.items()
        return format_html(
            '<dl class="ruled">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", pieces)
        )


@admin.register(Authorisation)
class AuthorisationAdmin(ReadOnly):
    """提供可能期間: when closed chat was on, and on what facts."""

    list_display = ("opened_at", "closed_at", "why")
    list_display_links = ("opened_at",)
    date_hierarchy = "opened_at"
    fields = ("opened_at", "closed_at", "why", "facts")

    @admin.display(description=gettext_lazy("why it closed"))
    def why(self, authorisation: Authorisation) -> str:
        """The reasons, in the reader's language."""
        return " ".join(reason[current_language()] for reason in authorisation.closed_because or ()) or "—"

    @admin.display(description=gettext_lazy("facts at opening"))
    def facts(self, authorisation: Authorisation) -> SafeString:
        """The snapshot as it was stored."""
        return _pretty(authorisation.snapshot)


class EventFilter(admin.SimpleListFilter):
    """The events that occur, in words."""

    title = gettext_lazy("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        events = LedgerEntry.objects.order_by("event").values_list("event", flat=True).distinct()
        return [(event, replay.words(replay.EVENTS, event, current_language())) for event in events]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        """Return the entries of the chosen event."""
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(LedgerEntry)
class LedgerAdmin(ReadOnly):
    """記録台帳, with the result of its verification."""

    list_display = ("seq", "at", "what", "who", "summary")
    list_display_links = ("seq", "what")
    list_filter = (EventFilter,)
    search_fields = ("actor__ref", "role", "event")
    list_select_related = ("actor__user",)
    date_hierarchy = "at"
    ordering = ("-seq",)
    sortable_by = ()  # entries have one order
    show_full_result_count = False
    fields = ("seq", "at", "what", "who", "whole", "law_version", "previous_hash", "hash")

    def get_list_display(self, request: HttpRequest) -> Sequence[str]:  # type: ignore[override]
        """Show the accounts behind the references only to those who may see accounts."""
        return self._named(request, self.list_display)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:  # type: ignore[override]
        """Do the same on the page of an entry."""
        return self._named(request, self.fields)

    def _named(self, request: HttpRequest, names: Sequence[str]) -> Sequence[str]:
        account = get_user_model()._meta  # noqa: SLF001 -- Django's own name
        may = request.user.has_perm(f"{account.app_label}.{get_permission_codename('view', account)}")
        return [each for name in names for each in ((name, "account") if name == "who" and may else (name,))]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("verify/", wrap(self.verify), name="compliance_ledgerentry_verify"),
            path("proof/", wrap(self.prove), name="compliance_ledgerentry_proof"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the entries, newest first, and whether the chain holds."""
        chain = SimpleLazyObject(lambda: self._chain(request))  # a refused request makes no query
        return super().changelist_view(request, {"chain": chain, **(extra_context or {})})

    def _chain(self, request: HttpRequest) -> dict[str, Any]:
        last = LedgerEntry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        walked = last <= SHORT_LEDGER and self.has_view_permission(request)
        return {
            "length": last,
            "walked": walked,
            "fault": ledger.verify() if walked else None,
            "anchored": LedgerEntry.objects.filter(event=Event.LEDGER_ANCHORED.value).order_by("-seq").first(),
        }

    def verify(self, request: HttpRequest) -> HttpResponse:
        """Verify the whole chain, the tables against it, and the guards; show the result."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        fault = ledger.verify()
        if fault:
            found = _("The chain does not hold: entry %(seq)d is missing or was changed after it was written.")
            self.message_user(request, found % {"seq": fault.seq}, messages.ERROR)
        else:
            self.message_user(request, _("The chain holds from the first entry to the last."), messages.SUCCESS)
        for unlike in agreement.differences():
            self.message_user(request, localized(unlike), messages.ERROR)
        for name in guards.missing():
            off = _("The database’s guard %(name)s is missing or changed; `migrate` puts it back.")
            self.message_user(request, off % {"name": name}, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:compliance_ledgerentry_changelist"))

    def prove(self, request: HttpRequest) -> HttpResponse:
        """Ask for a period in days of Japan's calendar; return its proof as a ZIP archive."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PeriodForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            start, end = form.bounds
            try:
                bundle = proof.bundle(start, end, actor=cast("AbstractBaseUser", request.user))
            except ValueError:
                self.message_user(
                    request, _("No proof of this period can be made yet. Choose an earlier one."), messages.ERROR
                )
                return HttpResponseRedirect(reverse("admin:compliance_ledgerentry_proof"))
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in proof.files(bundle, current_language()).items():
                    archive.writestr(name, content)
            disposition = {"Content-Disposition": 'attachment; filename="todoke-proof.zip"'}
            return HttpResponse(packed.getvalue(), content_type="application/zip", headers=disposition)
        request.current_app = self.admin_site.name
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Proof"), "form": form}
        return TemplateResponse(request, "compliance/records/proof.html", context)

    @admin.display(description=gettext_lazy("event"), ordering="event")
    def what(self, entry: LedgerEntry) -> str:
        """The event in words."""
        return replay.words(replay.EVENTS, entry.event, current_language())

    @admin.display(description=gettext_lazy("who"), ordering="actor")
    def who(self, entry: LedgerEntry) -> str:
        """The reference and the role that the entry carries."""
        return replay.who(entry.actor_id, entry.role, current_language())

    @admin.display(description=gettext_lazy("account"), ordering="actor")
    def account(self, entry: LedgerEntry) -> str:
        """The account behind the reference."""
        if entry.actor is None:
            return "–"
        return str(entry.actor.user) if entry.actor.user else entry.actor.name

    @admin.display(description=gettext_lazy("what"))
    def summary(self, entry: LedgerEntry) -> str:
        """The payload's simple values on one line."""
        return replay.summary(entry.payload, current_language())

    @admin.display(description=gettext_lazy("what"))
    def whole(self, entry: LedgerEntry) -> SafeString:
        """The payload as it was stored."""
        return _pretty(entry.payload)


def _pretty(value: Any) -> SafeString:
    return format_html('<pre class="payload">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2))
