"""How the service meets its database: waits that end, what is wrong with it, and its errors in words."""

from compliance.database.errors import Trouble, explain, is_blocked, is_rejected, sqlstate, trouble_of
from compliance.database.health import Fault, examine
from compliance.database.waits import COMMAND, JOB, PAGE, STORING, BoundedConnection, Waits, bounded, wait_from_now

__all__ = [
    "COMMAND",
    "JOB",
    "PAGE",
    "STORING",
    "BoundedConnection",
    "Fault",
    "Trouble",
    "Waits",
    "bounded",
    "examine",
    "explain",
    "is_blocked",
    "is_rejected",
    "sqlstate",
    "trouble_of",
    "wait_from_now",
]
