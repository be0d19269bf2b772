"""The page of one's own, `/account/`: for members and for guests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from chat.models import NAME_POINTS, Block, User
from chat.people import blocks, devices
from chat.people.display_names import free_name
from chat.people.person import Person
from chat.people.preferences import CHOICES, choose, preferences_of
from chat.protocol.replies import PersonBlocks
from chat.realtime import call_soon, limited
from chat.web.pages import ask_to_wait, render_page
from compliance import gate
from compliance.gate import door
from compliance.law import Feature

LABELS: Final = {
    "language": (gettext_lazy("As the browser has it"), "日本語", "English"),
    "theme": (gettext_lazy("As the device has it"), gettext_lazy("Light"), gettext_lazy("Dark")),
    "text_size": (gettext_lazy("Standard"), gettext_lazy("Large"), gettext_lazy("Very large")),
    "enter": (
        gettext_lazy("As it suits the device"),
        gettext_lazy("Sends the message"),
        gettext_lazy("Starts a new line"),
    ),
}
TITLES: Final = {
    "language": gettext_lazy("Language"),
    "theme": gettext_lazy("Colours"),
    "text_size": gettext_lazy("Size of text"),
    "enter": gettext_lazy("The Enter key"),
}


class NameForm(forms.Form):
    """Another display name."""

    name = forms.CharField(
        label=gettext_lazy("Display name"),
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "maxlength": str(NAME_POINTS)}),
    )


@door(Feature.ACCOUNT)
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    """Show somebody what is theirs here, and do what they ask about it."""
    user = request.user
    if not isinstance(user, User):
        return redirect_to_login(request.get_full_path())
    act = _ACTS.get(request.POST.get("do", "")) if request.method == "POST" else None
    if act is None:
        return _page(request, user)
    done = act(request, user)
    if done is not None:
        return done
    return HttpResponse(status=204) if gate.wants_json(request) else redirect("chat:account")


def _page(request: HttpRequest, user: User, *, name: NameForm | None = None) -> HttpResponse:
    chosen = preferences_of(user)
    devices.note(request)  # so that the list has this one
    return render_page(
        request,
        "chat/people/account.html",
        name_form=name or NameForm(initial={"name": user.name}),
        choices=[
            {
                "name": key,
                "title": TITLES[key],
                "options": [
                    {"value": value, "label": label, "chosen": getattr(chosen, key) == value}
                    for value, label in zip(values, LABELS[key], strict=True)
                ],
            }
            for key, values in CHOICES.items()
        ],
        devices=devices.devices_of(user, request.session.session_key),
        blocked=[row.blocked for row in Block.objects.filter(blocker=user).select_related("blocked").order_by("-at")],
    )


# What can be done here -----------------------------------------------------------------------------------------------


def _rename(request: HttpRequest, user: User) -> HttpResponse | None:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _page(request, user, name=form)
    if form.cleaned_data["name"] == user.name:
        return None
    if wait := limited("name", user.pk):
        form.add_error("name", _("Your name has been changed often just now. Please wait a while."))
        return ask_to_wait(_page(request, user, name=form), wait)
    try:
        with gate.transaction(Feature.ACCOUNT):
            user.name = free_name(form.cleaned_data["name"], role=user.role.value, pk=user.pk)
            user.save(update_fields=("name",))
    except ValidationError as error:
        form.add_error("name", error)
        user.refresh_from_db(fields=("name",))
        return _page(request, user, name=form)
    messages.success(request, _("From now on you write as %(name)s.") % {"name": user.name})
    return None


def _choose(request: HttpRequest, user: User) -> HttpResponse | None:
    choose(user, {name: request.POST[name] for name in CHOICES if name in request.POST})
    return None


def _end(request: HttpRequest, user: User) -> HttpResponse | None:
    device = _uuid(request.POST, "device")
    if device is not None and devices.end(user, device):
        messages.success(request, _("You are signed out there."))
    return None


def _unblock(request: HttpRequest, user: User) -> HttpResponse | None:
    other = _uuid(request.POST, "user")
    if other is not None:
        blocks.unblock(actor=Person.of(user), other=other)
        users, pk = blocks.blocked_by([user.pk]).get(user.pk, []), user.pk
        call_soon(lambda parts: parts.send_to([pk], PersonBlocks(users)))
        messages.success(request, _("Unblocked. You see what they write again."))
    return None


def _uuid(values: Mapping[str, Any], name: str) -> UUID | None:
    try:
        return UUID(values.get(name, ""))
    except ValueError:
        return None


_ACTS: Final[Mapping[str, Callable[[HttpRequest, User], HttpResponse | None]]] = {
    "name": _rename,
    "choose": _choose,
    "end": _end,
    "unblock": _unblock,
}
