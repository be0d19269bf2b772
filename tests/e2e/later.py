"""The service on a later day, for who waits for the end of something: its clock is `DAYS_AHEAD` days ahead."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

time_machine.travel(datetime.now(UTC) + timedelta(days=int(os.environ.get("DAYS_AHEAD", "0"))), tick=True).start()

from config.asgi import application  # noqa: E402, F401 -- what is imported reads the clock, and sets Django up

# isort: split
from compliance.gate import instances  # noqa: E402 -- see above

instances.has_own_clock = lambda: False  # the database's clock stays behind; on the later day it is later, too
