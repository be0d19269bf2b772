"""Form fields and forms that several pages of the operator share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance.adminkit.half_width import DayField, LinkField
from compliance.language import localized
from compliance.law import EvidenceField, Item

ONE_LINE: Final = 500
"""The maximum length of a field of one line, in characters."""
_LONG_EVIDENCE: Final = 20_000
_PARAGRAPHS: Final = 5_000
_FEW_CHOICES: Final = 3
_MAY_LIE_AHEAD: Final = frozenset({"closing_on"})


def submit(form: forms.Form, write: Callable[[], object]) -> bool:
    """Validate a form and run its write.

    Args:
        form: bound; it gets the errors that the write raises.
        write: called only if the form is valid.

    Returns:
        whether the form is valid and the write succeeded.
    """
    if not form.is_valid():
        return False
    try:
        write()
    except ValidationError as refused:
        form.add_error(None, refused)
        return False
    return True


def one_line(text: str) -> str:
    """Return the text on one line, without control characters, which no form and no XML can hold."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def text_field(label: Any, *, rows: int = 3, required: bool = True, max_length: int = _PARAGRAPHS) -> forms.CharField:
    """Return a field for a text of some lines."""
    return forms.CharField(
        label=label, max_length=max_length, required=required, widget=forms.Textarea(attrs={"rows": rows})
    )


class ReasonForm(forms.Form):
    """A reason in the operator's words."""

    reason = text_field(gettext_lazy("Reason"), max_length=ONE_LINE)


class EvidenceForm(forms.Form):
    """The evidence of one checklist item, field by field as the catalogue has it."""

    def __init__(self, item: Item, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.item = item
        self.fields = {field.key: self._control(field) for field in item.evidence}

    def _control(self, field: EvidenceField) -> forms.Field:
        common: dict[str, Any] = {
            "label": localized(field),
            "required": field.required,
            "error_messages": {"required": _("%(item)s cannot be signed without this.") % {"item": self.item.id}},
        }
        control: forms.Field
        match field.kind:
            case "text":
                control = forms.CharField(max_length=ONE_LINE, **common)
            case "long":
                control = forms.CharField(max_length=_LONG_EVIDENCE, widget=forms.Textarea(attrs={"rows": 4}), **common)
            case "url":
                control = LinkField(max_length=ONE_LINE, **common)
            case "date":
                control = DayField(**common)
            case "check":
                control = forms.BooleanField(**common)
            case "choice":
                choices = [(choice.value, localized(choice)) for choice in field.choices]
                few = len(choices) <= _FEW_CHOICES
                control = forms.ChoiceField(
                    choices=choices if few else [("", "—"), *choices],
                    widget=forms.RadioSelect if few else forms.Select,
                    **common,
                )
        return control

    def clean(self) -> None:
        """Refuse future days: evidence records what was done."""
        today = timezone.localdate()
        for key, value in list(self.cleaned_data.items()):
            if isinstance(value, date) and value > today and key not in _MAY_LIE_AHEAD:
                self.add_error(key, _("This day is in the future. Enter the day on which it was done."))

    @property
    def evidence(self) -> dict[str, Any]:
        """The cleaned values as JSON."""
        return {
            key: value.isoformat() if isinstance(value, date) else "" if value is None else value
            for key, value in self.cleaned_data.items()
        }


def evidence_in_words(item: Item, evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each piece of an item's evidence with its label, in the language of the request."""
    shown = []
    for field in item.evidence:
        value = evidence.get(field.key, "")
        if field.kind == "check":
            value = _("Yes") if value is True else _("No")
        elif field.kind == "choice":
            value = next((localized(choice) for choice in field.choices if choice.value == value), value)
        shown.append((localized(field), str(value) or "—"))
    return shown
