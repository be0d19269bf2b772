"""What somebody takes along: all that is theirs, nothing of others that they may not see."""

import io
import json
import re
import zipfile
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from chat import matching, people, personal_data, rooms
from chat.messages import NewEvent
from chat.models import Block, Message, Room, User
from chat.people import Person
from chat.personal_data import Type, registry
from compliance.law import Mode, Status
from compliance.models import LedgerEntry
from compliance.records import holds, ledger
from tests.chat.personal_data.test_erasure import ADDRESS, CLOSED, NAME, OPEN, proved
from tests.compliance.cases import standing
from tests.conftest import PASSWORD, MakeUser, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parents[3] / "docs" / "personal-data.md"
THEIRS = "相手が話したこと"


@pytest.fixture(autouse=True)
def open_gate(settings: Settings, db: None) -> None:
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)


@pytest.fixture
def person(make_member: MakeUser) -> User:
    return make_member(NAME, email=ADDRESS)


@pytest.fixture
def partner(make_member: MakeUser) -> User:
    return make_member("相手の名")


@pytest.fixture
def talk(person: User, partner: User, operator: User) -> UUID:
    """Both wrote in an open room and in a closed one; each blocked the operator, and the operator one of them."""
    square = rooms.create_open_room(actor=person, name="広場", slug="square")
    for each in (person, partner):
        matching.seek(person=Person.of(each))
    match = matching.pair(partner.pk)
    assert match is not None
    for room in (square.pk, match.room):
        words = OPEN if room == square.pk else CLOSED
        store([NewEvent(room, Person.of(person), Message.Kind.MESSAGE, words)])
        store([NewEvent(room, Person.of(partner), Message.Kind.MESSAGE, THEIRS)])
    Block.objects.create(blocker=person, blocked=operator)
    Block.objects.create(blocker=partner, blocked=operator)
    holds.place(
        scope="person", subject=person.public_id, ground="order", paper="令状第九号", ends_on=None, actor=operator
    )
    return match.room


def unpacked(content: bytes) -> tuple[dict[str, Any], str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["data.json", "index.html", "style.css"]
        return json.loads(archive.read("data.json")), archive.read("index.html").decode()


def taken(person: User, *, themselves: bool = True, language: str = "ja") -> tuple[dict[str, Any], str]:
    with personal_data.export(person, themselves=themselves, language=language) as made:
        return unpacked(made.read())


CHECKS = {
    Type.TEXT: lambda value: isinstance(value, str),
    Type.NUMBER: lambda value: isinstance(value, int) and not isinstance(value, bool),
    Type.FLAG: lambda value: isinstance(value, bool),
    Type.TIME: lambda value: datetime.fromisoformat(value).utcoffset() is not None,
    Type.ID: lambda value: bool(UUID(value)),
    Type.NAMES: lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
}


def test_data_json_is_as_the_documentation_says(person: User, talk: UUID) -> None:
    data, _page = taken(person)
    assert (data["format"], data["version"]) == ("todoke.personal-data", 1)
    documented: dict[str, dict[str, str]] = {}
    for section, field, kind in re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| ([\w -]+) \|", DOCUMENT.read_text(), re.MULTILINE
    ):
        documented.setdefault(section, {})[field] = kind
    sections = registry.sections()
    assert documented == {s.key: {column.name: column.type.value for column in s.columns} for s in sections}
    assert set(data) == {"format", "version", "made_at", "closed_talk", *documented}
    for section in sections:
        for row in data[section.key]:
            assert list(row) == [column.name for column in section.columns]
            for column in section.columns:
                assert row[column.name] is None or CHECKS[column.type](row[column.name]), (section.key, column.name)


def test_it_holds_what_is_theirs(person: User, partner: User, operator: User, talk: UUID) -> None:
    data, page = taken(person)
    assert data["account"][0]["email"] == data["addresses"][0]["email"] == ADDRESS
    assert [row["body"] for row in data["messages"]] == [OPEN]
    assert [(row["body"], row["mine"]) for row in data["closed_messages"]] == [(CLOSED, True), (THEIRS, False)]
    assert data["closed_rooms"][0]["people"] == [partner.name]
    assert [row["name"] for row in data["blocks"]] == [operator.name]
    assert data["rooms"][0]["room"] == "square"
    for words in (NAME, ADDRESS, OPEN, CLOSED, THEIRS, partner.name):
        assert words in page


def test_it_holds_nothing_of_others_that_they_may_not_see(
    person: User, partner: User, operator: User, talk: UUID
) -> None:
    Block.objects.create(blocker=operator, blocked=person)
    data, page = taken(person)
    text = json.dumps(data, ensure_ascii=False) + page
    assert partner.email not in text
    assert operator.email not in text
    assert "令状" not in text
    assert THEIRS not in json.dumps(data["messages"], ensure_ascii=False)
    assert len(data["blocks"]) == 1


