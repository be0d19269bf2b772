"""Safety: reports, and what the desk does about them."""

from chat.safety.queries import (
    Chosen,
    Reportable,
    Words,
    choose,
    own_reports,
    recent_talks,
    reportable,
)
from chat.safety.reports import answer, file_report, note_of, open_report

__all__ = [
    "Chosen",
    "Reportable",
    "Words",
    "answer",
    "choose",
    "file_report",
    "note_of",
    "open_report",
    "own_reports",
    "recent_talks",
    "reportable",
]
