"""Bounds the hashing of passwords: each hash takes 100 MB by design, so only so many are made at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

AT_ONCE: Final = 2
WAIT_SECONDS: Final = 2.0

_places: Final = threading.BoundedSemaphore(AT_ONCE)


class Busy(Exception):
    """Too many passwords are being checked at this moment; nothing is known of this one."""


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise Busy
    try:
        yield
    finally:
        _places.release()


class BoundedArgon2(Argon2PasswordHasher):
    """Django's Argon2, of which a process runs two at a time; others wait a moment.

    Raises:
        Busy: from `encode` and `verify`, if there was no place within two seconds.
    """

    def encode(self, password: str, salt: str) -> str:
        """Hash a password."""
        with _place():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        """Return whether a password is the one that was hashed."""
        with _place():
            return super().verify(password, encoded)
