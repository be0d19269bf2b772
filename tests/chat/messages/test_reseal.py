"""Key rotation: what an older key sealed opens, and is sealed anew on demand."""

from __future__ import annotations

import os
import uuid

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from chat.models import Message, Room
from chat.rooms import PAIRED, columns
from compliance import vault
from compliance.models import Authorisation


def test_rotation_seals_everything_with_the_newest_key(db: None, settings: Settings) -> None:
    old, new = os.urandom(32), os.urandom(32)
    settings.CLOSED_CHAT_KEYS = [old]
    room = Room.objects.create(
        feature="room.match_pair", authorisation=Authorisation.objects.create(snapshot={}), **columns(PAIRED)
    )

    def place(seq: int) -> vault.Place:
        return vault.Place(room.id, seq, None, "message")

    for seq in (1, 2, 3):
        Message.objects.create(
            room=room, seq=seq, id=uuid.uuid4(), author_name="あ", sealed=vault.seal(place(seq), f"話{seq}")
        )
    settings.CLOSED_CHAT_KEYS = [new, old]
    assert vault.unseal(place(2), bytes(Message.objects.get(seq=2).sealed or b""), vault.Purpose.READING) == "話2"
    call_command("reseal")
    settings.CLOSED_CHAT_KEYS = [new]
    sealed = [bytes(m.sealed or b"") for m in Message.objects.order_by("seq")]
    assert [vault.unseal(place(seq), body, vault.Purpose.READING) for seq, body in enumerate(sealed, 1)] == [
        "話1",
        "話2",
        "話3",
    ]
    settings.CLOSED_CHAT_KEYS = [old]
    with pytest.raises(vault.Unsealable):
        vault.unseal(place(1), sealed[0], vault.Purpose.READING)
