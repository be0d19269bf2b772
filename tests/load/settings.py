"""The service's settings with limits that count every piece and never bite, so that their cost is measured, too."""

from config.settings import *  # noqa: F403

CHAT_RATES = dict.fromkeys(CHAT_RATES, (1_000_000_000, 1.0))  # noqa: F405
CHAT_LIMITS = CHAT_LIMITS | {"sockets_per_address": 1_000_000_000}  # noqa: F405
