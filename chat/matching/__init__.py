"""Matching: two people who wait are brought together in a closed room."""

from chat.matching.activity import Activities, activities
from chat.matching.queue import Match, beat, cancel, expire, match_in, miss, pair, seek, sweep, waiting, withdraw
from chat.matching.talks import Parting, part, see

__all__ = [
    "Activities",
    "Match",
    "Parting",
    "activities",
    "beat",
    "cancel",
    "expire",
    "match_in",
    "miss",
    "pair",
    "part",
    "see",
    "seek",
    "sweep",
    "waiting",
    "withdraw",
]
