"""The gate over HTTP: which feature a view serves, the 451 answer (RFC 7725), and the gate in templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.functional import cached_property

from compliance import law
from compliance.gate.locks import FeatureClosed
from compliance.gate.periods import reconcile
from compliance.gate.present import as_json, headline, keys
from compliance.gate.refusals import count_refusal
from compliance.gate.snapshot import Snapshot, current, is_gated
from compliance.language import current_language
from compliance.law import Cause, Decision, Ending, Feature, Item, Restored, Standing, Stop, Text
from compliance.models import Authorisation, GateState

View = Callable[..., Any]


def door(
    feature: Feature, *, creating: bool = False, of: Callable[..., Feature | None] | None = None
) -> Callable[[View], View]:
    """Declare which feature a view serves, and answer 451 (RFC 7725) instead of the view while the gate refuses it.

    The gate decides before the view asks anyone to sign in: the reason why a feature is off is public. A feature that
    this deployment does not offer at all is answered with 404.

    Args:
        feature: what the view serves.
        creating: whether the view only makes something new; a planned end closes such a view first.
        of: for a view that serves closed rooms of every feature. It gets the view's own arguments and returns the
            feature of the room if the user may know of it. Where it returns None, the gate decides on closed chat as a
            whole.
    """

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):
            raise TypeError("a gated view is synchronous: the gate reads the database")

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if is_gated(feature):
                snapshot = reconcile()
                reached = snapshot.revision is not None
                asked = of(request, *args, **kwargs) if of and reached else None if of else feature
                decision = snapshot.decide(asked, creating=creating) if asked else snapshot.closed_chat()
                if not decision.allowed:
                    return refusal(request, decision, snapshot)
            try:
                return view(request, *args, **kwargs)
            except FeatureClosed as closed:
                return refusal(request, closed.decision, current())

        vars(guarded)["feature"] = feature  # read by the test that walks every door
        return guarded

    return decorate


def declare(feature: Feature, resolver: URLResolver) -> URLResolver:
    """Declare the feature of views of other packages (admin, accounts): marks each callback below the resolver.

    Args:
        feature: what all of them serve.
        resolver: as `path` with `include` returns it.

    Returns:
        the same resolver.

    Raises:
        ValueError: the feature is gated by law; such a view needs `door`.
    """
    if is_gated(feature):
        raise ValueError(f"{feature} is gated: wrap each view in door()")
    pending: list[URLResolver | URLPattern] = [resolver]
    while pending:
        pattern = pending.pop()
        if isinstance(pattern, URLResolver):
            pending.extend(pattern.url_patterns)
        elif not hasattr(pattern.callback, "feature"):
            vars(pattern.callback)["feature"] = feature
    return resolver


def wants_json(request: HttpRequest) -> bool:
    """Return whether a request comes from a client of the API rather than from somebody at a page."""
    return request.path.startswith("/api/") or not request.accepts("text/html")


def refusal(request: HttpRequest, decision: Decision, snapshot: Snapshot) -> HttpResponse:
    """Return the 451 answer and count it: a page that explains, or the same facts as JSON for a client of the API.

    Args:
        request: what is refused.
        decision: why, and what would open it.
        snapshot: from which the page shows the two keys.

    Raises:
        Http404: the feature is not offered here.
    """
    if not decision.offered:
        raise Http404
    count_refusal(decision.feature)
    response: HttpResponse
    if wants_json(request):
        response = JsonResponse(as_json(decision), status=451)
    else:
        ending = decision.reasons[0].cause in {Cause.ended, Cause.winding_down}
        was_on = snapshot.revision is not None and Authorisation.objects.exists()
        facts = {"decision": decision, "keys": keys(snapshot), "ending": ending, "was_on": was_on}
        response = render(request, "compliance/gate/refused.html", facts, status=451)
    response["Link"] = f'<{request.build_absolute_uri(reverse("compliance:legal"))}>; rel="blocked-by"'
    response["Cache-Control"] = "no-store"
    return response


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context: `gate`, read only by the pages that show it, and `demo`, which every page says."""
    return {"gate": _LazyGate(request), "demo": settings.DEMO}


def of(request: HttpRequest) -> Snapshot:
    """Return the gate as a page shows it: read with the first use, and the same to the end of the request."""
    if not hasattr(request, "gate_snapshot"):
        request.gate_snapshot = current()  # type: ignore[attr-defined]
    snapshot: Snapshot = request.gate_snapshot  # type: ignore[attr-defined]
    return snapshot


class _LazyGate:
    """Reads the gate when a template first asks, so that a page without the seal costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def snapshot(self) -> Snapshot:
        return of(self._request)

    @property
    def closed(self) -> Decision:
        return self.snapshot.closed_chat()

    @property
    def restored(self) -> Restored | None:
        return self.snapshot.restored

    @property
    def headline(self) -> tuple[str, list[str]]:
        return headline(self.snapshot)

    @property
    def closed_reason(self) -> str:
        return self.closed.reason(current_language())

    @property
    def label(self) -> str:
        return self.snapshot.standing.label(current_language())

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
        """The notice of the planned end to users, item by item; empty where none is announced."""
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
    def law_is_old(self) -> Text | None:
        """The warning to the operator once the law's text was read too long ago; None before."""
        return law.OLD if law.is_old(timezone.localdate()) else None

    @property
    def language(self) -> str:
        return current_language()
