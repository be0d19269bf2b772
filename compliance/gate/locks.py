"""Asks the gate within a write, so that its answer holds until the write commits.

There are five ways to ask. All decide by the same policy; they differ in how long the answer holds and what it costs.

| ask with               | for                                          | holds until   | queries | refuses with    |
|------------------------|----------------------------------------------|---------------|---------|-----------------|
| `current()`            | a page or command that only shows the gate   | the next move | 2       | a `Decision`    |
| `reconcile()`          | a request; it also keeps the record in step  | the next move | 2       | a `Decision`    |
| `transaction(feature)` | making something new                         | the commit    | 6       | `FeatureClosed` |
| `lock_shared()`        | a write that learns its features from a row  | the commit    | 3       | a `Decision`    |
| `optimistic(features)` | a write that is one round trip               | the commit    | 0       | no token        |

`current` and `reconcile` give a `Snapshot`, which decides. Without a token from `optimistic`, `lock_shared` decides.
`lock_exclusive()` (in `state`) is the other side: a move of the gate waits until writes of the last three kinds end.
On SQLite one writer runs at a time, so no lock is taken, and `optimistic` is not used.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db.transaction import atomic

from compliance.gate.instances import INSTANCE_TTL, fingerprint_of, now, own_faults, own_standing
from compliance.gate.periods import reconcile
from compliance.gate.snapshot import cached, is_gated, read
from compliance.gate.state import acquire_shared
from compliance.law import Decision, Feature
from compliance.models import GateState


class FeatureClosed(Exception):
    """The gate refused a feature: carries the Decision, so that the caller can say why and what opens it."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reason("en"))
        self.decision = decision


@contextmanager
def transaction(*features: Feature) -> Iterator[int | None]:
    """Open a transaction that makes something new under these features; the gate cannot close them before it ends.

    Args:
        features: all that the new thing needs. What the law never closes is not asked about.

    Yields:
        the id of the current Authorisation if a feature needs one, else None.

    Raises:
        FeatureClosed: the gate refuses one of them.
    """
    gated = [feature for feature in features if is_gated(feature)]
    if gated:
        reconcile()
    with atomic():
        if gated:
            decide = lock_shared(creating=True)
            for feature in gated:
                decision = decide(feature)
                if not decision.allowed:
                    raise FeatureClosed(decision)
        yield GateState.objects.values_list("authorisation", flat=True).get(id=1) if gated else None


def lock_shared(*, creating: bool = False) -> Callable[[Feature], Decision]:
    """Keep the gate from being moved until the caller's transaction ends. Call `reconcile` before that transaction.

    Args:
        creating: whether something new is to be made, which an announced end forbids before it closes what runs.

    Returns:
        the function that decides on a feature. Where the keys are turned but no period that covers the feature is
        open (it is being opened at this moment), it refuses.
    """
    acquire_shared()
    snapshot = replace(read(), reconciled=True)

    def decide(feature: Feature) -> Decision:
        return snapshot.decide(feature, creating=creating)

    return decide


@dataclass(frozen=True, slots=True)
class OptimisticToken:
    """A cached "allowed", with the values by which the database verifies that it still holds.

    A write that relies on it first calls `compliance_gate_unmoved` with these three in its transaction, and changes
    nothing unless that returns true. The function takes the shared lock, so the answer then holds until the commit.

    Attributes:
        revision: of the gate, as it was read last.
        since: the other processes that count: those seen after this time, by the database's clock.
        fingerprint: of this deployment's environment, from which theirs must not differ.
    """

    revision: uuid.UUID
    since: datetime
    fingerprint: str


def optimistic(features: Iterable[Feature]) -> OptimisticToken | None:
    """Decide on gated features from the cached snapshot, without a query.

    Args:
        features: those that the write needs.

    Returns:
        the token with which the write has the database confirm the decision; None where the cached state refuses one
        of the features or says nothing, so that only `lock_shared` can decide.
    """
    known = cached()
    if known is None or known.authorisation is None or known.revision is None:
        return None
    snapshot = replace(known, standing=own_standing(frozenset(), own_faults()), reconciled=True)
    if not all(snapshot.decide(feature).allowed for feature in features):
        return None
    return OptimisticToken(known.revision, now() - INSTANCE_TTL, fingerprint_of(settings.STANDING))
