"""The people of a demo: whom a visitor can be, and who answers when somebody looks for a partner alone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from allauth.account.internal.flows.login import record_authentication
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, login
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.http import HttpRequest

from chat.models import User
from chat.people import enter_as_guest

PARTNERS: Final = ("見本の相手", "見本の相手・二", "見本の相手・三")
"""More than one, because the same two people are not brought together twice in a short time."""


class Role(StrEnum):
    """Whom a visitor can be."""

    GUEST = "guest"
    MEMBER_A = "member-a"
    MEMBER_B = "member-b"
    OPERATOR_A = "operator-a"
    OPERATOR_B = "operator-b"


@dataclass(frozen=True, slots=True)
class _Account:
    role: Role
    name: str
    staff: bool = False

    @property
    def email(self) -> str:
        return f"{self.role.value}@example.jp"


_ACCOUNTS: Final = (
    _Account(Role.MEMBER_A, "会員A"),
    _Account(Role.MEMBER_B, "会員B"),
    _Account(Role.OPERATOR_A, "見本の運営者A", staff=True),
    _Account(Role.OPERATOR_B, "見本の運営者B", staff=True),
)


def create() -> dict[Role, User]:
    """Store the accounts of the cast and of the partners. Nobody can sign in to them with a password.

    Returns:
        the accounts by role, without the guest, who is stored when somebody becomes one.
    """
    found = {}
    with transaction.atomic():
        for account in _ACCOUNTS:
            make = User.objects.create_superuser if account.staff else User.objects.create_user
            user = make(account.email, None, name=account.name)
            EmailAddress.objects.create(user=user, email=account.email, verified=True, primary=True)
            if account.staff:
                TOTP.activate(user, generate_totp_secret())
            found[account.role] = user
        for number, name in enumerate(PARTNERS, start=1):
            partner = User.objects.create_user(f"partner-{number}@example.jp", None, name=name)
            EmailAddress.objects.create(user=partner, email=partner.email or "", verified=True, primary=True)
    return found


def member(role: Role) -> User:
    """Return the account of a role, other than the guest's."""
    return User.objects.get(email=f"{role.value}@example.jp")


def sign_in(request: HttpRequest, role: Role) -> None:
    """Sign this window's session in as one of the cast, in place of whoever it was."""
    user: AbstractBaseUser
    if role is Role.GUEST:
        if isinstance(request.user, User) and request.user.is_guest:
            return
        number = User.objects.filter(is_guest=True).count() + 1
        user = enter_as_guest(nickname=f"見学の人{number}")
    else:
        user = member(role)
    request.session.flush()
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    if role is not Role.GUEST:
        record_authentication(request, user, "password")
        record_authentication(request, user, "mfa", type="totp", reauthenticated=True)  # nobody has the codes


def partner_sessions() -> list[str]:
    """Return the key of a new session of each partner, for the cookie of the client that speaks for them."""
    keys = []
    for name in PARTNERS:
        user = User.objects.get(name=name)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        keys.append(str(session.session_key))
    return keys
