"""Cases (案件): papers that reached the operator, their clocks, letters, holds and end."""

from compliance.cases.forgetting import ended_before, forget
from compliance.cases.register import close_case, correct_days, open_case
from compliance.cases.work import add_paper, clocks, issue_letter, kept_its_days, mark_done, open_clocks

__all__ = [
    "add_paper",
    "clocks",
    "close_case",
    "correct_days",
    "ended_before",
    "forget",
    "issue_letter",
    "kept_its_days",
    "mark_done",
    "open_case",
    "open_clocks",
]
