"""Doors to people: guests become members in place, errands are kept, addresses are one, changes ask who one is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone, translation
from pytest_django.fixtures import Settings

from chat import people, rooms
from chat.models import Message, PendingSignup, Room, User
from tests.chat.people.test_second_factor import totp
from tests.conftest import PASSWORD, MakeUser, give_factor, signed_in

ADDRESS = "tabibito@example.jp"
FORM = {"email": ADDRESS, "name": "旅人", "password1": PASSWORD, "password2": PASSWORD}
CODE = re.compile(r"^\s*([A-Z0-9]{3,}-[A-Z0-9]{3,})\s*$", re.MULTILINE)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_counts(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def guest(client: Client) -> User:
    """A guest; `client` is their browser."""
    client.post("/guest/", {"nickname": "旅人", "next": "/"})
    return User.objects.get(is_guest=True)


def ask(client: Client, errand: str = "", **fields: str) -> None:
    """Fill in the sign-up form as a guest."""
    answer = client.post(reverse("account_signup"), {**FORM, "next": errand, **fields})
    assert (answer.status_code, answer["Location"]) == (302, reverse("account_email_verification_sent")), answer.content


def code() -> str:
    """The code of the newest mail."""
    found = CODE.search(str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def confirm(client: Client, text: str) -> str:
    """Enter a code; where that leads to."""
    return client.post(reverse("account_email_verification_sent"), {"code": text}).headers.get("Location", "")


def write(person: User, room: Room, seq: int = 1) -> Message:
    """Store a message of somebody."""
    return Message.objects.create(
        room=room, seq=seq, kind="message", author=person, author_name=person.name, body="ここにいます"
    )


# A guest becomes a member in place ------------------------------------------------------------------------------------


def test_a_guest_becomes_a_member_in_place_when_the_address_is_confirmed(client: Client, guest: User) -> None:
    room = rooms.create_open_room(actor=None, name="雑談", slug="chat")
    said = write(guest, room)
    assert "旅人" in client.get("/accounts/signup/?next=/rooms/chat/").content.decode()
    ask(client, "/rooms/chat/")
    guest.refresh_from_db()
    assert (guest.is_guest, guest.email) == (True, None)
    assert client.get("/rooms/chat/").context["can_post"]  # still a guest, and can go on
    assert confirm(client, code()) == "/rooms/chat/"
    member = User.objects.get()
    assert (member.pk, member.public_id) == (guest.pk, guest.public_id)
    assert (member.is_guest, member.email, member.name) == (False, ADDRESS, "旅人")
    assert member.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=member).verified
    assert client.session[SESSION_KEY] == str(member.pk)
    said.refresh_from_db()
    assert (said.author_id, said.author_name) == (member.pk, "旅人")
    assert not PendingSignup.objects.exists()
    assert client.post("/accounts/logout/").status_code == 302
    answer = client.post("/accounts/login/", {"login": ADDRESS, "password": PASSWORD})
    assert (answer.status_code, client.session[SESSION_KEY]) == (302, str(member.pk))


def test_the_guests_session_gets_a_new_key(client: Client, guest: User) -> None:
    before = client.session.session_key
    ask(client)
    confirm(client, code())
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_guest_who_writes_no_name_keeps_the_nickname(client: Client, guest: User) -> None:
    ask(client, name="")
    confirm(client, code())
    assert User.objects.get().name == "旅人"


def test_a_second_tab_that_confirms_again_is_led_on(client: Client, guest: User) -> None:
    ask(client, "/rooms/chat/")
    right = code()
    confirm(client, right)
    assert confirm(client, right) == "/"


def test_the_code_counts_in_the_guests_own_session_only(client: Client, guest: User) -> None:
    ask(client)
    right, elsewhere = code(), Client()
    assert confirm(elsewhere, right).startswith("/accounts/login/")
    elsewhere.post("/guest/", {"nickname": "別人", "next": "/"})
    assert confirm(elsewhere, right) == "/accounts/signup/"
    assert not User.objects.filter(is_guest=False).exists()
    assert confirm(client, right) == "/"


def test_a_wrong_code_can_be_tried_three_times(client: Client, guest: User) -> None:
    ask(client)
    right = code()
    assert confirm(client, "XXXX-XXXX") == ""
    assert confirm(client, "XXXX-XXXX") == ""
    assert confirm(client, "XXXX-XXXX").startswith("/accounts/signup/")
    confirm(client, right)
    guest.refresh_from_db()
    assert guest.is_guest


def test_a_code_in_full_width_counts(client: Client, guest: User) -> None:
    ask(client)
    assert confirm(client, "".join(chr(ord(sign) + 0xFEE0) for sign in code())) == "/"


def test_another_code_replaces_the_first(client: Client, guest: User) -> None:
    ask(client)
    first = code()
    client.post(reverse("account_email_verification_sent"), {"action": "resend"})
    assert code() != first
    assert confirm(client, first) == ""
    assert confirm(client, code()) == "/"


def test_filling_in_the_form_again_within_minutes_keeps_the_code_and_takes_the_new_words(
    client: Client, guest: User, settings: Settings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}
    ask(client)
    ask(client, password1="another good one", password2="another good one")
    assert len(mail.outbox) == 1
    confirm(client, code())
    assert User.objects.get().check_password("another good one")


def test_an_address_that_has_an_account_is_told_by_mail_only(client: Client, guest: User, make_user: MakeUser) -> None:
    owner = make_user(email=ADDRESS)
    ask(client)
    page = client.get(reverse("account_email_verification_sent")).content.decode()
    assert ADDRESS in page
    assert [letter.to for letter in mail.outbox] == [[ADDRESS]]
    assert not CODE.search(str(mail.outbox[0].body))
    assert confirm(client, "XXXX-XXXX") == ""
    guest.refresh_from_db()
    assert guest.is_guest
    assert User.objects.get(email=ADDRESS) == owner


def test_an_address_that_another_account_took_meanwhile_stays_with_it(
    client: Client, guest: User, make_user: MakeUser
) -> None:
    ask(client)
    right = code()
    owner = make_user(email="other@example.jp")
    EmailAddress.objects.create(user=owner, email=ADDRESS, verified=True)
    assert confirm(client, right).startswith("/accounts/login/")
    guest.refresh_from_db()
    assert guest.is_guest


def test_a_guest_who_was_suspended_meanwhile_becomes_no_member(client: Client, guest: User) -> None:
    ask(client)
    right = code()
    User.objects.filter(pk=guest.pk).update(is_active=False)
    for path in ("account_email_verification_sent", "account_signup"):
        assert client.post(reverse(path), {**FORM, "code": right})["Location"] == reverse("account_inactive")
    assert client.get(reverse("account_inactive")).status_code == 200
    guest.refresh_from_db()
    assert guest.is_guest
    assert people.become_member(guest=guest, code=right) is people.Outcome.OVER


def test_a_code_that_is_too_old_confirms_nothing(client: Client, guest: User) -> None:
    ask(client)
    PendingSignup.objects.update(at=timezone.now() - people.CODE_TTL)
    assert confirm(client, code()) == "/accounts/signup/"
    guest.refresh_from_db()
    assert guest.is_guest


def test_a_guest_is_outside_of_a_room_that_is_locked_even_with_an_address_on_record(
    member: Client, user: User, settings: Settings
) -> None:
    from compliance.law import Mode, Status  # noqa: PLC0415 -- as where rooms are tested
    from tests.compliance.cases import standing  # noqa: PLC0415

    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    room = rooms.create_open_room(actor=user, name="雑談", slug="chat")
    guest = people.enter_as_guest(nickname="旅人")
    write(guest, room)
    EmailAddress.objects.create(user=guest, email=ADDRESS, verified=True, primary=True)
    locked = rooms.lock_room(actor=user, room=room)
    assert set(locked.participants.values_list("user_id", flat=True)) == {user.pk}


# What is open to a guest ----------------------------------------------------------------------------------------------


def account_pages() -> Iterator[str]:
    """Every address of the account pages, with something in place of its parameters."""

    def walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            elif route.startswith("accounts/"):
                plain = re.sub(r"\(\?P<\w+>[^)]*\)|<int:\w+>|<\w+:\w+>", "1", route)
                yield "/" + plain.replace("^", "").replace("$", "")

    yield from walk(get_resolver().url_patterns, "")


def test_no_account_page_fails_or_loops_for_a_guest_or_gives_them_an_account(client: Client, guest: User) -> None:
    pages = [*account_pages(), "/accounts/", "/rooms/new/"]
    assert len(pages) > 25
    values = {**FORM, "action_add": "", "code": "1", "oldpassword": "x", "password": PASSWORD, "credential": "{}"}
    for page in pages:
        if page == reverse("account_logout"):
            continue
        seen = client.get(page, follow=True)
        assert seen.status_code in {200, 403, 404, 405}, page
        assert len(seen.redirect_chain) <= 2, (page, seen.redirect_chain)
        if seen.status_code == 403:
            assert reverse("account_signup") in seen.content.decode(), page
        done = client.post(page, values)
        assert done.status_code in {200, 302, 400, 403, 404, 405}, page
        guest.refresh_from_db()
        assert (guest.is_guest, guest.email, guest.has_usable_password()) == (True, None, False), page
        assert client.session[SESSION_KEY] == str(guest.pk), page
    assert not EmailAddress.objects.exists()


def test_a_guest_who_opens_a_room_learns_what_it_takes_and_comes_back(client: Client, guest: User) -> None:
    answer = client.get("/rooms/new/")
    assert answer.status_code == 403
    assert "/accounts/signup/?next=%2Frooms%2Fnew%2F" in answer.content.decode()
    ask(client, "/rooms/new/")
    assert confirm(client, code()) == "/rooms/new/"
    assert client.get("/rooms/new/").status_code == 200


def test_the_menu_leads_a_guest_to_an_account_and_back(client: Client, guest: User) -> None:
    page = client.get("/legal/").content.decode()
    for path in ("/accounts/signup/", "/accounts/login/"):
        assert f"{path}?next=%2Flegal%2F" in page
    assert reverse("account_logout") in page


def test_a_guest_who_signs_in_leaves_the_guest_behind_and_is_told(
    client: Client, guest: User, make_member: MakeUser
) -> None:
    owner = make_member("はなこ")
    assert "旅人" in client.get("/accounts/login/").content.decode()
    answer = client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD, "next": "/"}, follow=True)
    assert client.session[SESSION_KEY] == str(owner.pk)
    assert any("旅人" in str(message) for message in answer.context["messages"])
    guest.refresh_from_db()
    assert guest.is_guest


def test_a_guest_signs_out_and_is_told_what_is_lost(client: Client, guest: User) -> None:
    page = client.get("/accounts/logout/").content.decode()
    assert "旅人" in page
    assert 'name="guest"' in page
    client.post("/accounts/logout/", {"guest": "leaves"})
    assert SESSION_KEY not in client.session


# The errand -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("errand", ["/match/", "/rooms/chat/?x=1&y=2"])
def test_sign_up_leads_back_to_the_errand(client: Client, errand: str) -> None:
    assert (
        f'value="{errand}"'.replace("&", "&amp;")
        in client.get(f"/accounts/signup/?next={quote(errand)}").content.decode()
    )
    answer = client.post("/accounts/signup/", {**FORM, "next": errand})
    assert confirm(client, code()) == errand
    assert answer["Location"] == reverse("account_email_verification_sent")


def test_sign_in_with_a_second_factor_leads_back_to_the_errand(client: Client, make_member: MakeUser) -> None:
    person = make_member()
    give_factor(person)
    answer = client.post("/accounts/login/", {"login": person.email, "password": PASSWORD, "next": "/match/"})
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    answer = client.post(reverse("mfa_authenticate"), {"code": totp()})
    assert answer["Location"] == "/match/"


def test_a_reset_password_leads_back_to_the_errand(client: Client, make_member: MakeUser) -> None:
    person = make_member()
    answer = client.post("/accounts/password/reset/", {"email": person.email, "next": "/match/"})
    assert answer["Location"] == "/accounts/password/reset/done/?next=%2Fmatch%2F"
    way = urlsplit(re.findall(r"http://\S+", str(mail.outbox[-1].body))[0])
    answer = client.get(f"{way.path}?{way.query}")
    form = client.get(answer["Location"])
    assert 'name="next" value="/match/"' in form.content.decode()
    new = {"password1": "a whole new one", "password2": "a whole new one", "next": "/match/"}
    answer = client.post(form.request["PATH_INFO"], new)
    assert answer["Location"] == "/accounts/login/?next=%2Fmatch%2F"


@pytest.mark.parametrize(
    "errand", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_no_errand_leads_out_of_the_service(client: Client, guest: User, errand: str, make_member: MakeUser) -> None:
    ask(client, errand)
    assert confirm(client, code()) == "/"
    person = make_member()
    stranger = Client()
    answer = stranger.post("/accounts/login/", {"login": person.email, "password": PASSWORD, "next": errand})
    assert answer["Location"] == "/"


def test_the_nickname_page_can_be_asked_for_in_another_language(client: Client) -> None:
    refused = client.post("/guest/", {"nickname": "運営", "next": "/rooms/chat/"})
    assert 'value="/guest/?next=%2Frooms%2Fchat%2F"' in refused.content.decode()
    page = client.get("/guest/?next=/rooms/chat/")
    assert page.status_code == 200
    assert 'value="/rooms/chat/"' in page.content.decode()


# Addresses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["Boss@Example.JP", "boss@example.jp", "BOSS@EXAMPLE.JP", "ｂｏｓｓ＠ｅｘａｍｐｌｅ．ｊｐ"]
)
def test_the_operator_signs_in_by_any_spelling_and_nobody_signs_up_beside_them(client: Client, typed: str) -> None:
    call_command("createsuperuser", interactive=False, email="Boss@Example.JP", verbosity=0)
    operator = User.objects.get()
    operator.set_password(PASSWORD)
    operator.save()
    EmailAddress.objects.create(user=operator, email="Boss@Example.JP", verified=True, primary=True)
    assert (operator.email, EmailAddress.objects.get(user=operator).email) == ("boss@example.jp", "boss@example.jp")
    client.post("/accounts/signup/", {**FORM, "email": typed})
    assert User.objects.count() == 1
    stranger = Client()
    stranger.post("/accounts/login/", {"login": typed, "password": PASSWORD})
    assert stranger.session[SESSION_KEY] == str(operator.pk)


@pytest.mark.parametrize("other", ["Boss@Example.JP", "boss@example.jp"])
def test_the_database_refuses_a_second_spelling(make_user: MakeUser, other: str) -> None:
    make_user(email="boss@example.jp")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(email=other, name="x", password="x")])
    person = make_user()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE chat_user SET email = %s WHERE id = %s", [other, person.pk])


def test_the_database_refuses_a_confirmed_address_of_two_people(make_user: MakeUser) -> None:
    one, two = make_user(), make_user()
    EmailAddress.objects.create(user=one, email=ADDRESS, verified=True)
    address = EmailAddress.objects.create(user=two, email="x@example.jp", verified=True)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE account_emailaddress SET email = %s WHERE id = %s", [ADDRESS.upper(), address.pk])


# Who are you? ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("account_email", {"action_add": "", "email": "thief@example.jp"}),
        ("account_email", {"action_primary": "", "email": "second@example.jp"}),
        ("account_email", {"action_remove": "", "email": "second@example.jp"}),
        ("account_reset_password", {"email": "second@example.jp"}),
        ("mfa_activate_totp", {"code": "000000"}),
        ("mfa_deactivate_totp", {}),
        ("mfa_generate_recovery_codes", {}),
    ],
)
def test_a_session_that_was_left_open_changes_nothing_of_the_account(
    path: str, values: dict[str, str], make_member: MakeUser
) -> None:
    person = make_member()
    EmailAddress.objects.create(user=person, email="second@example.jp", verified=True)
    if "deactivate" in path or "recovery" in path:
        give_factor(person)
    browser = signed_in(person)
    answer = browser.post(reverse(path), values)
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    assert mail.outbox == []
    assert EmailAddress.objects.get(user=person, primary=True).email == person.email
    assert EmailAddress.objects.filter(user=person).count() == 2


def test_the_old_address_hears_of_a_new_main_one(make_member: MakeUser) -> None:
    person = make_member()
    old = person.email
    EmailAddress.objects.create(user=person, email="second@example.jp", verified=True)
    browser = signed_in(person)
    browser.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    browser.post(reverse("account_email"), {"action_primary": "", "email": "second@example.jp"})
    person.refresh_from_db()
    assert person.email == "second@example.jp"
    assert [letter.to for letter in mail.outbox] == [[old]]


# Mails ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["testserver:6666", "localhost:31337", "127.0.0.1:1"])
def test_links_in_mails_do_not_take_the_port_of_the_request(
    client: Client, make_member: MakeUser, settings: Settings, host: str
) -> None:
    person = make_member()
    settings.ALLOWED_HOSTS = [host.partition(":")[0]]
    client.post("/accounts/password/reset/", {"email": person.email}, headers={"host": host})
    body = str(mail.outbox[-1].body)
    assert host.rpartition(":")[2] not in re.findall(r"https?://[^/\s]+", body)[0].rpartition("//")[2].partition(":")[2]
    assert f"http://{host.partition(':')[0]}/accounts/password/reset/key/" in body
    assert "Todoke" in body
    assert host not in body


def test_links_in_mails_are_those_that_the_deployment_named(
    client: Client, make_member: MakeUser, settings: Settings
) -> None:
    person = make_member()
    settings.ALLOWED_HOSTS = [".example.jp", "chat.example.jp"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example.jp:8443"]
    client.post("/accounts/password/reset/", {"email": person.email}, headers={"host": "evil.example.jp:99"})
    assert "https://chat.example.jp:8443/accounts/password/reset/key/" in str(mail.outbox[-1].body)


# Marks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "mark"), [("guest", "ゲスト"), ("staff", "運営"), ("keeper", "管理人"), ("", "")])
def test_a_row_says_in_words_and_by_shape_who_is_a_guest_a_keeper_or_staff(role: str, mark: str) -> None:
    author = {"id": "a", "name": "はなこ", "role": role}
    item = {"seq": 1, "kind": "message", "author": author, "body": "やあ", "at": "2026-11-30T00:00:00Z"}
    with translation.override("ja"):
        row = render_to_string("chat/messages/_message.html", {"item": item})
    assert re.findall(r'<span class="role" data-role="(\w+)">([^<]+)</span>', row) == ([(role, mark)] if mark else [])


def test_a_guest_who_confirms_later_finds_the_page_for_the_code(client: Client, guest: User) -> None:
    way = f'href="{reverse("account_email_verification_sent")}"'
    pages = ("/", "/legal/", reverse("account_signup"), reverse("account_login"))
    assert not any(way in client.get(page).content.decode() for page in pages)
    ask(client)
    assert all(way in client.get(page).content.decode() for page in pages)
    confirm(client, code())
    assert not any(way in client.get(page, follow=True).content.decode() for page in pages)
