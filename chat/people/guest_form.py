"""The form with which somebody enters as a guest."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.models import NAME_POINTS
from chat.people.display_names import free_name


class GuestForm(forms.Form):
    """One step into an open room: a nickname."""

    nickname = forms.CharField(
        label=_("Nickname"),
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "maxlength": str(NAME_POINTS), "enterkeyhint": "go"}),
    )

    def clean_nickname(self) -> str:
        """Refuse names that hide or reorder text, and those of others."""
        return free_name(self.cleaned_data["nickname"], role="guest")
