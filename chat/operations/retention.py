"""What of the operation is erased: counters, processes that were seen, cases, holds, names, the log of the admin."""

from __future__ import annotations

from functools import partial

from django.contrib.admin.models import LogEntry

from chat.models import Counter
from chat.retention import Job, delete, older, register
from compliance import cases, disclosures, powers
from compliance.models import Instance
from compliance.records import approvals, holds

register("counters", Job(older(Counter, "expires_at"), partial(delete, Counter)))
register("instances", Job(older(Instance, "seen_at"), partial(delete, Instance)))
register("cases", Job(cases.ended_before, cases.forget), Job(disclosures.ended_before, disclosures.forget))
register("holds", Job(holds.ended_before, holds.forget, of_talks=True))
register("approvals", Job(lambda before, _held: approvals.named_before(before), approvals.forget))
register("invitations", Job(lambda before, _held: powers.old_invitations(before), powers.forget_invitations))
register("admin_log", Job(older(LogEntry, "action_time"), partial(delete, LogEntry)))
