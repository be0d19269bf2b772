"""The log of messages: posting, editing, deleting, sealing."""

from chat.messages.blocked import Blocked
from chat.messages.composers import look_at_people
from chat.messages.events import BatchResult, NewEvent, clean
from chat.messages.extract import records_of
from chat.messages.queries import PAGE, Page, after, around, as_read, before, latest, log_after
from chat.messages.service import mark_seen, removed_words, reseal, restore_words
from chat.messages.slow_path import store_slowly
from chat.messages.store import Writer, store
from chat.messages.taken_back import KEPT as TAKEN_BACK_KEPT
from chat.messages.writer import LogWriter

__all__ = [
    "PAGE",
    "TAKEN_BACK_KEPT",
    "BatchResult",
    "Blocked",
    "LogWriter",
    "NewEvent",
    "Page",
    "Writer",
    "after",
    "around",
    "as_read",
    "before",
    "clean",
    "latest",
    "log_after",
    "look_at_people",
    "mark_seen",
    "records_of",
    "removed_words",
    "reseal",
    "restore_words",
    "store",
    "store_slowly",
]
