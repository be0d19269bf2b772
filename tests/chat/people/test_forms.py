"""Whatever is put into a form is taken or refused in words; nothing of it breaks a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus, urljoin, urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from chat import rooms
from chat.models import NAME_LENGTH, Room, User
from chat.people.forms import AuthenticateForm, GuestCodeForm, LoginForm, ReauthenticateForm
from chat.people.guest_form import GuestForm
from compliance.law import Mode, Status
from tests.compliance.cases import standing
from tests.conftest import PASSWORD, MakeUser, signed_in

FORM = "application/x-www-form-urlencoded"
FORMS = {
    "/guest/": ("nickname", "next"),
    "/rooms/new/": ("name", "description"),
    "/rooms/board/lock/": ("understood", "next"),
    "/i18n/setlang/": ("language", "next"),
    "/accounts/signup/": ("email", "name", "password1", "password2", "next"),
    "/accounts/login/": ("login", "password", "remember", "next"),
    "/accounts/password/reset/": ("email",),
    "/accounts/email/": ("email", "action_add", "action_primary", "action_remove"),
    "/accounts/password/change/": ("oldpassword", "password1", "password2"),
    "/accounts/reauthenticate/": ("password", "next"),
    "/accounts/login/code/confirm/": ("code",),
    "/accounts/confirm-email/": ("code",),
    "/accounts/2fa/totp/activate/": ("code",),
    "/accounts/logout/": ("next",),
}
"""Every form that a visitor or a member meets, with its fields."""
OURS = {"/guest/", "/rooms/new/", "/i18n/setlang/", "/accounts/signup/"}
SIGNED_IN = {
    "/rooms/new/",
    "/rooms/board/lock/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/2fa/totp/activate/",
}
"""Those that a stranger is not shown."""

NAMES = [
    "旅人",
    "a" * NAME_LENGTH,
    "",
    " ",
    "　",
    "a" * (NAME_LENGTH + 1),
    "a" * 100_000,
    "\0",
    "a\0b",
    "\r\n",
    "a\nb",
    "\u202eadmin",
    "\u2066admin\u2069",
    "\u200badmin",
    "ａｄｍｉｎ",
    "e" + "\u0301" * 200,
    "👩‍👩‍👧",
    "<script>alert(1)</script>",
    "{{7*7}}",
    "%s%n",
    "' OR 1=1 --",
    "\ufeff",
    "\uffff",
    "ﷺ" * 30,
    "ß" * 40,
    "x@example.jp",
    "x@例え.jp",
    '"a b"@example.jp',
    "a@" + "b" * 300,
    "//evil.example/",
    "https://evil.example/",
    "/\\evil.example",
    "javascript:alert(1)",
    "/rooms/board/",
    "ja",
    "en",
    "de",
    "ja\0",
    "../../etc/passwd",
    "on",
    "true",
    PASSWORD,
]


@pytest.fixture
def door(make_user: MakeUser, settings: Settings) -> tuple[Client, Client]:
    """A stranger's browser and that of the member who opened a room; closed chat is on, and nobody counts."""
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    settings.CHAT_RATE_LIMITS = False
    settings.ACCOUNT_RATE_LIMITS = False
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    owner = make_user()
    rooms.create_open_room(actor=owner, name="board", slug="board")
    return Client(), signed_in(owner)


def assert_in_order(answer: Any) -> None:
    """An answer that a person can do something with, and no way out of the service."""
    assert answer.status_code in {200, 302, 303, 400, 401, 403, 404, 405, 409, 429}, answer.content[:500]
    if answer.status_code in {302, 303}:
        where = urlsplit(urljoin("http://testserver/somewhere/", answer["Location"]))
        assert (where.scheme, where.netloc) == ("http", "testserver"), answer["Location"]


def forms() -> Iterator[tuple[str, dict[str, str]]]:
    """Each odd value in all fields of each form; in ours also in one field, beside right ones."""
    right = {"nickname": "旅人", "name": "部屋", "email": "x@example.jp", "password1": PASSWORD, "password2": PASSWORD}
    for path, fields in FORMS.items():
        for name in NAMES:
            yield path, dict.fromkeys(fields, name)
            for field in fields if path in OURS else ():
                yield path, {other: right.get(other, "") for other in fields} | {field: name}


@pytest.mark.slow
def test_odd_values_in_every_field_of_every_form(door: tuple[Client, Client]) -> None:
    stranger, _owner = door
    for path, values in forms():
        if path not in SIGNED_IN:
            stranger.cookies.clear()
            assert_in_order(stranger.post(path, values))


@pytest.mark.slow
def test_odd_values_by_somebody_who_is_signed_in(door: tuple[Client, Client]) -> None:
    _stranger, owner = door
    cookies = {name: morsel.value for name, morsel in owner.cookies.items()}
    for path, values in forms():
        if path in SIGNED_IN:
            owner.cookies.load(cookies)
            assert_in_order(owner.post(path, values))
    assert all(room.is_open or room.slug is None for room in Room.objects.all())


keeps = given_settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
words = st.text(max_size=60) | st.sampled_from(NAMES) | st.text(st.characters(max_codepoint=0x20), max_size=5)
paths = st.sampled_from(sorted(FORMS))


