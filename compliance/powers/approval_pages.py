"""The desk's page of approvals, and the page on which a second person from outside answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from allauth.account.models import EmailAddress
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.mail import send_mail
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from django.views.decorators.http import require_POST

from compliance import gate
from compliance.adminkit import MailField
from compliance.language import language_of, localized
from compliance.law import Feature
from compliance.law.powers import Group, Power
from compliance.models import Actor, Approval, Hold, Invitation
from compliance.powers import giving, inviting
from compliance.powers.desk import desk_page
from compliance.powers.identity import asks_who_you_are
from compliance.records import approvals, holds, powers_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

SHOWN: Final = 30
"""How many requests that are over the page shows."""


class OutsideForm(forms.Form):
    """A second person without an account: their name, and where the link goes."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    email = MailField(label=gettext_lazy("E-mail address"))


def carry_out(approval: Approval, actor: AbstractBaseUser) -> None:
    """Do what a second person agreed to.

    Raises:
        PermissionDenied: another person asked for it, or the power is gone.
        ValidationError: nobody agreed, or it cannot be done any more.
    """
    match Approval.Kind(approval.kind):
        case Approval.Kind.STOP_LIFT:
            gate.lift_stop(approval=approval, actor=actor)
        case Approval.Kind.HOLD_LIFT:
            holds.lift(hold=Hold.objects.get(pk=int(approval.subject)), approval=approval, actor=actor)
        case Approval.Kind.POWER_GIVE:
            giving.give(approval=approval, actor=actor)
        case Approval.Kind.FACTOR_REMOVE:
            giving.remove_factors(approval=approval, actor=actor)


def as_row(approval: Approval, user: AbstractBaseUser | None) -> dict[str, Any]:
    """Return a request as pages show it: what, on what, who asked, and what this person can do with it."""
    state, states = approval.state, Approval.State
    mine = user is not None and user.pk == approval.requested_by_id
    live = state in {states.WAITING, states.RIPE}
    return {
        "approval": approval,
        "act": approval.get_kind_display(),
        "on": _subject(approval),
        "what": _what(approval),
        "state": state,
        "state_label": state.label,
        "may_answer": live and not approval.decided_at and user is not None and approvals.may_decide(approval, user),
        "may_carry_out": mine and state == states.RIPE,
        "may_withdraw": mine and live,
        "may_name": mine and live and not approval.decided_at and approval.alone_from is not None,
    }


def _subject(approval: Approval) -> str:
    if approval.kind == Approval.Kind.HOLD_LIFT:
        return _("hold no. %(number)s") % {"number": approval.subject}
    if approval.kind == Approval.Kind.STOP_LIFT:
        return ""
    if invitation := inviting.invitation_of(approval):
        return invitation.address or _("somebody by mail")
    known = Actor.objects.filter(ref=approval.subject).select_related("user").first()
    return known.name if known else approval.subject


def _what(approval: Approval) -> str:
    if approval.kind != Approval.Kind.POWER_GIVE:
        return ""
    grant = giving.Grant.of(approval.what)
    named = [localized(Group(name)) if name in set(Group) else name for name in grant.groups]
    named += [_("end of the suspension")] if grant.active else []
    named += [_("superuser")] if grant.superuser else []
    named += [_("access to the administration")] if grant.staff else []
    return _(", ").join([*named, *grant.permissions])


def waiting_for(user: AbstractBaseUser) -> int:
    """Return how many requests wait for this person: to be answered, or to be carried out."""
    rows = (as_row(approval, user) for approval in _live(user))
    return sum(row["may_answer"] or row["may_carry_out"] for row in rows)


def _live(user: AbstractBaseUser) -> list[Approval]:
    rows = Approval.objects.filter(done_at=None, withdrawn_at=None).filter(Q(decided_at=None) | Q(approved=True))
    return [each for each in _visible(rows, user) if each.state != Approval.State.LAPSED]


def _visible(rows: Any, user: AbstractBaseUser) -> Any:
    rows = rows.select_related("requested_by", "decided_by")
    everything = powers_of(user) & {Power.RUN, Power.RUN_SECOND, Power.RECORD}
    return rows if everything else rows.filter(requested_by_id=user.pk)


@desk_page(Power.RUN, Power.RUN_SECOND, Power.CASES)
def list_approvals(request: HttpRequest) -> HttpResponse:
    """Show the requests that wait, and those that are over."""
    user = request.user
    assert user.is_authenticated
    live = _live(user)
    over = _visible(Approval.objects.exclude(pk__in=[each.pk for each in live]), user)[:SHOWN]
    context = {
        "live": [as_row(each, user) for each in live],
        "over": [as_row(each, user) for each in over],
        "outside": OutsideForm(auto_id=False),
    }
    return render(request, "desk/approvals.html", context)


