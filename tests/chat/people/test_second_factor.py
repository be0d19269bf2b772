"""Staff use a second factor: without one the admin explains how to get it, and refuses every act."""

from __future__ import annotations

import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from chat.models import User
from compliance.models import GateState, LedgerEntry, Signature
from compliance.testing import walk_doors
from tests.compliance.cases import POWERS
from tests.conftest import PASSWORD, TOTP_SECRET, MakeUser, give_factor, signed_in

pytestmark = pytest.mark.django_db
SAMPLES = {"item_id": "LAW-01", "app_label": "chat"}


@pytest.fixture
def bare(make_user: MakeUser) -> User:
    """An operator with a password only."""
    return make_user("運営", is_staff=True, is_superuser=True, factor=False)


def totp(secret: str = TOTP_SECRET, days: int = 0) -> str:
    """What an authenticator app shows now, or that many days later."""
    return str(format_hotp_value(hotp_value(secret, int(time.time() + days * 86_400) // 30)))


def test_a_password_alone_opens_no_page_of_the_admin_and_does_nothing_there(bare: User) -> None:
    browser = signed_in(bare)
    pages = [door for door in walk_doors(samples=SAMPLES) if door.kind == "page" and door.path.startswith("/admin/")]
    pages = [page for page in pages if page.path not in {"/admin/login/", "/admin/logout/", "/admin/jsi18n/"}]
    assert len(pages) > 30
    for page in pages:
        for answer in (
            browser.get(page.path),
            browser.post(page.path, {"reason": "x", "intent": "pull", "sure": "on"}),
        ):
            assert answer.status_code == 403, page
            assert reverse("mfa_index") in answer.content.decode(), page
    assert not Signature.objects.exists()
    assert not LedgerEntry.objects.exclude(event__in=POWERS).exists()
    assert not GateState.objects.filter(stopped_at__isnull=False).exists()


def test_the_admin_leads_to_a_second_factor_and_back(bare: User, client: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    EmailAddress.objects.create(user=bare, email=bare.email, verified=True, primary=True)
    errand = reverse("admin:compliance_checklist_changelist")
    client.post("/accounts/login/", {"login": bare.email, "password": PASSWORD, "next": errand})
    page = client.get(errand)
    assert page.status_code == 403
    assert client.get(page.context["way"]).status_code == 200
    activate = reverse("mfa_activate_totp")
    ask = client.get(activate)
    assert ask["Location"].startswith(reverse("account_reauthenticate"))
    assert f'href="{errand}"' not in client.get(ask["Location"]).content.decode()
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD, "next": activate})
    for step in (activate, reverse("mfa_index")):  # until the factor is there, the way back would be refused
        assert f'href="{errand}"' not in client.get(step).content.decode()
    form = client.get(activate)
    answer = client.post(activate, {"code": totp(form.context["form"].secret)}, follow=True)
    assert Authenticator.objects.filter(user=bare, type=Authenticator.Type.TOTP).exists()
    for shown in (answer, client.get(reverse("mfa_index"))):
        assert f'href="{errand}"' in shown.content.decode()
    assert client.get(errand).status_code == 200
    assert f'href="{errand}"' not in client.get(reverse("mfa_index")).content.decode()


def test_a_session_from_before_the_factor_is_asked_for_it(bare: User, client: Client, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    EmailAddress.objects.create(user=bare, email=bare.email, verified=True, primary=True)
    client.post("/accounts/login/", {"login": bare.email, "password": PASSWORD})
    give_factor(bare)
    answer = client.get("/admin/")
    assert answer.status_code == 403
    assert reverse("mfa_reauthenticate") in answer.content.decode()
    client.post(reverse("mfa_reauthenticate"), {"code": totp(), "next": "/admin/"})
    assert client.get("/admin/").status_code == 200


def test_a_factor_that_was_used_at_sign_in_is_not_asked_for_again(
    bare: User, client: Client, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    EmailAddress.objects.create(user=bare, email=bare.email, verified=True, primary=True)
    give_factor(bare)
    client.post("/guest/", {"nickname": "旅人", "next": "/"})  # signing in from a guest's session forgets nothing
    client.post("/accounts/login/", {"login": bare.email, "password": PASSWORD, "next": "/admin/"})
    assert client.post(reverse("mfa_authenticate"), {"code": totp()})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor(bare: User) -> None:
    Authenticator.objects.create(user=bare, type=Authenticator.Type.RECOVERY_CODES, data={"seed": "x", "used_mask": 0})
    assert signed_in(bare).get("/admin/").status_code == 403


def test_who_is_no_staff_is_refused_as_ever(member: Client, client: Client) -> None:
    assert member.get("/admin/", follow=True).status_code == 403
    assert client.get("/admin/")["Location"].startswith("/admin/login/")
