"""The planned end (休止・廃止の予告) in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance import gate
from compliance.adminkit import DayField, OperatorPage, ReasonForm, submit, text_field
from compliance.discontinuation.notice import EXCEPTIONS, Notice, announce, check, drafts, withdraw
from compliance.language import localized
from compliance.law import ITEM, Text
from compliance.law.duties import earliest_end
from compliance.models import Closing, GateState


class ClosingForm(forms.Form):
    """The seven items of REG 22-2-11(2), and the facts that set the deadline."""

    on = DayField(label=gettext_lazy("2. Day of the end (休廃止日): the first day without it"))
    suspension = forms.TypedChoiceField(
        label=gettext_lazy("Suspension or closing"),
        choices=[
            ("no", gettext_lazy("Closing (廃止): for good")),
            ("yes", gettext_lazy("Suspension (休止): for a time")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    until = DayField(label=gettext_lazy("3. For a suspension: its last day"), required=False)
    whole = forms.TypedChoiceField(
        label=gettext_lazy("How much of the telecom business ends"),
        choices=[
            ("no", gettext_lazy("A part (form 12-3)")),
            ("yes", gettext_lazy("All of what was filed (form 12)")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    service_ja = text_field(gettext_lazy("1. What ends (Japanese)"), rows=2)
    reason_ja = text_field(gettext_lazy("4. Why (Japanese)"), rows=2)
    contact_ja = text_field(gettext_lazy("5. Where complaints and questions go (Japanese)"), rows=2)
    alternatives_ja = text_field(gettext_lazy("6. What can be used instead, and how it differs (Japanese)"))
    protection_ja = text_field(gettext_lazy("7. What keeps users from harm (Japanese)"))
    service_en = text_field(gettext_lazy("1. What ends (English)"), rows=2, required=False)
    reason_en = text_field(gettext_lazy("4. Why (English)"), rows=2, required=False)
    contact_en = text_field(gettext_lazy("5. Where complaints and questions go (English)"), rows=2, required=False)
    alternatives_en = text_field(
        gettext_lazy("6. What can be used instead, and how it differs (English)"), required=False
    )
    protection_en = text_field(gettext_lazy("7. What keeps users from harm (English)"), required=False)
    million = forms.BooleanField(
        label=gettext_lazy(
            "It is paid and had 1,000,000 contracts or more at the last fiscal year’s end: a year ahead"
        ),
        required=False,
    )
    exception = forms.ChoiceField(label=gettext_lazy("Exception claimed (REG 22-2-11(4))"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(key, localized(text)) for key, text in EXCEPTIONS.items()]
        self.fields["exception"] = forms.ChoiceField(
            label=self.fields["exception"].label, required=False, choices=choices
        )

    @classmethod
    def drafted(cls) -> ClosingForm:
        """Return the form with drafts from this deployment's facts."""
        today = timezone.localdate()
        initial: dict[str, Any] = {"on": earliest_end(today) + timedelta(days=1), "suspension": "no", "whole": "no"}
        for name, text in drafts(gate.current().standing).items():
            initial |= {f"{name}_ja": text.ja, f"{name}_en": text.en}
        return cls(initial=initial)

    @property
    def notice(self) -> Notice:
        """The cleaned values as a notice."""
        given = self.cleaned_data
        names = ("service", "reason", "contact", "alternatives", "protection")
        texts = {name: Text(given[f"{name}_ja"], given[f"{name}_en"]) for name in names}
        return Notice(
            **texts,
            on=given["on"],
            until=given["until"] if given["suspension"] else None,
            suspension=given["suspension"],
            whole=given["whole"],
            million=given["million"],
            exception=given["exception"],
        )


@admin.register(Closing)
class ClosingAdmin(OperatorPage):
    """休止・廃止の予告: announced in two steps, and withdrawn."""

    work: ClassVar[str] = "compliance.announce_end"

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.end), name="compliance_closing_changelist")]

    def end(self, request: HttpRequest) -> HttpResponse:
        """Ask for the seven items, show the notice as users will see it, and announce it; or withdraw it."""
        form, withdrawal = ClosingForm.drafted(), ReasonForm()
        confirming = False
        here = reverse("admin:compliance_closing_changelist")
        if request.method == "POST":
            actor = self.actor(request)
            if "_withdraw" in request.POST:
                withdrawal = ReasonForm(request.POST)
                reason = request.POST.get("reason", "")
                if submit(withdrawal, lambda: withdraw(reason=reason, actor=actor)):
                    messages.success(request, _("The announcement is withdrawn."))
                    return HttpResponseRedirect(here)
            else:
                form = ClosingForm(request.POST)
                if "_confirm" in request.POST:
                    if submit(form, lambda: announce(form.notice, actor=actor)):
                        messages.success(request, _("The end is announced. Users see the notice from now on."))
                        return HttpResponseRedirect(here)
                elif "_back" not in request.POST:
                    confirming = submit(form, lambda: check(form.notice, timezone.localdate()))
        snapshot = gate.reconcile()
        state = GateState.objects.filter(id=1).select_related("end_announced_by").first()
        today = timezone.localdate()
        return self.page(
            request,
            "discontinuation/planned_end.html",
            title=_("Planned end"),
            form=form,
            withdrawal=withdrawal,
            confirming=confirming,
            draft=form.notice.as_json() | {"on": form.notice.on, "until": form.notice.until} if confirming else None,
            state=state if snapshot.ending else None,
            earliest=earliest_end(today),
            item=ITEM["LAW-18"],
        )
