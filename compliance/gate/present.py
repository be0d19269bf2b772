"""Shows a snapshot: as JSON for the API and the wire, as keys and a headline for pages, in the request's language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from compliance import law
from compliance.gate.instances import now
from compliance.gate.snapshot import Snapshot
from compliance.language import current_language
from compliance.law import Cause, Decision, Feature, Reason, Status, Text, judge


def as_json(decision: Decision, language: str | None = None) -> dict[str, Any]:
    """Return a decision as the API shows it: feature, allowed, rule, article, how sure that is, reason, next step.

    `offered` says whether this deployment offers the feature at all. `winding_down` is there while what runs goes on
    and nothing new may begin: the day in Japan from which it ends.
    """
    language = language or current_language()
    shown = {
        "feature": decision.feature.value,
        "allowed": decision.allowed,
        "offered": decision.offered,
        "rule": decision.rule.id,
        "article": decision.rule.article,
        "url": decision.rule.url,
        "law_version": decision.rule.version,
        "confidence": decision.rule.confidence.value,
        "reason": decision.reason(language),
        "causes": [reason.cause.value for reason in decision.reasons],
        "next_step": decision.next_step(language),
    }
    if decision.winding_down:
        shown["winding_down"] = decision.winding_down.isoformat()
    return shown


def features_as_json(snapshot: Snapshot, language: str | None = None) -> dict[str, Any]:
    """Return what the API says of each feature: `allowed` where something new may begin."""
    return {name: as_json(decision, language) for name, decision in snapshot.features(creating=True).items()}


def closed_reasons(snapshot: Snapshot) -> list[tuple[list[Feature], Reason]]:
    """Return why features are off, each reason once, with the features that it keeps off."""
    decisions = [decision for decision in snapshot.features(creating=True).values() if not decision.allowed]
    found: dict[tuple[Cause, Text], tuple[list[Feature], Reason]] = {}
    for decision in decisions:
        for reason in decision.reasons:
            found.setdefault((reason.cause, reason.step), ([], reason))[0].append(decision.feature)
    for decision in decisions:
        rule = replace(decision.rule, title_ja="クローズド・チャット", title_en="Closed chat")
        parts = (snapshot.standing, snapshot.checklist, snapshot.stop, now(), snapshot.ending, snapshot.restored)
        for reason in judge(rule, *parts, creating=True).reasons:
            features, _first = found.get((reason.cause, reason.step), ([], reason))
            if len(features) > 1:
                found[reason.cause, reason.step] = (features, reason)
    return list(found.values())


def planned_end(snapshot: Snapshot, language: str | None = None) -> dict[str, Any] | None:
    """Return the planned end as the API shows it, from its announcement until it is withdrawn; None if there is none.

    `on` is the first day without closed chat, `cause` is `winding_down` before it and `ended` from then on.
    """
    if snapshot.ending is None:
        return None
    reason = next(
        reason
        for decision in snapshot.features(creating=True).values()
        for reason in decision.reasons
        if reason.cause in {Cause.ended, Cause.winding_down}
    )
    return {
        "on": snapshot.ending.on.isoformat(),
        "announced_at": snapshot.ending.announced_at.isoformat(),
        "cause": reason.cause.value,
        "reason": law.say(reason, language or current_language()),
        "page": reverse("compliance:closing"),
    }


def on_the_wire(snapshot: Snapshot, language: str) -> dict[str, dict[str, Any]]:
    """Return the `features` of `welcome` and `gate.changed`: allowed, offered, rule and reason by feature.

    `allowed` is about what runs. While it winds down, `winding_down` says to which day, and `new` why nothing new is
    begun with it.
    """
    shown: dict[str, dict[str, Any]] = {}
    for name, decision in snapshot.features().items():
        shown[name] = {
            "allowed": decision.allowed,
            "offered": decision.offered,
            "rule": decision.rule.id,
            "reason": decision.reason(language),
        }
        if decision.winding_down:
            begun = snapshot.decide(decision.feature, creating=True)
            shown[name] |= {"winding_down": decision.winding_down.isoformat(), "new": begun.reason(language)}
    return shown


def keys(snapshot: Snapshot, language: str | None = None) -> list[dict[str, Any]]:
    """Return the two keys for a page: which is turned, and what turns it."""
    standing, open_items = snapshot.standing, snapshot.open_items()
    english = (language or current_language()) == "en"
    problems = [problem.en if english else problem.ja for problem in standing.problems]
    return [
        {
            "number": 1,
            "turned": standing.turned,
            "title": "The filing" if english else "届出・登録などの状況",
            "detail": problems or [standing.label(language or current_language())],
            "how": (
                "Whoever runs the servers sets TELECOM_REGISTRATION, with number, date and operator, once the "
                "notification has arrived at the bureau."
                if english
                else "届出が総合通信局に届いたら、サーバーの担当者が TELECOM_REGISTRATION に"
                "届出の状況・番号・日付・運営者を設定します。"
            ),
        },
        {
            "number": 2,
            "turned": snapshot.checklist is not None and not open_items,
            "title": "The operator's signed checklist" if english else "運営者チェックリストの署名",
            "detail": [f"{item.id} {item.en if english else item.ja}" for item in open_items],
            "how": (
                "The operator signs each blocking item, with its evidence, in the administration."
                if english
                else "運営者が管理画面で、必須項目のひとつひとつに証拠を添えて署名します。"
            ),
        },
    ]


def headline(snapshot: Snapshot) -> tuple[str, list[str]]:
    """Return for the operator's pages whether closed chat is on, and in a few words each what it lacks (or nothing)."""
    decision, standing, items = snapshot.closed_chat(), snapshot.standing, len(snapshot.open_items())
    if decision.allowed:
        noted = [_("its end is announced, nothing new is begun")] if snapshot.winding_down() else []
        off = [each.rule.title for each in snapshot.talk() if each.offered and not each.allowed]
        if off:
            noted.append(
                _("off: %(features)s") % {"features": " / ".join(law.say(title, current_language()) for title in off)}
            )
        if decision.winding_down and not snapshot.winding_down():
            day = {"day": formats.date_format(decision.winding_down)}
            noted.append(_("nothing new is begun, what runs goes on until %(day)s") % day)
        elif items:
            noted.append(ngettext("%(n)d item unsigned", "%(n)d items unsigned", items) % {"n": items})
        return _("Closed chat is ON"), noted
    problems = len(standing.problems)
    causes = {reason.cause for reason in decision.reasons}
    checklist = {Cause.checklist, Cause.consult} & causes
    lacking = []
    if snapshot.ending and not snapshot.winding_down():
        lacking.append(_("the announced day of its end has come"))
    if snapshot.stop:
        lacking.append(_("the emergency stop is pulled"))
    if snapshot.restored:
        lacking.append(_("the database went back; the record is to be confirmed"))
    if standing.status is Status.none:
        lacking.append(_("key 1 of 2, no filing set"))
    elif problems:
        lacking.append(ngettext("key 1 of 2, %(n)d problem", "key 1 of 2, %(n)d problems", problems) % {"n": problems})
    if Cause.contradiction in causes:
        lacking.append(_("two sources contradict each other"))
    if Cause.dating in causes:
        lacking.append(_("the dating law asks for more"))
    if items and checklist:
        lacking.append(ngettext("key 2 of 2, %(n)d item open", "key 2 of 2, %(n)d items open", items) % {"n": items})
    return _("Closed chat is OFF"), lacking or [decision.reason(current_language())]
