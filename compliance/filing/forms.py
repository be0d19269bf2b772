"""The form on which the operator notes the facts of the notification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance import law
from compliance.adminkit import CodeField, DayField, MailField
from compliance.filing.applicant import ApplicantKind
from compliance.filing.network import Network
from compliance.language import current_language

_LINE_CHARS: Final = 300
_YES_NO: Final = (("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No")))


@dataclass(frozen=True, slots=True)
class Group:
    """Fields of one subject; folded if they concern few operators."""

    heading: str
    fields: list[forms.BoundField]
    folded: bool = False


class FilingForm(forms.Form):
    """The facts that the official forms ask for and the environment does not have. Empty ones are filled in by hand."""

    kind = forms.ChoiceField(label=gettext_lazy("Who files"), widget=forms.RadioSelect, required=False)
    abroad = forms.ChoiceField(
        label=gettext_lazy("Abroad: a foreign company or body, or a person living abroad"),
        choices=_YES_NO,
        widget=forms.RadioSelect,
        required=False,
    )
    name = forms.CharField(
        label=gettext_lazy("Name, of the person or the company"), max_length=_LINE_CHARS, required=False
    )
    name_kana = forms.CharField(label=gettext_lazy("Name in kana"), max_length=_LINE_CHARS, required=False)
    representative = forms.CharField(
        label=gettext_lazy("Representative, of a company or body"), max_length=_LINE_CHARS, required=False
    )
    postal_code = CodeField(label=gettext_lazy("Postal code"), max_length=12, required=False)
    address = forms.CharField(label=gettext_lazy("Address, as on the form"), max_length=_LINE_CHARS, required=False)
    address_kana = forms.CharField(label=gettext_lazy("Address in kana"), max_length=_LINE_CHARS, required=False)
    prefecture = forms.ChoiceField(label=gettext_lazy("Prefecture, where the address does not name it"), required=False)
    phone = CodeField(label=gettext_lazy("Phone, as on the form"), max_length=40, required=False)
    email = MailField(label=gettext_lazy("E-mail address, as on the form"), required=False)
    agent_is_company = forms.ChoiceField(
        label=gettext_lazy("The representative in Japan is a company"),
        choices=_YES_NO,
        widget=forms.RadioSelect,
        required=False,
    )
    agent_name = forms.CharField(
        label=gettext_lazy("Name of the representative in Japan"), max_length=_LINE_CHARS, required=False
    )
    agent_address = forms.CharField(
        label=gettext_lazy("Address of the representative in Japan"), max_length=_LINE_CHARS, required=False
    )
    agent_phone = CodeField(label=gettext_lazy("Phone of the representative in Japan"), max_length=40, required=False)
    agent_email = MailField(label=gettext_lazy("E-mail of the representative in Japan"), required=False)
    area = forms.CharField(label=gettext_lazy("Service area"), max_length=_LINE_CHARS, required=False)
    start_on = DayField(label=gettext_lazy("Planned start"), required=False)

    def __init__(self, network: Network, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = current_language()
        kind, prefecture = self.fields["kind"], self.fields["prefecture"]
        assert isinstance(kind, forms.ChoiceField)
        assert isinstance(prefecture, forms.ChoiceField)
        kind.choices = [(each.value, law.say(each, language)) for each in ApplicantKind]
        names = [(ja, en) for bureau in law.REGIONAL_BUREAUX for ja, en in bureau.prefectures.items()]
        prefecture.choices = [("", "—"), *((ja, en if language == "en" else ja) for ja, en in names)]
        for machine in network.machines:
            self.fields[f"place_{machine.key}"] = forms.CharField(
                label=_("Where “%(machine)s” stands") % {"machine": law.say(machine.name, language)},
                max_length=_LINE_CHARS,
                required=False,
            )

    def groups(self) -> list[Group]:
        """Return the fields by subject, in the order of the page."""
        agent = [name for name in self.fields if name.startswith("agent_")]
        place = [name for name in self.fields if name.startswith("place_")]
        service = ["area", "start_on"]
        who = [name for name in self.fields if name not in {*agent, *place, *service}]
        return [
            Group(_("Name and address"), [self[name] for name in who]),
            Group(
                _("Representative in Japan (only for those abroad)"),
                [self[name] for name in agent],
                folded=self["abroad"].value() != "yes",
            ),
            Group(_("The service"), [self[name] for name in service]),
            Group(_("Where the equipment stands"), [self[name] for name in place]),
        ]

    def facts(self) -> dict[str, Any]:
        """Return the cleaned values as they are stored (JSON)."""
        texts = {
            key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in self.cleaned_data.items()
        }
        places = {key.removeprefix("place_"): texts.pop(key) for key in list(texts) if key.startswith("place_")}
        return {key: value for key, value in texts.items() if value} | {
            "places": {key: value for key, value in places.items() if value}
        }
