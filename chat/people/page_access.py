"""Guards pages that allauth and Django wrote: guests see no page of an account, staff use a second factor.

They stand in the middleware, so that a page which is added later is guarded before anybody thinks of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, assert_never, cast

from allauth.account.internal.flows.email_verification import consume_email_verification_rate_limit
from allauth.account.internal.flows.email_verification_by_code import EMAIL_VERIFICATION_CODE_SESSION_KEY
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, suspend_request
from allauth.account.internal.stagekit import LOGIN_SESSION_KEY, clear_login
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import SESSION_KEY, update_session_auth_hash
from django.contrib.auth.models import AnonymousUser, update_last_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from chat.models import PendingSignup, User
from chat.people import accounts, membership
from chat.people.forms import GuestCodeForm
from chat.people.members_only import members_only
from chat.people.membership import Outcome
from chat.people.sanctions import SUSPENDED
from chat.people.sessions import renew_for_page
from compliance.adminkit import OF_STAFF
from compliance.powers import bring_surroundings, keep_little, needs_factor

OF_STRANGERS: Final = frozenset(
    {
        "account_login",
        "account_signup",
        "account_inactive",
        "account_confirm_login_code",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
        "account_confirm_email",
        "mfa_authenticate",
        "mfa_login_webauthn",
    }
)
"""Pages of accounts on which a guest is a stranger who may come in. All others are for members."""
REAUTHENTICATION: Final = frozenset({"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"})
"""Pages on which a member shows who they are again; they carry out what waits for it."""
ADMIN_ENTRANCES: Final = frozenset({"login", "logout", "jsi18n"})

Respond = Callable[[HttpRequest], HttpResponse]


class PageAccess:
    """The middleware. It runs after allauth's own, because it uses the login that is under way there."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve a request."""
        response = self._respond(request)
        if request.session.modified:
            keep_little(request)
        renew_for_page(request)
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Answer in a page's place, or let it answer."""
        match = request.resolver_match
        assert match is not None
        if "admin" in match.namespaces:
            return None if match.url_name in ADMIN_ENTRANCES else _staff(request)
        if getattr(view, OF_STAFF, False):
            return _staff(request)
        if not request.path_info.startswith(accounts.PAGES):
            return None
        if isinstance(request.user, User) and request.user.is_guest:
            return _guest(request, request.user, match.url_name or "")
        if isinstance(request.user, User):
            return _member(request, match.url_name or "")
        return _stranger(request, match.url_name or "")


# Accounts ------------------------------------------------------------------------------------------------------------


def _guest(request: HttpRequest, guest: User, page: str) -> HttpResponse | None:
    if page == "account_logout":
        if LOGIN_SESSION_KEY in request.session and "guest" not in request.POST and request.method == "POST":
            clear_login(request)  # the button "Cancel" of a sign-in: the guest stays
            return redirect(accounts.errand_of(request) or "account_login")
        return None
    if page == "account_email_verification_sent" and LOGIN_SESSION_KEY not in request.session:
        return confirm(request, guest)
    if page not in OF_STRANGERS and page != "account_email_verification_sent":
        return members_only(request)
    request.guest = guest  # type: ignore[attr-defined]
    request.user = AnonymousUser()
    return None


def _member(request: HttpRequest, page: str) -> HttpResponse | None:
    if request.method == "POST" and page in REAUTHENTICATION:
        bring_surroundings(request)
    if page in {"account_reset_password", "account_set_password"} and not did_recently_reauthenticate(request):
        # Whoever sits before an open session must not get at the account by it.
        way = accounts.Adapter().get_reauthentication_methods(request.user)[0]["url"]
        return cast("HttpResponse", suspend_request(request, way))
    if page == "account_email_verification_sent" and EMAIL_VERIFICATION_CODE_SESSION_KEY not in request.session:
        return redirect(accounts.kept_errand(request) or "chat:lobby")  # confirmed already, in another tab
    if request.method == "GET" and page not in {"account_login", "account_signup", "account_logout"}:
        accounts.keep_errand(request)
    return None


def _stranger(request: HttpRequest, page: str) -> HttpResponse | None:
    """Lead a suspended person's own session to the words about that: no new account is made from it."""
    if page in {"account_signup", "account_email_verification_sent"}:
        pk = request.session.get(SESSION_KEY) or request.session.get(SUSPENDED)
        if pk and User.objects.filter(pk=pk, is_active=False).exists():
            return redirect("account_inactive")
    return None


def confirm(request: HttpRequest, guest: User) -> HttpResponse:
    """Ask a guest for the code from the mail; the right one makes them a member.

    The code counts in this guest's session only. Whoever opens the mail elsewhere brings the code back here.
    """
    pending = membership.pending_signup(guest)
    if pending is None:
        return redirect("account_signup")
    if request.POST.get("action") == "resend":
        return _resend(request, guest, pending)
    form = GuestCodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        outcome = membership.become_member(guest=guest, code=form.cleaned_data["code"])
        if outcome is not Outcome.WRONG:
            return _lead_on(request, guest, outcome, pending.errand if accounts.is_local(pending.errand) else "")
        form.add_error("code", _("This code is not right. Look at the newest mail and try again."))
    return render(
        request,
        "chat/people/confirm.html",
        {"form": form, "email": pending.email, "errand": pending.errand, "mail_is_printed": not settings.MAIL_GIVEN},
    )


def _lead_on(request: HttpRequest, guest: User, outcome: Outcome, errand: str) -> HttpResponse:
    match outcome:
        case Outcome.MEMBER:
            return _welcome(request, guest, errand)
        case Outcome.TAKEN:
            page, words = "account_login", _("This address has an account already. Sign in with it.")
        case Outcome.NAME:
            page, words = "account_signup", _("Somebody has taken this name meanwhile. Choose another one.")
        case Outcome.OVER | Outcome.WRONG:
            page = "account_signup"
            words = _("The code no longer counts. Sign up again; you are still here as a guest.")
        case unknown:
            assert_never(unknown)
    messages.error(request, words)
    return redirect(accounts.with_errand(page, errand))


def _welcome(request: HttpRequest, guest: User, errand: str) -> HttpResponse:
    member = User.objects.get(pk=guest.pk)
    # A new key for the session of the same person. Forms in other tabs go on working: the CSRF token stays.
    update_session_auth_hash(request, member)
    update_last_login(User, member)
    record_authentication(request, member, "login")
    messages.success(
        request, _("You are a member now, %(name)s. What you wrote as a guest stays yours.") % {"name": member.name}
    )
    return redirect(errand or "chat:lobby")


def _resend(request: HttpRequest, guest: User, pending: PendingSignup) -> HttpResponse:
    if not consume_email_verification_rate_limit(request, pending.email):
        messages.warning(request, _("A code was sent a moment ago. Wait a few minutes before you ask for another one."))
    else:
        code = accounts.new_code()
        membership.change_code(pending, code)
        accounts.send_code(guest, pending.email, code, has_account=not pending.code)
        messages.success(request, _("Another code is on its way."))
    return redirect("account_email_verification_sent")


# Staff ---------------------------------------------------------------------------------------------------------------


def _staff(request: HttpRequest) -> HttpResponse | None:
    """Let staff into the admin and the operator's pages who own a second factor and have used it in this session.

    To the others it is explained.

    Whoever is no staff is the admin's to refuse.
    """
    user = request.user
    if not isinstance(user, User) or not admin.site.has_permission(request):
        return None
    errand = request.get_full_path() if request.method in {"GET", "HEAD"} else reverse("admin:index")
    return needs_factor(request, user, errand)
