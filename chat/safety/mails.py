"""Mails about acts: that something was done, why, until when, and how to appeal. Never a word of a talk."""

from __future__ import annotations

from typing import Final

import structlog
from django.core.mail import send_mail
from django.core.signing import BadSignature, TimestampSigner
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from chat import metrics
from chat.models import Appeal, Sanction
from chat.people import active
from compliance.language import language_of

log = structlog.get_logger("todoke.safety")
LINK_SECONDS: Final = 180 * 24 * 3600
_signer = TimestampSigner(salt="chat.safety.appeal")


def token_of(sanction: Sanction) -> str:
    """Return what stands in the link by which somebody who cannot sign in reaches their appeal."""
    return _signer.sign(sanction.public_id.hex)


def read_token(token: str) -> str | None:
    """Return the public id of the act that a link names; None where the link was changed or is too old."""
    try:
        return _signer.unsign(token, max_age=LINK_SECONDS)
    except BadSignature:
        return None


def tell(sanction: Sanction, origin: str) -> None:
    """Mail somebody what was done, in their language. Guests have no address; what a mail server refuses is counted.

    Args:
        sanction: the act, as it stands.
        origin: scheme and host under which links lead here; empty: the mail names the page without a link.
    """
    user = sanction.user
    if user.is_guest or not user.email:
        return
    path = reverse("chat:appeal_by_link", args=[token_of(sanction)])
    decided = Appeal.objects.filter(sanction=sanction).exclude(outcome="").first()
    if decided is not None and decided.outcome == Appeal.Outcome.UPHELD and sanction.lifted_at is not None:
        decided = None  # what was decided then is not what happens now
    context = {
        "act": sanction,
        "url": f"{origin}{path}" if origin else "",
        "decided": decided,
        "name": user.name,
        "held": active(timezone.now(), Sanction.Kind.MUTE, Sanction.Kind.SUSPEND).filter(user=user).exists(),
    }
    with translation.override(language_of(user)):
        subject = _("A notice from the people who run Todoke")
        words = render_to_string("chat/safety/mail.txt", context).strip()
    try:
        send_mail(subject, f"{words}\n", None, [user.email])
    except OSError as error:
        log.warning("mail.unsent", kind="act", error=type(error).__name__)
        metrics.MAILS_UNSENT.inc()
