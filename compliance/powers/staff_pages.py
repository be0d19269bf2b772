"""The desk's pages on the staff: who they are, asking for powers for them, and leaving as one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from compliance import gate
from compliance.adminkit import ONE_LINE, MailField
from compliance.language import localized
from compliance.law import Feature
from compliance.law.powers import Group, Power
from compliance.models import Actor, Approval, Feed, Invitation
from compliance.powers import giving, inviting, leaving
from compliance.powers.desk import desk_page, needs_factor
from compliance.powers.identity import asks_who_you_are, owns_factor
from compliance.records import groups_of, ledger, may

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


class GiveForm(forms.Form):
    """Which group an account is to join, and why."""

    address = MailField(label=gettext_lazy("E-mail address"))
    group = forms.ChoiceField(label=gettext_lazy("Group"))
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=ONE_LINE)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        group = self.fields["group"]
        assert isinstance(group, forms.ChoiceField)
        group.choices = [(group.value, localized(group)) for group in Group]

    def account(self) -> AbstractBaseUser | None:
        """Return the active account of the address."""
        model: Any = get_user_model()
        named = {model.USERNAME_FIELD: self.cleaned_data["address"].lower(), "is_active": True}
        found: AbstractBaseUser | None = model._default_manager.filter(**named).first()  # noqa: SLF001 -- Django's own name
        return found


class WhyForm(forms.Form):
    """Why a second person is asked: to remove a second factor, or to let somebody back in."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=ONE_LINE)


class EndForm(WhyForm):
    """Why somebody's part as staff ends. It is ended at once, so it takes one thing more than a press of Enter."""

    sure = forms.BooleanField(label=gettext_lazy("I mean this person, and everything that they have as staff."))


def _as_row(account: Any) -> dict[str, Any]:
    found = {group.name for group in account.groups.all()}  # those of a suspended account, too
    return {
        "account": account,
        "ref": ledger.actor_of(account).ref,
        "groups": [group for group in Group if group.value in found],
        "superuser": account.is_superuser,
        "factor": Authenticator.objects.filter(user_id=account.pk).exists(),
        "suspended": not account.is_active,
    }


def _ask_to_join(form: GiveForm, actor: AbstractBaseUser) -> None:
    """Ask for a group for an account that has a second factor; any other address is to be invited by mail."""
    account, group = form.account(), Group(form.cleaned_data["group"])
    reason, address = form.cleaned_data["reason"], form.cleaned_data["address"]
    if account is None or not owns_factor(account):
        inviting.ask_to_invite(address=address, group=group, reason=reason, actor=actor)
        return
    grant = giving.Grant(groups=[] if group in groups_of(account) else [group])
    giving.ask_to_give(account=account, grant=grant, reason=reason, actor=actor)


@desk_page(Power.RUN, Power.RUN_SECOND, Power.RECORD)
@asks_who_you_are
def list_staff(request: HttpRequest) -> HttpResponse:
    """Show who is staff; an operator asks here that somebody joins a group."""
    form = GiveForm(request.POST or None)
    actor = request.user
    assert actor.is_authenticated
    if request.method == "POST" and form.is_valid():
        try:
            _ask_to_join(form, actor)
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        else:
            messages.success(request, _("A second person is asked to agree."))
            return redirect("compliance:approvals")
    sent = Invitation.objects.filter(over_at__isnull=True, sent_at__isnull=False).select_related("approval")
    runs = may(actor, Power.RUN)
    context = {
        "rows": [_as_row(each) for each in leaving.staff()],
        "suspended": [_as_row(each) for each in leaving.staff(suspended=True)] if runs else [],
        "form": form,
        "runs": runs,
        "invitations": [each for each in sent if each.open] if runs else [],
    }
    return render(request, "desk/staff.html", context)


@desk_page(Power.RUN)
@asks_who_you_are
def member_of_staff(request: HttpRequest, ref: str) -> HttpResponse:
    """Show what one member of staff has; end all of it, or ask that a lost second factor is removed."""
    account = get_object_or_404(Actor.objects.select_related("user"), ref=ref).user
    known = leaving.staff(suspended=account is not None and not account.is_active)
    if account is None or not known.filter(pk=account.pk).exists():
        raise Http404
    actor = request.user
    assert actor.is_authenticated
    act = request.POST.get("act", "")
    asking = WhyForm(request.POST if act in _ASKED else None)
    ending = EndForm(request.POST if act == "leave" else None, auto_id="end_%s")  # two forms of one page
    form = ending if act == "leave" else asking
    if request.method == "POST" and act not in {*_ASKED, "leave"}:
        raise Http404
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            if act == "leave":
                leaving.off_board(account=account, reason=reason, actor=actor)
            else:
                _ASKED[act](account=account, reason=reason, actor=actor)
        except ValidationError as refused:
            form.add_error(None, refused.messages)
        else:
            ended = act == "leave"
            done = _("Everything that this person had as staff has ended.")
            messages.success(request, done if ended else _("A second person is asked to agree."))
            return redirect("compliance:staff" if ended else "compliance:approvals")
    context = {
        "row": _as_row(account),
        "asking": asking,
        "ending": ending,
        "feed": Feed.objects.filter(owner_id=account.pk).exists(),
        "requests": Approval.objects.filter(requested_by_id=account.pk, done_at=None, withdrawn_at=None).count(),
    }
    return render(request, "desk/member.html", context)


_ASKED: Final[Mapping[str, Callable[..., object]]] = {
    "factor": giving.ask_to_remove_factors,
    "back": giving.ask_to_reinstate,
}
"""What a second person is asked for on the page of a member of staff."""


@desk_page(Power.RUN)
@require_POST
def withdraw_invitation(request: HttpRequest, key: UUID) -> HttpResponse:
    """Take an invitation back."""
    actor = request.user
    assert actor.is_authenticated
    try:
        inviting.withdraw(invitation=get_object_or_404(Invitation, pk=key), actor=actor)
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    else:
        messages.success(request, _("The invitation is withdrawn."))
    return redirect("compliance:staff")


@gate.door(Feature.SERVICE)
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation to whoever holds its link; a press joins, once the person has used a second factor."""
    found, user = inviting.find(token), request.user
    if found is None:
        raise Http404
    if not user.is_authenticated or getattr(user, "is_guest", False):
        return redirect_to_login(request.get_full_path())
    if refused := needs_factor(request, user, request.path):
        return refused
    if request.method == "POST":
        inviting.accept(token=token, account=user)
        messages.success(request, _("Welcome. This is the desk."))
        return redirect("compliance:desk")
    return render(request, "desk/invitation.html", {"group": Group(found.approval.what["groups"][0])})