def test_closed_talk_is_in_it_only_while_they_may_read_it(
    person: User, partner: User, talk: UUID, settings: Settings
) -> None:
    before = settings.STANDING
    settings.STANDING = standing(Status.none)
    assert taken(person)[0]["closed_messages"] == []
    settings.STANDING = before
    assert taken(person)[0]["closed_messages"] != []
    rooms.leave_room(person=Person.of(partner), room=talk)
    data, page = taken(person)
    assert data["closed_messages"] == []
    assert data["closed_rooms"][0]["people"] is None
    assert partner.name not in page


def test_of_an_erased_partner_no_name_is_in_it(person: User, partner: User, talk: UUID) -> None:
    personal_data.erase([partner])
    for language, shown in (("ja", "退会した人"), ("en", "A person who left")):
        data, page = taken(person, language=language)
        assert partner.name not in json.dumps(data, ensure_ascii=False) + page
        assert shown in {row["name"] for row in data["closed_messages"]}


@pytest.mark.parametrize(("language", "title"), [("ja", "あなたのアカウント"), ("en", "Your account")])
def test_the_page_in_it_speaks_their_language_and_shows_words_as_words(person: User, language: str, title: str) -> None:
    room = rooms.create_open_room(actor=person, name="広場")
    store([NewEvent(room.pk, Person.of(person), Message.Kind.MESSAGE, "<script>alert(1)</script>")])
    _data, page = taken(person, language=language)
    assert f'<html lang="{language}">' in page
    assert title in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_much_is_written_row_by_row(person: User, django_assert_max_num_queries: Any) -> None:
    room = rooms.create_open_room(actor=person, name="広場")
    Message.objects.bulk_create(
        Message(room=room, seq=seq, author=person, author_name=NAME, body=f"話{seq}") for seq in range(1, 3001)
    )
    Room.objects.filter(pk=room.pk).update(head=3000)
    with django_assert_max_num_queries(30):
        data, _page = taken(person)
    assert len(data["messages"]) == 3000


# The page and the command ---------------------------------------------------------------------------------------------


def test_the_page_asks_who_one_is_and_hands_it_over_uncached(person: User, talk: UUID) -> None:
    stale = signed_in(person)
    assert stale.get("/account/export/").status_code == 200
    assert "/accounts/reauthenticate/" in stale.post("/account/export/")["Location"]
    resumed = stale.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/account/export/"})
    assert resumed["Content-Type"] == "application/zip"
    assert "no-store" in resumed["Cache-Control"]
    assert unpacked(resumed.getvalue())[0]["closed_messages"]
    browser = proved(person)
    assert browser.get("/account/export/").status_code == 200
    answer = browser.post("/account/export/")
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    assert "attachment" in answer["Content-Disposition"]
    data, _page = unpacked(answer.getvalue())
    assert data["closed_messages"]
    assert not LedgerEntry.objects.filter(event="data.exported").exists()
    assert Client().post("/account/export/").status_code == 302


def test_a_guest_takes_along_what_they_wrote(user: User) -> None:
    guest = people.enter_as_guest(nickname="客")
    room = rooms.create_open_room(actor=user, name="広場")
    store([NewEvent(room.pk, Person.of(guest), Message.Kind.MESSAGE, "客の話")])
    answer = signed_in(guest).post("/account/export/")
    data, _page = unpacked(answer.getvalue())
    assert [row["body"] for row in data["messages"]] == ["客の話"]


def test_it_is_given_a_few_times_only(user: User, settings: Settings) -> None:
    settings.CHAT_RATE_LIMITS = True
    guest = signed_in(people.enter_as_guest(nickname="客"))
    answers = [guest.post("/account/export/") for _ in range(settings.CHAT_RATES["export"][0] + 1)]
    for answer in answers[:-1]:
        answer.close()
    assert [answer.status_code for answer in answers] == [200] * (len(answers) - 1) + [429]
    assert answers[-1]["Retry-After"]


def test_the_command_leaves_words_of_closed_talk_sealed_and_writes_an_entry(
    person: User, partner: User, talk: UUID, tmp_path: Path
) -> None:
    target = tmp_path / "data.zip"
    call_command("export", ADDRESS, "--out", str(target), stdout=StringIO())
    data, page = unpacked(target.read_bytes())
    assert data["closed_talk"] is False
    assert [row["body"] for row in data["messages"]] == [OPEN]
    text = json.dumps(data, ensure_ascii=False) + page
    for words in (CLOSED, THEIRS, partner.name):
        assert words not in text
    entry = LedgerEntry.objects.get(event="data.exported")
    assert entry.payload == {"account": ledger.actor_of(person).ref, "by": "command"}
    assert target.stat().st_mode & 0o077 == 0
    with pytest.raises(CommandError):
        call_command("export", ADDRESS, "--out", str(target), stdout=StringIO())
    with pytest.raises(CommandError):
        call_command("export", "nobody@example.jp", "--out", str(tmp_path / "x"), stdout=StringIO())
