"""The pages by which somebody takes their data along, and leaves."""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from django import forms
from django.contrib.auth import logout
from django.contrib.auth.views import redirect_to_login
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat import personal_data
from chat.models import User
from chat.people.members_only import member_required
from chat.people.sanctions import CARRIED, carry
from chat.realtime import limited
from chat.web.pages import ask_to_wait, keep_from_compression, page_language, render_page
from compliance.gate import door
from compliance.law import Feature
from compliance.powers import asks_who_you_are
from compliance.vault import Unsealable


@door(Feature.SERVICE)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def export(request: HttpRequest) -> HttpResponseBase:
    """Say what the export holds; on a press, and once a member said again who they are, hand it over."""
    keep_from_compression(request)
    user = request.user
    if not user.is_authenticated:
        return redirect_to_login(request.path)
    view = _export if user.is_guest else asks_who_you_are(_export)
    answer: HttpResponseBase = view(request, user)
    return answer


def _export(request: HttpRequest, user: User) -> HttpResponseBase:
    if request.method != "POST":
        return render_page(request, "chat/people/export_page.html")
    if wait := limited("export", str(user.pk)):
        return ask_to_wait(render_page(request, "chat/people/export_page.html", wait=True), wait)
    made = personal_data.export(user, themselves=True, language=page_language())
    return FileResponse(made, as_attachment=True, filename="todoke-data.zip", content_type="application/zip")


class LeaveForm(forms.Form):
    """What becomes of the words in open rooms, and that the person means it."""

    words = forms.ChoiceField(
        label=gettext_lazy("What you wrote in open rooms"),
        choices=(
            ("stay", gettext_lazy("stays, under “a person who left”")),
            ("go", gettext_lazy("is deleted, too")),
        ),
        initial="stay",
        widget=forms.RadioSelect,
    )
    understood = forms.BooleanField(label=gettext_lazy("I understand that this cannot be undone."))


@door(Feature.SERVICE)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@member_required
@asks_who_you_are
def leave(request: HttpRequest) -> HttpResponse:
    """Say what leaving does; on a press, erase the account."""
    keep_from_compression(request)
    user = cast("User", request.user)
    form = LeaveForm(request.POST if request.method == "POST" else None)
    refused = personal_data.faults(user)
    if refused or not form.is_valid():
        status = HTTPStatus.CONFLICT if refused and request.method == "POST" else HTTPStatus.OK
        page = render_page(request, "chat/people/leave.html", form=form, refused=refused)
        page.status_code = status
        return page
    try:
        acts = carry(request)
        words_go = form.cleaned_data["words"] == "go"
        personal_data.erase([user], words_go=words_go, by=personal_data.By.PERSON, actor=user)
    except (personal_data.NotErasable, Unsealable):
        refused = _("Your account could not be erased just now. Please write to the operator.")
        page = render_page(request, "chat/people/leave.html", form=form, refused=refused)
        page.status_code = HTTPStatus.CONFLICT
        return page
    logout(request)
    if acts:
        request.session[CARRIED] = acts
    return render_page(request, "chat/people/left.html")
