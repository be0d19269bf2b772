"""The tables of compliance, by capability."""

from compliance.models import guards
from compliance.models.approvals import Approval, Invitation
from compliance.models.assessment import Assessment
from compliance.models.cases import Case, CasePaper, Disclosure, Letter
from compliance.models.checklist import Checklist, Signature
from compliance.models.discontinuation import Closing
from compliance.models.duties import Calendar, DutyMark, Feed, Happening, Outage
from compliance.models.filing import Filing
from compliance.models.gate import Authorisation, GateState, Instance, Stop
from compliance.models.holds import Hold
from compliance.models.ledger import Actor, LedgerEntry, LedgerHead

__all__ = [
    "Actor",
    "Approval",
    "Assessment",
    "Authorisation",
    "Calendar",
    "Case",
    "CasePaper",
    "Checklist",
    "Closing",
    "Disclosure",
    "DutyMark",
    "Feed",
    "Filing",
    "GateState",
    "Happening",
    "Hold",
    "Instance",
    "Invitation",
    "LedgerEntry",
    "LedgerHead",
    "Letter",
    "Outage",
    "Signature",
    "Stop",
    "guards",
]
