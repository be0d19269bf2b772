"""Forms of the checklist: the files of a signature, and the four questions on dating-site businesses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance import law
from compliance.language import current_language, localized
from compliance.law import Answer, dating
from compliance.law.questions import ANSWERS
from compliance.records.evidence import MOST_FILES, TYPES, Attachment, store


class FilesInput(forms.ClearableFileInput):
    """Django's file input for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Files; cleaning checks and stores them. Equal files are stored once."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the stored attachments."""
        uploads = [upload for upload in data or () if upload]
        if len(uploads) > MOST_FILES:
            raise ValidationError(_("At most %(most)d files go with one signature.") % {"most": MOST_FILES})
        return [store(upload) for upload in uploads]


class FilesForm(forms.Form):
    """The files of a signature: those kept from the last one, and new ones."""

    keep = forms.MultipleChoiceField(
        required=False, widget=forms.CheckboxSelectMultiple, label=gettext_lazy("Files kept from the last signature")
    )
    added = FilesField(
        required=False, label=gettext_lazy("Files (PDF, PNG, JPEG, text, CSV or e-mail; 10 MB each, 10 at most)")
    )

    def __init__(self, earlier: Sequence[Attachment], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["keep"] = [each.sha256 for each in earlier]
        self.earlier = earlier
        kept = self.fields["keep"]
        assert isinstance(kept, forms.MultipleChoiceField)
        kept.choices = [(each.sha256, each.name) for each in earlier]
        if not earlier:
            del self.fields["keep"]
        self.fields["added"].widget.attrs["accept"] = ",".join(TYPES)

    def clean(self) -> None:
        """Refuse more than `MOST_FILES` files."""
        if len(self.attachments) > MOST_FILES:
            self.add_error("added", _("At most %(most)d files go with one signature.") % {"most": MOST_FILES})

    @property
    def attachments(self) -> list[Attachment]:
        """The files of the signature, each once."""
        kept = [each for each in self.earlier if each.sha256 in self.cleaned_data.get("keep", ())]
        return list({each.sha256: each for each in (*kept, *self.cleaned_data.get("added", ()))}.values())


class FourQuestions(forms.Form):
    """The four conditions of a dating-site business (異性紹介事業): yes, no or unknown each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in dating.QUESTIONS:
            self.fields[question.key] = forms.ChoiceField(
                label=localized(question),
                choices=[(answer.value, localized(said)) for answer, said in ANSWERS.items()],
                widget=forms.RadioSelect,
            )

    @property
    def answers(self) -> dict[str, Answer]:
        """The answers by question."""
        return {key: Answer(value) for key, value in self.cleaned_data.items()}

    @property
    def as_text(self) -> str:
        """Questions and answers as LAW-20 records them."""
        language = current_language()
        return "\n".join(
            f"{law.say(question, language)} {law.say(ANSWERS[self.answers[question.key]], language)}"
            for question in dating.QUESTIONS
        )

    def asked(self) -> list[tuple[forms.BoundField, dating.Question]]:
        """Return each field with its question."""
        return [(self[question.key], question) for question in dating.QUESTIONS]
