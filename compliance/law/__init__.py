"""The law as data and pure functions: no Django, nothing stored.

Everybody outside takes names from here. Nine modules are vocabularies of their own, taken as a whole, since their
short names mean something else elsewhere: `from compliance.law import retention`, then `retention.TABLE`. They are
`dating`, `duties`, `outages`, `papers`, `questions`, `retention`, `sentences`, `transmissions` and `variables`.
"""

from compliance.law import dating, duties, outages, papers, questions, retention, sentences, transmissions, variables
from compliance.law.bureaus import BUREAU_OF, BUREAUX, REGIONAL_BUREAUX, Bureau
from compliance.law.checklist import (
    CONDITIONS,
    IF_CLOSED,
    OPEN_DUTIES,
    OUTSIDE,
    Checklist,
    Condition,
    SignatureFact,
    applies,
    blocking,
    open_only,
)
from compliance.law.citations import cite, cite_all
from compliance.law.classify import (
    Answer,
    Entry,
    FeatureAnswers,
    Origin,
    RoomClass,
    Traits,
    answers_of,
    known,
    mediates,
    room_class,
)
from compliance.law.comparison import PURGE_BEFORE_DAYS, contradictions
from compliance.law.decision import Cause, Decision, Ending, Reason, Restored, Stop
from compliance.law.facts import Facts, Filer
from compliance.law.items import ITEM, ITEMS, EvidenceField, Group, Item, Scope
from compliance.law.penalties import PENALTIES, Penalty
from compliance.law.policy import CLOSED_TALK, OPEN_ROOM_ITEMS, decide, foremost, judge
from compliance.law.procedure import CONSEQUENCES, NODES, Answers, Node, Outcome, Verdict, assess
from compliance.law.rules import CLOSED_FEATURES, RULES, Feature, Required, Rule
from compliance.law.samples import sample_evidence
from compliance.law.sources import (
    LAW_VERSION,
    NOT_ADVICE,
    OLD,
    OPEN_QUESTIONS,
    REVISIONS,
    SEEN_UNTIL,
    Confidence,
    Question,
    is_old,
)
from compliance.law.standing import (
    REQUIRED_PARTS,
    STATUS_TEXTS,
    BadValue,
    Mode,
    Problem,
    Standing,
    Status,
    japanese_date,
    read_standing,
)
from compliance.law.statutes import STATUTES
from compliance.law.text import Bilingual, Text, say

__all__ = [
    "BUREAUX",
    "BUREAU_OF",
    "CLOSED_FEATURES",
    "CLOSED_TALK",
    "CONDITIONS",
    "CONSEQUENCES",
    "IF_CLOSED",
    "ITEM",
    "ITEMS",
    "LAW_VERSION",
    "NODES",
    "NOT_ADVICE",
    "OLD",
    "OPEN_DUTIES",
    "OPEN_QUESTIONS",
    "OPEN_ROOM_ITEMS",
    "OUTSIDE",
    "PENALTIES",
    "PURGE_BEFORE_DAYS",
    "REGIONAL_BUREAUX",
    "REQUIRED_PARTS",
    "REVISIONS",
    "RULES",
    "SEEN_UNTIL",
    "STATUS_TEXTS",
    "STATUTES",
    "Answer",
    "Answers",
    "BadValue",
    "Bilingual",
    "Bureau",
    "Cause",
    "Checklist",
    "Condition",
    "Confidence",
    "Decision",
    "Ending",
    "Entry",
    "EvidenceField",
    "Facts",
    "Feature",
    "FeatureAnswers",
    "Filer",
    "Group",
    "Item",
    "Mode",
    "Node",
    "Origin",
    "Outcome",
    "Penalty",
    "Problem",
    "Question",
    "Reason",
    "Required",
    "Restored",
    "RoomClass",
    "Rule",
    "Scope",
    "SignatureFact",
    "Standing",
    "Status",
    "Stop",
    "Text",
    "Traits",
    "Verdict",
    "answers_of",
    "applies",
    "assess",
    "blocking",
    "cite",
    "cite_all",
    "contradictions",
    "dating",
    "decide",
    "duties",
    "foremost",
    "is_old",
    "japanese_date",
    "judge",
    "known",
    "mediates",
    "open_only",
    "outages",
    "papers",
    "questions",
    "read_standing",
    "retention",
    "room_class",
    "sample_evidence",
    "say",
    "sentences",
    "transmissions",
    "variables",
]