def encoded(pairs: list[tuple[str, bytes]]) -> bytes:
    """A form's body with any bytes in its values."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs).encode()


@pytest.mark.slow
@keeps
@given(path=paths, member=st.booleans(), data=st.data())
def test_any_words_in_any_form(door: tuple[Client, Client], path: str, *, member: bool, data: st.DataObject) -> None:
    values = data.draw(st.fixed_dictionaries(dict.fromkeys(FORMS[path], words)))
    client = Client() if not member else door[1]
    if not (member and path == "/accounts/logout/"):
        assert_in_order(client.post(path, values))


@pytest.mark.slow
@keeps
@given(path=paths, data=st.data())
def test_any_bytes_as_a_form(door: tuple[Client, Client], path: str, data: st.DataObject) -> None:
    """Fields twice, fields of others, bytes that are no text, bodies that are no form."""
    names = st.sampled_from([*FORMS[path], "csrfmiddlewaretoken", "x", "", "next"])
    as_form = st.lists(st.tuples(names, st.binary(max_size=30)), max_size=6).map(encoded)
    kind = data.draw(
        st.sampled_from([FORM, "multipart/form-data; boundary=x", "application/json", "text/plain", "", "x/y;;"])
    )
    body = data.draw(
        as_form
        | st.binary(max_size=80)
        | st.just(b'--x\r\nContent-Disposition: form-data; name="next"\r\n\r\n\xff\r\n--x--')
    )
    assert_in_order(Client().post(path, body, content_type=kind))


def test_a_file_where_a_name_is_due(door: tuple[Client, Client]) -> None:
    for path, fields in FORMS.items():
        values = {field: SimpleUploadedFile("x.txt", b"\xff\xfe\0") for field in fields}
        assert_in_order(Client().post(path, values))


@pytest.mark.slow
@keeps
@given(
    path=st.sampled_from(["/rooms/{}/", "/closed/{}/", "/rooms/{}/lock/", "/api/gate/?language={}", "/legal/?x={}"]),
    part=st.binary(max_size=20) | st.sampled_from([name.encode() for name in NAMES if len(name) < 100]),
)
def test_any_address(door: tuple[Client, Client], path: str, part: bytes) -> None:
    assert_in_order(door[0].get(path.format(quote_plus(part))))


@pytest.mark.slow
@keeps
@given(
    headers=st.dictionaries(
        st.sampled_from(["accept", "accept-language", "x-forwarded-for", "referer", "cookie", "user-agent"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60),
    ),
    path=st.sampled_from(["/", "/rooms/board/", "/match/", "/api/gate/", "/legal/"]),
)
def test_any_headers(door: tuple[Client, Client], headers: dict[str, str], path: str) -> None:
    assert_in_order(door[0].get(path, headers=headers))


# What the forms take --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["\u202eadmin", "ad\u200bmin", "a\0b", "\u2066x\u2069", "", "   ", "a" * 41, "x\x1b"], ids=ascii
)
def test_a_nickname_that_hides_or_reorders_text_is_refused_in_words(name: str, client: Client, db: None) -> None:
    answer = client.post("/guest/", {"nickname": name, "next": "/rooms/x/"})
    assert answer.status_code == 200
    assert answer.context["form"].errors["nickname"]
    assert not User.objects.exists()


@pytest.mark.parametrize(
    ("typed", "stored"),
    [(" 旅人 ", "旅人"), ("ａｂｃ", "abc"), ("a  b", "a b"), ("<b>x</b>", "<b>x</b>"), ("ｶﾞ", "ガ"), ("😀", "😀")],
)
def test_a_nickname_is_stored_in_its_plain_form_and_shown_as_text(
    typed: str, stored: str, client: Client, db: None
) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    answer = client.post("/guest/", {"nickname": typed, "next": "/rooms/chat/"})
    assert (answer.status_code, answer["Location"]) == (302, "/rooms/chat/")
    assert User.objects.get().name == stored
    assert "<b>x</b>" not in client.get("/rooms/chat/").content.decode()


@pytest.mark.parametrize(
    "wish",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "\0", "///x", "http:///x"],
)
def test_nobody_is_led_out_of_the_service(wish: str, client: Client, db: None) -> None:
    assert client.post("/guest/", {"nickname": "旅人", "next": wish})["Location"] == "/"
    answer = client.post("/i18n/setlang/", {"language": "en", "next": wish})
    assert_in_order(answer)


def test_a_locked_door_stays_open_without_consent(door: tuple[Client, Client]) -> None:
    for body in ({"understood": ""}, {"x": "on"}):
        answer = door[1].post("/rooms/board/lock/", body)
        assert answer.status_code == 200
        assert answer.context["form"].errors
    assert Room.objects.get().is_open
    assert door[1].post("/rooms/board/lock/", {"understood": "on"})["Location"].startswith("/closed/")


@pytest.mark.django_db
def test_a_phone_shows_the_keys_that_a_field_needs(make_user: MakeUser) -> None:
    login, guest = LoginForm(), GuestForm()
    assert login.fields["login"].widget.attrs["inputmode"] == "email"
    assert guest.fields["nickname"].widget.attrs["enterkeyhint"] == "go"
    for form in (AuthenticateForm(user=make_user()), ReauthenticateForm(user=make_user())):
        assert form.fields["code"].widget.attrs["inputmode"] == "numeric"
    from_the_mail = GuestCodeForm().fields["code"].widget.attrs
    assert "inputmode" not in from_the_mail  # it has letters, too
    assert from_the_mail["autocapitalize"] == "characters"
