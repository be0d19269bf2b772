"""Derives the class of a room or a feature from its traits: open, closed or consult. Pure and total; decides no door.

Not knowing is an answer of its own and never opens anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Answer(StrEnum):
    """An answer that may also be unknown. It has no truth value: compare it, so that nothing is guessed."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("an Answer is yes, no or unknown: compare it")


def known(fact: bool) -> Answer:  # noqa: FBT001 -- turning a bool into an answer is all that it does
    """Turn a fact that is certain into an answer."""
    return Answer.YES if fact else Answer.NO


def any_of(answers: Iterable[Answer]) -> Answer:
    """Return yes if any answer is yes; else unknown if any is unknown; else no."""
    given = set(answers)
    return next((answer for answer in (Answer.YES, Answer.UNKNOWN) if answer in given), Answer.NO)


def _not(answer: Answer) -> Answer:
    return {Answer.YES: Answer.NO, Answer.NO: Answer.YES, Answer.UNKNOWN: Answer.UNKNOWN}[answer]


def _all(answers: Iterable[Answer]) -> Answer:
    """Return no if any answer is no; else unknown if any is unknown; else yes."""
    return _not(any_of(map(_not, answers)))


# Features -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureAnswers:
    """The answers about one feature that carries messages. The default is unknown."""

    name: str = ""
    operator_and_one_user: Answer = Answer.UNKNOWN
    """The only parties are the operator and one user, as in an enquiry form."""
    second_user: Answer = Answer.UNKNOWN
    """There is a second user at all."""
    view_unsettled: bool = False
    """No official view was found on this kind of feature (followers-only, paid entry, a third party's TURN)."""
    anyone_may_read: Answer = Answer.UNKNOWN
    publicly_listed: Answer = Answer.UNKNOWN
    no_designated_recipient: Answer = Answer.UNKNOWN
    not_created_by_pairing: Answer = Answer.UNKNOWN
    capacity_does_not_hide_it: Answer = Answer.UNKNOWN
    no_member_only_history: Answer = Answer.UNKNOWN


def room_is_open(feature: FeatureAnswers) -> Answer:
    """Return whether everybody can find and read it: every condition of openness must hold (TBA 164(1)(iii))."""
    return _all(
        (
            feature.anyone_may_read,
            feature.publicly_listed,
            feature.no_designated_recipient,
            feature.not_created_by_pairing,
            feature.capacity_does_not_hide_it,
            feature.no_member_only_history,
        )
    )


def mediates(feature: FeatureAnswers) -> Answer:
    """Whether the feature mediates other people's communications: node N7 for one feature (TBA 2(iii)).

    The operator talking with one user is itself a party, and one person alone has nobody to be connected with.
    """
    two_strangers = _all((_not(feature.operator_and_one_user), feature.second_user))
    shut = Answer.UNKNOWN if feature.view_unsettled else _not(room_is_open(feature))
    return _all((two_strangers, shut))


class RoomClass(StrEnum):
    """A room's class in law, always derived from traits and never declared."""

    OPEN = "open"
    CLOSED = "closed"
    CONSULT = "consult"


_CLASS: Final[Mapping[Answer, RoomClass]] = MappingProxyType(
    {Answer.YES: RoomClass.OPEN, Answer.NO: RoomClass.CLOSED, Answer.UNKNOWN: RoomClass.CONSULT}
)


class Entry(StrEnum):
    """How people enter a room."""

    anyone = "anyone"
    invitation = "invitation"
    approval = "approval"
    password = "password"  # noqa: S105 -- a way in, not a secret
    link = "link"
    payment = "payment"
    pairing = "pairing"


class Origin(StrEnum):
    """What made the room."""

    person = "person"
    operator = "operator"
    pairing = "pairing"
    recruiting = "recruiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """The facts about a room from which its class follows."""

    anyone_may_read: bool
    """Anyone can read it, unchosen. A free sign-up that anyone passes does not count against it, which is our
    inference only (`Question.OPEN_WORDING`)."""
    listed: bool
    entry: Entry
    designated_recipients: bool
    made_by: Origin
    capacity_hides: bool
    """People beyond the limit cannot even read."""
    members_only_history: bool


def answers_of(traits: Traits, name: str = "") -> FeatureAnswers:
    """Answer the questions about a feature from the traits of a room where users meet.

    How the law looks at a room that anyone may enter for a price is open (`Question.OPEN_WORDING`), hence unknown.
    """
    unchosen = {Entry.anyone: Answer.YES, Entry.payment: Answer.UNKNOWN}.get(traits.entry, Answer.NO)
    return FeatureAnswers(
        name=name,
        operator_and_one_user=Answer.NO,
        second_user=Answer.YES,
        anyone_may_read=_all((known(traits.anyone_may_read), unchosen)),
        publicly_listed=known(traits.listed),
        no_designated_recipient=known(not traits.designated_recipients),
        not_created_by_pairing=known(traits.made_by in {Origin.person, Origin.operator}),
        capacity_does_not_hide_it=known(not traits.capacity_hides),
        no_member_only_history=known(not traits.members_only_history),
    )


def room_class(traits: Traits) -> RoomClass:
    """Derive the class of a room: closed wins over consult, consult over open."""
    return _CLASS[room_is_open(answers_of(traits))]
