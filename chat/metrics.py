"""What the service counts about itself. Numbers only: no body, name, address or id of a person."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import accumulate
from typing import Final, Literal

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

SOCKETS = Gauge("todoke_sockets", "Live sockets of this process")
ROOMS = Gauge("todoke_rooms", "Rooms that this process delivers")
SHORT_CUT = Gauge("todoke_daphne_short_cut", "Whether sockets go past Daphne's layers (1) or by plain ASGI (0)")
COMMITS = Counter("todoke_commits_total", "Transactions that stored messages")
STORED = Counter("todoke_messages_stored_total", "Events written to room logs")
BATCH = Histogram("todoke_batch_size", "Entries per commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
COMMIT_SECONDS = Histogram(
    "todoke_commit_seconds", "Time of a commit", buckets=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1, 5)
)
DELIVERIES = Counter("todoke_deliveries_total", "Items handed to sockets")
HINTS = Counter(
    "todoke_hints_total",
    "Hints by what became of them: sent, unsent; taken, elsewhere (no reader here), unreadable, unknown (of another"
    " version); lost (found by repair)",
    ("outcome",),
)
REPAIRS = Counter("todoke_repairs_total", "Holes filled from the log", ("found_by",))
REFUSALS = Counter("todoke_refusals_total", "Refused frames", ("code",))
CLOSES = Counter("todoke_closes_total", "Sockets that the service closed", ("code",))
WENT_BACK = Counter(
    "todoke_database_went_back_total",
    "Times that the database was found behind what this process remembered, by what showed it",
    ("found_by",),
)
LAYER_UP = Gauge("todoke_layer_up", "1 while hints come back from the channel layer")
DATABASE_UP = Gauge("todoke_database_up", "1 while the database answers")
DATABASE_FAULT = Gauge("todoke_database_fault", "1 while the database answers and cannot serve", ("fault",))
OLDEST_POST = Gauge("todoke_oldest_post_seconds", "For how long the oldest post waits that has no answer yet")
MAILS_UNSENT = Counter("todoke_mails_unsent_total", "Mails that the mail server did not take")
GATE_OPEN = Gauge("todoke_gate_open", "1 while closed chat is on in this process")
GATE_FAULTS = Gauge("todoke_gate_faults", "Faults of this process alone for which it refuses closed chat: key, clock")


Path = Literal["commit", "hint", "log"]


class Delays(Collector):
    """How late messages go out, by the way on which they came: a histogram that is told of whole batches.

    The library's own takes one value at a time and a lock for each, which was a fiftieth of all that a message costs.
    Told on the event loop only.
    """

    BOUNDS: Final = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1.0, 5.0)

    def __init__(self) -> None:
        self._counts: dict[Path, list[int]] = {path: [0] * (len(self.BOUNDS) + 1) for path in ("commit", "hint", "log")}
        self._sums: dict[Path, float] = dict.fromkeys(self._counts, 0.0)

    def observe(self, path: Path, delays: Iterable[float]) -> None:
        """Note delays in seconds. Clocks of two machines may differ; what seems to come from the future counts as 0."""
        counts, total = self._counts[path], 0.0
        for delay in delays:
            counts[bisect_left(self.BOUNDS, delay)] += 1
            total += max(0.0, delay)
        self._sums[path] += total

    def since(self, path: Path, at: datetime) -> None:
        """Note the delay of an event that another process committed, from the event's own time."""
        self.observe(path, [(datetime.now(UTC) - at).total_seconds()])

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Return what was told so far (for the registry)."""
        family = HistogramMetricFamily(
            "todoke_delivery_delay_seconds",
            "Until fan-out in this process: from a frame's arrival (commit), or from the event's time (hint, log)",
            labels=["path"],
        )
        bounds = [*map(str, self.BOUNDS), "+Inf"]
        for path, counts in self._counts.items():
            family.add_metric([path], list(zip(bounds, accumulate(counts), strict=True)), self._sums[path])
        yield family


DELAYS = Delays()
REGISTRY.register(DELAYS)
