"""The extract of a disclosure: what its scope names, as it is on record, encrypted with a key that is stored nowhere.

The file is a nonce of 12 bytes and the AES-256-GCM ciphertext of a ZIP with `records.json`; the disclosure's id is the
associated data.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

from compliance import vault
from compliance.models import Disclosure
from compliance.records import Event, evidence, ledger

_NONCE: Final = 12


@dataclass(frozen=True, slots=True)
class Scope:
    """What a disclosure names: all of these conditions hold for each record that it gives.

    Attributes:
        rooms: in one of these closed rooms; empty: in any.
        people: written by one of these (public ids); empty: by anybody.
        since: at this moment or later.
        until: before this moment.
    """

    rooms: frozenset[UUID]
    people: frozenset[UUID]
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One event of a closed room as it is on record; its words are still sealed."""

    place: vault.Place
    sealed: bytes | None
    facts: dict[str, Any]


_providers: list[Callable[[Scope], Iterable[Record]]] = []


def register_provider(read: Callable[[Scope], Iterable[Record]]) -> None:
    """Register how the records of a scope are read. Compliance knows nothing of chat, so chat registers it."""
    _providers[:] = [read]


def _witnessed(disclosure: UUID, places: Sequence[vault.Place]) -> None:
    """Refuse to open what no disclosure covers, and write who opened how much. The vault asks before it decrypts."""
    if not connection.in_atomic_block:
        raise vault.Unsealable("a disclosure is carried out in one transaction")
    row = Disclosure.objects.select_for_update().filter(pk=disclosure).first()
    if row is None or row.made_at is not None or not (row.approved_at or row.alone):
        raise vault.Unsealable("no disclosure that was agreed to covers this")
    if row.rooms and {str(place.room) for place in places} - set(row.rooms):
        raise vault.Unsealable("the disclosure does not name this room")
    ledger.append(Event.SEAL_OPENED, actor=row.asked_by, payload={"disclosure": str(row.pk)})


def ready() -> None:
    """Let the vault ask here. Called once, when the app is ready."""
    vault.register_witness(_witnessed)


def build(disclosure: Disclosure) -> tuple[bytes, str, int]:
    """Return the encrypted extract, its key (hex), and how many records it has. Runs in the caller's transaction."""
    scope = Scope(
        frozenset(map(UUID, disclosure.rooms)),
        frozenset(map(UUID, disclosure.people)),
        disclosure.since,
        disclosure.until,
    )
    records = [record for read in _providers for record in read(scope)]
    sealed = [(record.place, record.sealed) for record in records if record.sealed]
    words = iter(vault.unseal_disclosed(disclosure.pk, sealed))
    told = [{**record.facts, "body": next(words) if record.sealed else None} for record in records]
    plain = _zipped(disclosure, told)
    key, nonce = AESGCM.generate_key(256), os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, disclosure.pk.bytes), key.hex(), len(records)


def _zipped(disclosure: Disclosure, told: Sequence[dict[str, Any]]) -> bytes:
    facts = {
        "disclosure": str(disclosure.pk),
        "ground": disclosure.ground,
        "rooms": disclosure.rooms,
        "people": disclosure.people,
        "since": disclosure.since.isoformat(),
        "until": disclosure.until.isoformat(),
        "records": told,
    }
    content = json.dumps(facts, ensure_ascii=False, indent=1).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("records.json", content)
        archive.writestr("SHA256SUMS", f"{hashlib.sha256(content).hexdigest()}  records.json\n")
    return out.getvalue()


def unlock(disclosure: Disclosure, key: str) -> bytes:
    """Return the ZIP of an extract.

    Raises:
        ValidationError: the key does not fit, or the file is not the one that was made.
    """
    try:
        content = evidence.read(evidence.Attachment("extract", disclosure.sha256, 0, ""))
        return AESGCM(bytes.fromhex(key.strip())).decrypt(content[:_NONCE], content[_NONCE:], disclosure.pk.bytes)
    except evidence.Missing as gone:
        raise ValidationError({"key": str(gone)}) from None
    except (ValueError, InvalidTag):
        raise ValidationError({"key": _("This key does not open the extract.")}) from None
