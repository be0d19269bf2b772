"""Keeps pages for members: strangers are led to sign-in, guests to the page about an account."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

View = Callable[..., HttpResponse]


def members_only(request: HttpRequest) -> HttpResponse:
    """Say to a guest that this page needs an account, and lead to one and back."""
    errand = request.get_full_path() if request.method in {"GET", "HEAD"} else ""
    return render(request, "chat/people/members_only.html", {"errand": errand}, status=403)


def member_required(view: View) -> View:
    """Decorate a view that is for members: strangers sign in first, guests read about an account; both come back."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if request.user.is_guest:
            return members_only(request)
        return view(request, *args, **kwargs)

    return guarded
