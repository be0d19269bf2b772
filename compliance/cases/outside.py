"""The public form for requests from outside: removal, disclosure, one's own data. It takes no account."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any, Final

from django import forms
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from compliance import gate
from compliance.adminkit import MailField, submit, text_field
from compliance.cases import register, work
from compliance.language import current_language, localized
from compliance.law import Feature, Text, papers
from compliance.law.powers import Power
from compliance.models import Case
from compliance.powers import Waiting, tell_on_duty

_V4: Final = 4
_ARRIVED: Final = Text("外部から申出・請求が届きました。", "A request arrived from outside.")
MOST_AN_HOUR: Final = 5
"""Requests that one address of origin, and one mail address, may send in an hour."""


class RequestForm(forms.Form):
    """What somebody asks for, from outside."""

    kind = forms.ChoiceField(label=gettext_lazy("What you ask for"), widget=forms.RadioSelect)
    variant = forms.ChoiceField(
        label=gettext_lazy("If it is about a post: which applies?"),
        required=False,
        choices=[("ordinary", gettext_lazy("Neither of these"))],
    )
    sender = forms.CharField(label=gettext_lazy("Your name, or that of whom you act for"), max_length=200)
    contact = MailField(label=gettext_lazy("Mail address for the answer"))
    about = text_field(
        gettext_lazy("Where the post is, which right it infringes and why; or which data of yours you ask for"),
        rows=8,
        max_length=4000,
    )
    file = forms.FileField(label=gettext_lazy("File (PDF, PNG, JPEG, text)"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind, variant = self.fields["kind"], self.fields["variant"]
        assert isinstance(kind, forms.ChoiceField)
        assert isinstance(variant, forms.ChoiceField)
        kind.choices = [(each.value, localized(papers.PAPERS[each])) for each in papers.FROM_OUTSIDE]
        images = (papers.Variant.PRIVATE_IMAGE, papers.Variant.ELECTION)
        variant.choices = [("ordinary", _("Neither of these")), *((each.value, localized(each)) for each in images)]

    def clean(self) -> None:
        """Let only a request for removal be of a variant: no other clock knows it."""
        if self.cleaned_data.get("kind") != papers.Kind.REMOVAL or not self.cleaned_data.get("variant"):
            self.cleaned_data["variant"] = "ordinary"


def _too_many(request: HttpRequest, contact: str) -> bool:
    """Count a request for its address of origin and its mail address; return whether one sent too many."""
    cache, origin = caches["default"], ip_address(request.META.get("REMOTE_ADDR") or "::")
    network = ip_network(f"{origin}/{32 if origin.version == _V4 else 64}", strict=False)
    over = False
    for key in (f"legal_request:{network}", f"legal_request:{contact.casefold()}"):
        cache.add(key, 0, 3600)
        over |= cache.incr(key) > MOST_AN_HOUR
    return over


@gate.door(Feature.SERVICE)
@never_cache
def legal_requests(request: HttpRequest) -> HttpResponse:
    """Take a request without an account, make a case of it, and confirm it by a mail that repeats none of it."""
    form = RequestForm(request.POST or None, request.FILES or None)
    made: list[Case] = []

    def write() -> None:
        given = dict(form.cleaned_data)
        if _too_many(request, given["contact"]):
            raise ValidationError(_("Too many requests came from here within an hour. Please try again later."))
        upload, kind = given.pop("file"), papers.Kind(given.pop("kind"))
        with transaction.atomic():
            case = register.open_case(
                kind=kind, actor=None, received_on=timezone.localdate(), language=current_language(), **given
            )
            if upload:
                work.add_paper(case=case, upload=upload, actor=None)
            work.issue_letter(case=case, key="received", fields={}, actor=None)
            tell_on_duty({Power.CASES}, Waiting(_ARRIVED, reverse("compliance:cases")))
        made.append(case)

    if request.method == "POST" and submit(form, write):
        return redirect(f"{reverse('compliance:legal_requests')}?sent={made[0].name}")
    kinds = [papers.PAPERS[kind] for kind in papers.FROM_OUTSIDE]
    context = {"form": form, "kinds": kinds, "sent": request.GET.get("sent", "")[:12], "articles": []}
    return render(request, "compliance/public/requests.html", context, status=400 if form.is_bound else 200)
