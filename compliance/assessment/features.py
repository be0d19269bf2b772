"""The features that this deployment offers: which of them its pages serve, and the traits of their rooms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, Final

from django.urls import URLResolver, get_resolver

from compliance import gate
from compliance.law import RULES, Answer, Entry, Feature, Origin, Traits
from compliance.law.variables import OFFER_WORDS

_OPEN_ROOM: Final = Traits(
    anyone_may_read=True,
    listed=True,
    entry=Entry.anyone,
    designated_recipients=False,
    made_by=Origin.person,
    capacity_hides=False,
    members_only_history=False,
)
CLOSED_ROOM: Final = replace(
    _OPEN_ROOM, anyone_may_read=False, listed=False, designated_recipients=True, members_only_history=True
)
TRAITS: Final[Mapping[Feature, Traits]] = MappingProxyType(
    {
        Feature.ROOM_OPEN: _OPEN_ROOM,
        Feature.MATCH_PAIR: replace(CLOSED_ROOM, entry=Entry.pairing, made_by=Origin.pairing, capacity_hides=True),
        Feature.RECRUIT: replace(CLOSED_ROOM, entry=Entry.pairing, made_by=Origin.recruiting, capacity_hides=True),
        Feature.INVITE_ONLY: replace(CLOSED_ROOM, entry=Entry.invitation),
        Feature.DM_TEXT: replace(CLOSED_ROOM, entry=Entry.invitation, capacity_hides=True),
    }
)
"""The features that carry messages between users, with the traits of their rooms.

Tests compare these with the rooms that chat makes.
"""
_NO_FEATURE_OF_LAW: Final = frozenset({Feature.SERVICE, Feature.ACCOUNT, Feature.OPERATOR})


def doors() -> tuple[Feature, ...]:
    """Return the features that the views declare at the gate. A feature without a view has no door.

    Returns:
        the features in the order of `Feature`, without those that no law concerns.
    """
    declared = set(_declared(get_resolver())) - _NO_FEATURE_OF_LAW
    return tuple(feature for feature in Feature if feature in declared)


def offered_features(snapshot: gate.Snapshot) -> tuple[Feature, ...]:
    """Return the doors that the environment and the answers behind LAW-01 offer."""
    said_not = snapshot.checklist.facts.not_offered if snapshot.checklist else frozenset()
    shut = (frozenset(OFFER_WORDS.values()) - snapshot.standing.offered) | said_not
    return tuple(feature for feature in doors() if feature not in shut)


def _declared(resolver: URLResolver) -> Iterator[Feature]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _declared(pattern)
            continue
        declared = getattr(pattern.callback, "feature", None)
        if isinstance(declared, Feature):
            yield declared


def as_recorded(offered: Mapping[Feature, Answer]) -> dict[str, dict[str, Any]]:
    """Return what LAW-01 records of each feature: whether it is offered, what it requires, its rooms' traits."""
    return {
        feature.value: {
            "offered": answer.value,
            "required": RULES[feature].required.value,
            "traits": asdict(TRAITS[feature]) if feature in TRAITS else None,
        }
        for feature, answer in offered.items()
    }


def fingerprint(features: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the SHA-256 (hex) of features as recorded; any difference changes it."""
    return hashlib.sha256(json.dumps(features, sort_keys=True).encode()).hexdigest()
