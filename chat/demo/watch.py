"""Notes for the tour that somebody saw the page of the closed gate (451). A demo's middleware."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from chat.demo.progress import note_refused_page


def watch_refusals(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return the middleware."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = respond(request)
        if response.status_code == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS:
            note_refused_page()
        return response

    return middleware
