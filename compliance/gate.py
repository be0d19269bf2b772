"""The only door: what the policy says now, asked by every view, frame and write, and the periods it was open in."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from compliance import law, ledger
from compliance.checklist import Checklist, Facts, Item, SignatureFact
from compliance.law import Feature, Required
from compliance.models import Authorisation, GateState, Instance, Signature
from compliance.policy import Cause, Decision, Ending, Stop, closed_chat, decide
from compliance.standing import Problem, Standing, Status

INSTANCE_TTL = timedelta(seconds=15)
_HEARTBEAT = timedelta(seconds=5)
_GATE_LOCK = 0x746F646F6B67  # advisory lock: writers hold it shared, whoever moves the gate holds it alone
_UNGATED = frozenset({Required.NONE, Required.THIRD_ITEM})


class Shut(Exception):
    """The gate refused: carries the Decision, so that whoever asked can say why and what opens it."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(decision.reason("en"))
        self.decision = decision


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the policy needs, as one revision of the database and this process's environment have it."""

    revision: uuid.UUID | None
    standing: Standing
    checklist: Checklist | None
    stop: Stop | None
    authorisation: int | None
    ending: Ending | None = None
    end_recorded: bool = False

    def decide(self, feature: Feature, now: datetime | None = None, *, creating: bool = False) -> Decision:
        """Return the policy's decision on a feature at a time (default: now), for use or to make something new."""
        now = now or timezone.now()
        return decide(feature, self.standing, self.checklist, self.stop, now, self.ending, creating=creating)

    def features(self) -> dict[str, Decision]:
        """Return the decision on each feature that the law gates or names, by its name on the wire."""
        now = timezone.now()
        return {
            feature.value: self.decide(feature, now)
            for feature, rule in law.RULES.items()
            if rule.required is not Required.NONE
        }

    def closed_chat(self) -> Decision:
        """Return the headline: is closed chat on?"""
        return closed_chat(self.standing, self.checklist, self.stop, timezone.now(), self.ending)

    def winding_down(self) -> bool:
        """Return whether an end is announced and its day has not come."""
        return self.ending is not None and not self.ending.reached(timezone.now())

    def end_is_due(self) -> bool:
        """Return whether the announced day has come and the record does not say so yet."""
        return self.ending is not None and not self.end_recorded and not self.winding_down()

    def open_items(self) -> Sequence[Item]:
        """Return the blocking items that still want a signature."""
        return self.checklist.open_items(self.standing, timezone.now()) if self.checklist else ()


# --- reading ---------------------------------------------------------------------------------------------------


_remembered: Snapshot | None = None


def current() -> Snapshot:
    """Read the gate: one row if nothing moved since the last look, the signatures too if something did.

    Never raises for an unreachable database: the snapshot then has no checklist, which the policy reads as off.
    """
    try:
        return _read()
    except DatabaseError:
        return unreachable()


def unreachable() -> Snapshot:
    """Return the snapshot of a gate that nobody can ask: closed."""
    return Snapshot(None, settings.STANDING, None, None, None)


def _read() -> Snapshot:
    global _remembered  # noqa: PLW0603 -- a cache keyed by a token that is never used twice
    state, _ = GateState.objects.get_or_create(id=1)
    standing = _standing_as_deployed()
    remembered = _remembered
    if remembered is None or remembered.revision != state.revision:
        remembered = Snapshot(
            revision=state.revision,
            standing=settings.STANDING,
            checklist=_checklist(),
            stop=Stop(since=state.stopped_at, reason=state.stop_reason) if state.stopped_at else None,
            authorisation=state.authorisation_id,
            ending=Ending(state.end_announced_at, state.ends_on) if state.end_announced_at and state.ends_on else None,
            end_recorded=state.end_reached_at is not None,
        )
        _remembered = remembered
    return replace(remembered, standing=standing)


def _standing_as_deployed() -> Standing:
    """Return this process's standing, spoiled by what only the running service shows: drift, or a missing key."""
    standing: Standing = settings.STANDING
    others = Instance.objects.filter(seen_at__gt=timezone.now() - INSTANCE_TTL).exclude(
        fingerprint=standing.fingerprint
    )
    if others.exists():
        standing = replace(standing, problems=(*standing.problems, DRIFT))
    return _with_keys(standing)


