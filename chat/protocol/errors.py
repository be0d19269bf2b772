"""How the service says no: the codes of refusals, the codes that close a socket, and the exception that carries one."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Close(IntEnum):
    """Close codes. 4503 and 4504 mean: come back; 4400 and 4403 mean: do not."""

    PROTOCOL = 4400
    AUTH = 4401
    FORBIDDEN = 4403
    SLOW = 4408
    FLOOD = 4429
    GATE = 4451
    DRAINING = 4503
    MAX_AGE = 4504

    @property
    def is_fault(self) -> bool:
        """Whether the peer itself is the cause. Nothing more of it is read."""
        return self in {Close.PROTOCOL, Close.SLOW, Close.FLOOD}


class Code(StrEnum):
    """Why a request was refused."""

    PROTOCOL = "protocol"
    AUTH = "auth"
    GATE = "gate"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    RATE = "rate"
    SIZE = "size"
    CONFLICT = "conflict"
    UNAVAILABLE = "unavailable"


class Refused(Exception):
    """A request is refused: the code, and the reason in a sentence for the person who asked."""

    def __init__(self, code: Code, reason: str, *, rule: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.rule, self.retry_after = code, str(reason), rule, retry_after
