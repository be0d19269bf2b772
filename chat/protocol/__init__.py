"""The words of `chat.v1`: what a client says, what the server says, and how the server says no."""

from chat.protocol import replies, requests
from chat.protocol.access import Access
from chat.protocol.codec import PROTOCOL, Malformed, decode, encode, is_too_large, ref_of, tag_of, timestamp
from chat.protocol.errors import Close, Code, Refused
from chat.protocol.replies import RESTORE, Author, Item, RemovedBy, Reply, Role
from chat.protocol.requests import FRAME_BYTES, MESSAGE_CHARS, REPORT_NOTE_CHARS, REPORTED_MESSAGES, Request

__all__ = [
    "FRAME_BYTES",
    "MESSAGE_CHARS",
    "PROTOCOL",
    "REPORTED_MESSAGES",
    "REPORT_NOTE_CHARS",
    "RESTORE",
    "Access",
    "Author",
    "Close",
    "Code",
    "Item",
    "Malformed",
    "Refused",
    "RemovedBy",
    "Reply",
    "Request",
    "Role",
    "decode",
    "encode",
    "is_too_large",
    "ref_of",
    "replies",
    "requests",
    "tag_of",
    "timestamp",
]
