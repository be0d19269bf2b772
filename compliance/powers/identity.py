"""Who a member of staff is: the second factor that each session must have used, and who one is asked again."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import (
    STATE_SESSION_KEY,
    did_recently_reauthenticate,
    suspend_request,
)
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.http import urlencode

from compliance.law.powers import Power
from compliance.records import may

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

View = Callable[..., Any]

FACTORS: Final = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
"""What counts as a second factor; recovery codes only stand in for one."""
NEVER_KEPT: Final = frozenset({"key"})
"""Fields whose value is stored nowhere, not even while somebody shows who they are: they are typed again."""
_ASKED: Final = frozenset({"REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE"})
"""What of a request's surroundings says what was asked. The rest says by whom and from where."""


def owns_factor(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Return whether an account has a second factor, without which staff's pages refuse it."""
    return bool(is_mfa_enabled(user, FACTORS))


def may_act(user: AbstractBaseUser | AnonymousUser, power: Power) -> bool:
    """Return whether an account may use a power at a door that is not the desk's: it owns a second factor, too.

    allauth asks for the factor at each sign-in, so whoever owns one has used it.
    """
    return may(user, power) and owns_factor(user)


def has_used_factor(request: HttpRequest, user: AbstractBaseUser) -> bool:
    """Return whether nothing says that this session was opened by a password alone."""
    methods = {str(record["method"]) for record in get_authentication_records(request, user)}
    return not methods or "mfa" in methods


def reauthenticated(request: HttpRequest) -> bool:
    """Return whether the person of this session has shown who they are a moment ago.

    How long that counts is `ACCOUNT_REAUTHENTICATION_TIMEOUT` (five minutes by default).
    """
    return bool(did_recently_reauthenticate(request))


def asks_who_you_are(view: View) -> View:
    """Make a view ask who one is before it takes a POST: the second factor where there is one, else the password.

    What was sent is kept in the session and carried out afterwards, so nothing is typed twice. Files are not kept: a
    form with files asks on its own way in. Neither is what opens something (`NEVER_KEPT`): the person comes back to the
    page and types that again.

    Args:
        view: of signed-in people; put this below `desk_page`.
    """

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not reauthenticated(request):
            ways = [str(way["url"]) for way in get_adapter().get_reauthentication_methods(request.user)]
            strong = next((way for way in ways if "/2fa/" in way), ways[0])
            if NEVER_KEPT & request.POST.keys():
                return HttpResponseRedirect(f"{strong}?{urlencode({'next': request.get_full_path()})}")
            suspend_request(request, strong)
            # allauth carries out what it kept where the path alone is the errand; the query is kept with the rest.
            return HttpResponseRedirect(f"{strong}?{urlencode({'next': request.path})}")
        answer: HttpResponse = view(request, *args, **kwargs)
        return answer

    return asked


def keep_little(request: HttpRequest) -> None:
    """Take out of the request that a session keeps for later what is stored nowhere: address, cookies, passwords.

    Whoever asks who one is, of us or of allauth, leaves it there whole. Called with each answer that changed a session.
    """
    state = request.session.get(STATE_SESSION_KEY, {})
    if "request" not in state:
        return
    kept = json.loads(state["request"])
    given = QueryDict(kept["POST"], mutable=True)
    for name in [name for name in given if "password" in name]:
        del given[name]
    kept["POST"] = given.urlencode()
    _surround(request, kept, {})


def bring_surroundings(request: HttpRequest) -> None:
    """Give the request that a session keeps the surroundings of this one, which may lead to its being carried out."""
    state = request.session.get(STATE_SESSION_KEY, {})
    if "request" in state:
        here = {name: value for name, value in request.META.items() if isinstance(value, str)}
        _surround(request, json.loads(state["request"]), here)


def _surround(request: HttpRequest, kept: dict[str, Any], here: dict[str, str]) -> None:
    asked = {name: value for name, value in kept["META"].items() if name in _ASKED}
    state = request.session[STATE_SESSION_KEY]
    request.session[STATE_SESSION_KEY] = state | {"request": json.dumps(kept | {"META": here | asked})}
