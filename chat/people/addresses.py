"""E-mail addresses at the borders: the form field, and the receiver that folds addresses of allauth's rows."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from chat.people.sanctions import continue_acts
from chat.text.addresses import fold


def fold_row(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Fold the address of a row whose model is not ours, before it is saved (a receiver of `pre_save`)."""
    instance.email = fold(instance.email)


def note_confirmed(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Put acts again on whoever confirms an address under which they hold (a receiver of `post_save`).

    Where no mail can be sent, nobody confirms anything; then having the address is enough.
    """
    if instance.verified or settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory":
        continue_acts(instance.user, instance.email)


class AddressInput(forms.EmailField):
    """A field for an address, which may be typed in full-width letters.

    Its type is text: browsers refuse a full-width ＠ in a field of type email before the server sees it.
    """

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "email", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__(**{"label": _("Email"), "widget": forms.TextInput(attrs=attrs), **kwargs})

    def to_python(self, value: Any) -> Any:
        """Fold what was typed, before it is checked."""
        return super().to_python(fold(value) if isinstance(value, str) else value)
