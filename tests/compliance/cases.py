"""Environments, checklists and answers that the law's tests start from."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from hypothesis import strategies as st

from compliance.law import (
    ITEMS,
    Answer,
    Checklist,
    Facts,
    Feature,
    FeatureAnswers,
    Filer,
    Mode,
    Outcome,
    SignatureFact,
    Standing,
    Status,
    Stop,
    read_standing,
)
from compliance.law.dating import Outcome as DatingOutcome
from compliance.law.variables import VARIABLES

POWERS: Final = ("staff.added", "power.given", "factor.added", "approval.requested", "approval.given")
"""Events that the ledger holds as soon as a test makes a staff account, or has a second person agree."""

TODAY: Final = date(2026, 11, 22)
NOW: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
STOP: Final = Stop(NOW - timedelta(hours=1), "調査のため")

OPERATOR: Final = {
    "TELECOM_OPERATOR_NAME": "例示株式会社",
    "TELECOM_OPERATOR_ADDRESS": "東京都千代田区",
    "TELECOM_OPERATOR_CONTACT": "contact@example.jp",
}
NUMBER: Final = {"TELECOM_REGISTRATION_NUMBER": "A-08-12345"}
DATED: Final = {"TELECOM_REGISTRATION_DATE": "2026-05-18"}
DATING: Final = {"DATING_NOTIFICATION_NUMBER": "30123456789"}

COMPLETE: Final[Mapping[Status, Mapping[str, str]]] = {
    Status.none: {},
    Status.filed: {**DATED, **OPERATOR},
    Status.notified: {**NUMBER, **DATED, **OPERATOR},
    Status.registered: {**NUMBER, **DATED, **OPERATOR},
    Status.exempt: {**DATED, **OPERATOR},
}
"""For each status all that it requires and nothing more."""


def environment(status: Status = Status.notified, /, **changes: str) -> dict[str, str]:
    """The environment of a sound deployment in that status, with changes."""
    return {"TELECOM_REGISTRATION": status, **COMPLETE[status], **changes}


def standing(status: Status = Status.notified, /, **changes: str) -> Standing:
    """The standing of such a deployment."""
    return read_standing(environment(status, **changes), TODAY)


def signed(
    *,
    without: Iterable[str] = (),
    at: datetime = NOW - timedelta(days=1),
    until: datetime | None = None,
    facts: Facts | None = None,
) -> Checklist:
    """A checklist on which every item is signed, save some."""
    left_out = set(without)
    signatures = {item.id: SignatureFact(item.id, at, until) for item in ITEMS if item.id not in left_out}
    return Checklist(signatures, facts or Facts())


OPEN_TO_ALL: Final = FeatureAnswers(
    operator_and_one_user=Answer.NO,
    second_user=Answer.YES,
    anyone_may_read=Answer.YES,
    publicly_listed=Answer.YES,
    no_designated_recipient=Answer.YES,
    not_created_by_pairing=Answer.YES,
    capacity_does_not_hide_it=Answer.YES,
    no_member_only_history=Answer.YES,
)
"""A public room."""


# Anything that can happen ---------------------------------------------------------------------------------------------

_words = st.sampled_from(["", " ", "none", "true", "ture", "Notified ", *Status, *Mode, "A-08-12345", "2026-05-18"])
environments = st.one_of(
    st.dictionaries(st.sampled_from(VARIABLES), st.one_of(_words, st.text(max_size=12))),
    st.builds(
        lambda status, mode, changes: {**environment(status), **DATING, "COMPLIANCE_CHECKLIST": mode, **changes},
        st.sampled_from(Status),
        st.sampled_from(Mode),
        st.dictionaries(
            st.sampled_from([variable for variable in VARIABLES if variable != "TELECOM_REGISTRATION"]),
            st.sampled_from(["", "2027-01-01", "A-08-1", "30123456789", "enforce"]),
            max_size=2,
        ),
    ),
)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 -- aware by timezones=
_features = st.none() | st.frozensets(st.sampled_from(Feature))
facts = st.builds(
    Facts,
    closed_features_on=_features,
    operator_in_japan=st.none() | st.booleans(),
    profiles=st.booleans(),
    scanning=st.booleans(),
    paid=st.none() | st.booleans(),
    verdict=st.none() | st.sampled_from([*Outcome, "", "something else"]),
    filed_features=_features,
    age_checked=st.none() | st.booleans(),
    dating_outcome=st.none() | st.sampled_from([*DatingOutcome, "something else"]),
    dating_number=st.sampled_from([None, "30123456789", "30999999999"]),
    arrived_on=st.sampled_from([None, "2026-05-18", "2026-05-19", "in May"]),
    number=st.sampled_from([None, "A-08-12345", "A-08-99999"]),
    number_notified_on=st.sampled_from([None, "2026-06-01", "2026-01-01"]),
    filers=st.sampled_from([(), (Filer("LAW-03", OPERATOR["TELECOM_OPERATOR_NAME"]),), (Filer("filing", "別の会社"),)]),
    carries_messages=st.none() | st.booleans(),
    not_offered=st.sampled_from([frozenset(), frozenset({Feature.DM_TEXT})]),
    purge_seen=st.none() | st.booleans(),
)
_signatures = st.one_of(
    st.just(signed().signatures),
    st.lists(st.builds(SignatureFact, st.sampled_from([item.id for item in ITEMS]), moments, st.none() | moments)).map(
        lambda signatures: {signature.item_id: signature for signature in signatures}
    ),
)
checklists = st.builds(Checklist, _signatures, facts)
stops = st.none() | st.builds(Stop, moments, st.text(max_size=20))
