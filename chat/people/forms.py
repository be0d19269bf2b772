"""Forms of the account pages: allauth's own, named in settings by ACCOUNT_FORMS and MFA_FORMS.

Each says in words what is wrong and loses nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account import forms as account
from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.signup import prevent_enumeration
from allauth.core import context
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from chat.models import NAME_POINTS, User
from chat.people import accounts
from chat.people.addresses import AddressInput
from chat.people.display_names import free_name
from compliance.adminkit import CodeField


class AnyWidth(forms.Form):
    """Takes addresses and codes as Japanese keyboards write them.

    Attributes:
        REPLACED: the fields of allauth that a form replaces by ours when it is made.
        code_is_number: whether a code has digits only, so that a phone shows those.
    """

    REPLACED: ClassVar = frozenset({"email", "login", "code"})
    code_is_number: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in (self.REPLACED - {"code"}) & set(self.fields):
            self.fields[name] = AddressInput(label=self.fields[name].label, required=self.fields[name].required)
        if "code" in self.fields:
            keyboard = {"inputmode": "numeric"} if self.code_is_number else {"autocapitalize": "characters"}
            widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "enterkeyhint": "go", **keyboard})
            self.fields["code"] = CodeField(label=self.fields["code"].label, widget=widget)


class SignupForm(AnyWidth, account.SignupForm):  # type: ignore[misc]
    """What an account asks: address, name, password. A guest keeps their nickname unless they write another name."""

    name = forms.CharField(
        label=_("Display name"),
        help_text=_("Others see this name, never your e-mail address."),
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "maxlength": str(NAME_POINTS)}),
    )
    field_order = ("email", "name", "password1", "password2")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.guest: User | None = accounts.guest_of(context.request)
        if self.guest:
            self.fields["name"].required = False
            self.fields["name"].initial = self.guest.name

    def clean_name(self) -> str:
        """Refuse names that hide or reorder text, and those of others."""
        name = self.cleaned_data["name"] or (self.guest.name if self.guest else "")
        return free_name(name, role="", pk=self.guest.pk if self.guest else None)

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Store the account; for a guest note what they asked for, and lead them to the page that asks for the code."""
        if self.guest:
            return None, accounts.ask_for_membership(request, self.guest, self)
        try:
            user, answer = super().try_save(request)
        except ValidationError as error:  # somebody took the name between the check and now
            messages.error(request, " ".join(error.messages))
            return None, redirect(accounts.with_errand("account_signup", accounts.errand_of(request)))
        except IntegrityError:  # somebody took the address between the check and now
            return None, prevent_enumeration(request, email=self.cleaned_data["email"])
        return user, answer


class LoginForm(AnyWidth, account.LoginForm):  # type: ignore[misc]
    """Address and password."""


class ResetPasswordForm(AnyWidth, account.ResetPasswordForm):  # type: ignore[misc]
    """The address to which the way to a new password is sent."""


class AddEmailForm(AnyWidth, account.AddEmailForm):  # type: ignore[misc]
    """A further address."""


class ChangeEmailForm(AnyWidth, account.ChangeEmailForm):  # type: ignore[misc]
    """Another address, before the first is confirmed."""


class ConfirmEmailForm(AnyWidth, account.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    """The code from the mail."""


class GuestCodeForm(AnyWidth):
    """The code from the mail, as a guest enters it; `people.become_member` says whether it is right."""

    code = forms.CharField(label=_("Code"))


class AuthenticateForm(AnyWidth, mfa.AuthenticateForm):  # type: ignore[misc]
    """The code of a second factor, at sign-in."""

    code_is_number = True


class ReauthenticateForm(AnyWidth, mfa.ReauthenticateForm):  # type: ignore[misc]
    """The code of a second factor, before a change."""

    code_is_number = True


class ActivateTOTPForm(AnyWidth, totp.ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app. It shows that the person has the app at hand."""

    code_is_number = True

    def clean_code(self) -> str:
        """Check the code, and note in the session that its owner has used the factor."""
        code: str = super().clean_code()
        record_authentication(context.request, self.user, "mfa", type="totp")
        return code


class AddWebAuthnForm(AnyWidth, webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey. Making it shows that the person has it at hand."""

    name = forms.CharField(label=_("Name of the key"), required=False)

    def clean(self) -> dict[str, Any]:
        """Check the key, and note in the session that its owner has used the factor."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("credential") and not self.errors:
            record_authentication(context.request, self.user, "mfa", type="webauthn")
        return cleaned
