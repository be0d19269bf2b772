"""Encrypts and decrypts bodies of closed rooms: AES-256-GCM, a key per room, the message's place as associated data.

Whoever decrypts says for which purpose (`Purpose`). What a person of the service may look into takes a disclosure.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Callable, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_FORMAT = b"\x01"
_KEY_ID, _AUTHOR, _NONCE, _TAG = 4, 8, 12, 16
_HEADER = len(_FORMAT) + _KEY_ID
_BODY = _HEADER + _AUTHOR + _NONCE
_PLACE = struct.Struct(f">16sQ{_AUTHOR}sQ")


class Unsealable(Exception):
    """A sealed body cannot be decrypted: its key is gone, it belongs to another place, or its bytes were changed."""


class Purpose(Enum):
    """Why words are decrypted without a disclosure. Anything else takes one, and an entry in the ledger."""

    READING = "reading"
    """A participant reads their own talk: the query that found the words asked who may read."""
    REPORTING = "reporting"
    """A participant hands over words of their own talk, and those alone."""
    REPORTED = "reported"
    """The desk opens what a party handed over: copies with a place of their own, and nothing of a room."""
    RESEALING = "resealing"
    """The words are sealed again with a newer key and shown to nobody."""
    RESTORING = "restoring"
    """What a keeper or staff removed from an open room is put back there. Opens nothing else: see `REMOVED`."""


_OF_PARTICIPANTS: Final = frozenset({Purpose.READING, Purpose.REPORTING, Purpose.REPORTED})
_OF_REPORTS: Final = frozenset({"report", "note"})
"""The kinds of places whose words a party handed over."""
_OF_REMOVED: Final = frozenset({Purpose.RESTORING, Purpose.RESEALING})
REMOVED: Final = "removed"
"""The kind of a place in which words removed from an open room rest. No event of a room's log is of this kind."""
_at_console = False


def at_console() -> None:
    """Let no participant's purpose decrypt anything in this process: a person sits at its shell, and is none."""
    global _at_console  # noqa: PLW0603 -- a fact of the process
    _at_console = True


class Place(NamedTuple):
    """The place that a body is bound to: it cannot be decrypted for another one.

    Attributes:
        room: the room's id.
        seq: the message's number in the room.
        author: the primary key of its author; None where it has none, or the account was deleted since.
        kind: of the event.
        target: the number of the message that an edit changes.
    """

    room: UUID
    seq: int
    author: int | None
    kind: str
    target: int | None = None


def seal(place: Place, body: str) -> bytes:
    """Encrypt a body for one place with the newest key.

    Args:
        place: where the body will stand.
        body: the text.

    Returns:
        format (1 byte), key id (4), author (8), nonce (12), ciphertext and tag. The author stands in it, so that the
        body still opens when the account is gone.

    Raises:
        Unsealable: no key is configured.
    """
    return seal_all([(place, body)])[0]


def seal_all(bodies: Sequence[tuple[Place, str]]) -> list[bytes]:
    """Encrypt several bodies, each for its place; the random numbers for all of them come from one call.

    Args:
        bodies: each with the place where it will stand.

    Returns:
        them sealed, in their order; see `seal`.

    Raises:
        Unsealable: no key is configured.
    """
    prefix, key = current_prefix(), settings.CLOSED_CHAT_KEYS[0]
    random = os.urandom(_NONCE * len(bodies))
    sealed = []
    for number, (place, body) in enumerate(bodies):  # every word of a closed room passes here: no call too many
        nonce = random[number * _NONCE : (number + 1) * _NONCE]
        author = (place.author or 0).to_bytes(_AUTHOR)
        words = _derive(key, place.room).encrypt(nonce, body.encode(), _associated(place, author))
        sealed.append(b"".join((prefix, author, nonce, words)))
    return sealed


