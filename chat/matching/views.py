"""The page of matching, and its frames where WebSocket is blocked."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from chat import people
from chat.people import serve_frames
from chat.web.pages import render_page
from compliance import gate
from compliance.gate import door
from compliance.law import Feature

TOPICS = (
    ("daily", gettext_lazy("Daily life")),
    ("hobby", gettext_lazy("Hobbies")),
    ("work", gettext_lazy("Work and study")),
    ("night", gettext_lazy("Cannot sleep")),
)


@door(Feature.MATCH_PAIR)
@require_safe
@never_cache
def match(request: HttpRequest) -> HttpResponse:
    """Look for somebody to talk to."""
    snapshot = gate.current()
    begun = snapshot.decide(Feature.MATCH_PAIR, creating=True)
    if not begun.allowed and not snapshot.winding_down():  # the page itself says that the end is announced
        return gate.refusal(request, begun, snapshot)
    verified = request.user.is_authenticated and people.has_verified_address(request.user.pk)
    events = reverse("chat:match_events")
    return render_page(request, "chat/matching/match.html", events=events, topics=TOPICS, verified=verified)


@door(Feature.MATCH_PAIR)
@require_http_methods(["GET", "POST"])
@never_cache
def match_events(request: HttpRequest) -> HttpResponseBase:
    """Carry the frames of matching where WebSocket is blocked."""
    return serve_frames(request, None)
