"""The mail server is away: nobody meets a fault, everybody reads how to go on, and nothing that they typed is lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from chat.models import PendingSignup, User
from tests.chat.people.test_people import ADDRESS, FORM, code, confirm
from tests.conftest import PASSWORD, MakeUser, signed_in

pytestmark = pytest.mark.django_db
UNSENT = "メールを送れませんでした"


class MailServer:
    """A mail server that can be away: its port is taken, and nobody listens."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._memory = settings.EMAIL_BACKEND
        self._taken = socket.socket()
        self._taken.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = self._taken.getsockname()

    def go(self) -> None:
        """From now on nothing can be sent."""
        self._settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"

    def come_back(self) -> None:
        """From now on letters lie in `mail.outbox`."""
        self._settings.EMAIL_BACKEND = self._memory

    def close(self) -> None:
        """Let the port go."""
        self._taken.close()


@pytest.fixture
def server(settings: Settings) -> Iterator[MailServer]:
    """A mail server that is away."""
    settings.ACCOUNT_RATE_LIMITS = False
    found = MailServer(settings)
    found.go()
    yield found
    found.close()


def read(client: Client, place: str) -> str:
    """What a page says."""
    answer = client.get(place, follow=True)
    assert answer.status_code == 200, answer
    return str(answer.content.decode())


def test_a_stranger_who_signs_up_signs_in_later_and_gets_the_code(client: Client, server: MailServer) -> None:
    answer = client.post(reverse("account_signup"), FORM)
    assert answer.status_code == 302
    assert UNSENT in read(client, answer["Location"])
    assert User.objects.get(email=ADDRESS).name == "旅人"
    assert not EmailAddress.objects.get(email=ADDRESS).verified
    assert SESSION_KEY not in client.session
    server.come_back()
    later = Client()
    answer = later.post(reverse("account_login"), {"login": ADDRESS, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    confirm(later, code())
    assert EmailAddress.objects.get(email=ADDRESS).verified
    assert SESSION_KEY in later.session


def test_a_guest_who_signs_up_stays_a_guest_and_fills_in_the_form_again(client: Client, server: MailServer) -> None:
    client.post("/guest/", {"nickname": "旅人", "next": "/"})
    guest = User.objects.get(is_guest=True)
    for _ in range(2):
        answer = client.post(reverse("account_signup"), FORM)
        assert answer.status_code == 302
        assert UNSENT in read(client, answer["Location"])
        assert PendingSignup.objects.get().guest == guest
    server.come_back()
    client.post(reverse("account_signup"), FORM)
    confirm(client, code())
    guest.refresh_from_db()
    assert (guest.is_guest, guest.email) == (False, ADDRESS)


def test_whether_an_address_has_an_account_is_not_told_by_a_mail_that_fails(
    client: Client, server: MailServer, make_user: MakeUser
) -> None:
    pages = []
    for address in (ADDRESS, make_user().email):
        browser = Client()
        answer = browser.post(reverse("account_signup"), {**FORM, "email": address})
        pages.append((answer.status_code, answer["Location"], UNSENT in read(browser, answer["Location"])))
    assert pages[0] == pages[1]
    assert pages[0][2]


def test_a_code_that_cannot_be_sent_again_says_so(client: Client, server: MailServer) -> None:
    server.come_back()
    client.post("/guest/", {"nickname": "旅人", "next": "/"})
    client.post(reverse("account_signup"), FORM)
    first = code()
    server.go()
    place = reverse("account_email_verification_sent")
    answer = client.post(place, {"action": "resend"}, follow=True)
    assert answer.status_code == 200
    assert UNSENT in answer.content.decode()
    server.come_back()
    client.post(place, {"action": "resend"})
    assert len(mail.outbox) == 2
    confirm(client, code() or first)
    assert not PendingSignup.objects.exists()


def test_another_address_of_a_member_is_asked_for_again(server: MailServer, user: User) -> None:
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    client = signed_in(user)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    answer = client.post(reverse("account_email"), {"email": "new@example.jp", "action_add": ""})
    told = read(client, answer["Location"])
    assert UNSENT in told
    assert "元のまま" in told
    user.refresh_from_db()
    assert user.email != "new@example.jp"
    server.come_back()
    client.post(reverse("account_email"), {"email": "new@example.jp", "action_add": ""})
    confirm(client, code())
    assert EmailAddress.objects.get(email="new@example.jp").verified
    assert SESSION_KEY in client.session
