"""Forms of a case: the paper, its days, files, letters, holds, and its end."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy

from compliance.adminkit import ONE_LINE, DayField, IdField, text_field
from compliance.cases.register import OUTCOMES
from compliance.language import localized
from compliance.law import papers
from compliance.models import Case, Hold

_SUBJECTS: Final = [(scope.value, scope.label) for scope in (Hold.Scope.PERSON, Hold.Scope.ROOM)]


class CaseForm(forms.Form):
    """A paper that arrived."""

    kind = forms.ChoiceField(label=gettext_lazy("What it is"))
    variant = forms.ChoiceField(label=gettext_lazy("What of it changes the clock"))
    sender = forms.CharField(label=gettext_lazy("From whom: authority, association, person"), max_length=200)
    reference = forms.CharField(label=gettext_lazy("Its number"), max_length=100, required=False)
    dated_on = DayField(label=gettext_lazy("Its date"), required=False)
    received_on = DayField(label=gettext_lazy("Received on (of a leak: known since)"))
    named_on = DayField(label=gettext_lazy("Last day that the paper names"), required=False)
    about = text_field(gettext_lazy("What it asks for, in a line or two; never words of a talk"), required=False)
    silence = forms.ChoiceField(label=gettext_lazy("Secrecy"), choices=Case.Silence.choices, required=False)
    silent_until = DayField(label=gettext_lazy("Kept secret until"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = {
            "kind": [(kind.value, localized(papers.PAPERS[kind])) for kind in papers.Kind],
            "variant": [(variant.value, localized(variant)) for variant in papers.Variant],
        }
        for name, listed in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = listed


class DaysForm(forms.Form):
    """The days from which clocks run."""

    named_on = DayField(label=gettext_lazy("Last day that the paper names"), required=False)
    asked_on = DayField(label=gettext_lazy("The poster received the enquiry on"), required=False)
    ordered_on = DayField(label=gettext_lazy("A court’s order came on"), required=False)


class PaperForm(forms.Form):
    """A file."""

    file = forms.FileField(label=gettext_lazy("File (PDF, PNG, JPEG, text)"))


class LetterForm(forms.Form):
    """What a letter asks its writer for."""

    def __init__(self, letter: papers.Letter, data: Any = None) -> None:
        super().__init__(data, prefix=letter.key)
        self.letter = letter
        for name in letter.asks:
            label = localized(papers.FIELDS[name])
            self.fields[name] = text_field(label) if name == "detail" else forms.CharField(label=label, max_length=40)


class HoldForm(forms.Form):
    """A hold of the case."""

    scope = forms.ChoiceField(
        label=gettext_lazy("Whose records"),
        choices=_SUBJECTS,
    )
    subject = IdField(label=gettext_lazy("Id of the person or the room"))
    ends_on = DayField(label=gettext_lazy("Last day"))


class ExtendForm(forms.Form):
    """The extension of a freeze request, on a further request of the authority."""

    extend_to = DayField(label=gettext_lazy("Extend to (last day)"))
    extension_paper = forms.CharField(
        label=gettext_lazy("Paper of the extension: authority, number, date"), max_length=ONE_LINE
    )


class CloseForm(forms.Form):
    """How the case ends."""

    outcome = forms.ChoiceField(label=gettext_lazy("How it ends"), choices=OUTCOMES)
    reason = text_field(gettext_lazy("Reason"), max_length=500)
