"""Forms: a nickname, a room, the display name at sign-up. Each says in words what is wrong and loses nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.models import NAME_LENGTH, User
from chat.people import clean_name


class GuestForm(forms.Form):
    """One step into an open room: a nickname."""

    nickname = forms.CharField(
        label=_("Nickname"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "nickname"})
    )

    def clean_nickname(self) -> str:
        """Refuse names that hide or reorder text."""
        return clean_name(self.cleaned_data["nickname"])


class RoomForm(forms.Form):
    """An open room's name and one line about it."""

    name = forms.CharField(label=_("Name"), max_length=60)
    description = forms.CharField(label=_("What it is about"), max_length=200, required=False)

    def clean_name(self) -> str:
        """Refuse names that hide or reorder text."""
        return clean_name(self.cleaned_data["name"], most=60)

    def clean_description(self) -> str:
        """Refuse descriptions that hide or reorder text."""
        description = self.cleaned_data["description"]
        return clean_name(description, most=200) if description else ""


class LockForm(forms.Form):
    """The owner's consent to lock a room: there is no way back."""

    understood = forms.BooleanField(label=_("I understand that this cannot be undone."))


class SignupForm(forms.Form):
    """What an account asks beside address and password (used by allauth)."""

    name = forms.CharField(
        label=_("Display name"),
        max_length=NAME_LENGTH,
        help_text=_("Others see this name, never your e-mail address."),
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    field_order = ("email", "name", "password1", "password2")

    def clean_name(self) -> str:
        """Refuse names that hide or reorder text."""
        return clean_name(self.cleaned_data["name"])

    def signup(self, request: Any, user: User) -> None:
        """Store the name with the new account."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=("name",))
