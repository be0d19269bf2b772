"""Disclosures (開示): a look into closed talk on a ground, at the least scope, agreed to by a second person."""

from compliance.disclosures.acts import approve, ask, make, open_extract, refuse, review
from compliance.disclosures.extract import Record, Scope, ready, register_provider
from compliance.disclosures.forgetting import ended_before, forget
from compliance.disclosures.reviews import REVIEW_DAYS, awaiting_review, review_due

__all__ = [
    "REVIEW_DAYS",
    "Record",
    "Scope",
    "approve",
    "ask",
    "awaiting_review",
    "ended_before",
    "forget",
    "make",
    "open_extract",
    "ready",
    "refuse",
    "register_provider",
    "review",
    "review_due",
]
