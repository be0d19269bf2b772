"""What processes tell each other travels sealed: it opens unchanged, for those who have the key and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import channel_layers
from cryptography.exceptions import InvalidTag
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from config.layer import SealedLayer, Unopenable, _cipher
from tests.test_settings import start

OLD, NEW = "the former secret", "the present secret"
WORDS = "ここだけの話".encode()
HINT = {"type": "hint", "sender": "7f3a@host", "told": b'{"hints":["' + WORDS + b'"]}'}
PLAIN = (WORDS, b"sender", b"7f3a@host")


def refuses(layer: SealedLayer, message: bytes) -> bool:
    """Whether the layer says, in its one way, that it cannot open this."""
    try:
        layer.deserialize(message)
    except Unopenable:
        return True
    return False


@given(told=st.binary(max_size=40_000), sender=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_one_process_seals_another_opens(told: bytes, sender: str) -> None:
    hint = {"type": "hint", "sender": sender, "told": told}
    assert SealedLayer(keys=[OLD]).deserialize(SealedLayer(keys=[OLD]).serialize(hint)) == hint


def test_no_word_shows_and_the_same_words_differ() -> None:
    layer = SealedLayer(keys=[OLD])
    sealed = [layer.serialize(HINT) for _ in range(200)]
    assert not [word for word in PLAIN for each in sealed if word in each]
    assert len({each[17:29] for each in sealed}) == len({each[29:] for each in sealed}) == 200


def test_no_byte_can_be_changed_and_no_end_cut_off_or_added() -> None:
    layer = SealedLayer(keys=[NEW, OLD])
    sealed = layer.serialize(HINT)
    for at in range(len(sealed)):
        assert refuses(layer, sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]), at
        assert refuses(layer, sealed[:at]), at
    assert refuses(layer, sealed + b"\0")


@given(message=st.binary(max_size=100))
def test_nonsense_is_refused_and_raises_nothing_else(message: bytes) -> None:
    assert refuses(SealedLayer(keys=[OLD]), message)


def test_a_new_key_seals_and_the_former_one_still_opens() -> None:
    before, between, after = SealedLayer(keys=[OLD]), SealedLayer(keys=[NEW, OLD]), SealedLayer(keys=[NEW])
    assert between.deserialize(before.serialize(HINT)) == after.deserialize(between.serialize(HINT)) == HINT
    assert refuses(before, between.serialize(HINT))
    assert refuses(after, before.serialize(HINT))


def test_processes_share_no_subkey() -> None:
    ours, theirs = SealedLayer(keys=[OLD]), SealedLayer(keys=[OLD])
    assert ours._salt != theirs._salt
    sealed = ours.serialize(HINT)
    with pytest.raises(InvalidTag):  # although the associated data is right
        _cipher(OLD.encode(), theirs._salt).decrypt(sealed[17:29], sealed[29:], ours._salt)


def test_the_service_seals_with_its_secret_and_opens_with_those_of_before() -> None:
    code = "print(settings.CHANNEL_LAYERS['default']['CONFIG']['keys'])"
    keys = start(code, REDIS_URL="redis://host", SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=OLD)
    assert keys.stdout == f"{[NEW, OLD]}\n"


@pytest.mark.redis
async def test_a_hint_reaches_the_other_process_and_whoever_listens_to_redis_reads_nothing() -> None:
    ours, theirs = (channel_layers.make_backend("default") for _ in range(2))
    prefix: Any = settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"]
    async with asyncio.timeout(10), Redis.from_url(settings.REDIS_URL, protocol=2) as redis, redis.pubsub() as listener:
        await listener.psubscribe(f"{prefix}*")
        try:
            channel = await theirs.new_channel()
            await theirs.group_add("processes", channel)
            await ours.group_send("processes", HINT)
            assert await theirs.receive(channel) == HINT
            heard = await anext(said["data"] async for said in listener.listen() if said["type"] == "pmessage")
        finally:
            await ours.flush()
            await theirs.flush()
    assert SealedLayer(keys=[settings.SECRET_KEY]).deserialize(heard) == HINT
    assert not [word for word in PLAIN if word in heard]