def _with_keys(standing: Standing) -> Standing:
    if settings.STANDING.turned and not settings.CLOSED_CHAT_KEYS:
        return replace(standing, problems=(*standing.problems, KEYLESS))
    return standing


KEYLESS = Problem(
    variable="CLOSED_CHAT_KEYS",
    ja="クローズド・チャットを封じる鍵がありません。CLOSED_CHAT_KEYS に32バイトの鍵を設定してください。",
    en="There is no key to seal closed talk with. Set CLOSED_CHAT_KEYS to at least one 32-byte key.",
)
DRIFT = Problem(
    variable="TELECOM_REGISTRATION",
    ja="稼働中のサーバーのあいだで届出の設定が食い違っています。すべてのサーバーを同じ環境変数で起動し直してください。",
    en="The running servers disagree about the telecom filing. Restart all of them with the same environment.",
    drift=True,
)


def _checklist() -> Checklist:
    live = list(Signature.objects.filter(withdrawn_at__isnull=True))
    evidence = {signature.item_id: signature.evidence for signature in live}
    return Checklist(
        signatures={s.item_id: SignatureFact(s.item_id, s.signed_at, s.expires_at) for s in live},
        facts=Facts.from_evidence(evidence.get("LAW-01", {}), evidence.get("LAW-05"), evidence.get("LAW-20")),
    )


# --- moving ----------------------------------------------------------------------------------------------------


def settle() -> Snapshot:
    """Bring the record in step with the keys: open or close the current Authorisation if they moved.

    Returns:
        the gate as it is afterwards.
    """
    snapshot = current()
    in_step = snapshot.closed_chat().allowed == (snapshot.authorisation is not None)
    if snapshot.revision is None or (in_step and not snapshot.end_is_due()):
        return snapshot
    with transaction.atomic():
        state = lock_alone()
        snapshot = _read()
        decision = snapshot.closed_chat()
        if decision.allowed and state.authorisation is None:
            _open(state, snapshot)
        elif not decision.allowed and state.authorisation is not None:
            _close(state, decision)
        if snapshot.end_is_due():
            _end(state)
        return _read()


def moved(state: GateState) -> None:
    """Store a gate state under a new revision, so that every process reads it again within a second."""
    state.revision = uuid.uuid4()
    state.save()


def lock_alone() -> GateState:
    """Wait for running writes to end and hold new ones back until the caller's transaction ends."""
    _advisory("pg_advisory_xact_lock")
    return GateState.objects.get_or_create(id=1)[0]


def _open(state: GateState, snapshot: Snapshot) -> None:
    standing = snapshot.standing
    facts = {
        "standing": {
            "status": standing.status.value,
            "number": standing.number,
            "date": standing.filed_on.isoformat() if standing.filed_on else None,
            "operator": standing.operator_name,
            "checklist": standing.mode.value,
            "fingerprint": standing.fingerprint,
        },
        "signatures": sorted(snapshot.checklist.signatures) if snapshot.checklist else [],
        "unsigned": [item.id for item in snapshot.open_items()],
        "law_version": law.LAW_VERSION,
    }
    state.authorisation = Authorisation.objects.create(snapshot=facts)
    moved(state)
    ledger.append("gate.opened", actor=None, payload={"authorisation": state.authorisation.pk, **facts})


def _close(state: GateState, decision: Decision) -> None:
    authorisation = state.authorisation
    assert authorisation is not None
    authorisation.closed_at = timezone.now()
    authorisation.closed_because = [
        {"cause": reason.cause.value, "ja": reason.ja, "en": reason.en} for reason in decision.reasons
    ]
    authorisation.save()
    state.authorisation = None
    moved(state)
    ledger.append(
        "gate.closed",
        actor=None,
        payload={"authorisation": authorisation.pk, "causes": [reason.cause.value for reason in decision.reasons]},
    )


def _end(state: GateState) -> None:
    assert state.ends_on is not None
    state.end_reached_at = timezone.now()
    moved(state)
    ledger.append("end.reached", actor=None, payload={"on": state.ends_on.isoformat()})


