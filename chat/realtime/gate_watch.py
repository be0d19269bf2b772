"""Looks at the compliance gate again and again, and acts in this process when it moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol
from uuid import UUID

import msgspec
import structlog

from chat import metrics
from chat.protocol import Code, Refused, encode, replies
from chat.protocol.replies import FeatureState
from chat.realtime.clock import Clock
from chat.realtime.registry import Registry
from chat.realtime.transports import Frame
from compliance import gate
from compliance.law import Decision, Feature

log = structlog.get_logger("todoke.hub")

GATE_SECONDS = 0.25
ANSWER_SECONDS = 1.0  # how long one look waits for the database
TRUST_SECONDS = 10.0  # how long the last look at the gate counts while the database does not answer
REFUSALS_SECONDS = 60.0  # how often counted refusals are written into the ledger

Features = Mapping[str, FeatureState]


class Gate(Protocol):
    """The gate as this process reaches it. Everything may raise the database's errors."""

    def beat(self, instance: UUID) -> Awaitable[gate.Snapshot]:
        """Say at the gate that this process lives, and read the gate.

        Raises:
            gate.WentBack: the database holds less than this process knows it to have held.
        """

    def write_refusals(self) -> Awaitable[None]:
        """Write the refusals at the gate that were counted since the last time."""

    def note_start(self) -> Awaitable[None]:
        """Put this process's start into the ledger."""

    def farewell(self, instance: UUID) -> Awaitable[None]:
        """Say at the gate that this process ends."""

    def move_epoch(self, instance: UUID, found_by: str) -> Awaitable[gate.Snapshot]:
        """Begin another epoch, unless another process did; read the gate. See `gate.move_epoch`."""

    def renew(self) -> Awaitable[None]:
        """Let go of connections that ended with the database."""


def refusal_of(decision: Decision, language: str) -> Refused:
    """Return the answer to a request that the gate refuses, and count it; what is not offered here is not there."""
    if not decision.offered:
        return Refused(Code.MISSING, decision.reason(language))
    gate.count_refusal(decision.feature)
    return Refused(Code.GATE, decision.reason(language), rule=decision.rule.id)


def _features(snapshot: gate.Snapshot, language: str) -> Features:
    return msgspec.convert(gate.on_the_wire(snapshot, language), dict[str, FeatureState])


