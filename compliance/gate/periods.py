"""Opens, closes and continues the authorisation (提供可能期間): the period in which closed chat may run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from compliance import law
from compliance.gate.instances import DRIFT, EDITION, fingerprint_of, now
from compliance.gate.snapshot import Snapshot, current, read
from compliance.gate.state import advance_revision, lock_exclusive
from compliance.law import CLOSED_TALK, Cause, Decision, Feature, Reason, Standing, Text, decide, foremost
from compliance.law.sentences import changed
from compliance.models import Authorisation, GateState
from compliance.records import Event, ledger

MAX_OPENINGS: Final = 20
"""How many periods may be opened in a minute without anybody's hand; then closed chat stays off for the rest of it."""
_SEEN_BY_ALL: Final = frozenset({Cause.emergency_stop, Cause.restored, Cause.drift})


def reconcile(*, by_hand: bool = False) -> Snapshot:
    """Bring the record in step with the keys: open, close or continue the current period if something changed.

    A process moves the record only on what all processes can see. What only it believes (its own fault, clock or
    environment) makes it refuse for itself, and leaves the record as it is.

    Args:
        by_hand: whether a person's act moves the gate, which is not counted against `MAX_OPENINGS`.

    Returns:
        the gate as it is afterwards.
    """
    snapshot = current()
    if snapshot.revision is None or not _due(snapshot):
        return replace(snapshot, reconciled=True)
    with transaction.atomic():
        state = lock_exclusive()
        snapshot = read()
        move = _due(snapshot)
        if move is not None:
            _record(state, move, by_hand=by_hand)
        return replace(read(), reconciled=True)


def invalidate() -> None:
    """Make every process read the gate again, after a change of something with which the keys are compared."""
    with transaction.atomic():
        advance_revision(lock_exclusive())
        reconcile(by_hand=True)


# What is due ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Move:
    """What is to be recorded: why the open period closes, the facts of the next one, and whether the end is reached."""

    because: tuple[Reason, ...] = ()
    facts: Mapping[str, Any] | None = None
    end: bool = False


def _due(snapshot: Snapshot) -> _Move | None:
    """Return what this process has to record; None where the record is in step, or where this process has no say."""
    standing: Standing = settings.STANDING
    is_open = snapshot.authorisation is not None
    if not snapshot.fingerprints <= {fingerprint_of(standing)} or snapshot.edition > EDITION:
        # The others disagree, or run newer rules: a reason that they cannot see does not close their period.
        shared = replace(standing, problems=(DRIFT,) if len(snapshot.fingerprints) > 1 else ())
        reasons = foremost(_decisions(snapshot, shared)).reasons
        seen = tuple(reason for reason in reasons if reason.cause in _SEEN_BY_ALL)
        return _Move(because=seen) if is_open and seen else None
    # Where no other process can run closed chat, this process's own faults are all there is to see.
    shared = standing if snapshot.fingerprints else replace(standing, problems=(*standing.problems, *snapshot.faults))
    decisions = _decisions(snapshot, shared)
    decision = foremost(decisions)
    if not decision.allowed:
        because, end = decision.reasons if is_open else (), snapshot.end_is_due()
        return _Move(because=because, end=end) if because or end else None
    if snapshot.faults:
        return None
    parts = (shared, snapshot.checklist, snapshot.stop, now(), snapshot.ending, snapshot.restored)
    dating = decide(Feature.PROFILE_DATING, *parts)
    facts = {
        "features": [each.feature.value for each in (*decisions, dating) if each.allowed],
        "standing": _on_record(shared),
        "facts_fingerprint": snapshot.facts_fingerprint,
        "law_version": law.LAW_VERSION,
    }
    differs = _changes(snapshot.period or {}, facts)
    if is_open and not differs:
        return None
    facts |= {
        "signatures": sorted(snapshot.checklist.signatures) if snapshot.checklist else [],
        "unsigned": [item.id for item in snapshot.open_items()],
    }
    return _Move(because=(changed(differs),) if is_open and differs else (), facts=facts)


def _decisions(snapshot: Snapshot, standing: Standing) -> list[Decision]:
    """Return the decision on each kind of closed talk under a standing."""
    parts = (standing, snapshot.checklist, snapshot.stop, now(), snapshot.ending, snapshot.restored)
    return [decide(feature, *parts) for feature in CLOSED_TALK]


def _on_record(standing: Standing) -> dict[str, Any]:
    """Return a standing as an Authorisation and its ledger entry keep it."""
    return {
        **ledger.standing_as_dict(standing),
        "checklist": standing.mode.value,
        "fingerprint": fingerprint_of(standing),
    }


_COMPARED: Final[Mapping[str, tuple[Callable[[Mapping[str, Any]], Any], Text]]] = MappingProxyType(
    {
        "standing": (
            lambda facts: facts.get("standing", {}).get("fingerprint"),
            Text("届出・登録の設定", "the filing as set on the servers"),
        ),
        "facts": (
            lambda facts: facts.get("facts_fingerprint"),
            Text("チェックリストに記録した事実", "the facts recorded with the checklist"),
        ),
        "law": (lambda facts: facts.get("law_version"), Text("法令の時点", "the law version")),
        "features": (lambda facts: facts.get("features"), Text("開いている機能", "the features that are open")),
    }
)
"""The facts that a period rests on, and their names: where one of these changes, another period continues it."""


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Text | None:
    differ = [name for of, name in _COMPARED.values() if of(before) != of(after)]
    if not differ:
        return None
    return Text("・".join(name.ja for name in differ), "; ".join(name.en for name in differ))


# Recording it ---------------------------------------------------------------------------------------------------------


def _record(state: GateState, move: _Move, *, by_hand: bool) -> None:
    closed = state.authorisation
    may_open = (
        by_hand or Authorisation.objects.filter(opened_at__gt=now() - timedelta(minutes=1)).count() < MAX_OPENINGS
    )
    opens = move.facts is not None and may_open
    if closed is not None:
        _close(state, closed, move.because, continued=opens)
    if move.facts is not None and opens:
        _open(state, move.facts, continues=closed)
    if move.end:
        _end(state)


def _open(state: GateState, facts: Mapping[str, Any], *, continues: Authorisation | None) -> None:
    state.authorisation = Authorisation.objects.create(snapshot=facts, continues=continues, opened_at=now())
    advance_revision(state)
    payload = {"authorisation": state.authorisation.pk, "continues": continues.pk if continues else None, **facts}
    ledger.append(Event.GATE_OPENED, actor=None, payload=payload)


def _close(state: GateState, period: Authorisation, because: Iterable[Reason], *, continued: bool) -> None:
    reasons = list(because)
    period.closed_at = now()
    period.closed_because = [{"cause": reason.cause.value, "ja": reason.ja, "en": reason.en} for reason in reasons]
    period.save()
    state.authorisation = None
    advance_revision(state)
    causes = list(dict.fromkeys(reason.cause.value for reason in reasons))
    payload = {"authorisation": period.pk, "causes": causes, "continued": continued}
    ledger.append(Event.GATE_CLOSED, actor=None, payload=payload)


def _end(state: GateState) -> None:
    assert state.ends_on is not None
    ledger.append(Event.END_REACHED, actor=None, payload={"on": state.ends_on.isoformat()})
    state.end_reached_at = now()
    advance_revision(state)
