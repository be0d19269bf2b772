"""The proof for a third person: when closed chat was on and on what basis, from the ledger, as JSON and a page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone

from compliance.models import Disclosure, LedgerEntry
from compliance.records import ledger, replay
from compliance.records.events import Event
from compliance.records.replay import FORMAT, JSON_NAME, PAGE_NAME, SUMS_NAME

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def bundle(
    start: datetime | None = None, end: datetime | None = None, *, actor: AbstractBaseUser | None = None
) -> dict[str, Any]:
    """Return the proof of [start, end) as JSON values, and put into the ledger that it was made.

    It holds whole entries without a hole:

    - `basis`: those before the period on which the state at its beginning rests, from the last anchor or entry 1 on.
    - `entries`: those of the period.
    - `after`: the one behind, which shows that the end is whole. Without an end it is the entry of this export.

    A proof for others does not reach into a disclosure that is under way: it ends before the first entry about one.

    All else in it is derived from these by `replay.claims`, and a check derives it anew. Where the entries contradict
    each other there are no claims, and the check says why.

    Args:
        start: None begins with entry 1.
        end: not included; None, or a time that has not come, ends with what is written now, or where it has to.
        actor: who asks for it; None for the command line.

    Raises:
        ValueError: the period begins in the future or behind the end that it has to have, or ends before it begins.
    """
    now = timezone.now()
    end = None if end and end > now else end
    latest = secret_from()
    end = min(end or latest, latest) if latest else end
    if start and start >= (end or now):
        raise ValueError("the period ends before it begins, or has not begun")
    bounds = {"from": ledger.stamp(start) if start else None, "to": ledger.stamp(end) if end else None}
    exported = ledger.append(Event.PROOF_EXPORTED, actor=actor, payload=bounds)
    first, last = ledger.span(start, end)
    last = min(last, exported.seq - 1)
    first = min(first, last + 1)
    # The state before the period follows only from entry 1 on, or from an anchor on.
    anchors = LedgerEntry.objects.filter(event=Event.LEDGER_ANCHORED.value, seq__lt=first).order_by("-seq")
    basis = (anchors.values_list("seq", flat=True).first() or 1) if start else first
    proof = {
        "format": FORMAT,
        **bounds,
        "basis": [ledger.with_hash(entry) for entry in ledger.entries(basis, first - 1)],
        "entries": [ledger.with_hash(entry) for entry in ledger.entries(first, last)],
        "after": ledger.with_hash(LedgerEntry.objects.get(seq=last + 1)),
    }
    try:
        return proof | replay.claims(proof)
    except replay.Refused:
        return proof | dict.fromkeys(replay.DERIVED)


def secret_from() -> datetime | None:
    """Return the time before which a proof ends while a disclosure is under way; None while there is none.

    An order of silence can forbid to tell that it came, and whoever is concerned could be given a proof. A disclosure
    is under way until its case is closed. Where present danger was its ground and no case is there, it is until it was
    refused, or made and reviewed.
    """
    alone = Q(alone=True, reviewed_at__isnull=True) | Q(alone=False, made_at__isnull=True)
    without_case = Q(case__isnull=True, refused_at__isnull=True) & alone
    live = Disclosure.objects.filter(Q(case__closed_at__isnull=True, case__isnull=False) | without_case)
    keys = [str(key) for key in live.values_list("pk", flat=True)]
    first = LedgerEntry.objects.filter(payload__disclosure__in=keys).order_by("seq").first() if keys else None
    if first is None:
        return None
    # The entry before it closes the period, and is itself in no period: the one behind shows that the end is whole.
    return LedgerEntry.objects.filter(seq=first.seq - 1).values_list("at", flat=True).first() or first.at


def files(proof: Mapping[str, Any], language: str) -> dict[str, bytes]:
    """Return the bundle's files by name: JSON, a page of A4 to read, time stamps of anchors, and the SHA-256 sums.

    Args:
        proof: from `bundle`.
        language: `ja` or `en`, of the page.
    """
    contents = {JSON_NAME: replay.written(proof), PAGE_NAME: replay.page(proof, language).encode(), **_stamps(proof)}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    return {**contents, SUMS_NAME: sums.encode()}


def _stamps(proof: Mapping[str, Any]) -> dict[str, bytes]:
    """Each time stamp with the anchor's line that it stamps, as `openssl ts -verify` takes them."""
    chain = [*proof["basis"], *proof["entries"], proof["after"]]
    known = {entry["seq"]: entry for entry in chain}
    found: dict[str, bytes] = {}
    for entry in chain:
        anchored = known.get(entry["payload"].get("anchor")) if entry["event"] == Event.ANCHOR_STAMPED else None
        if anchored:
            name = f"anchor-{anchored['seq']}"
            line = ledger.Anchor(anchored["seq"], anchored["hash"], anchored["at"])
            found[f"{name}.txt"] = line.stamped
            found[f"{name}.tsr"] = base64.b64decode(entry["payload"]["token"])
    return found
