"""Hints out to the other processes and in from them. The only user of the channel layer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

import structlog
from channels.layers import get_channel_layer

from chat import metrics
from chat.protocol import Access, Reply, encode
from chat.protocol.replies import LeaveReason
from chat.realtime import publication
from chat.realtime.clock import Clock
from chat.realtime.publication import Departure, Hint, Publication

log = structlog.get_logger("todoke.hub")

GROUP = "todoke.hints"
HINT_BYTES = 16 * 1024  # a larger batch is announced by its head only
PUBLISH_SECONDS = 2.0  # how long one publication may take before it counts as lost
BEAT_SECONDS = 1.0  # how often every process publishes, if only that it is there
ALONE_SECONDS = 5.0  # a process that has heard of no other for so long is alone
STALLED_SECONDS = 10.0  # without our own publications coming back for so long, the subscription is made anew
RETRY_SECONDS = 0.2  # after a publication that failed
LOG_SECONDS = 60.0  # between two lines of the log about publications that could not be read


class Layer(Protocol):
    """A channel layer, as far as it is used."""

    async def flush(self) -> None:
        """Forget all subscriptions."""

    async def new_channel(self) -> str:
        """Make a channel."""

    async def group_add(self, group: str, channel: str) -> None:
        """Subscribe a channel."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Publish."""

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for a publication."""


def channel_layer() -> Layer:
    """Return the deployment's channel layer."""
    layer: Any = get_channel_layer()
    return layer  # type: ignore[no-any-return]


