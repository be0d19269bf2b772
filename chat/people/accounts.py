"""How allauth's pages behave here: where they lead, which address links have, and what a guest's sign-up does."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import structlog
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.email_verification import consume_email_verification_rate_limit
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.stagekit import clear_login
from allauth.account.models import EmailAddress
from allauth.account.views import PasswordResetFromKeyView, PasswordResetView
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import split_domain_port
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from chat import metrics
from chat.models import User
from chat.people import membership, queries
from chat.people.display_names import free_name
from chat.people.sanctions import CARRIED, SUSPENDED, carry, reinstate_expired
from chat.text.addresses import fold
from chat.web.hashing import Busy
from compliance.hostnames import readable_name
from compliance.language import current_language, language_of
from compliance.powers import owns_factor

log = structlog.get_logger("todoke.people")

SERVICE: Final = "Todoke"
PAGES: Final = "/accounts/"
"""Where allauth's pages hang."""
_ERRAND: Final = "errand"
#: Mails for which somebody waits at a page that everybody sees alike, whether the address has an account or not.
_ASKED_FOR: Final = {"email_confirmation", "email_confirmation_signup", "account_already_exists"}
_RECORDS: Final = "account_authentication_methods"  # allauth's notes of what was proved at sign-in
_PORTS: Final = {"http": "80", "https": "443"}

# The way back to the errand ------------------------------------------------------------------------------------------


def is_local(url: str) -> bool:
    """Return whether a URL is a path of this service: nothing else is ever a place to go on to."""
    return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)


def errand_of(request: HttpRequest) -> str:
    """Return the local path that a request wants to go on to afterwards (its `next`), or an empty text."""
    try:
        wanted = request.POST.get("next") or request.GET.get("next") or ""
    except (SuspiciousOperation, MultiPartParserError, OSError):  # the page that says so is rendered with it
        return ""
    return wanted if is_local(wanted) else ""


def with_errand(view: str, errand: str) -> str:
    """Return a page's path with the errand as its `next`."""
    return f"{reverse(view)}?{urlencode({'next': errand})}" if errand else reverse(view)


def keep_errand(request: HttpRequest) -> None:
    """Remember in a member's session what they came for, over the several pages that settings of an account take.

    A page of accounts is a step on the way, such as the password that is asked for again, and no errand of its own.
    """
    errand = errand_of(request)
    if errand and not errand.startswith(PAGES):
        request.session[_ERRAND] = errand


def kept_errand(request: HttpRequest) -> str:
    """Return what a member came for, until they are there again; nothing while it would only refuse them."""
    errand = str(request.session.get(_ERRAND, ""))
    if errand and errand == request.get_full_path():
        del request.session[_ERRAND]
        return ""
    if errand.startswith((reverse("admin:index"), reverse("compliance:desk"))) and not owns_factor(request.user):
        return ""
    return errand


# The address of the service ------------------------------------------------------------------------------------------


def origin(request: HttpRequest) -> str:
    """Return scheme, host and port under which people reach the service, for links in mails.

    Only what the deployment configured counts. `Host` may choose among the configured hosts; its port says nothing.
    An origin with that host in CSRF_TRUSTED_ORIGINS names scheme and port; else a server without proxies names the
    port at which it listens.
    """
    asked, _port = split_domain_port(request.get_host())
    exact = [host for host in settings.ALLOWED_HOSTS if host != "*" and not host.startswith(".")]
    host = asked if asked in exact else next(iter(exact), settings.ALLOWED_HOSTS[0].lstrip("."))
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        if split_domain_port(trusted.partition("://")[2].lower())[0] == host:
            return str(trusted)
    scheme = "https" if settings.HTTPS else "http"
    port = "" if settings.HTTPS or settings.TRUSTED_PROXIES else str(request.META.get("SERVER_PORT", ""))
    return f"{scheme}://{host}" + (f":{port}" if port not in {"", "0", _PORTS[scheme]} else "")


