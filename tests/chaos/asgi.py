"""The service with two seams for those who break it: a channel layer that loses hints, and a look inside the process.

Processes under test serve this module in place of `config.asgi`; the service itself knows nothing of it.
"""

# ruff: noqa: S311 -- dice, not secrets

from __future__ import annotations

import asyncio
import json
import os
import random
from typing import Any

from channels.layers import channel_layers
from django.conf import settings

import config  # noqa: F401 -- names the settings module
from config.layer import SealedLayer

#: The share of publications that never leave the process. Half as many come twice, and half as many late.
LOSS = float(os.environ.get("CHAOS_LOSS", "0"))

if settings.REDIS_URL:
    settings.CHANNEL_LAYERS["default"]["BACKEND"] = "tests.chaos.asgi.LossyLayer"

from config.asgi import application as service  # noqa: E402


class LossyLayer(SealedLayer):
    """Loses, doubles, delays and reorders what is sent to a group."""

    lost = 0

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Sends a message, or not."""
        fate = random.random()
        send = self._get_layer().group_send
        if fate < LOSS:
            LossyLayer.lost += 1
        elif fate < LOSS * 1.5:
            late = asyncio.create_task(self._later(group, message))
            late.add_done_callback(lambda task: task.cancelled() or task.exception())
        else:
            await send(group, message)
            if fate < LOSS * 2:
                await send(group, message)

    async def _later(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(random.uniform(0.02, 0.3))
        await self._get_layer().group_send(group, message)


from chat import realtime  # noqa: E402 -- the service above has started Django


def inside() -> dict[str, int]:
    """What this process holds at this moment, in pieces."""
    running = realtime.running()
    assert running is not None
    parts = running.parts
    layers = [
        layer for name in channel_layers.backends for layer in getattr(channel_layers[name], "_layers", {}).values()
    ]
    return {
        "sockets": len(parts.registry.connections),
        "rooms": len(parts.registry.streams),
        "readers": sum(len(stream.subscriptions) for stream in parts.registry.streams.values()),
        "people": len(parts.registry.people),
        "spawned": len(parts.tasks.running),
        "tasks": len(asyncio.all_tasks()),
        "channels": sum(len(layer.channels) for layer in layers),
        "members": sum(len(members) for layer in layers for members in layer.groups.values()),
        "lost": LossyLayer.lost,
    }


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers `/chaos/inside`; everything else is the service's."""
    if scope["type"] != "http" or scope["path"] != "/chaos/inside":
        await service(scope, receive, send)
        return
    await realtime.current()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(inside()).encode()})
