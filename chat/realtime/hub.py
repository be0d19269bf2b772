"""Composes the parts of one process, starts them and drains them. There is one hub per process."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import structlog
from django.utils.translation import gettext_noop as _

from chat import metrics
from chat.protocol import Close
from chat.realtime import jobs
from chat.realtime.backfill import Backfill
from chat.realtime.clock import Clock
from chat.realtime.committer import Committer
from chat.realtime.dispatch import Parts
from chat.realtime.gate_watch import GATE_SECONDS, Gate, GateWatch
from chat.realtime.jobs import Tasks
from chat.realtime.joining import Joining
from chat.realtime.limits import Limits, Options
from chat.realtime.peers import BEAT_SECONDS, Layer, Peers
from chat.realtime.ports import Activities, Blocks, LogReader, Person, Sessions, Store
from chat.realtime.presence import Presence
from chat.realtime.publication import Publication
from chat.realtime.registry import Registry
from chat.realtime.revalidation import Revalidation
from chat.realtime.session_watch import CHECK_SECONDS, SessionWatch
from chat.realtime.streams import Stream, Subscriber
from chat.realtime.transports import Flusher

log = structlog.get_logger("todoke.hub")

HEAD_SECONDS = 1.0
GOODBYE_SECONDS = 1.5  # for the last commit, and again for the goodbyes


class Backend(LogReader, Sessions, Activities, Blocks, Gate, Protocol):
    """All that a hub is handed of the database."""

    @property
    def store(self) -> Store:
        """Stores events: the one way into the log."""

    def identify(self) -> Awaitable[str]:
        """Return what tells this database from others: letters and digits, the same for all its processes, always."""

    def prepare(self) -> Awaitable[None]:
        """Connect before anybody waits for it."""

    def close(self) -> None:
        """Let go of the connections."""

    def shut_down(self, seconds: float, /) -> Awaitable[None]:
        """End the threads that serve the hub; wait so long at most for what runs on them."""


class Hub:
    """Everything this process delivers, and the loops that keep it true.

    Args:
        backend: the database.
        layer: carries publications to the other processes; None where there are none.
        clock: of this process.
        options: what the deployment sets.

    Attributes:
        parts: what connections, handlers and jobs use.
    """

    def __init__(self, backend: Backend, layer: Layer | None, clock: Clock, options: Options) -> None:
        self.instance = uuid.uuid4()
        self.loop = asyncio.get_running_loop()
        self.backend = backend
        tasks = Tasks(clock)
        registry = Registry()
        peers = Peers(
            layer,
            str(self.instance),
            backend.identify,
            self._on_publication,
            lambda: presence.announce_all(),  # noqa: PLW0108 -- made below
            clock,
        )
        gate = GateWatch(backend, self.instance, registry, tasks.spawn, clock)
        revalidation = Revalidation(backend, registry, gate.is_shut, tasks.spawn)
        backfill = Backfill(backend, registry, revalidation.doubt, lambda: peers.has_layer, tasks.spawn, clock)
        presence = Presence(
            backend, registry, revalidation.doubt, lambda: peers.pending, peers.publish_soon, tasks.spawn, clock
        )
        page = int(options.limits["page"])
        joining = Joining(
            backend, registry, backfill, revalidation.doubt, gate.permit, presence.show_to, lambda: gate.epoch, page
        )
        committer = Committer(backend.store, registry.streams, backfill.publish, peers.hint, clock)
        revalidation.resume = backfill.resume
        revalidation.on_changed = self._on_room_changed
        backfill.on_checked = presence.show  # only those who may know are there then
        backfill.on_went_back = lambda: gate.went_back("room")
        committer.is_halted = lambda: gate.is_lost
        gate.on_forget = self._forget
        peers.epoch = lambda: gate.epoch
        registry.on_unused = presence.emptied
        registry.on_last_leave = self._on_last_leave
        joining.on_join = self._on_join
        self.sessions = SessionWatch(backend, registry, tasks.spawn, clock)
        self.parts = Parts(
            options=options,
            clock=clock,
            tasks=tasks,
            limits=Limits(options),
            flusher=Flusher(clock.call_soon),
            registry=registry,
            gate=gate,
            peers=peers,
            revalidation=revalidation,
            backfill=backfill,
            joining=joining,
            presence=presence,
            committer=committer,
        )

    @property
    def is_draining(self) -> bool:
        """Whether the hub takes no more connections."""
        return self.parts.is_draining

    async def start(self) -> None:
        """Look at the gate once, then start the loops."""
        parts, backfill = self.parts, self.parts.backfill
        await parts.gate.look()
        if parts.peers.has_layer:
            parts.tasks.spawn(parts.peers.listen())
        parts.tasks.repeat(GATE_SECONDS, parts.gate.look)
        parts.tasks.repeat(HEAD_SECONDS, backfill.check_heads)
        parts.tasks.repeat(CHECK_SECONDS, self.sessions.check)
        parts.tasks.repeat(BEAT_SECONDS, self.beat)
        for job in jobs.registered().jobs:
            parts.tasks.repeat(job.period, job.run, parts)
        with suppress(Exception):  # while the database is away, the first message connects
            async with parts.clock.timeout(HEAD_SECONDS):
                await self.backend.prepare()
        log.info("hub.started", instance=str(self.instance))

    async def beat(self) -> None:
        """Say to the other processes that this one is there, and how many people it has in its rooms."""
        metrics.OLDEST_POST.set(self.parts.committer.oldest_wait())
        if self.parts.peers.has_layer:
            self.parts.presence.gather()
        self.parts.peers.beat()

    async def drain(self) -> None:
        """Finish pending commits, say goodbye to every connection, wait for them to go, leave."""
        parts = self.parts
        if parts.is_draining:
            return
        parts.is_draining = True
        log.info("hub.draining", sockets=len(parts.registry.connections))
        if parts.committer.committing is not None:
            await asyncio.wait({parts.committer.committing}, timeout=GOODBYE_SECONDS)
        clients = list(parts.registry.connections)
        # Who comes back comes back spread out: about 500 a second.
        spread = 1.0 + len(clients) / 500
        for client in clients:
            parts.tasks.spawn(client.close(Close.DRAINING, retry_after=round(random.uniform(0.1, spread), 2)))  # noqa: S311
        if clients:
            left = [self.loop.create_task(client.left.wait()) for client in clients]
            await asyncio.wait(left, timeout=GOODBYE_SECONDS)
        if parts.gate.is_database_up:
            with suppress(Exception):
                await self.backend.write_refusals()
            with suppress(Exception):
                await self.backend.farewell(self.instance)
        self.stop()
        log.info("hub.drained")

    def stop(self) -> None:
        """End the loops, and let go of the connections to the database."""
        self.parts.tasks.cancel()
        self.backend.close()

    def _forget(self) -> None:
        """Forget all that was delivered in an epoch that is over, and have every connection begin anew.

        What is true of a person may have changed with it, too: their session, their name, the rooms that they are in.
        """
        parts = self.parts
        clients = list(parts.registry.connections)
        parts.registry.forget()
        parts.backfill.forget()
        parts.committer.forget()
        parts.peers.forget()
        self.sessions.forget()
        spread = 1.0 + len(clients) / 500  # as where it drains
        for client in clients:
            retry_after = round(random.uniform(0.1, spread), 2)  # noqa: S311
            reason = client.translate(_("The service went back to an earlier state. You will be connected again."))
            parts.tasks.spawn(client.close(Close.DRAINING, reason=reason, retry_after=retry_after))

    def _on_publication(self, sender: str, said: Publication) -> None:
        parts = self.parts
        if parts.gate.is_lost or (said.epoch and said.epoch != parts.gate.epoch):
            return  # whatever it is of another history; what is true of it stands in the database
        for departure in said.departures:
            parts.registry.depart(departure.room, departure.people, departure.reason)
        for room in said.revalidate:
            if (stream := parts.registry.streams.get(room)) is not None:
                parts.revalidation.doubt(stream)
        parts.backfill.on_hints(said.hints)
        for pks, frame in said.people:
            parts.registry.send_to(pks, frame.encode())
        parts.look_at(said.moved)
        for ephemeral in said.ephemerals:
            parts.presence.on_ephemeral(ephemeral)
        parts.presence.on_counts(sender, said.presence)

    def _on_join(self, stream: Stream, subscriber: Subscriber) -> None:
        for hook in jobs.registered().on_join:
            hook(self.parts, stream, subscriber)

    def _on_room_changed(self, stream: Stream) -> None:
        for hook in jobs.registered().on_room_changed:
            hook(self.parts, stream)

    def _on_last_leave(self, person: Person) -> None:
        if not self.parts.is_draining:
            for hook in jobs.registered().on_last_leave:
                hook(self.parts, person)


_running: Hub | None = None
_starting: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None
_make: Callable[[], Hub] | None = None


def compose(make: Callable[[], Hub]) -> None:
    """Say how this process's hub is made; called on its loop, with the hub's first use."""
    global _make  # noqa: PLW0603 -- set once, by the composition
    _make = make


async def current() -> Hub:
    """Return this process's hub, started with its first use on the running loop."""
    global _running, _starting  # noqa: PLW0603 -- one per process; a server without lifespan events starts it lazily
    loop = asyncio.get_running_loop()
    if _running is not None and _running.loop is loop:
        return _running
    if _starting is None or _starting[0] is not loop:
        _starting = (loop, asyncio.Lock())
    async with _starting[1]:
        if _running is None or _running.loop is not loop:
            assert _make is not None, "chat.composition was not imported"
            hub = _make()
            await hub.start()
            _running = hub
    return _running


def running() -> Hub | None:
    """Return this process's hub if it has started: for pages, which are not on its loop."""
    return _running