class _Site:
    """What mails call the service."""

    name = SERVICE

    def __init__(self, request: HttpRequest) -> None:
        host, port = split_domain_port(origin(request).partition("://")[2])
        self.domain = readable_name(host) + (f":{port}" if port else "")


# Guests --------------------------------------------------------------------------------------------------------------


def guest_of(request: HttpRequest) -> User | None:
    """Return the guest whose session a request brings, where they stand at a door for strangers (see `guards`)."""
    return getattr(request, "guest", None)


def ask_for_membership(request: HttpRequest, guest: User, form: Any) -> HttpResponse:
    """Note what a guest filled into the sign-up form, mail the code, and lead to the page that asks for it.

    Whether the address has an account is told by mail only.
    """
    email, errand = fold(form.cleaned_data["email"]), errand_of(request)
    known = form.account_already_exists or queries.has_account(email)
    clear_login(request)
    code: str | None = None
    if consume_email_verification_rate_limit(request, email):
        code = new_code()
    else:
        waiting = membership.pending_signup(guest)
        if waiting is None or waiting.email != email:
            raise ImmediateHttpResponse(respond_429(request))
    membership.ask_for_membership(
        guest=guest,
        email=email,
        name=form.cleaned_data["name"],
        password=form.cleaned_data["password1"],
        code=code,
        has_account=known,
        errand=errand,
    )
    if code is not None:
        send_code(guest, email, code, has_account=known)
    return redirect("account_email_verification_sent")


def new_code() -> str:
    """Return a code that can be read aloud and typed."""
    return str(Adapter().generate_email_verification_code())


def send_code(guest: User, email: str, code: str, *, has_account: bool) -> None:
    """Mail a code to the address; if it has an account, say that instead."""
    adapter = Adapter()
    if has_account:
        adapter.send_account_already_exists_mail(email)
    else:
        adapter.send_mail("account/email/email_confirmation_signup", email, {"user": guest, "code": code})


def _owner(email: str) -> User | None:
    return User.objects.filter(email=fold(email)).first()


