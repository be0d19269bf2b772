"""Sentences of allauth that we translate ourselves: its Japanese has a mistake there, or another word than ours.

They are listed so that they are collected into our catalogue, which Django asks before allauth's. Nothing reads them.
"""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_noop as _

ALLAUTH: Final = (
    _(
        "Enabling passwordless operation allows you to sign in using just this key, but imposes additional requirements"
        " such as biometrics or PIN protection."
    ),
    _("If you have not created an account yet, then please %(link)ssign up%(end_link)s first."),
    _("Signup"),
    _("Sign Up"),
    _("Sign up using a passkey"),
    _("Passkey Sign Up"),
    _("Sign Up Closed"),
    _("We are sorry, but the sign up is currently closed."),
    _(
        "We have sent an email to you for verification. Follow the link provided to finalize the signup process. If you"
        " do not see the verification email in your main inbox, check your spam folder. Please contact us if you do not"
        " receive the verification email within a few minutes."
    ),
)
