"""Seals and opens the bodies of closed rooms: AES-256-GCM, a key per room, the room's id as associated data."""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_FORMAT = b"\x01"
_KEY_ID, _NONCE, _TAG = 4, 12, 16
_HEADER = len(_FORMAT) + _KEY_ID


class Unsealable(Exception):
    """A sealed body cannot be opened: its key is gone, its room differs, or its bytes were changed."""


def seal(room: UUID, body: str) -> bytes:
    """Encrypt a body for one room with the newest key.

    Args:
        room: the room's id; the result opens for no other room.
        body: the text.

    Returns:
        format (1 byte), key id (4), nonce (12), ciphertext and tag.

    Raises:
        Unsealable: no key is configured.
    """
    prefix = current_prefix()
    nonce = os.urandom(_NONCE)
    return prefix + nonce + _derive(settings.CLOSED_CHAT_KEYS[0], room).encrypt(nonce, body.encode(), room.bytes)


def unseal(room: UUID, sealed: bytes) -> str:
    """Decrypt a body sealed for this room, with whichever configured key sealed it.

    Raises:
        Unsealable: see the class.
    """
    if len(sealed) < _HEADER + _NONCE + _TAG or sealed[:1] != _FORMAT:
        raise Unsealable("the sealed body has an unknown format")
    nonce = sealed[_HEADER : _HEADER + _NONCE]
    try:
        return _cipher(sealed[1:_HEADER], room).decrypt(nonce, sealed[_HEADER + _NONCE :], room.bytes).decode()
    except InvalidTag as error:
        raise Unsealable("the sealed body was changed, or belongs to another room") from error


def is_current(sealed: bytes) -> bool:
    """Return whether the newest key sealed this body; if not, rotation should seal it again."""
    return sealed[:_HEADER] == current_prefix()


def current_prefix() -> bytes:
    """Return the first five bytes of everything sealed with the newest key."""
    return _FORMAT + _newest()


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
