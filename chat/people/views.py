"""The page on which somebody enters as a guest."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.people import accounts
from chat.people.guest_form import GuestForm
from chat.people.membership import enter_as_guest
from chat.people.sanctions import Suspended, carry, carry_over, refuse_suspended
from chat.realtime import limited, network
from chat.web.pages import ask_to_wait, render_page
from compliance.gate import door
from compliance.law import Feature


@door(Feature.ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def guest(request: HttpRequest) -> HttpResponse:
    """Enter with a nickname, in one step. The form stands in each open room, and here by itself."""
    target = accounts.errand_of(request) or reverse("chat:lobby")
    if request.user.is_authenticated:
        return redirect(target)
    form = GuestForm(request.POST if request.method == "POST" else None)
    wait = 0.0
    if form.is_valid():
        if wait := limited("guest", network(request.META["REMOTE_ADDR"])):
            form.add_error(None, _("Too many nicknames from here just now. Please wait a minute."))
        else:
            acts = carry(request)
            try:
                refuse_suspended(acts)
                entered = enter_as_guest(**form.cleaned_data)
                carry_over(entered, acts)
                login(request, entered, backend=settings.AUTHENTICATION_BACKENDS[0])
            except ValidationError as error:
                form.add_error("nickname" if not isinstance(error, Suspended) else None, error)
            else:
                return redirect(target)
    return ask_to_wait(render_page(request, "chat/people/guest.html", form=form, next=target), wait)
