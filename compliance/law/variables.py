"""The environment's variables that make up a standing, and the words that they accept."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from compliance.law.rules import Feature

REGISTRATION: Final = "TELECOM_REGISTRATION"
NUMBER: Final = "TELECOM_REGISTRATION_NUMBER"
DATE: Final = "TELECOM_REGISTRATION_DATE"
OPERATOR_NAME: Final = "TELECOM_OPERATOR_NAME"
OPERATOR_ADDRESS: Final = "TELECOM_OPERATOR_ADDRESS"
OPERATOR_CONTACT: Final = "TELECOM_OPERATOR_CONTACT"
MODE: Final = "COMPLIANCE_CHECKLIST"
DATING: Final = "DATING_NOTIFICATION_NUMBER"
OFFERED: Final = "CLOSED_FEATURES"

VARIABLES: Final = (
    REGISTRATION,
    NUMBER,
    DATE,
    OPERATOR_NAME,
    OPERATOR_ADDRESS,
    OPERATOR_CONTACT,
    MODE,
    DATING,
    OFFERED,
)
"""The environment's variables that make up a standing."""

OFFER_WORDS: Final[Mapping[str, Feature]] = MappingProxyType(
    {
        "match": Feature.MATCH_PAIR,
        "invite": Feature.INVITE_ONLY,
        "direct": Feature.DM_TEXT,
        "board": Feature.RECRUIT,
    }
)
"""The words of `CLOSED_FEATURES` and the features that they name."""