@desk_page(Power.RUN, Power.RUN_SECOND, Power.CASES)
@require_POST
@asks_who_you_are
def answer(request: HttpRequest, key: UUID) -> HttpResponse:
    """Approve, refuse, carry out or withdraw a request, or name a second person outside."""
    approval = get_object_or_404(Approval, pk=key)
    act = _ACTS.get(request.POST.get("act", ""))
    if act is None:
        raise Http404
    try:
        messages.success(request, act(request, approval))
    except ValidationError as refused:
        messages.error(request, " ".join(refused.messages))
    return redirect("compliance:approvals")


def _actor(request: HttpRequest) -> AbstractBaseUser:
    assert request.user.is_authenticated
    return request.user


def _approve(request: HttpRequest, approval: Approval) -> str:
    approvals.approve(approval=approval, actor=_actor(request))
    return _("You agreed. Whoever asked can now carry it out.")


def _refuse(request: HttpRequest, approval: Approval) -> str:
    approvals.refuse(approval=approval, actor=_actor(request), note=request.POST.get("note", ""))
    return _("You refused. Nothing changes.")


def _carry_out(request: HttpRequest, approval: Approval) -> str:
    if inviting.invitation_of(approval):
        return _invite(request, approval)
    carry_out(approval, _actor(request))
    return _("It is done, and on record.")


def _invite(request: HttpRequest, approval: Approval) -> str:
    invitation, token = inviting.send(approval=approval, actor=_actor(request))
    link = request.build_absolute_uri(reverse("compliance:invitation", args=(token,)))
    with override(_language_of(invitation)):
        group = localized(Group(approval.what["groups"][0]))
        words = render_to_string("desk/mail/invitation.txt", {"link": link, "group": group})
        subject = _("You are invited to the staff")
    try:
        send_mail(subject, words, None, [invitation.address])
    except OSError as failed:
        raise ValidationError(_("The mail could not be sent. Withdraw the invitation and ask again.")) from failed
    return _("The invitation is on its way. Its link counts for seven days, once.")


def _language_of(invitation: Invitation) -> str:
    known = EmailAddress.objects.filter(email__iexact=invitation.address, verified=True).select_related("user").first()
    return language_of(known.user if known else None, unknown=invitation.language)


def _withdraw(request: HttpRequest, approval: Approval) -> str:
    approvals.withdraw(approval=approval, actor=_actor(request))
    return _("The request is withdrawn.")


def _name(request: HttpRequest, approval: Approval) -> str:
    form = OutsideForm(request.POST)
    if not form.is_valid():
        raise ValidationError(_("Enter the person’s name and e-mail address."))
    actor = _actor(request)
    address = form.cleaned_data["email"]
    own = EmailAddress.objects.filter(user_id=actor.pk, email__iexact=address)
    if own.exists() or address.casefold() == str(getattr(actor, "email", "")).casefold():
        raise ValidationError(_("The second person must be somebody else."))
    token = approvals.name_outside(approval=approval, name=form.cleaned_data["name"], actor=actor)
    link = request.build_absolute_uri(reverse("compliance:second_person", args=(token,)))
    words = render_to_string("desk/mail/second_person.txt", {"link": link, **as_row(approval, None)})
    try:
        send_mail(_("You are asked to be the second person"), words, None, [address])
    except OSError as failed:
        raise ValidationError(_("The mail could not be sent. Name the person again.")) from failed
    return _("The link is on its way to the person.")


_ACTS: Final[Mapping[str, Callable[[HttpRequest, Approval], str]]] = {
    "approve": _approve,
    "refuse": _refuse,
    "carry_out": _carry_out,
    "withdraw": _withdraw,
    "name": _name,
}


@gate.door(Feature.SERVICE)
def second_person(request: HttpRequest, token: str) -> HttpResponse:
    """Let a second person from outside read a request and answer it. The link is the key, and counts once."""
    approval = approvals.find_outside(token)
    if approval is None:
        raise Http404
    if request.user.is_authenticated and request.user.pk == approval.requested_by_id:
        raise PermissionDenied
    done, fault = "", ""
    if request.method == "POST":
        try:
            if request.POST.get("act") == "approve":
                approvals.approve(approval=approval, actor=None, token=token)
                done = _("You agreed. It is on record.")
            else:
                approvals.refuse(approval=approval, actor=None, note=request.POST.get("note", ""), token=token)
                done = _("You refused. Nothing changes.")
        except ValidationError as refused:
            fault = " ".join(refused.messages)
    answer = render(request, "desk/second_person.html", {"row": as_row(approval, None), "done": done, "fault": fault})
    add_never_cache_headers(answer)
    return answer
