"""Must I file? (届出の要否): features, answers, verdict, its record as LAW-01, and the letter to the bureau."""

from compliance.assessment.bureau_letter import Letterhead
from compliance.assessment.case import Case, offers
from compliance.assessment.consequences import items_called_for, needs_bureau_answer, penalties
from compliance.assessment.documents import BadAnswers, parse_json, read_answers
from compliance.assessment.drift import position
from compliance.assessment.features import TRAITS, doors, offered_features
from compliance.assessment.storage import case_from, record

__all__ = [
    "TRAITS",
    "BadAnswers",
    "Case",
    "Letterhead",
    "case_from",
    "doors",
    "items_called_for",
    "needs_bureau_answer",
    "offered_features",
    "offers",
    "parse_json",
    "penalties",
    "position",
    "read_answers",
    "record",
]
