"""People sign up by e-mail address and a code, sign in, and are slowed down when they guess."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from chat.models import User
from tests.conftest import PASSWORD, MakeUser

NEW = {"email": "hanako@example.jp", "name": "花子", "password1": PASSWORD, "password2": PASSWORD}


@pytest.mark.django_db
def test_sign_up_asks_for_the_code_from_the_mail(client: Client) -> None:
    answer = client.post("/accounts/signup/", NEW)
    assert answer.status_code == 302, answer.context["form"].errors
    assert User.objects.get(email=NEW["email"]).name == "花子"
    [letter] = mail.outbox
    assert letter.to == [NEW["email"]]
    code = re.search(r"^\s*([A-Z0-9]+(?:-[A-Z0-9]+)?)\s*$", str(letter.body), re.MULTILINE)
    assert code, letter.body
    client.post(answer["Location"], {"code": code[1]})
    assert client.session["_auth_user_id"] == str(User.objects.get(email=NEW["email"]).pk)


@pytest.mark.django_db
def test_sign_up_does_not_tell_who_has_an_account(client: Client, make_user: MakeUser) -> None:
    make_user(email=NEW["email"])
    answer = client.post("/accounts/signup/", NEW)
    assert answer.status_code == 302
    assert User.objects.filter(email=NEW["email"]).count() == 1


def test_sign_in_by_address_and_password(client: Client, user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    answer = client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_guessing_passwords_is_slowed_down(client: Client, user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    for _ in range(10):
        client.post("/accounts/login/", {"login": user.email, "password": "wrong"})
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_the_admin_signs_in_where_everybody_does(client: Client) -> None:
    answer = client.get("/admin/login/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/legal/", "/no-such-page/"])
def test_every_answer_carries_the_policy(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