def _advisory(function: str) -> None:
    # SQLite needs none: its transactions begin IMMEDIATE, so there is one writer at a time.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [_GATE_LOCK])


def hold(*, creating: bool = False) -> Callable[[Feature], Decision]:
    """Keep the gate from being shut until the caller's transaction ends; call `settle` before that transaction.

    Args:
        creating: whether something new is to be made, which an announced end forbids before it shuts what runs.

    Returns:
        the question to ask, feature by feature. Where the keys are turned but no Authorisation is open (it is being
        opened at this moment), it answers no.
    """
    _advisory("pg_advisory_xact_lock_shared")
    snapshot = _read()

    def ask(feature: Feature) -> Decision:
        decision = snapshot.decide(feature, creating=creating)
        if decision.allowed and snapshot.authorisation is None and law.RULES[feature].required not in _UNGATED:
            return unreachable().decide(feature)
        return decision

    return ask


@dataclass(frozen=True, slots=True)
class Pledge:
    """A yes from memory, and what makes it as good as one of `hold` in PostgreSQL.

    A write that relies on it calls, first of all in its transaction, `compliance_gate_unmoved` with these three, and
    changes nothing unless that is true: the gate cannot be shut before that transaction ends, and was not before.

    Attributes:
        revision: where the gate was.
        since: which other processes count: those that were seen after it.
        fingerprint: of this deployment's environment, which theirs must not differ from.
    """

    revision: uuid.UUID
    since: datetime
    fingerprint: str


def pledge(features: Iterable[Feature]) -> Pledge | None:
    """Say yes to gated features as the gate was last read here; None where only `hold` can tell.

    For writes that are one round trip to the database.
    """
    remembered = _remembered
    if remembered is None or remembered.authorisation is None or remembered.revision is None:
        return None
    snapshot = replace(remembered, standing=_with_keys(settings.STANDING))
    if not all(snapshot.decide(feature).allowed for feature in features):
        return None
    return Pledge(remembered.revision, timezone.now() - INSTANCE_TTL, settings.STANDING.fingerprint)


@contextmanager
def writing(*features: Feature) -> Iterator[int | None]:
    """Open a transaction to make something new; the gate said yes to all these features and cannot shut before its end.

    Yields:
        the id of the current Authorisation if a feature needs one, else None.

    Raises:
        Shut: the gate says no.
    """
    gated = [feature for feature in features if law.RULES[feature].required not in _UNGATED]
    if gated:
        settle()
    with transaction.atomic():
        if gated:
            ask = hold(creating=True)
            for feature in gated:
                decision = ask(feature)
                if not decision.allowed:
                    raise Shut(decision)
        yield GateState.objects.values_list("authorisation", flat=True).get(id=1) if gated else None


# --- processes -------------------------------------------------------------------------------------------------


def beat(instance: uuid.UUID) -> Snapshot:
    """Say that a server process lives, and read the gate. Called by each process twice a second.

    Raises:
        DatabaseError: the database did not answer; the caller decides how long to trust its last snapshot.
    """
    now = timezone.now()
    fingerprint = settings.STANDING.fingerprint
    fresh = Instance.objects.filter(id=instance, seen_at__gt=now - _HEARTBEAT).exists()
    if not fresh:
        Instance.objects.update_or_create(id=instance, defaults={"fingerprint": fingerprint, "seen_at": now})
        Instance.objects.filter(seen_at__lt=now - 20 * INSTANCE_TTL).delete()
    _read()
    return settle()


def farewell(instance: uuid.UUID) -> None:
    """Say that a server process ends, so that a successor with another environment is not held to differ."""
    Instance.objects.filter(id=instance).delete()


_refusals: Counter[str] = Counter()
_refusals_lock = threading.Lock()


def count_refusal(feature: Feature) -> None:
    """Count one refused attempt; `write_refusals` puts the sums into the ledger."""
    with _refusals_lock:
        _refusals[feature.value] += 1


def write_refusals() -> None:
    """Write the refusals counted since the last call as one ledger entry. Called once a minute and at the end."""
    with _refusals_lock:
        counted = dict(_refusals)
        _refusals.clear()
    if counted:
        ledger.append("gate.refused", actor=None, payload={"counts": counted})


