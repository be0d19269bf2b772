"""Fills the database of a demo: rooms with some days of talk, the cast, and a checklist with one item left open."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from chat import rooms
from chat.demo import cast
from chat.demo.talk import ROLES, TALK, WORDS
from chat.models import Message, Room, User
from compliance import gate
from compliance.law import ITEM, ITEMS, Item, retention, sample_evidence
from compliance.records import Event, ledger

SEED: Final = 26
OPEN_ITEM: Final = ITEM["LAW-07"]
"""The item that the visitor signs. It was signed once and withdrawn, so its form is filled in."""
GAMES: Final = 4  # of the long room
_BIG: Final = str.maketrans("ゃゅょっ", "やゆよつ")

_SPECIMEN: Final = "見本（実在する記録ではありません）"
_EVIDENCE: Final = {
    ("LAW-07", "signed_list"): "見本の誓約書一覧 第1版（二人分）",
    ("LAW-07", "leavers"): "退職後も秘密を守ることを、誓約書の第3条に書いている。",
}


def fill(now: datetime | None = None) -> None:
    """Fill an empty database. The same every time, with times that count back from now.

    Args:
        now: the moment up to which people have talked.
    """
    now = now or timezone.now()
    chance = random.Random(SEED)  # noqa: S311 -- no secret; the same rooms every time
    people = cast.create()
    speakers = {
        sign: User.objects.create_user(f"speaker-{n}@example.jp", None, name=name)
        for n, (sign, name) in enumerate(ROLES.items(), start=1)
    }
    for talk in TALK:
        lines = [line.split(": ", 1) for line in talk.lines.strip().splitlines()]
        said = [(speakers[sign], words) for sign, words in lines]
        room = rooms.create_open_room(actor=None, name=talk.name, description=talk.description, slug=talk.slug)
        _say(room, said, _times(len(said), now, talk.days, chance), chance)
    game = list(_games(list(speakers.values()), chance))
    room = rooms.create_open_room(
        actor=None, name="しりとり", description="一人一語ずつ。「ん」で終わったら負け。", slug="shiritori"
    )
    _say(room, game, _times(len(game), now, 9.5, chance), chance)
    _sign(people[cast.Role.OPERATOR_A], people[cast.Role.OPERATOR_B])


def _times(count: int, now: datetime, days: float, chance: random.Random) -> list[datetime]:
    """Return rising times in bursts: people talk for some minutes, then the room rests for hours."""
    gaps = [
        chance.choice((20, 40, 70, 180)) if chance.random() < 0.88 else chance.uniform(3, 14) * 3600  # noqa: PLR2004 -- most follow at once
        for _ in range(count)
    ]
    scale = days * 86_400 / (sum(gaps) or 1)
    rests = [gap * scale if gap > 600 else gap for gap in gaps]  # noqa: PLR2004 -- only the rests stretch
    behind = sum(rests)
    end = now - timedelta(seconds=chance.uniform(120, 5400))
    times, at = [], end - timedelta(seconds=behind)
    for gap in rests:
        at += timedelta(seconds=gap)
        times.append(at)
    return times


def _games(speakers: list[User], chance: random.Random) -> Iterator[tuple[User, str]]:
    players = speakers[:6]
    for number in range(GAMES):
        left = WORDS.split()
        chance.shuffle(left)
        yield players[number % 6], "しりとり、始めます。「しりとり」の「り」から。"
        last, turn = "り", 0
        while left:
            word = next((each for each in left if each[0] == last), None)
            if word is None:
                word = left[0]
                yield players[turn % 6], f"続きが出ません。「{word}」から、もう一回戦。"
            else:
                yield players[turn % 6], word
            left.remove(word)
            last = word.translate(_BIG)[-1]
            turn += 1 + chance.randrange(2)


def _say(room: Room, said: list[tuple[User, str]], times: list[datetime], chance: random.Random) -> None:
    messages = [
        Message(
            room=room,
            seq=seq,
            id=_uuid(chance),
            client_id=_uuid(chance),
            author=author,
            author_name=author.name,
            body=words,
            at=at,
        )
        for seq, ((author, words), at) in enumerate(zip(said, times, strict=True), start=1)
    ]
    with transaction.atomic():
        Message.objects.bulk_create(messages, batch_size=500)
        Room.objects.filter(pk=room.pk).update(
            head=len(messages), last_at=times[-1], created_at=times[0] - timedelta(minutes=5)
        )


def _uuid(chance: random.Random) -> UUID:
    return UUID(int=chance.getrandbits(128), version=4)


def _sign(first: User, second: User) -> None:
    gate.sign(item=OPEN_ITEM, evidence=_evidence(OPEN_ITEM), actor=first)
    gate.withdraw(item=OPEN_ITEM, reason="見本：この項目に署名すると、ゲートが開きます。", actor=first)
    counts: dict[str, Any] = {"counts": {}, "stopped": False, "table": retention.version()}
    ledger.append(Event.RETENTION_PURGED, actor=None, payload=counts)  # LAW-12 says that a run was seen
    for number, item in enumerate(ITEMS):
        if item is not OPEN_ITEM:
            gate.sign(item=item, evidence=_evidence(item), actor=(first, second)[number % 2])


def _evidence(item: Item) -> dict[str, Any]:
    """Return evidence that says of itself that it is a specimen, and agrees with the invented filing."""
    return sample_evidence(item, settings.STANDING, lambda field: _EVIDENCE.get((item.id, field.key), _SPECIMEN))
