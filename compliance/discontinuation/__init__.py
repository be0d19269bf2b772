"""A planned end of the service (休廃止): its notice to users, announced and withdrawn by the operator."""

from compliance.discontinuation.notice import Notice, announce, withdraw

__all__ = ["Notice", "announce", "withdraw"]
