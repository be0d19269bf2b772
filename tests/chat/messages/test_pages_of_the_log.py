"""Any part of a room's log can be read: over the wire, and on pages without scripts."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from chat import messages, rooms
from chat.messages import NewEvent, queries
from chat.models import Message, Room, User
from chat.people import Person
from tests.kit.store import store

pytestmark = pytest.mark.django_db


@pytest.fixture
def room(user: User) -> Room:
    """An open room of 200 messages; the second was edited, the third deleted, each at the end."""
    made = rooms.create_open_room(actor=None, name="雑談", slug="talk")
    me = Person.of(user)
    words = [f"{number}番" for number in range(1, 201)]
    store([NewEvent(made.pk, me, Message.Kind.MESSAGE, body, uuid.uuid4()) for body in words])
    store([NewEvent(made.pk, me, Message.Kind.EDIT, "直しかけ", target=2)])
    store([NewEvent(made.pk, me, Message.Kind.EDIT, "直した", target=2)])
    store([NewEvent(made.pk, me, Message.Kind.DELETE, target=3)])
    store([NewEvent(made.pk, me, Message.Kind.MESSAGE, "答え", uuid.uuid4(), reply_to=2)])
    return made


def test_a_page_has_the_latest_words_of_its_messages_although_the_edits_stand_beyond_it(room: Room) -> None:
    page = messages.before(room.key, None, 6)
    assert [(item.seq, item.body, item.edited) for item in page.items] == [
        (1, "1番", False),
        (2, "直した", True),
        (3, "", False),
        (4, "4番", False),
        (5, "5番", False),
    ]


@pytest.mark.parametrize(("seq", "first", "last"), [(100, 76, 125), (1, 1, 50), (204, 152, 204), (10**12, 152, 204)])
def test_a_page_is_read_around_any_place(room: Room, seq: int, first: int, last: int) -> None:
    items = messages.around(room.key, None, seq).items
    assert (items[0].seq, items[-1].seq) == (first, last)


def shown(client: Client, address: str) -> tuple[list[int], str]:
    """The messages on a page, by seq, and its text."""
    answer = client.get(address)
    assert answer.status_code == 200
    text = answer.content.decode()
    return [int(seq) for seq in re.findall(r'<li class="message" id="m(\d+)"', text)], text


def test_without_scripts_links_lead_through_the_whole_log(client: Client, room: Room) -> None:
    found: set[int] = set()
    address = "/rooms/talk/"
    for _ in range(10):
        seqs, text = shown(client, address)
        found |= set(seqs)
        older = re.search(r'data-older href="([^"#]+)#end">', text)
        if not older:
            break
        address = f"/rooms/talk/{older[1]}"
    assert found == {*range(1, 201), 204}
    while newer := re.search(r'id="end"><a class="plain-button" href="([^"#]+)#start">', text):
        seqs, text = shown(client, f"/rooms/talk/{newer[1]}")
    assert seqs[-1] == 204


def test_a_quote_without_scripts_leads_to_the_message_where_it_stands(client: Client, room: Room) -> None:
    _seqs, text = shown(client, "/rooms/talk/")
    assert 'data-jump="2" href="?at=2#m2"' in text
    seqs, text = shown(client, "/rooms/talk/?at=2")
    assert seqs[0] == 1
    [marked] = re.findall(r'<li class="message" id="m(\d+)"[^>]* data-marked="true"', text)
    assert marked == "2"
    assert "直した" in text
    assert ">3番<" not in text


@pytest.mark.parametrize("query", ["at=0", "at=-1", "at=x", "at=²", "before=", "before=0", f"at={'9' * 40}"])
def test_an_address_that_names_no_place_shows_the_latest_page(client: Client, room: Room, query: str) -> None:
    seqs, _text = shown(client, f"/rooms/talk/?{query}")
    assert seqs[-1] == 204


@pytest.mark.parametrize("edits", [60, 400])
def test_page_holds_as_many_messages_however_often_one_was_edited(client: Client, user: User, edits: int) -> None:
    made = rooms.create_open_room(actor=None, name="雑談", slug="edited")
    me = Person.of(user)
    say, edit = Message.Kind.MESSAGE, Message.Kind.EDIT
    store([NewEvent(made.pk, me, say, f"{number}番", uuid.uuid4()) for number in range(1, 61)])
    store([NewEvent(made.pk, me, edit, f"{number}回め", target=20) for number in range(1, edits + 1)])
    store([NewEvent(made.pk, me, edit, "あとで", target=5)])
    page = messages.latest(made.key, None)
    assert [item.seq for item in page.items if item.kind == say] == list(range(11, 61))
    assert (page.head, page.more) == (61 + edits, True)
    read = {item["seq"]: item["body"] for item in messages.as_read(page.items)}
    assert (read[20], read[21]) == (f"{edits}回め", "21番")
    if edits == 60:
        assert [item.seq for item in page.items] == list(range(11, page.head + 1))  # a run, as ever
    older = messages.before(made.key, None, 11)
    assert [(item.seq, item.body) for item in older.items[3:6]] == [(4, "4番"), (5, "あとで"), (6, "6番")]
    assert not older.more
    assert messages.before(made.key, None, page.head + 1, 10).items[-1].kind == (edit if edits == 60 else say)
    assert len(shown(client, "/rooms/edited/")[0]) == 50
    assert len(messages.after(made.key, None, 60, 200).items) == min(edits + 1, 200)


@pytest.mark.parametrize("edits", [30, 300])
def test_what_comes_while_a_page_is_read_is_beyond_its_head(
    user: User, monkeypatch: pytest.MonkeyPatch, edits: int
) -> None:
    made = rooms.create_open_room(actor=None, name="雑談", slug="edited")
    me = Person.of(user)
    store([NewEvent(made.pk, me, Message.Kind.MESSAGE, f"{number}番", uuid.uuid4()) for number in range(1, 61)])
    store([NewEvent(made.pk, me, Message.Kind.EDIT, f"{number}回め", target=60) for number in range(1, edits + 1)])
    read = queries._page

    def meanwhile(*asked: Any) -> queries.Page:
        page = read(*asked)
        store([NewEvent(made.pk, me, Message.Kind.MESSAGE, "いま", uuid.uuid4())])
        return page

    monkeypatch.setattr(queries, "_page", meanwhile)
    page = messages.latest(made.key, None)
    assert page.head == 60 + edits
    assert [item.seq for item in page.items if item.kind == "message"] == list(range(11, 61))