class Peers:
    """What this process and the others say to each other.

    Everything that happens goes into `pending`, and out with the next publication: one at a time, so that a busy moment
    becomes one.

    Args:
        layer: carries publications; None where there is no other process.
        name: of this process.
        identify: returns what tells this deployment from others that may share the Redis; may raise.
        on_publication: is called with the sender and each publication of another process.
        on_newcomer: is called when another process is heard again after a time alone.
        clock: of this process.
    """

    def __init__(
        self,
        layer: Layer | None,
        name: str,
        identify: Callable[[], Awaitable[str]],
        on_publication: Callable[[str, Publication], None],
        on_newcomer: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._layer = layer
        self._name = name
        self._identify = identify
        self._group = ""  # of this deployment's processes; nothing is published before it is known
        self._on_publication = on_publication
        self._on_newcomer = on_newcomer
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.pending = Publication()
        self.publishing: asyncio.Task[None] | None = None
        # Returns the epoch of the database; a process that knows another one takes nothing of what is said.
        self.epoch: Callable[[], str] = lambda: ""
        self.is_up = False  # as last shown in the metrics
        self._echo = 0.0  # when something came back last
        self._unreadable = 0  # publications since the last line of the log about them
        self._log_unreadable_at = 0.0
        self._company = clock.monotonic()  # when another process was last heard, or could have been missed

    # --- out ----------------------------------------------------------------------------------------------------

    def hint(self, room: UUID, head: int, access: Access, items: Sequence[bytes]) -> None:
        """Announce items of a room."""
        if self.is_alone:
            return
        fits = sum(map(len, items)) <= HINT_BYTES
        self.pending.hints.append(Hint(room, head, access.feature, access.revision, list(items) if fits else None))
        self.publish_soon()

    def send_to(self, pks: Iterable[int], reply: Reply) -> bytes:
        """Send a frame to these people's connections in the other processes; return its JSON."""
        payload = encode(reply)
        self.pending.people.append((list(pks), payload.decode()))
        self.publish_soon()
        return payload

    def moved(self, people: Iterable[int]) -> None:
        """Announce that people do something else now than they did."""
        self.pending.moved.extend(people)
        self.publish_soon()

    def depart(self, room: UUID, people: Sequence[int], reason: LeaveReason) -> None:
        """Announce that people are in a closed room no more."""
        self.pending.departures.append(Departure(room, list(people), reason))
        self.publish_soon()

    def revalidate(self, room: UUID) -> None:
        """Announce that the people who may read a room have changed."""
        self.pending.revalidate.append(room)
        self.publish_soon()

    def publish_soon(self, *, force: bool = False) -> None:
        """Schedule a publication of what is pending. With no peers, skip it unless `force` (the heartbeat)."""
        if not self._group or (self.is_alone and not force):
            self.pending = Publication()
        elif self.publishing is None:
            self.publishing = self._loop.create_task(self._publish())

    async def _publish(self) -> None:
        assert self._layer is not None
        sent, self.pending = self.pending, Publication()
        sent.epoch = self.epoch()
        try:
            message = {"type": "hint", "sender": self._name, "body": publication.encode(sent)}
            async with self._clock.timeout(PUBLISH_SECONDS):
                await self._layer.group_send(self._group, message)
            metrics.HINTS.labels("sent").inc(len(sent.hints))
        except Exception as error:  # noqa: BLE001 -- a lost hint is repaired from the log
            metrics.HINTS.labels("unsent").inc(len(sent.hints))
            log.warning("hub.hint_unsent", error=type(error).__name__)
            await self._clock.sleep(RETRY_SECONDS)
        finally:
            self.publishing = None
            if self.pending.is_news:
                self.publish_soon()

    def beat(self) -> None:
        """Show in the metrics whether the layer works, and publish at least that this process is there."""
        if self.is_up != (self.has_layer and not self.is_degraded):
            self.is_up = not self.is_up
            metrics.LAYER_UP.set(self.is_up)
            log.warning("hub.layer", up=self.is_up)
        if self._layer is not None:
            self.publish_soon(force=True)

    def forget(self) -> None:
        """Drop what waits to be published: it is of an epoch that is over."""
        self.pending = Publication()

    # --- in -----------------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        """Take the other processes' publications for ever. Subscribe anew where the layer fails or has stalled."""
        assert self._layer is not None
        while True:
            try:
                async with self._clock.timeout(STALLED_SECONDS):
                    if not self._group:
                        self._group = f"{GROUP}.{await self._identify()}"
                    await self._layer.flush()  # nothing of an earlier subscription stays behind
                    channel = await self._layer.new_channel()
                    await self._layer.group_add(self._group, channel)
                subscribed = self._company = self._clock.monotonic()
                self.publish_soon(force=True)
                while max(subscribed, self._echo) + STALLED_SECONDS > self._clock.monotonic():
                    try:
                        async with self._clock.timeout(STALLED_SECONDS):
                            message = await self._layer.receive(channel)
                        self.on_message(message["sender"], message["body"])
                    except TimeoutError:
                        break
                    except Exception as error:  # noqa: BLE001 -- one hint that cannot be read is one hint lost
                        metrics.HINTS.labels("unreadable").inc()
                        self._log_unreadable(error)
                        await self._clock.sleep(0)  # a queue that is never empty must not keep the loop
                log.warning("hub.layer_stalled")
            except Exception as error:  # noqa: BLE001 -- whatever it is, delivery goes on by the log
                log.warning("hub.layer_failed", error=type(error).__name__)
            await self._clock.sleep(random.uniform(0.2, 1.0))  # noqa: S311

    def _log_unreadable(self, error: Exception) -> None:
        """Log one in a while: while a deployment rolls, or beside a stranger on the same Redis, many cannot be read."""
        self._unreadable += 1
        if self._clock.monotonic() >= self._log_unreadable_at:
            log.warning("hub.hint_unreadable", error=type(error).__name__, count=self._unreadable)
            self._unreadable, self._log_unreadable_at = 0, self._clock.monotonic() + LOG_SECONDS

    def on_message(self, sender: str, body: bytes) -> None:
        """Take one publication, our own included: its coming back shows that the layer works."""
        now = self._clock.monotonic()
        if self.is_degraded:  # what the others said meanwhile did not come
            self._company = now
        self._echo = now
        if sender == self._name:
            return
        if self.is_alone:
            self._on_newcomer()
        self._company = now
        said, unknown = publication.decode(body)
        if unknown:  # of another version: what it announced is found in the log
            metrics.HINTS.labels("unknown").inc(unknown)
        self._on_publication(sender, said)

    # --- state --------------------------------------------------------------------------------------------------

    @property
    def has_layer(self) -> bool:
        """Whether other processes can be reached at all."""
        return self._layer is not None

    @property
    def is_alone(self) -> bool:
        """Whether there is no other process."""
        return self._layer is None or (not self.is_degraded and self._clock.monotonic() - self._company > ALONE_SECONDS)

    @property
    def is_degraded(self) -> bool:
        """Whether publications do not come back: delivery then goes by the log alone."""
        return self._layer is not None and self._clock.monotonic() - self._echo > 5 * BEAT_SECONDS
