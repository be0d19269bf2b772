"""Reads the gate: everything that the policy needs, as one frozen snapshot. Changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection

from compliance import law
from compliance.gate.instances import (
    INSTANCE_TTL,
    has_own_clock,
    note_ledger,
    now,
    own_faults,
    own_standing,
    seen_now,
)
from compliance.law import (
    CLOSED_TALK,
    PURGE_BEFORE_DAYS,
    Checklist,
    Decision,
    Ending,
    Facts,
    Feature,
    Filer,
    Item,
    Problem,
    Required,
    Restored,
    SignatureFact,
    Standing,
    Stop,
    decide,
    foremost,
)
from compliance.law.sentences import pending
from compliance.models import Assessment, Filing, GateState, LedgerEntry, Signature
from compliance.records import Event, ledger

MOMENTS: Final = 10
"""Into how many moments a second is divided: within one of them the clock alone changes no decision."""
_UNGATED = frozenset({Required.NONE, Required.THIRD_ITEM})


def is_gated(feature: Feature) -> bool:
    """Return whether the law can close a feature at all; what it cannot close needs no period and no lock."""
    return law.RULES[feature].required not in _UNGATED


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the policy needs, as one revision of the database and this process's environment have it."""

    revision: uuid.UUID | None
    standing: Standing
    checklist: Checklist | None
    stop: Stop | None
    authorisation: int | None
    ending: Ending | None = None
    end_recorded: bool = False
    restored: Restored | None = None
    """That the database went back, while the operator has not confirmed what it holds."""
    epoch: str = ""
    """Names the history of the database: where it is another one, whoever remembers more forgets."""
    period: Mapping[str, Any] | None = None
    """The facts on which the open period was opened; None where none is open."""
    facts_fingerprint: str = ""
    """Of the facts that the checklist holds."""
    fingerprints: frozenset[str] = frozenset()
    """Of the server processes that run now and can run closed chat."""
    edition: str = ""
    """The newest edition among those."""
    faults: tuple[Problem, ...] = ()
    """What is wrong with this process alone: it refuses for itself."""
    reconciled: bool = False
    """Whether the record was brought in step: from then on a feature that no period covers is off."""
    _decided: dict[tuple[Feature, bool], tuple[int, Decision]] = field(
        init=False, default_factory=dict, compare=False, repr=False
    )
    """The decisions of this moment: every join and every batch of a closed room asks for one."""

    def decide(self, feature: Feature, at: datetime | None = None, *, creating: bool = False) -> Decision:
        """Return the policy's decision on a feature.

        Args:
            feature: what somebody wants to use.
            at: the time to judge at; by default now, which counts as the same for the length of a moment (`MOMENTS`).
            creating: whether something new is to be made, which an announced end forbids before it closes what runs.
        """
        if at is not None:
            return self._decide(feature, at, creating=creating)
        at = now()
        moment = int(at.timestamp() * MOMENTS)
        known = self._decided.get((feature, creating))
        if known is None or known[0] != moment:
            known = self._decided[feature, creating] = (moment, self._decide(feature, at, creating=creating))
        return known[1]

    def _decide(self, feature: Feature, at: datetime, *, creating: bool) -> Decision:
        parts = (self.standing, self.checklist, self.stop, at, self.ending, self.restored)
        decision = decide(feature, *parts, creating=creating)
        return self._covered(decision) if self.reconciled else decision

    def _covered(self, decision: Decision) -> Decision:
        """Refuse what the open period does not cover: a closed room needs one that names its feature."""
        if not decision.allowed or decision.rule.required in _UNGATED:
            return decision
        if self.period is not None and decision.feature in self.period.get("features", ()):
            return decision
        return replace(decision, allowed=False, reasons=(pending(decision.rule),), winding_down=None)

    def features(self, *, creating: bool = False) -> dict[str, Decision]:
        """Return the decision on each feature that the law gates or names, by its name on the wire."""
        return {
            feature.value: self.decide(feature, creating=creating)
            for feature, rule in law.RULES.items()
            if rule.required is not Required.NONE
        }

    def talk(self) -> list[Decision]:
        """Return the decision on each kind of closed talk."""
        return [self.decide(feature) for feature in CLOSED_TALK]

    def closed_chat(self) -> Decision:
        """Return the headline: is closed chat on? See `policy.foremost`."""
        return foremost(self.talk())

    def winding_down(self) -> bool:
        """Return whether an end is announced and its day has not come."""
        return self.ending is not None and not self.ending.reached(now())

    def end_is_due(self) -> bool:
        """Return whether the announced day has come and the record does not say so yet."""
        return self.ending is not None and not self.end_recorded and not self.winding_down()

    def open_items(self) -> Sequence[Item]:
        """Return the blocking items that still lack a signature."""
        return self.checklist.open_items(self.standing, now()) if self.checklist else ()


_cached: Snapshot | None = None  # of the newest revision that this process read, without what changes between revisions
_shown: tuple[Snapshot, Snapshot] | None = None  # that one, and what `read` made of it last, with its decisions
_LOOK: Final = """
SELECT gate.revision, instance.fingerprint, instance.edition FROM compliance_gatestate gate
LEFT JOIN compliance_instance instance ON instance.seen_at > {} AND instance.fingerprint <> ''
WHERE gate.id = 1
"""


def current() -> Snapshot:
    """Read the gate: one row if it did not move since the last read, the signatures too if it did.

    Never raises for an unreachable database: the snapshot then has no checklist, which the policy reads as off.
    """
    try:
        return read()
    except DatabaseError:
        return unreachable()


