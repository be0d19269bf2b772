"""Forms of the calendar of duties: a duty done, an incident or a change, an outage."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.adminkit import ONE_LINE, DayField, MomentField, NumberField, text_field
from compliance.language import localized
from compliance.law import outages
from compliance.law.duties import Kind
from compliance.models import Outage


class DoneForm(forms.Form):
    """Marks a duty as done: the day, and the proof."""

    done_on = DayField(label=gettext_lazy("Done on"))
    note = forms.CharField(
        label=gettext_lazy("What proves it (such as the receipt number or where the copy is)"),
        max_length=ONE_LINE,
        required=False,
    )


class HappeningForm(forms.Form):
    """Records an incident or a change."""

    kind = forms.ChoiceField(label=gettext_lazy("What happened"))
    on = DayField(label="")
    attack = forms.BooleanField(
        label=gettext_lazy("Personal data: somebody with a wrongful purpose may be behind it (60 days instead of 30)"),
        required=False,
    )
    summary = text_field(gettext_lazy("In a line or two, without the words of any message"), max_length=ONE_LINE)

    def __init__(self, *args: Any, incident: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(kind.value, localized(kind)) for kind in Kind if kind.is_incident is incident]
        self.fields["kind"] = forms.ChoiceField(
            label=_("What happened") if incident else _("What changed"), choices=kinds, widget=forms.RadioSelect
        )
        self.fields["on"].label = _("Day on which you learned of it") if incident else _("Day from which it holds")
        if not incident:
            del self.fields["attack"]


class OutageForm(forms.Form):
    """Records an outage: its times, its users, and what failed."""

    started_at = MomentField(label=gettext_lazy("Began (Japan time)"))
    ended_at = MomentField(label=gettext_lazy("Ended (Japan time; empty while it goes on)"), required=False)
    users = NumberField(
        label=gettext_lazy("Users hit (empty if not known)"), min_value=0, max_value=10**10, required=False
    )
    where = forms.ChoiceField(label=gettext_lazy("What failed"), required=False)
    service = forms.ChoiceField(label=gettext_lazy("Kind of service"), required=False)
    add_on = forms.BooleanField(
        label=gettext_lazy("It hit nothing but an add-on function (付加的な機能); talking worked"), required=False
    )
    cause = text_field(gettext_lazy("Cause, and what was done"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unknown = ("", _("Not known yet"))
        for name, choices in (("where", outages.Failed), ("service", outages.Service)):
            self.fields[name] = forms.ChoiceField(
                label=self.fields[name].label,
                required=False,
                choices=[unknown, *((choice.value, localized(choice)) for choice in choices)],
            )

    def into(self, row: Outage) -> Outage:
        """Copy the cleaned values to an outage and return it."""
        for name, value in self.cleaned_data.items():
            setattr(row, name, value)
        return row
