"""What of the operation is erased: counters of rate limits, processes that were seen, the log of the admin."""

from __future__ import annotations

from functools import partial

from django.contrib.admin.models import LogEntry

from chat.models import Counter
from chat.retention import Job, delete, older, register
from compliance.models import Instance

register("counters", Job(older(Counter, "expires_at"), partial(delete, Counter)))
register("instances", Job(older(Instance, "seen_at"), partial(delete, Instance)))
register("admin_log", Job(older(LogEntry, "action_time"), partial(delete, LogEntry)))
