"""Safety: reports, acts on people, words and rooms, and the appeals against them."""

from chat.safety.appeals import appeal, appealable, decide, waiting_appeals
from chat.safety.keepers import name_keeper, remove_keeper, restrict_room
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
from chat.safety.sanctions import act, lift

__all__ = [
    "Chosen",
    "Reportable",
    "Words",
    "act",
    "answer",
    "appeal",
    "appealable",
    "choose",
    "decide",
    "file_report",
    "lift",
    "name_keeper",
    "note_of",
    "open_report",
    "own_reports",
    "recent_talks",
    "remove_keeper",
    "reportable",
    "restrict_room",
    "waiting_appeals",
]