def unseal(place: Place, sealed: bytes, purpose: Purpose) -> str:
    """Decrypt a body sealed for this place, with whichever configured key sealed it.

    Args:
        place: for which it was sealed.
        sealed: as `seal` returned it.
        purpose: why. A shell has no participants: there, only a disclosure opens words.

    Raises:
        Unsealable: see the class; or the purpose is a participant's, and this process is a shell; or it is to restore
            what was not removed.
    """
    if _at_console and purpose in _OF_PARTICIPANTS:
        raise Unsealable("a shell opens closed talk by a disclosure only")
    if purpose is Purpose.REPORTED and place.kind not in _OF_REPORTS:
        raise Unsealable("nobody handed this over")
    of_removed = place.kind == REMOVED
    if (of_removed and purpose not in _OF_REMOVED) or (not of_removed and purpose is Purpose.RESTORING):
        raise Unsealable("what was removed from an open room is opened to be restored, and nothing else is")
    return _open(place, sealed)


_witness: list[Callable[[UUID, Sequence[Place]], None]] = []


def register_witness(witness: Callable[[UUID, Sequence[Place]], None]) -> None:
    """Register who is asked before a disclosure opens words: it writes the entry, or raises `Unsealable`."""
    _witness[:] = [witness]


def unseal_disclosed(disclosure: UUID, bodies: Sequence[tuple[Place, bytes]]) -> list[str | None]:
    """Decrypt what a disclosure covers; an entry in the ledger says so.

    Args:
        disclosure: its id.
        bodies: each with the place for which it was sealed.

    Returns:
        the words, in their order; None where a body cannot be decrypted any more.

    Raises:
        Unsealable: no disclosure that was agreed to covers this, or nobody is there to witness it.
    """
    if not _witness:
        raise Unsealable("no record of disclosures is there")
    _witness[0](disclosure, [place for place, _sealed in bodies])
    words: list[str | None] = []
    for place, sealed in bodies:
        try:
            words.append(_open(place, sealed))
        except Unsealable:
            words.append(None)
    return words


def _open(place: Place, sealed: bytes) -> str:
    if len(sealed) < _BODY + _TAG or sealed[:1] != _FORMAT:
        raise Unsealable("the sealed body has an unknown format")
    author = sealed[_HEADER : _HEADER + _AUTHOR]
    if place.author is not None and author != place.author.to_bytes(_AUTHOR):
        raise Unsealable("the sealed body is another author's")
    cipher = _cipher(sealed[1:_HEADER], place.room)
    try:
        opened = cipher.decrypt(sealed[_BODY - _NONCE : _BODY], sealed[_BODY:], _associated(place, author))
    except InvalidTag as error:
        raise Unsealable("the sealed body was changed, or belongs to another place") from error
    return opened.decode()


def reseal(place: Place, sealed: bytes) -> bytes:
    """Encrypt a sealed body again, with the newest key, for the same place and author.

    Raises:
        Unsealable: see the class.
    """
    author, nonce = sealed[_HEADER : _HEADER + _AUTHOR], os.urandom(_NONCE)
    cipher = _derive(settings.CLOSED_CHAT_KEYS[0], place.room)
    words = cipher.encrypt(nonce, unseal(place, sealed, Purpose.RESEALING).encode(), _associated(place, author))
    return current_prefix() + author + nonce + words


def current_prefix() -> bytes:
    """Return the first five bytes of everything sealed with the newest key."""
    return _FORMAT + _newest()


def _associated(place: Place, author: bytes) -> bytes:
    # Numbers of fixed length first: no two places have the same bytes.
    return _PLACE.pack(place.room.bytes, place.seq, author, place.target or 0) + place.kind.encode()


def _newest() -> bytes:
    if not settings.CLOSED_CHAT_KEYS:
        raise Unsealable("no key to seal closed talk with: set CLOSED_CHAT_KEYS")
    return _identify(settings.CLOSED_CHAT_KEYS[0])


@lru_cache(maxsize=16)
def _identify(key: bytes) -> bytes:
    return hashlib.sha256(b"todoke.key-id" + key).digest()[:_KEY_ID]


@lru_cache(maxsize=8192)
def _derive(key: bytes, room: UUID) -> AESGCM:
    # One subkey a room keeps random nonces far from their birthday bound (NIST SP 800-38D, 8.3; SP 800-108).
    return AESGCM(hmac.digest(key, b"todoke.room-key" + room.bytes, "sha256"))


def _cipher(key_id: bytes, room: UUID) -> AESGCM:
    for key in settings.CLOSED_CHAT_KEYS:
        if _identify(key) == key_id:
            return _derive(key, room)
    raise Unsealable("the key that sealed this body is no longer in CLOSED_CHAT_KEYS")
