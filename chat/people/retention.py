"""What of people is erased: guests who are gone, acts that are over, sign-ins, sessions, codes."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from allauth.account.models import EmailConfirmation
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, Q, Subquery

from chat import personal_data
from chat.models import AddressMute, Device, HeldCopy, LeftAct, LoginEnd, Message, PendingSignup, Sanction, User
from chat.retention import Job, Rows, delete, forget, older, register
from compliance.records.holds import Live


def _guests(before: datetime, held: Live) -> Rows:
    # A value, not a condition: for one that something exists, the planner would read every message there is.
    wrote = Subquery(Message.objects.filter(author=OuterRef("pk"), at__gte=before).values("seq")[:1])
    guests = User.objects.filter(is_guest=True, date_joined__lt=before).exclude(public_id__in=held.people)
    return guests.filter(Q(last_login__isnull=True) | Q(last_login__lt=before)).alias(wrote=wrote).filter(wrote=None)


def _sign_ins(before: datetime, held: Live) -> Rows:
    return User.objects.filter(is_guest=False, last_login__lt=before).exclude(public_id__in=held.people)


def _second_factors(before: datetime, held: Live) -> Rows:
    used: Rows = Authenticator.objects.filter(last_used_at__lt=before)
    return used.exclude(user__public_id__in=held.people)


def _devices(before: datetime, held: Live) -> Rows:
    """Return the devices whose session has gone."""
    goes_on = Session.objects.filter(session_key=OuterRef("session"))
    return Device.objects.filter(~Exists(goes_on), since__lt=before)


def _acts(before: datetime, held: Live) -> Rows:
    warned = Q(kind=Sanction.Kind.WARN, at__lt=before)
    over = Q(until__lt=before) | Q(lifted_at__lt=before) | warned
    return Sanction.objects.filter(over).exclude(user__public_id__in=held.people)


def _erase_guests(rows: Rows) -> int:
    return personal_data.erase(list(rows))


register("acts", Job(_acts, partial(delete, Sanction)))
register("left_acts", Job(older(LeftAct, "ends_at"), partial(delete, LeftAct)))
register("guest_networks", Job(older(AddressMute, "until"), partial(delete, AddressMute)))
register("guests", Job(_guests, _erase_guests))
register(
    "sign_ins",
    Job(_sign_ins, partial(forget, "last_login", User)),
    Job(_second_factors, partial(forget, "last_used_at", Authenticator)),
)
register(
    "sessions",
    Job(older(Session, "expire_date"), partial(delete, Session)),
    Job(_devices, partial(delete, Device)),
    Job(older(LoginEnd, "at"), partial(delete, LoginEnd)),
)
register(
    "codes",
    Job(older(EmailConfirmation, "created"), partial(delete, EmailConfirmation)),
    Job(older(PendingSignup, "at"), partial(delete, PendingSignup)),
)
register(
    "held_copies",
    # Its number would tell whoever is given the ledger that somebody left while an authority asked about them.
    Job(lambda before, _held: personal_data.copies_due(before), partial(delete, HeldCopy), of_talks=True),
)
