"""Takes the picture of the README (`make pictures`); no test of the suite, whose files are named test_*."""

import contextlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest
import time_machine
from playwright.sync_api import Page

from chat import messages, people, rooms
from chat.models import Message
from chat.queries import Person
from tests.e2e.people import bodies, connected
from tests.peer import Peer
from tests.serving import ROOT, Server

pytestmark = pytest.mark.django_db(transaction=True)

IMAGES: Final = ROOT / "docs" / "images"
MOST_BYTES: Final = 200_000
JST: Final = timezone(timedelta(hours=9))
TALK: Final = (
    ("08:41", "早起き", "おはようございます。駅前の金木犀、もう咲いていました。"),
    ("08:44", "ベランダ菜園", "うちの近所はまだです。今年は少し遅いみたいで。"),
    ("08:45", "ベランダ菜園", "バジルはそろそろ終わりそうです。"),
    ("08:52", "図書館の常連", "香りで気づく季節ですね。\n自転車で通ると、姿は見えないのに匂いだけする道があります。"),
    ("09:03", "早起き", "わかります。あれはどこから来るんでしょう。"),
    ("09:10", "はじめて来ました", "はじめまして。ここは読むだけでもいいですか。"),
    ("09:11", "ベランダ菜園", "もちろんです。気が向いたらひとことどうぞ。"),
    ("09:18", "図書館の常連", "週末に川沿いを歩くのですが、おすすめの道はありますか。"),
    ("09:24", "早起き", "二つめの橋から上流へ行くと、桜並木が続いていて気持ちがいいですよ。"),
)
ME: Final = "図書館の常連"


def test_the_room(visit: Any, server: Server) -> None:
    about = "身近な季節の話をどうぞ。"
    room = rooms.create_open_room(actor=None, name="季節のたより", description=about, slug="seasons")
    guests = {name: people.enter_as_guest(nickname=name) for name in dict.fromkeys(name for _, name, _ in TALK)}
    for at, name, body in TALK:
        hour, minute = map(int, at.split(":"))
        with time_machine.travel(datetime(2026, 10, 3, hour, minute, tzinfo=JST), tick=False):
            messages.commit([messages.Entry(room.id, Person.of(guests[name]), Message.Kind.MESSAGE, body)])
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(Peer(server)).join("seasons")
        page = visit(guests[ME], viewport={"width": 1200, "height": 720}, color_scheme="light").new_page()
        page.goto("/rooms/seasons/")
        connected(page)
        page.locator("[data-presence]", has_text="4").wait_for()
        assert bodies(page).count() == len(TALK)
        shoot(page, IMAGES / "room.png")


def shoot(page: Page, path: Path) -> None:
    """Take a picture that is small enough for a README."""
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size < MOST_BYTES
