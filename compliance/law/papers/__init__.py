"""Papers that reach the operator (照会・令状・請求): what each is, its clocks, what may be given, and the letters."""

from compliance.law.papers.clocks import CLOCKS, Clock, Due, Facts, Start, Variant, clocks_of
from compliance.law.papers.given import SECRET, Answer, Datum, may_give
from compliance.law.papers.kinds import CLOSED, FROM_OUTSIDE, PAPERS, Kind, Paper
from compliance.law.papers.letters import FIELDS, LETTERS, Letter

__all__ = [
    "CLOCKS",
    "CLOSED",
    "FIELDS",
    "FROM_OUTSIDE",
    "LETTERS",
    "PAPERS",
    "SECRET",
    "Answer",
    "Clock",
    "Datum",
    "Due",
    "Facts",
    "Kind",
    "Letter",
    "Paper",
    "Start",
    "Variant",
    "clocks_of",
    "may_give",
]
