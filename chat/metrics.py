"""What the service counts about itself. Numbers only: no body, name, address or id of a person."""

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
    "From a frame's arrival to its fan-out in this process",
    buckets=(0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.25, 1, 5),
)
DELIVERIES = Counter("todoke_deliveries_total", "Items handed to sockets")
HINTS = Counter("todoke_hints_total", "Hints by what became of them", ("outcome",))
REPAIRS = Counter("todoke_repairs_total", "Holes filled from the log", ("found_by",))
REFUSALS = Counter("todoke_refusals_total", "Refused frames", ("code",))
CLOSES = Counter("todoke_closes_total", "Sockets that the service closed", ("code",))
LAYER_UP = Gauge("todoke_layer_up", "1 while hints come back from the channel layer")
DATABASE_UP = Gauge("todoke_database_up", "1 while the database answers")
GATE_OPEN = Gauge("todoke_gate_open", "1 while closed chat is on")