def unreachable() -> Snapshot:
    """Return the snapshot of a gate whose database does not answer: closed. It names this process's own faults."""
    faults = own_faults()
    return Snapshot(None, own_standing(frozenset(), faults), None, None, None, faults=faults)


def cached() -> Snapshot | None:
    """Return the gate as this process read it last, without a query; None before the first read."""
    return _cached


def read() -> Snapshot:
    """Read the gate, as `current` does.

    Raises:
        DatabaseError: the database does not answer.
    """
    global _cached, _shown  # noqa: PLW0603 -- caches keyed by a token that is never used twice
    revision, fingerprints, edition = _look()
    known = _cached
    if known is None or known.revision != revision:
        state, _ = GateState.objects.get_or_create(id=1)
        checklist = _checklist()
        first = LedgerEntry.objects.filter(seq=1).first()
        note_ledger(is_specimen=first is not None and ledger.is_foreign(first))
        known = Snapshot(
            revision=state.revision,
            standing=settings.STANDING,
            checklist=checklist,
            facts_fingerprint=checklist.facts.fingerprint,
            stop=Stop(since=state.stopped_at, reason=state.stop_reason) if state.stopped_at else None,
            authorisation=state.authorisation_id,
            ending=Ending(state.end_announced_at, state.ends_on) if state.end_announced_at and state.ends_on else None,
            end_recorded=state.end_reached_at is not None,
            restored=Restored(state.restored_at) if state.restored_at else None,
            epoch=state.epoch,
            period=state.authorisation.snapshot if state.authorisation else None,
        )
        _cached = known
    faults = own_faults()
    standing = own_standing(fingerprints, faults)
    changing = (standing, fingerprints, edition, faults)
    if _shown is not None:
        of, shown = _shown
        if of is known and changing == (shown.standing, shown.fingerprints, shown.edition, shown.faults):
            return shown
    shown = replace(known, standing=standing, fingerprints=fingerprints, edition=edition, faults=faults)
    _shown = (known, shown)
    return shown


def _look() -> tuple[uuid.UUID | None, frozenset[str], str]:
    """Look at what changes without warning, by one statement that costs no query to be built: each page looks.

    Returns:
        the gate's revision (None before its first row), the fingerprints of the processes that run and can run closed
        chat, and their newest edition.
    """
    with connection.cursor() as cursor:
        if has_own_clock():
            cursor.execute(
                _LOOK.format("statement_timestamp() - make_interval(secs => %s)"), [INSTANCE_TTL.total_seconds()]
            )
        else:
            since = connection.ops.adapt_datetimefield_value(seen_now() - INSTANCE_TTL)
            cursor.execute(_LOOK.format("%s"), [since])
        rows = cursor.fetchall()
    if not rows:
        return None, frozenset(), ""
    revision = rows[0][0] if isinstance(rows[0][0], uuid.UUID) else uuid.UUID(rows[0][0])
    found = [(fingerprint, edition) for _revision, fingerprint, edition in rows if fingerprint]
    return revision, frozenset(each for each, _ in found), max((edition for _, edition in found), default="")


def _checklist() -> Checklist:
    live = {signature.item_id: signature for signature in Signature.objects.filter(withdrawn_at__isnull=True)}
    evidence = {item: signature.evidence for item, signature in live.items()}
    return Checklist(
        signatures={s.item_id: SignatureFact(s.item_id, s.signed_at, s.expires_at) for s in live.values()},
        facts=Facts.from_evidence(
            evidence.get("LAW-01", {}),
            evidence.get("LAW-05"),
            evidence.get("LAW-20"),
            arrival=evidence.get("LAW-03"),
            number=evidence.get("LAW-04"),
            filers=tuple(_filers(evidence)),
            purge_seen=_purged_before(live["LAW-12"]) if "LAW-12" in live else None,
            **_assessed(live.get("LAW-01")),
        ),
    )


def _filers(evidence: Mapping[str, Mapping[str, Any]]) -> Iterator[Filer]:
    for item in ("LAW-03", "LAW-04"):
        standing = evidence.get(item, {}).get("standing") or {}
        if standing:
            yield Filer(item, standing.get("operator", ""), standing.get("address", ""))
    drafted = Filing.objects.filter(id=1).values_list("facts", flat=True).first() or {}
    yield Filer("filing", str(drafted.get("name") or ""), str(drafted.get("address") or ""))


def _purged_before(signature: Signature) -> bool:
    # By the order of the entries: no clock that ran back can make an earlier run a later one.
    signed = LedgerEntry.objects.filter(event=Event.ITEM_SIGNED.value, payload__signature=signature.pk)
    since = signature.signed_at - timedelta(days=PURGE_BEFORE_DAYS)
    runs = LedgerEntry.objects.filter(event=Event.RETENTION_PURGED.value, at__gte=since)
    return runs.filter(seq__lt=signed.values("seq")[:1]).exists()


def _assessed(signature: Signature | None) -> dict[str, Any]:
    """Return what the answers behind LAW-01 say; nothing where it was signed without the questions."""
    stored = Assessment.objects.filter(signature=signature).first() if signature else None
    if stored is None:
        return {}
    return {
        "carries_messages": {"yes": True, "no": False}.get(stored.answers.get("N1", "")),
        "not_offered": frozenset(
            feature for feature in CLOSED_TALK if stored.features.get(feature, {}).get("offered") == "no"
        ),
    }
