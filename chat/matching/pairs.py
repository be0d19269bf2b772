"""Pairs people who wait, by their wishes and in their order. Pure: reads and writes nothing."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Container, Sequence
from itertools import product

Seeker = tuple[int, str, str]  # the primary key of somebody who waits, and their wishes: a topic, a language


def pair_up(row: Sequence[Seeker], excluded: Container[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return who fits whom, each with the first in the row that does: what `_candidate` finds, for many at once.

    Args:
        row: who waits, in the order in which they are served.
        excluded: pairs who must not meet, each both ways round.
    """
    # Who is still to be had, by what they can be asked for: their topic or any (None), their language or any. So one
    # looks at nobody who does not fit, except at excluded ones; where all wish for something else, that is nobody.
    free: defaultdict[tuple[str | None, str | None], OrderedDict[int, int]] = defaultdict(OrderedDict)
    asked_for = [list(product((topic, None), (language, None))) for _pk, topic, language in row]
    for place, (pk, _topic, _language) in enumerate(row):
        for key in asked_for[place]:
            free[key][place] = pk

    def take(place: int) -> None:
        for key in asked_for[place]:
            del free[key][place]

    pairs: list[tuple[int, int]] = []
    for place, (own, topic, language) in enumerate(row):
        if place not in free[None, None]:
            continue
        take(place)  # for good: whoever comes later and fits them would have been found now
        wishes = product((topic, "") if topic else (None,), (language, "") if language else (None,))
        firsts = (next((at for at, pk in free[wish].items() if (own, pk) not in excluded), None) for wish in wishes)
        found = min((at for at in firsts if at is not None), default=None)
        if found is not None:
            take(found)
            pairs.append((own, row[found][0]))
    return pairs