# allauth's hooks -----------------------------------------------------------------------------------------------------


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]
    """What allauth asks the project."""

    def is_safe_url(self, url: str | None) -> bool:
        """Lead to paths of this service only."""
        return url is not None and is_local(url)

    def clean_email(self, email: str) -> str:
        """Store one spelling."""
        return fold(email)

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:  # noqa: FBT001, FBT002
        """Store a new account with its name, if the name is still free."""
        with transaction.atomic():
            user.name = free_name(form.cleaned_data["name"], role="")
            saved: User = super().save_user(request, user, form, commit)
            return saved

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Look whether a password is right. A service that is too busy to look counts no failure."""
        try:
            found = super().authenticate(request, **credentials)
        except Busy:
            self._rollback_login_failed_rl_usage()
            raise
        if isinstance(found, User) and not found.is_active and reinstate_expired([found.pk], timezone.now()):
            found.refresh_from_db()
        return found

    def login(self, request: HttpRequest, user: User) -> None:
        """Sign in, and tell whoever came as a guest what becomes of the guest."""
        guest = guest_of(request)
        proved = {key: value for key, value in request.session.items() if key.startswith(_RECORDS)}
        super().login(request, user)
        request.session.update(proved)  # Django empties the session of somebody else, here the guest's
        record_authentication(request, user, "login")
        if guest:
            told = _("You are signed in as %(name)s. The guest %(guest)s stays behind with what it wrote.")
            messages.info(request, told % {"name": user.name, "guest": guest.name})

    def logout(self, request: HttpRequest) -> None:
        """Sign out. Acts on the person stay in the browser's session: its next guest has them, too."""
        acts = carry(request)
        super().logout(request)
        if acts:
            request.session[CARRIED] = acts

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Lead somebody who has shown who they are, and is suspended, to the page that says why."""
        request.session[SUSPENDED] = user.pk
        response: HttpResponse = super().respond_user_inactive(request, user)
        return response

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Lead back to what the member came for."""
        url: str = kept_errand(self.request) or super().get_email_verification_redirect_url(email_address)
        return url

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link of a mail that resets a password. It carries the errand."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        errand = errand_of(self.request)
        return (
            origin(self.request) + path.replace("UID-KEY", key) + (f"?{urlencode({'next': errand})}" if errand else "")
        )

    def get_email_confirmation_url(self, request: HttpRequest, emailconfirmation: Any) -> str:
        """Return the link of a mail that confirms an address."""
        return origin(request) + reverse("account_confirm_email", args=[emailconfirmation.key])

    def send_account_already_exists_mail(self, email: str) -> None:
        """Tell the owner of an address that somebody wanted an account with it."""
        base = origin(self.request)
        links = {
            "signup_url": base + reverse("account_signup"),
            "password_reset_url": base + reverse("account_reset_password"),
        }
        self.send_mail("account/email/account_already_exists", email, links)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail in the service's name, in the language that the owner of the address chose.

        A stranger can ask for some mails: then the language of the request is not that of the reader. If sending fails,
        what was stored stays, and the page says how to go on.
        """
        kind = template_prefix.rpartition("/")[2]
        try:
            with translation.override(language_of(_owner(email), unknown=current_language())):
                super().send_mail(template_prefix, email, {**context, "current_site": _Site(self.request)})
        except OSError as error:  # smtplib's own errors among them
            log.warning("mail.unsent", kind=kind, error=type(error).__name__)
            metrics.MAILS_UNSENT.inc()
            if kind not in _ASKED_FOR:
                return
            if guest_of(self.request):
                way = _("The mail could not be sent just now. Wait three minutes, then fill in the sign-up form again.")
            elif self.request.user.is_authenticated:
                way = _(
                    "The mail could not be sent just now. Your address stays as it was: wait three minutes, then enter"
                    " the new one again."
                )
            else:
                way = _(
                    "The mail could not be sent just now. Your account is kept: wait three minutes, then sign in with"
                    " your address and password, and the mail is sent again."
                )
            messages.warning(self.request, way)


class PasswordReset(PasswordResetView):  # type: ignore[misc]
    """Asks for the address; then always says that a mail was sent, and keeps the errand."""

    def get_success_url(self) -> str:
        """Lead to the page that says so."""
        return with_errand("account_reset_password_done", errand_of(self.request))


class PasswordResetFromKey(PasswordResetFromKeyView):  # type: ignore[misc]
    """Takes the new password; then asks to sign in with it, and keeps the errand."""

    def get_success_url(self) -> str:
        """Lead to sign-in, or where a member was going whose session goes on."""
        errand = errand_of(self.request)
        if self.request.user.is_authenticated:
            return errand or reverse("account_reset_password_from_key_done")
        return with_errand("account_login", errand)


def context(request: HttpRequest) -> dict[str, Any]:
    """Give templates the errand: where a sign-in or sign-up from this page leads back to (context processor)."""
    on_accounts = request.path_info.startswith((PAGES, "/guest/"))
    here = "" if on_accounts or request.method not in {"GET", "HEAD"} else request.get_full_path()
    user = getattr(request, "user", None)  # a page of errors can come before anybody asked who it is
    errand = errand_of(request)
    guest = guest_of(request) or (user if getattr(user, "is_guest", False) else None)
    again = f"{request.path}?{urlencode({'next': errand})}" if errand and not here else request.get_full_path()
    return {
        "errand": errand or here,
        "page_url": again,  # this page, asked for by GET: where another language leads to
        "kept_errand": kept_errand(request) if getattr(user, "is_authenticated", False) else "",
        "guest": guest,
        "awaits_code": lambda: guest is not None and membership.pending_signup(guest) is not None,
    }
