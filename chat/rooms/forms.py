"""Forms about rooms: a new open room, and locking one."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.people import clean_line


class RoomForm(forms.Form):
    """An open room's name and one line about it."""

    name = forms.CharField(label=_("Name"), max_length=60)
    description = forms.CharField(label=_("What it is about"), max_length=200, required=False)

    def clean_name(self) -> str:
        """Refuse names that hide or reorder text."""
        return clean_line(self.cleaned_data["name"], most=60)

    def clean_description(self) -> str:
        """Refuse descriptions that hide or reorder text."""
        description = self.cleaned_data["description"]
        return clean_line(description, most=200) if description else ""


class LockForm(forms.Form):
    """The owner's consent to lock a room: there is no way back."""

    understood = forms.BooleanField(label=_("I understand that this cannot be undone."))