# --- views -----------------------------------------------------------------------------------------------------


View = Callable[..., Any]


def door(feature: Feature, *, creating: bool = False) -> Callable[[View], View]:
    """Declare which feature a view serves; answer 451 (RFC 7725) in its stead while the gate is shut for it.

    The gate is asked before the view asks anyone to sign in: why something is off is nobody's secret. A view that is
    there only to make something new says so (`creating`): an announced end shuts it first.
    """

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):
            raise TypeError("a gated view is synchronous: the gate reads the database")

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if law.RULES[feature].required not in _UNGATED:
                snapshot = settle()
                decision = snapshot.decide(feature, creating=creating)
                if not decision.allowed:
                    return refusal(request, decision, snapshot)
            try:
                return view(request, *args, **kwargs)
            except Shut as shut:
                return refusal(request, shut.decision, current())

        vars(guarded)["feature"] = feature  # read by the test that walks every door
        return guarded

    return decorate


def declare(feature: Feature, resolver: URLResolver) -> URLResolver:
    """Declare the feature of views that others wrote (admin, accounts): marks each callback below the resolver.

    Raises:
        ValueError: the feature is gated by law; such a view needs `door`.
    """
    if law.RULES[feature].required not in _UNGATED:
        raise ValueError(f"{feature} is gated: wrap each view in door()")
    pending: list[URLResolver | URLPattern] = [resolver]
    while pending:
        pattern = pending.pop()
        if isinstance(pattern, URLResolver):
            pending.extend(pattern.url_patterns)
        elif not hasattr(pattern.callback, "feature"):
            vars(pattern.callback)["feature"] = feature
    return resolver


def refusal(request: HttpRequest, decision: Decision, snapshot: Snapshot) -> HttpResponse:
    """Return the 451 answer: a page to learn from, or the same facts as JSON for a client that asked for JSON."""
    count_refusal(decision.feature)
    response: HttpResponse
    if request.path.startswith("/api/") or not request.accepts("text/html"):
        response = JsonResponse(as_json(decision), status=451)
    else:
        ending = decision.reasons[0].cause in {Cause.ended, Cause.winding_down}
        was_on = snapshot.revision is not None and Authorisation.objects.exists()
        facts = {"decision": decision, "keys": keys(snapshot), "ending": ending, "was_on": was_on}
        response = render(request, "compliance/gated.html", facts, status=451)
    response["Link"] = f'<{request.build_absolute_uri(reverse("compliance:legal"))}>; rel="blocked-by"'
    response["Cache-Control"] = "no-store"
    return response


def as_json(decision: Decision, language: str | None = None) -> dict[str, Any]:
    """Return a decision as the API shows it: feature, allowed, rule, article, how sure that is, reason, next step."""
    language = language or spoken()
    return {
        "feature": decision.feature.value,
        "allowed": decision.allowed,
        "rule": decision.rule.id,
        "article": decision.rule.article,
        "url": decision.rule.url,
        "law_version": decision.rule.version,
        "confidence": decision.rule.confidence.value,
        "reason": decision.reason(language),
        "causes": [reason.cause.value for reason in decision.reasons],
        "next_step": decision.next_step(language),
    }


def planned_end(snapshot: Snapshot, language: str | None = None) -> dict[str, Any] | None:
    """Return the planned end as the API shows it, from its announcement until it is withdrawn; None if there is none.

    `on` is the first day without closed chat, `cause` is `winding_down` before it and `ended` from then on.
    """
    if snapshot.ending is None:
        return None
    reason = snapshot.decide(Feature.MATCH_PAIR, creating=True).reasons[0]  # an end comes before any other
    return {
        "on": snapshot.ending.on.isoformat(),
        "announced_at": snapshot.ending.announced_at.isoformat(),
        "cause": reason.cause.value,
        "reason": law.say(reason, language or spoken()),
        "page": reverse("compliance:closing"),
    }


