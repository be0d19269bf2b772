"""Writes on people: guests who enter with a nickname, and guests who become members."""

from __future__ import annotations

import hmac
from datetime import timedelta
from enum import Enum
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from chat.models import PendingSignup, User
from chat.people.display_names import free_name
from chat.people.queries import has_account
from chat.text.addresses import fold
from compliance import gate
from compliance.law import Feature

CODE_TTL: Final = timedelta(minutes=15)
TRIES: Final = 3


def enter_as_guest(*, nickname: str) -> User:
    """Store a guest, who may write in open rooms. No address is asked and no password can sign in.

    Raises:
        ValidationError: see `free_name`.
    """
    with gate.transaction(Feature.ACCOUNT):
        guest = User(name=free_name(nickname, role="guest"), is_guest=True)
        guest.set_unusable_password()
        guest.save()
        return guest


class Outcome(Enum):
    """What came of a code that a guest entered."""

    MEMBER = "member"  # the guest is a member now
    WRONG = "wrong"  # another try is possible
    OVER = "over"  # too late, too many tries, or nothing was asked for
    TAKEN = "taken"  # another account has the address; whoever entered the code has its mailbox
    NAME = "name"  # the name is no longer free


def ask_for_membership(
    *, guest: User, email: str, name: str, password: str, code: str | None, has_account: bool, errand: str = ""
) -> None:
    """Note that a guest wants to become a member with this address. They stay a guest until they enter the code.

    Args:
        guest: who asks; what they asked before is forgotten.
        email: the address to be confirmed.
        name: the display name as a member.
        password: in clear; its hash is stored.
        code: what is mailed to the address; None keeps the one that was mailed a moment ago.
        has_account: whether the address has an account already. Then no code is right, and nothing tells so here.
        errand: the local path to which they go afterwards.
    """
    values: dict[str, Any] = {"email": fold(email), "name": name, "password": make_password(password), "errand": errand}
    if code is not None:
        values |= {"code": "" if has_account else _digest(code), "tries": 0, "at": timezone.now()}
    with gate.transaction(Feature.ACCOUNT):
        PendingSignup.objects.update_or_create(guest=guest, defaults=values)


def pending_signup(guest: User) -> PendingSignup | None:
    """Return what a guest has asked for and can still confirm, or None."""
    return PendingSignup.objects.filter(guest=guest, at__gt=timezone.now() - CODE_TTL, tries__lt=TRIES).first()


def change_code(pending: PendingSignup, code: str) -> None:
    """Take another code for a pending sign-up; the one before no longer counts. The tries are counted on."""
    digest = _digest(code) if pending.code else ""
    with gate.transaction(Feature.ACCOUNT):
        PendingSignup.objects.filter(pk=pending.pk).update(code=digest, at=timezone.now())


def become_member(*, guest: User, code: str) -> Outcome:
    """Make a guest a member in place, if this is the code that was mailed to the address they gave.

    The row stays the same, and with it what they wrote. Whoever suspended the guest meanwhile is not got round: then
    nothing is confirmed.
    """
    try:
        with gate.transaction(Feature.ACCOUNT):
            return _become_member(guest, code)
    except IntegrityError:
        return Outcome.TAKEN  # another account confirmed the address at this moment


def _become_member(guest: User, code: str) -> Outcome:
    person = User.objects.select_for_update().filter(pk=guest.pk, is_guest=True, is_active=True).first()
    pending = PendingSignup.objects.select_for_update().filter(pk=guest.pk).first()
    if person is None or pending is None or pending.tries >= TRIES or pending.at <= timezone.now() - CODE_TTL:
        return Outcome.OVER
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not pending.code or not any(hmac.compare_digest(pending.code, _digest(code, secret)) for secret in secrets):
        pending.tries += 1
        pending.save(update_fields=("tries",))
        return Outcome.WRONG if pending.tries < TRIES else Outcome.OVER
    if has_account(pending.email):
        pending.delete()
        return Outcome.TAKEN
    try:
        person.name = free_name(pending.name, role="", pk=person.pk)
    except ValidationError:
        return Outcome.NAME
    person.email, person.password, person.is_guest = pending.email, pending.password, False
    with transaction.atomic():
        person.save(update_fields=("email", "password", "is_guest", "name"))
        EmailAddress.objects.filter(user=person).delete()
        EmailAddress.objects.create(user=person, email=person.email, verified=True, primary=True)
    pending.delete()
    return Outcome.MEMBER


def _digest(code: str, secret: str | None = None) -> str:
    """Return a keyed digest of a code; blanks, dashes, case and width do not matter."""
    plain = "".join(character for character in fold(code) if character.isalnum())
    return salted_hmac("chat.people.code", plain, secret, algorithm="sha256").hexdigest()
