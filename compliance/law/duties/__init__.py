"""What the operator owes after filing (届出の後の義務), and by which day. A vocabulary of its own: `duties.Duty`."""

from compliance.law.duties.days import (
    NOTICE_DAYS,
    a_year_back_from,
    accident_report_due,
    back_from,
    earliest_end,
    fiscal_year,
    latest_notice,
    within,
)
from compliance.law.duties.deadlines import CARRIERS, duties_of
from compliance.law.duties.duty import SOON, Duty, State, Term
from compliance.law.duties.events import (
    Circumstances,
    Done,
    EndFact,
    Happening,
    Kind,
    LapseFact,
    OutageFact,
    Retention,
    SignatureEnd,
)

__all__ = [
    "CARRIERS",
    "NOTICE_DAYS",
    "SOON",
    "Circumstances",
    "Done",
    "Duty",
    "EndFact",
    "Happening",
    "Kind",
    "LapseFact",
    "OutageFact",
    "Retention",
    "SignatureEnd",
    "State",
    "Term",
    "a_year_back_from",
    "accident_report_due",
    "back_from",
    "duties_of",
    "earliest_end",
    "fiscal_year",
    "latest_notice",
    "within",
]
