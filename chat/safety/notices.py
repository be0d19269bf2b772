"""Tells people on their open pages what was done to them, and binds an act on a guest to the guest's network.

Each process looks once a second at what changed lately, so that it needs no word from another one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal, cast

from django.utils import timezone
from msgspec import UNSET

from chat.db import run_in_executor
from chat.messages import look_at_people
from chat.models import Sanction, User
from chat.people import Origins, bind_network, network_digest
from chat.protocol.replies import Act, Acts
from chat.realtime import Connection, Parts, every

LATELY: Final = timedelta(seconds=10)
"""How far back is looked: longer than any transaction of an act takes, and than clocks differ."""


@dataclass(slots=True)
class _Told:
    """Which changes this process has passed on."""

    changes: set[tuple[int, datetime]] = field(default_factory=set)


@every(1.0)
async def tell_people(parts: Parts) -> None:
    """Send what was done lately to those who are connected here, on each of their connections."""
    here = parts.registry.people
    told, origins = parts.state(_Told), parts.state(Origins)
    rows = await run_in_executor("ja", _lately) if here or origins else []  # a process without people asks nothing
    news = [row for row in rows if (row[0], row[1].changed_at) not in told.changes]
    # Another process may bind a guest's network a moment later: all guests are looked at as long as the act is news.
    look_at_people(parts, [pk for pk, _act in news], guests=any(act.user.is_guest for _pk, act in rows))
    told.changes = {(pk, act.changed_at) for pk, act in rows}
    seen: dict[int, str] = {}
    for pk, act in news:
        for client in list(here.get(pk, ())):
            client.say(Acts([_shown(act)]))
            if isinstance(client, Connection) and client.person is not None and client.person.guest:
                seen[pk] = network_digest(client.address)
        if pk not in seen and (digest := origins.find(pk)) is not None:
            seen[pk] = digest
    if seen:
        await run_in_executor("ja", _bind, seen)


def _lately() -> list[tuple[int, Sanction]]:
    rows = Sanction.objects.filter(changed_at__gt=timezone.now() - LATELY).select_related("room", "user").order_by("pk")
    return [(row.user_id, row) for row in rows]


def _bind(digests: Mapping[int, str]) -> None:
    guests: Collection[int] = User.objects.filter(pk__in=digests, is_guest=True).values_list("pk", flat=True)
    for pk in guests:
        bind_network(pk, digests[pk], timezone.now())


def _shown(act: Sanction) -> Act:
    return Act(
        str(act.public_id),
        cast("Literal['warn', 'mute', 'suspend']", act.kind),
        act.rule,
        act.reason,
        act.until.isoformat() if act.until else UNSET,
        act.room.key if act.room is not None else UNSET,
        lifted=act.lifted_at is not None,
    )
