"""Forms about acts: an appeal and its decision, an act on a person, and what keepers restrict."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django import forms
from django.utils.translation import gettext_lazy as _

from chat.models import REASON_LENGTH, Appeal, Reason, Sanction
from chat.safety.appeals import WORDS
from chat.safety.keepers import SLOW
from compliance.adminkit import IdField

_SLOW: Final = {
    0: _("off"),
    5: _("5 seconds"),
    10: _("10 seconds"),
    30: _("30 seconds"),
    60: _("1 minute"),
    300: _("5 minutes"),
    900: _("15 minutes"),
    3600: _("1 hour"),
}
_SPANS: Final = {
    "3600": _("1 hour"),
    "86400": _("1 day"),
    "604800": _("1 week"),
    "2592000": _("30 days"),
    "": _("without an end (suspensions only)"),
}


class AppealForm(forms.Form):
    """Why somebody thinks that an act on them is wrong."""

    words = forms.CharField(label=_("Why the act is wrong"), max_length=WORDS, widget=forms.Textarea(attrs={"rows": 5}))


class DecisionForm(forms.Form):
    """What becomes of an appeal, and why."""

    outcome = forms.ChoiceField(label=_("Decision"), choices=Appeal.Outcome.choices, widget=forms.RadioSelect)
    note = forms.CharField(label=_("Reason, which the person reads"), max_length=REASON_LENGTH)


class ActForm(forms.Form):
    """An act on a person, everywhere."""

    kind = forms.ChoiceField(label=_("Act"), choices=Sanction.Kind.choices, widget=forms.RadioSelect)
    rule = forms.ChoiceField(label=_("Rule of the terms"), choices=Reason.choices)
    span = forms.ChoiceField(label=_("For how long"), choices=list(_SPANS.items()), required=False)
    reason = forms.CharField(
        label=_("Reason, which the person reads"),
        help_text=_("No words of a talk."),
        max_length=REASON_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    @property
    def lasts(self) -> timedelta | None:
        """For how long the act holds; None for no end, as a warning has none."""
        span = self.cleaned_data["span"]
        return timedelta(seconds=int(span)) if span and self.cleaned_data["kind"] != Sanction.Kind.WARN else None


class MuteForm(forms.Form):
    """A mute in one room."""

    person = IdField(widget=forms.HiddenInput)
    rule = forms.ChoiceField(label=_("Rule of the terms"), choices=Reason.choices)
    span = forms.ChoiceField(label=_("For how long"), choices=[item for item in _SPANS.items() if item[0]])
    reason = forms.CharField(label=_("Reason, which the person reads"), max_length=REASON_LENGTH)

    @property
    def lasts(self) -> timedelta:
        """For how long the mute holds."""
        return timedelta(seconds=int(self.cleaned_data["span"]))


class RoomRulesForm(forms.Form):
    """Who writes in a room, and how fast."""

    slow_seconds = forms.TypedChoiceField(
        label=_("Slow mode: between two messages of one person"),
        choices=[(seconds, _SLOW[seconds]) for seconds in SLOW],
        coerce=int,
    )
    members_only = forms.BooleanField(label=_("Only members write; guests read"), required=False)
    announce_only = forms.BooleanField(label=_("Only keepers and staff write"), required=False)
    archived = forms.BooleanField(label=_("Archived: everybody reads, nobody writes"), required=False)


class NameForm(forms.Form):
    """A member who is to keep a room, by the name that others see."""

    name = forms.CharField(label=_("Name of a member who has written here"), max_length=200)
