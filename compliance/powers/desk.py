"""The desk's shell: a decorator that guards its pages, and the navigation of what a person may open.

Capabilities register their pages; the desk knows none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.functional import Promise, cached_property
from django.utils.http import urlencode

from compliance import gate
from compliance.law import Feature
from compliance.law.powers import Group, Power
from compliance.powers.identity import has_used_factor, owns_factor
from compliance.records import groups_of, powers_of

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

View = Callable[..., Any]

MARK: Final = "desk"
"""The key in the session of somebody who has been at the desk: the menu of every page then leads there."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the desk in the navigation."""

    url_name: str
    label: str | Promise
    powers: frozenset[Power]
    order: int
    about: str | Promise = ""
    waiting: Callable[[AbstractBaseUser], int] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation as one person sees it."""

    url: str
    label: str | Promise
    about: str | Promise
    current: bool
    waiting: int


_pages: dict[str, Page] = {}


def register_desk_page(
    url_name: str,
    label: str | Promise,
    power: Power | frozenset[Power],
    order: int,
    *,
    about: str | Promise = "",
    waiting: Callable[[AbstractBaseUser], int] | None = None,
) -> None:
    """Show a page in the navigation of the desk to those who may open it. Called once, when the app is ready.

    Args:
        url_name: of the page, with its namespace; it takes no argument.
        label: its name in one or two words, lazily translated.
        power: what opens the page; of several, one is enough. The same as in its `desk_page`.
        order: where it stands; lower comes first.
        about: what one finds there, in one sentence, lazily translated; shown on the desk's first page.
        waiting: how many things wait there for this person; shown as a number.
    """
    powers = power if isinstance(power, frozenset) else frozenset({power})
    _pages[url_name] = Page(url_name, label, powers, order, about, waiting)


def desk_page(*powers: Power) -> Callable[[View], View]:
    """Make a view a page of the desk: for signed-in staff with a second factor and one of these powers.

    A stranger is sent to sign in and comes back; who holds no such power gets 403 in words; who has no second factor,
    or did not use it in this session, is told how. No answer is kept by a cache.

    Args:
        *powers: one of them is enough; none at all means any power.
    """
    wanted = frozenset(powers) or frozenset(Power)

    def decorate(view: View) -> View:
        @gate.door(Feature.SERVICE)
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            answer = _refused(request, wanted) or view(request, *args, **kwargs)
            add_never_cache_headers(answer)
            return answer

        vars(guarded)["powers"] = wanted  # read by the test of who may open what
        return guarded

    return decorate


def _refused(request: HttpRequest, wanted: frozenset[Power]) -> HttpResponse | None:
    user = request.user
    if not user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not wanted & powers_of(user):
        raise PermissionDenied
    errand = request.get_full_path() if request.method in {"GET", "HEAD"} else reverse("compliance:desk")
    if refused := needs_factor(request, user, errand):
        return refused
    if MARK not in request.session:
        request.session[MARK] = True
    return None


def needs_factor(request: HttpRequest, user: AbstractBaseUser, errand: str) -> HttpResponse | None:
    """Return the page that asks for a second factor, or None where it was used in this session.

    allauth asks for the factor at each sign-in, so a session that began by a sign-in has a note of it. One that was
    signed in before the factor was added has none, and is asked.

    Args:
        request: of the account.
        user: a member of staff.
        errand: the local path to which the person comes back.
    """
    owns = owns_factor(user)
    if owns and has_used_factor(request, user):
        return None
    way = reverse("mfa_reauthenticate" if owns else "mfa_index")
    words = {"owns": owns, "way": f"{way}?{urlencode({'next': errand})}", "errand": errand}
    return render(request, "desk/second_factor.html", words, status=403)


class _Desk:
    """The desk as one person sees it; asks the database when a template first asks."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @property
    def near(self) -> bool:
        """Whether the menu of a page leads to the desk. Costs no query."""
        user, session = self._request.user, getattr(self._request, "session", {})
        return user.is_authenticated and (getattr(user, "is_staff", False) or bool(session.get(MARK)))

    @cached_property
    def groups(self) -> list[Group]:
        """The groups in which the person acts, in the order of the table."""
        found = groups_of(self._request.user)
        return [group for group in Group if group in found]

    @cached_property
    def pages(self) -> list[Entry]:
        """The pages that the person may open."""
        user = self._request.user
        powers = powers_of(user)
        shown = sorted((page for page in _pages.values() if page.powers & powers), key=lambda page: page.order)
        path = self._request.path
        found = []
        for page in shown:
            url = reverse(page.url_name)
            waiting = page.waiting(user) if page.waiting and user.is_authenticated else 0
            found.append(Entry(url, page.label, page.about, path.startswith(url), waiting))
        return found


def context(request: HttpRequest) -> dict[str, Any]:
    """Template context: `desk`, read only by the pages that show it."""
    return {"desk": _Desk(request)}
