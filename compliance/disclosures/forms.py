"""Forms of a disclosure: what is asked for, the key of the extract, a refusal, a review."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.adminkit import text_field
from compliance.adminkit.half_width import MomentField
from compliance.models import Disclosure


class IdsField(forms.CharField):
    """Ids, one on a line."""

    widget = forms.Textarea(attrs={"rows": 2, "spellcheck": "false"})

    def clean(self, value: Any) -> list[UUID]:
        """Return the ids; refuse what is none."""
        try:
            return [UUID(line) for line in str(super().clean(value) or "").split()]
        except ValueError:
            raise ValidationError(_("Enter ids, one on a line.")) from None


class AskForm(forms.Form):
    """What is asked for, why, and at which scope."""

    ground = forms.ChoiceField(
        label=gettext_lazy("Ground"), choices=Disclosure.Ground.choices, widget=forms.RadioSelect
    )
    reason = text_field(gettext_lazy("Why, and why no less would do"), max_length=2000)
    rooms = IdsField(label=gettext_lazy("Closed rooms (ids, one on a line)"), required=False)
    people = IdsField(label=gettext_lazy("Only what these people wrote (ids, one on a line)"), required=False)
    since = MomentField(label=gettext_lazy("From (Japan time)"))
    until = MomentField(label=gettext_lazy("Until (Japan time)"))


class KeyForm(forms.Form):
    """The key of an extract."""

    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=64,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class FindingForm(forms.Form):
    """What a review found."""

    finding = text_field(gettext_lazy("What you found: ground, scope, who received it"), max_length=2000)
