"""Who may open the desk, and what its navigation shows."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import models as auth
from django.contrib.sessions.models import Session
from django.test import Client

from compliance.law.powers import GROUPS, Group, Power
from compliance.powers import holders, may
from tests.conftest import MakeStaff, MakeUser, signed_in

pytestmark = pytest.mark.django_db


def test_every_database_has_the_four_groups() -> None:
    assert set(auth.Group.objects.values_list("name", flat=True)) >= set(Group)


@pytest.mark.parametrize("group", Group)
def test_a_group_gives_its_powers_and_no_other(make_staff: MakeStaff, group: Group) -> None:
    person = make_staff(group)
    assert {power for power in Power if may(person, power)} == GROUPS[group]
    assert {power for power in Power if person in holders(power)} == GROUPS[group]


def test_a_superuser_counts_as_operator_and_a_suspended_account_as_nobody(make_user: MakeUser) -> None:
    person = make_user(is_staff=True, is_superuser=True)
    assert {power for power in Power if may(person, power)} == GROUPS[Group.OPERATOR]
    person.is_active = False
    person.save()
    assert not any(may(person, power) or person in holders(power) for power in Power)


def test_staff_without_a_group_holds_no_power(make_user: MakeUser) -> None:
    person = make_user(is_staff=True)
    assert not any(may(person, power) for power in Power)


def test_the_desk_sends_a_stranger_to_sign_in_and_refuses_who_holds_no_power(
    client: Client, make_user: MakeUser
) -> None:
    assert client.get("/desk/")["Location"] == "/accounts/login/?next=/desk/"
    assert signed_in(make_user()).get("/desk/").status_code == 403
    assert signed_in(make_user(is_staff=True)).get("/desk/").status_code == 403


def test_the_desk_asks_for_a_second_factor(make_staff: MakeStaff) -> None:
    person = make_staff(Group.MODERATOR)
    browser = signed_in(person)
    assert browser.get("/desk/").status_code == 200
    person.authenticator_set.all().delete()  # type: ignore[attr-defined]
    answer = browser.get("/desk/")
    assert answer.status_code == 403
    assert "/accounts/2fa/" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_the_menu_leads_staff_to_the_desk_and_nobody_else(make_staff: MakeStaff, make_user: MakeUser) -> None:
    auditor, member = signed_in(make_staff(Group.AUDITOR)), signed_in(make_user())
    assert auditor.get("/desk/").status_code == 200
    assert 'href="/desk/"' in auditor.get("/").content.decode()
    assert 'href="/desk/"' not in member.get("/").content.decode()


@pytest.mark.parametrize(
    "door", ["/desk/disclosures/new/?case=1", "/accounts/password/set/", "/accounts/password/reset/"]
)
def test_what_waits_while_somebody_shows_who_they_are_holds_no_password_and_not_from_where_they_came(
    door: str, make_staff: MakeStaff
) -> None:
    browser = signed_in(make_staff(Group.OPERATOR))
    from_where: dict[str, Any] = {
        "REMOTE_ADDR": "203.0.113.9",
        "HTTP_USER_AGENT": "a-browser",
        "HTTP_X_FORWARDED_FOR": "203.0.113.8",
    }
    answer = browser.post(
        door, {"reason": "very urgent", "password1": "a-secret", "password2": "a-secret"}, **from_where
    )
    assert "reauthenticate" in answer["Location"]
    kept = json.dumps([session.get_decoded() for session in Session.objects.all()])
    assert "very+urgent" in kept
    assert not [each for each in ("203.0.113", "a-browser", "sessionid", "a-secret") if each in kept]


def test_the_query_of_a_page_is_kept_and_the_errand_is_its_path(make_staff: MakeStaff) -> None:
    browser = signed_in(make_staff(Group.OPERATOR))
    answer = browser.post("/desk/disclosures/new/?case=1", {"reason": "x"})
    assert "case=1" in json.dumps(browser.session["account_reauthentication_state"])
    # allauth carries out what it kept where the errand is the path alone.
    assert answer["Location"].endswith("next=%2Fdesk%2Fdisclosures%2Fnew%2F")