def on_the_wire(snapshot: Snapshot, language: str) -> dict[str, dict[str, Any]]:
    """Return the `features` of `welcome` and `gate.changed`: allowed, rule and reason by feature.

    While an end is announced, `new` says why nothing new is begun with a feature that still runs.
    """
    said: dict[str, dict[str, Any]] = {}
    for name, decision in snapshot.features().items():
        said[name] = {"allowed": decision.allowed, "rule": decision.rule.id, "reason": decision.reason(language)}
        if decision.allowed and snapshot.winding_down():
            begun = snapshot.decide(decision.feature, creating=True)
            said[name] |= {} if begun.allowed else {"new": begun.reason(language)}
    return said


def spoken() -> str:
    """Return `ja` or `en`, whichever the current request is answered in."""
    return "en" if (get_language() or "ja").startswith("en") else "ja"


def keys(snapshot: Snapshot, language: str | None = None) -> list[dict[str, Any]]:
    """Return the two keys for a page: which is turned, and what turns it."""
    standing, open_items = snapshot.standing, snapshot.open_items()
    english = (language or spoken()) == "en"
    problems = [problem.en if english else problem.ja for problem in standing.problems]
    return [
        {
            "number": 1,
            "turned": standing.turned,
            "title": "The deployment's registration flag" if english else "届出の設定（環境変数）",
            "detail": problems or [standing.label(language or spoken())],
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
            "turned": snapshot.checklist is not None and not open_items and snapshot.stop is None,
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
        if items:
            noted.append(ngettext("%(n)d item unsigned", "%(n)d items unsigned", items) % {"n": items})
        return _("Closed chat is ON"), noted
    problems = len(standing.problems)
    checklist = {Cause.checklist, Cause.consult} & {reason.cause for reason in decision.reasons}
    lacking = []
    if snapshot.ending and not snapshot.winding_down():
        lacking.append(_("the announced day of its end has come"))
    if snapshot.stop:
        lacking.append(_("the emergency stop is pulled"))
    if standing.status is Status.none:
        lacking.append(_("key 1 of 2, no filing set"))
    elif problems:
        lacking.append(ngettext("key 1 of 2, %(n)d problem", "key 1 of 2, %(n)d problems", problems) % {"n": problems})
    if items and checklist:
        lacking.append(ngettext("key 2 of 2, %(n)d item open", "key 2 of 2, %(n)d items open", items) % {"n": items})
    return _("Closed chat is OFF"), lacking or [decision.reason(spoken())]


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context: `gate`, read only by the pages that show it."""
    return {"gate": _LazyGate()}


class _LazyGate:
    """Reads the gate when a template first asks, so that a page without the seal costs no query."""

    _snapshot: Snapshot | None = None

    @property
    def snapshot(self) -> Snapshot:
        if self._snapshot is None:
            self._snapshot = current()
        return self._snapshot

    @property
    def closed(self) -> Decision:
        return self.snapshot.closed_chat()

    @property
    def headline(self) -> tuple[str, list[str]]:
        return headline(self.snapshot)

    @property
    def closed_reason(self) -> str:
        return self.closed.reason(spoken())

    @property
    def label(self) -> str:
        return self.snapshot.standing.label(spoken())

    @property
    def features(self) -> dict[str, Decision]:
        return self.snapshot.features()

    @property
    def standing(self) -> Standing:
        return self.snapshot.standing

    @property
    def stop(self) -> Stop | None:
        return self.snapshot.stop

    @property
    def ending(self) -> Ending | None:
        """The planned end, from its announcement until it is withdrawn."""
        return self.snapshot.ending

    @property
    def winding_down(self) -> bool:
        return self.snapshot.winding_down()

    @cached_property
    def notice(self) -> dict[str, Any]:
        """What users are told of the planned end, item by item; empty where none is announced."""
        state = GateState.objects.filter(id=1).first() if self.ending else None
        if state is None:
            return {}
        until = state.end_notice.get("until")
        return {**state.end_notice, "on": state.ends_on, "until": date.fromisoformat(until) if until else None}

    @property
    def open_items(self) -> Sequence[Item]:
        return self.snapshot.open_items()

    @property
    def keys(self) -> list[dict[str, Any]]:
        return keys(self.snapshot)

    @property
    def language(self) -> str:
        return spoken()
