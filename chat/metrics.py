"""What the service counts about itself. Numbers only: no body, name, address or id of a person."""

from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

SOCKETS = Gauge("todoke_sockets", "Live sockets of this process")
ROOMS = Gauge("todoke_rooms", "Rooms that this process delivers")
COMMITS = Counter("todoke_commits_total", "Transactions that stored messages")
STORED = Counter("todoke_messages_stored_total", "Events written to room logs")
BATCH = Histogram("todoke_batch_size", "Entries per commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
COMMIT_SECONDS = Histogram(
    "todoke_commit_seconds", "Time of a commit", buckets=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1, 5)
)
DELAY_SECONDS = Histogram(
    "todoke_delivery_delay_seconds",
    "Until fan-out in this process: from a frame's arrival (commit), or from the event's time (hint, log)",
    ("path",),
    buckets=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1, 5),
)
DELIVERIES = Counter("todoke_deliveries_total", "Items handed to sockets")
HINTS = Counter(
    "todoke_hints_total",
    "Hints by what became of them: sent, unsent; taken, elsewhere (no reader here), unreadable; lost (found by repair)",
    ("outcome",),
)
REPAIRS = Counter("todoke_repairs_total", "Holes filled from the log", ("found_by",))
REFUSALS = Counter("todoke_refusals_total", "Refused frames", ("code",))
CLOSES = Counter("todoke_closes_total", "Sockets that the service closed", ("code",))
LAYER_UP = Gauge("todoke_layer_up", "1 while hints come back from the channel layer")
DATABASE_UP = Gauge("todoke_database_up", "1 while the database answers")
GATE_OPEN = Gauge("todoke_gate_open", "1 while closed chat is on")


def observe_delay(path: Histogram, at: datetime) -> None:
    """Note how late an event is delivered that another process committed.

    Args:
        path: of `DELAY_SECONDS`, by which it came: `hint` or `log`.
        at: the event's own time. Clocks of two machines may differ; what seems to come from the future counts as 0.
    """
    path.observe(max(0.0, (datetime.now(UTC) - at).total_seconds()))
