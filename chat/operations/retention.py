"""What of the operation is erased: counters of rate limits, processes that were seen, cases, the log of the admin."""

from __future__ import annotations

from functools import partial

from django.contrib.admin.models import LogEntry

from chat.models import Counter
from chat.retention import Job, delete, older, register
from compliance import cases, powers
from compliance.models import Instance

register("counters", Job(older(Counter, "expires_at"), partial(delete, Counter)))
register("instances", Job(older(Instance, "seen_at"), partial(delete, Instance)))
register("cases", Job(cases.ended_before, cases.forget))
register("invitations", Job(lambda before, _held: powers.old_invitations(before), powers.forget_invitations))
register("admin_log", Job(older(LogEntry, "action_time"), partial(delete, LogEntry)))
