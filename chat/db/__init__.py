"""How chat reaches its database: from the event loop, on threads, and in SQL.

The tables themselves are in `chat.models`, and `chat.migrations` creates them.
"""

from chat.db import condition
from chat.db.batching import BatchedLookup
from chat.db.checks import database_serves, migrations_are_todays
from chat.db.executor import check_pool, run_apart, run_in_executor, shutdown_executor
from chat.db.functions import create_functions
from chat.db.identity import identity
from chat.db.libpq import LoopConnection, is_postgresql
from chat.db.migrating import limit_locks
from chat.db.triggers import declare_sqlite_triggers

__all__ = [
    "BatchedLookup",
    "LoopConnection",
    "check_pool",
    "condition",
    "create_functions",
    "database_serves",
    "declare_sqlite_triggers",
    "identity",
    "is_postgresql",
    "limit_locks",
    "migrations_are_todays",
    "run_apart",
    "run_in_executor",
    "shutdown_executor",
]
