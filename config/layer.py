"""Seals what processes tell each other through Redis: AES-256-GCM, a subkey per process, whose salt travels along."""

from __future__ import annotations

import contextlib
import hmac
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FORMAT = b"\x01"
_SALT, _NONCE, _TAG = 16, 12, 16
_HEADER = len(_FORMAT) + _SALT
_BODY = _HEADER + _NONCE


class Unopenable(Exception):
    """What came through Redis cannot be opened: no key of ours sealed it, or its bytes were changed."""


class SealedLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """Redis' pub/sub layer, to which, and to whoever reads there, the messages are bytes.

    Args:
        keys: secrets, newest first; the first seals, all of them open.
        options: see RedisPubSubChannelLayer.
    """

    def __init__(self, *, keys: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._keys = [key.encode() for key in keys]
        self._salt = os.urandom(_SALT)

    def serialize(self, message: Any) -> bytes:
        """Encode and seal a message.

        Returns:
            format (1 byte), salt (16), nonce (12), ciphertext and tag.
        """
        nonce = os.urandom(_NONCE)
        sealed = _cipher(self._keys[0], self._salt).encrypt(nonce, super().serialize(message), self._salt)
        return _FORMAT + self._salt + nonce + sealed

    def deserialize(self, message: bytes) -> Any:
        """Open and decode a message, with whichever key sealed it.

        Raises:
            Unopenable: see the class.
        """
        if len(message) < _BODY + _TAG or message[:1] != _FORMAT:
            raise Unopenable("the message has an unknown format")
        salt, nonce = message[len(_FORMAT) : _HEADER], message[_HEADER:_BODY]
        for key in self._keys:
            with contextlib.suppress(InvalidTag):
                return super().deserialize(_cipher(key, salt).decrypt(nonce, message[_BODY:], salt))
        raise Unopenable("the message was changed, or sealed with a key that is not ours")


@lru_cache(maxsize=1024)
def _cipher(key: bytes, salt: bytes) -> AESGCM:
    # One subkey a process keeps random nonces far from their birthday bound (NIST SP 800-38D, 8.3; SP 800-108).
    return AESGCM(hmac.digest(key, b"todoke.layer-key" + salt, "sha256"))
