"""The list of open rooms: every room can be found, and the living come first."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from chat import rooms
from chat.messages import NewEvent
from chat.models import Message, User
from chat.people import Person
from tests.kit.store import store

pytestmark = pytest.mark.django_db


def names(client: Client, address: str = "/") -> tuple[list[str], str]:
    """The rooms of a page of the lobby, in order, and its text."""
    answer = client.get(address)
    assert answer.status_code == 200
    text = answer.content.decode()
    return re.findall(r'class="room-link" href="[^"]+"><bdi>([^<]*)</bdi>', text), text


def test_every_room_is_on_some_page_and_rooms_without_a_word_come_last(client: Client, user: User) -> None:
    for number in range(20):
        written = rooms.create_open_room(actor=None, name=f"話している部屋{number}")
        store([NewEvent(written.pk, Person.of(user), Message.Kind.MESSAGE, "やあ")])
    for number in range(100):
        rooms.create_open_room(actor=None, name=f"静かな部屋{number}")
    found: list[str] = []
    address = "/"
    while True:
        page, text = names(client, address)
        found += page
        link = re.search(r'rel="next" href="([^"]+)"', text)
        if not link:
            break
        address = f"/{link[1]}"
    assert len(found) == len(set(found)) == 120
    assert found[:20] == [f"話している部屋{number}" for number in reversed(range(20))]
    assert 'rel="prev"' in text


def test_a_room_is_found_by_words_of_its_name_or_description(client: Client) -> None:
    rooms.create_open_room(actor=None, name="ABC カフェ", description="珈琲の話")
    rooms.create_open_room(actor=None, name="読書")
    for words in ("ＡＢＣ", "abc", "珈琲 カフェ", "カフ", "ｶﾌｪ"):
        page, text = names(client, f"/?q={words}")
        assert page == ["ABC カフェ"]
    assert 'value="ｶﾌｪ"' in text
    assert client.get("/?q=abc", headers={"Accept-Encoding": "gzip"}).get("Content-Encoding") != "gzip"


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%25", "page=0", "page=x", "page=999999", "q=<script>&page=2", f"q={'あ' * 300}"]
)
def test_what_cannot_be_found_says_so_and_leads_back(client: Client, query: str) -> None:
    rooms.create_open_room(actor=None, name="読書")
    page, text = names(client, f"/?{query}")
    assert page == ["読書"] or 'class="notice"' in text
    assert "<script>&" not in text
