"""Decides whether a feature's door is open: `decide`. Pure and total; whatever is unknown or missing means off."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final, assert_never

from compliance.law import sentences
from compliance.law.checklist import Checklist
from compliance.law.comparison import contradictions, dating_number, said_not_offered
from compliance.law.dating import Outcome as DatingOutcome
from compliance.law.decision import Decision, Ending, Expired, Reason, Restored, Stop, day_in_japan
from compliance.law.items import ITEM, Item
from compliance.law.procedure import Outcome
from compliance.law.rules import RULES, Feature, Required, Rule
from compliance.law.standing import Mode, Standing, Status

OPEN_ROOM_ITEMS: Final = ("LAW-06", "LAW-11", "LAW-12")
"""Duties that bind open rooms as well: they warn and never shut."""
CLOSED_TALK: Final = tuple(feature for feature in Feature if RULES[feature].required is Required.NOTIFIED)
"""The features that carry talk between chosen people. Each is judged by itself."""


def decide(
    feature: Feature,
    standing: Standing,
    checklist: Checklist | None,
    stop: Stop | None,
    now: datetime,
    ending: Ending | None = None,
    restored: Restored | None = None,
    *,
    creating: bool = False,
) -> Decision:
    """Decide on one feature.

    Closed chat needs both keys (the deployment's standing and the operator's signatures), no emergency stop, and no
    restored database that the operator has yet to confirm: it may hold a stop that was lifted since, or signatures
    that were withdrawn. With `COMPLIANCE_CHECKLIST=advise` missing signatures only warn; two sources that contradict
    each other still shut it. Open rooms and the service's own pages always stay open; reading or scanning closed chat
    is never open in general. Once an end is announced, or while a signature is only expired, running closed rooms go
    on to a day, and no new one is made.

    Args:
        feature: the feature that is asked for.
        standing: the environment's key.
        checklist: the operator's key; None if it could not be read, which means off.
        stop: the emergency stop, if it is pulled.
        now: the time to judge at, with a time zone.
        ending: the planned end, if one is announced.
        restored: that the database went back, while the operator has not confirmed what it holds.
        creating: whether something new is to be made (a pair, a closed room) rather than a running one used.
    """
    return judge(RULES[feature], standing, checklist, stop, now, ending, restored, creating=creating)


def foremost(decisions: Iterable[Decision]) -> Decision:
    """Return the decision that stands for several, as for closed chat as a whole.

    Returns:
        the first decision that allows; if none does, the first on a feature that is offered.
    """
    judged = list(decisions)
    offered = [decision for decision in judged if decision.offered] or judged
    return next((decision for decision in offered if decision.allowed), offered[0])


def judge(
    rule: Rule,
    standing: Standing,
    checklist: Checklist | None,
    stop: Stop | None,
    now: datetime,
    ending: Ending | None = None,
    restored: Restored | None = None,
    *,
    creating: bool = False,
) -> Decision:
    """Decide by any rule, also one that is not in `RULES`; `decide` looks the rule up."""
    if rule.required is Required.NOTIFIED and rule.feature not in standing.offered:
        return Decision(rule.feature, allowed=False, rule=rule, reasons=(sentences.not_offered(rule),), offered=False)
    reasons: list[Reason] = []
    warnings: list[Reason] = []
    match rule.required:
        case Required.NONE:
            pass
        case Required.THIRD_ITEM:
            if checklist:
                unsigned = [item_id for item_id in OPEN_ROOM_ITEMS if not checklist.signed(ITEM[item_id], now)]
                warnings = [sentences.open_room_duty(item_id, rule) for item_id in unsigned]
        case Required.CONSULT:
            reasons = [sentences.unsettled(rule)]
        case Required.GROUND:
            reasons = [sentences.ground_needed(rule)]
        case Required.NOTIFIED | Required.DATING:
            return _judge_keys(rule, standing, checklist, stop, now, ending, restored, creating=creating)
        case _:
            assert_never(rule.required)
    return Decision(rule.feature, not reasons, rule, tuple(reasons), tuple(warnings))


def _judge_keys(
    rule: Rule,
    standing: Standing,
    checklist: Checklist | None,
    stop: Stop | None,
    now: datetime,
    ending: Ending | None,
    restored: Restored | None,
    *,
    creating: bool,
) -> Decision:
    reasons, warnings, expired = _keys(rule, standing, checklist, now)
    winding: list[Reason] = []
    until: list[date] = []
    if ending and ending.reached(now):
        reasons.insert(0, sentences.ended(rule, ending))
    elif ending:
        winding.append(sentences.winding_down(rule, ending))
        until.append(ending.on)
    if expired:
        winding.append(sentences.expired(rule, expired))
        until.append(day_in_japan(expired.until))
    # The record and the stop come first: while the stop is pulled it is the cause, whatever else is missing.
    first = [sentences.unreachable(rule)] if not checklist else []
    first += [sentences.stopped(rule, stop)] if stop else []
    first += [sentences.restored(rule, restored)] if restored else []
    runs = not first and not reasons
    reasons = [*first, *(winding if creating else ()), *reasons]
    return Decision(
        rule.feature,
        allowed=not reasons,
        rule=rule,
        reasons=tuple(reasons),
        warnings=(*(() if creating else winding), *warnings),
        winding_down=min(until, default=None) if runs else None,
    )


def _keys(
    rule: Rule, standing: Standing, checklist: Checklist | None, now: datetime
) -> tuple[list[Reason], list[Reason], Expired | None]:
    """Return what the keys lack, as reasons that shut and as warnings; and the expired signatures, if they are all."""
    reasons = [sentences.not_filed(rule)] if standing.status is Status.none else []
    reasons += [sentences.incomplete(rule, problem) for problem in standing.problems]
    dating = rule.required is Required.DATING
    if dating and standing.dating_problem:
        reasons.append(sentences.malformed_dating(rule, standing.dating_problem))
    elif dating and not standing.dating_number:
        reasons.append(sentences.dating_not_notified(rule))
    if not checklist:
        return reasons, [], None

    facts = checklist.facts
    reasons += [sentences.contradicted(rule, found) for found in contradictions(standing, checklist)]
    if rule.feature in facts.not_offered:
        reasons.append(sentences.contradicted(rule, said_not_offered(rule)))
    if dating or facts.profiles:
        reasons += _dating_law(rule, standing, checklist)

    shut = standing.mode is not Mode.advise
    # The dating law is a law of its own and protects minors, so `advise` does not soften its item.
    strict = {ITEM["LAW-20"]} if dating or facts.profiles else set()
    soft = [item for item in checklist.open_items(standing, now) if item not in strict]
    unsigned = [item for item in (*strict, *soft) if not checklist.signed(item, now)]
    shutting = [item for item in unsigned if shut or item in strict]
    expired = _only_expired(shutting, checklist, now)

    lacking: list[Reason] = []
    if facts.filed_features is not None and rule.feature not in facts.filed_features and _files(rule, standing):
        lacking.append(sentences.unfiled(rule, shut=shut))
    if facts.verdict == Outcome.CONSULT and standing.status is not Status.none:
        lacking.append(sentences.to_consult(rule, shut=shut))
    if shut:
        reasons += lacking
    if shutting and not expired:
        reasons.append(sentences.unsigned(rule, shutting, checklist, shut=True))
    if shut:
        return reasons, [], expired
    warned = [item for item in unsigned if item not in shutting]
    return reasons, lacking + ([sentences.unsigned(rule, warned, checklist, shut=False)] if warned else []), expired


def _files(rule: Rule, standing: Standing) -> bool:
    return rule.required is Required.NOTIFIED and standing.status is not Status.exempt


def _only_expired(unsigned: list[Item], checklist: Checklist, now: datetime) -> Expired | None:
    """Return the signatures that are missing if each of them expired within `WIND_DOWN`, else None."""
    ends = []
    for item in unsigned:
        signature = checklist.signatures.get(item.id)
        end = signature.winds_down_until(now) if signature else None
        if end is None:
            return None
        ends.append(end)
    return Expired(tuple(item.id for item in unsigned), min(ends)) if ends else None


def _dating_law(rule: Rule, standing: Standing, checklist: Checklist) -> Iterator[Reason]:
    """Yield what LAW-20's record lacks: a settled verdict, the number of the notification, the check of ages."""
    if "LAW-20" not in checklist.signatures:
        return
    facts = checklist.facts
    outcome = facts.dating_outcome
    business = outcome == DatingOutcome.BUSINESS
    if outcome is not None and outcome not in {DatingOutcome.BUSINESS, DatingOutcome.NOT}:
        yield sentences.dating_unsettled(rule)
    if business and rule.required is Required.NOTIFIED and not standing.dating_number:
        yield sentences.dating_unnotified(rule)
    if facts.age_checked is False and (business or rule.required is Required.DATING):
        yield sentences.no_age_check(rule)
    found = dating_number(standing, facts)
    if found:
        yield sentences.contradicted(rule, found)
