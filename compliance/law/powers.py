"""Who may what: the powers of staff, and the four groups that hold them. The table of the service's contract.

The wall behind it is the secrecy of communications (TBA art. 4): no power shows words, members or times of a closed
room. Staff act on reported messages and on accounts.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law.text import Text


class Power(StrEnum):
    """What a member of staff may do, beyond what every person may."""

    WORDS = "words"
    """Remove and restore words of open rooms; slow mode, members only, announce only, archive."""
    PEOPLE = "people"
    """Warn, mute and suspend people."""
    REPORTS_READ = "reports.read"
    """See the queue of reports, and the reported words."""
    REPORTS_ANSWER = "reports.answer"
    """Answer a report."""
    CASES = "cases"
    """Cases, holds and letters; ask for a disclosure."""
    CASES_SECOND = "cases.second"
    """Be the second person for a disclosure."""
    RUN = "run"
    """Powers, gate, stop, signatures, deployment."""
    RUN_SECOND = "run.second"
    """Be the second person where powers, a second factor, the stop or a hold are at stake."""
    RECORD_OWN = "record.own"
    """See one's own acts in the staff log."""
    RECORD = "record"
    """See the ledger, the whole staff log, the transparency counts and the proof."""


class Group(StrEnum):
    """The groups of staff. Their names in the database never change; they are translated where they are shown."""

    OPERATOR = "operator"
    MODERATOR = "moderator"
    COMPLIANCE = "compliance"
    AUDITOR = "auditor"

    @property
    def ja(self) -> str:
        return _TEXTS[self][0].ja

    @property
    def en(self) -> str:
        return _TEXTS[self][0].en

    @property
    def task(self) -> Text:
        """Return in one sentence what the group is for."""
        return _TEXTS[self][1]


_TEXTS: Final[Mapping[Group, tuple[Text, Text]]] = MappingProxyType(
    {
        Group.OPERATOR: (
            Text("運営者", "operator"),
            Text(
                "サービスを運営し、権限・ゲート・停止・署名に責任を負います。",
                "Runs the service; answers for powers, the gate, the stop and the signatures.",
            ),
        ),
        Group.MODERATOR: (
            Text("モデレーター", "moderator"),
            Text(
                "通報に対応し、オープンチャットの秩序を保ちます。",
                "Deals with reports and keeps order in the open rooms.",
            ),
        ),
        Group.COMPLIANCE: (
            Text("法務担当", "compliance"),
            Text(
                "案件・保全・書面を扱い、運営者の重要な操作を二人目として承認します。",
                "Handles cases, holds and letters, and approves grave acts of the operator as the second person.",
            ),
        ),
        Group.AUDITOR: (
            Text("監査人", "auditor"),
            Text(
                "記録台帳と操作の記録を確認します。何も変更しません。",
                "Checks the ledger and the staff log, and changes nothing.",
            ),
        ),
    }
)

GROUPS: Final[Mapping[Group, frozenset[Power]]] = MappingProxyType(
    {
        Group.OPERATOR: frozenset(
            {
                Power.WORDS,
                Power.PEOPLE,
                Power.REPORTS_READ,
                Power.CASES_SECOND,
                Power.RUN,
                Power.RUN_SECOND,
                Power.RECORD_OWN,
                Power.RECORD,
            }
        ),
        Group.MODERATOR: frozenset(
            {Power.WORDS, Power.PEOPLE, Power.REPORTS_READ, Power.REPORTS_ANSWER, Power.RECORD_OWN}
        ),
        Group.COMPLIANCE: frozenset(
            {Power.REPORTS_READ, Power.CASES, Power.RUN_SECOND, Power.RECORD_OWN, Power.RECORD}
        ),
        Group.AUDITOR: frozenset({Power.RECORD_OWN, Power.RECORD}),
    }
)
"""The table "Who may what". A second operator is a second person, too: what counts is that it is somebody else."""