class GateWatch:
    """The gate as one process last saw it.

    Args:
        door: reaches the gate.
        instance: this process's name at the gate.
        registry: the connections and the streams.
        spawn: runs something beside.
        clock: of this process.

    Attributes:
        snapshot: what was read last; shut while nothing was, or for too long.
        is_database_up: whether the database answered the last look.
        epoch: of the database; empty before the first look.
        lost_by: what showed that the database went back, until another epoch has begun; else None.
        on_forget: is called when what this process remembers is of an epoch that is over.
    """

    def __init__(
        self,
        door: Gate,
        instance: UUID,
        registry: Registry,
        spawn: Callable[[Coroutine[Any, Any, Any]], Any],
        clock: Clock,
    ) -> None:
        self._door = door
        self._instance = instance
        self._registry = registry
        self._spawn = spawn
        self._clock = clock
        self.snapshot = gate.unreachable()
        self.is_database_up = False
        self.epoch = ""
        self.lost_by: str | None = None
        self.on_forget: Callable[[], None] = lambda: None
        self.by_language: Mapping[str, Features] = {}
        self._seen_at = clock.monotonic() - TRUST_SECONDS
        self._beating: asyncio.Future[gate.Snapshot] | None = None
        self._is_renewing = False
        self._is_start_noted = False
        self._named: list[str] = []  # the faults of this process, as the log names them
        self._refusals_at = clock.monotonic()

    def permit(self, feature: str, language: str) -> None:
        """Ask the gate, as this process last saw it, before anything else is asked of a person.

        Raises:
            Refused: `gate`, with rule and reason; `missing` for what is not offered here.
        """
        decision = self.snapshot.decide(Feature(feature))
        if not decision.allowed:
            raise refusal_of(decision, language)

    def features(self, language: str) -> Features:
        """Return the decision on each feature, as `welcome` and `gate.changed` show it."""
        return self.by_language.get(language) or _features(self.snapshot, language)

    def is_shut(self, feature: str) -> bool:
        """Return whether the last look found a feature shut. Features that the law does not name are never."""
        state = self.by_language.get("ja", {}).get(feature)
        return state is not None and not state.allowed

    @property
    def is_lost(self) -> bool:
        """Whether the database went back and no other epoch has begun: then nothing is delivered and nothing stored."""
        return self.lost_by is not None

    def went_back(self, found_by: str) -> None:
        """Take note that the database holds less than it did. The next look begins another epoch.

        Args:
            found_by: what showed it, as `gate.WentBack` says.
        """
        if self.is_lost:
            return
        self.lost_by = found_by
        metrics.WENT_BACK.labels(found_by).inc()
        log.error("database.went_back", found_by=found_by, epoch=self.epoch)
        self.on_forget()
        self._take(gate.unreachable())

    async def look(self) -> None:
        """Read the gate. While the database does not answer, the last look counts for a time, then the gate is shut."""
        now = self._clock.monotonic()
        # A database that hangs must not hold up the moment from which the gate counts as shut.
        if self._beating is None:
            lost_by = self.lost_by
            asking = self._door.move_epoch(self._instance, lost_by) if lost_by else self._door.beat(self._instance)
            self._beating = asyncio.ensure_future(asking)
        try:
            async with self._clock.timeout(ANSWER_SECONDS):
                await asyncio.wait({self._beating})
            beating, self._beating = self._beating, None
            snapshot = beating.result()
            self._seen_at = now
            self.is_database_up = True
        except gate.WentBack as found:
            self.is_database_up = True
            self.went_back(str(found))
            await self.look()
            return
        except gate.SpecimenLedger:  # it is no earlier state of ours, but a demo's file: say so, and keep out
            self.is_database_up = True
            self._take(gate.unreachable())
            return
        except Exception as error:  # noqa: BLE001 -- drivers and pools have many words for "no answer"
            self.is_database_up = False
            if not isinstance(error, TimeoutError) and not self._is_renewing:
                self._is_renewing = True
                self._spawn(self._renew())
            if now - self._seen_at < TRUST_SECONDS or self.is_lost:
                return
            snapshot = gate.unreachable()
        finally:
            metrics.DATABASE_UP.set(self.is_database_up)
        if self.is_database_up and not self._is_start_noted:
            self._is_start_noted = True
            self._spawn(self._note_start())
        if self.is_database_up and now - self._refusals_at > REFUSALS_SECONDS:
            self._refusals_at = now
            await self._door.write_refusals()
        if self.is_lost and snapshot.epoch == self.epoch:  # it was being read when that was found
            return
        self._begin(snapshot.epoch)
        self._take(snapshot)

    def _begin(self, epoch: str) -> None:
        """Take note of the epoch that was read."""
        if not epoch or epoch == self.epoch:
            return
        if self.epoch and not self.is_lost:  # another process was faster, or the operator began one
            log.warning("database.epoch_over", epoch=self.epoch)
            self.on_forget()
        if self.epoch:
            log.warning("database.epoch_begins", epoch=epoch)
        self.epoch, self.lost_by = epoch, None

    def _take(self, snapshot: gate.Snapshot) -> None:
        by_language = {language: _features(snapshot, language) for language in ("ja", "en")}
        faults = [fault.variable for fault in snapshot.faults]
        if faults != self._named:
            self._named = faults
            log.warning("gate.refuses_here", faults=faults)
        self.snapshot = snapshot
        metrics.GATE_OPEN.set(snapshot.closed_chat().allowed)
        metrics.GATE_FAULTS.set(len(snapshot.faults))
        if by_language == self.by_language:
            return
        is_first, self.by_language = not self.by_language, by_language
        if not is_first:
            self._announce()

    def _announce(self) -> None:
        """Send every connection the features anew, and put readers out of rooms whose feature is shut."""
        frames = {
            language: Frame(encode(replies.GateChanged(features))) for language, features in self.by_language.items()
        }
        for client in list(self._registry.connections):
            client.push(frames[client.language])
        for stream in list(self._registry.streams.values()):
            if self.is_shut(stream.feature):
                for subscriber in list(stream.subscriptions):
                    self._registry.put_out(stream, subscriber, "gate")

    async def _note_start(self) -> None:
        """Put this process's start into the ledger; a later look tries again where that fails."""
        try:
            await self._door.note_start()
        except Exception as error:  # noqa: BLE001 -- drivers and pools have many words for "no answer"
            self._is_start_noted = False
            log.warning("hub.start_not_noted", error=repr(error))

    async def _renew(self) -> None:
        try:
            await self._door.renew()
        finally:
            self._is_renewing = False
