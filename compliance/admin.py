"""The operator's desk in the admin: the checklist, the emergency stop, and the records, which nobody edits there."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any, ClassVar, Final

from allauth.mfa.utils import is_mfa_enabled
from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance import assessment, dating, diary, gate, holds, law, ledger, proof, signing, since
from compliance.checklist import (
    CONDITIONS,
    IF_CLOSED,
    ITEM,
    ITEMS,
    OPEN_DUTIES,
    Condition,
    EvidenceField,
    Facts,
    Group,
    Item,
    Scope,
    applies,
    blocking,
    open_only,
)
from compliance.classify import CONSEQUENCES, Answer, Outcome
from compliance.evidence import MOST_FILES, TYPES, Attachment, Missing, attachments, present, read, store
from compliance.law import Feature, Required
from compliance.models import Authorisation, Checklist, GateState, Hold, LedgerEntry, Signature, Stop
from compliance.questions import ANSWERS
from compliance.standing import Mode

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin

SOON: Final = timedelta(days=30)
"""How long before its end a signature is said to run out."""
SHORT_LEDGER: Final = 2_000
"""Entries up to which the chain is walked on every look at the list; a longer one is walked when asked."""

# What is deleted here is deleted one by one, each with its own question.
admin.site.disable_action("delete_selected")


# --- the checklist as it stands --------------------------------------------------------------------------------


class State(StrEnum):
    """Where an item stands."""

    signed = "signed"
    ending = "ending"
    expired = "expired"
    contradicted = "contradicted"
    outdated = "outdated"
    unsigned = "unsigned"
    idle = "idle"


_STATES: Final[Mapping[State, Promise]] = {
    State.signed: gettext_lazy("Signed"),
    State.ending: gettext_lazy("Signed, ends soon"),
    State.expired: gettext_lazy("Expired"),
    State.contradicted: gettext_lazy("Signed, but contradicts the filing"),
    State.outdated: gettext_lazy("Signed, but form 4 lacks a feature"),
    State.unsigned: gettext_lazy("Not signed"),
    State.idle: gettext_lazy("Does not apply"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the catalogue as this deployment has it now."""

    item: Item
    state: State
    shuts: bool
    """It is among those that keep closed chat shut at this moment."""
    signature: Signature | None
    wanted: bool = True
    """Closed chat needs it, whether this deployment offers closed chat or not."""

    @property
    def label(self) -> str:
        """The state in words."""
        return str(_STATES[self.state])

    @property
    def done(self) -> bool:
        """Whether a signature holds."""
        return self.state in {State.signed, State.ending}

    @property
    def condition(self) -> Condition | None:
        """When the item applies; None where it always does."""
        return CONDITIONS.get(self.item.id) or (IF_CLOSED if self.item.scope is Scope.CLOSED else None)

    @property
    def why(self) -> law.Text:
        """Why the item is asked."""
        return law.Text(self.item.why_ja, self.item.why_en)

    @property
    def needed(self) -> bool:
        """Whether closed chat needs it, signed or not."""
        return self.item.blocks and self.wanted

    @property
    def articles(self) -> list[tuple[str, str]]:
        """The articles it follows from, by law, each with the law's address on e-Gov (empty where there is none)."""
        grouped = groupby(self.item.articles, lambda article: law.cite(article).statute)
        return [(statute.url, law.cite_all(articles, gate.spoken())) for statute, articles in grouped]

    @property
    def url(self) -> str:
        """The item's page."""
        return reverse("admin:compliance_checklist_change", args=[self.item.id])


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the items that apply are signed."""

    done: int
    of: int

    @classmethod
    def along(cls, rows: Sequence[Row]) -> Progress:
        """Count the rows that apply."""
        counted = [row for row in rows if row.state is not State.idle]
        return cls(sum(row.done for row in counted), len(counted))


@dataclass(frozen=True, slots=True)
class Section:
    """One group of the checklist."""

    group: Group
    rows: list[Row]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Desk:
    """The whole checklist with the gate that it was read at."""

    snapshot: gate.Snapshot
    rows: list[Row]

    @classmethod
    def now(cls) -> Desk:
        """Read the gate and the live signatures."""
        snapshot = gate.settle()
        now = timezone.now()
        live = Signature.objects.filter(withdrawn_at__isnull=True).select_related("signed_by")
        signatures = {signature.item_id: signature for signature in live}
        return cls(snapshot, [_row(item, snapshot, signatures.get(item.id), now) for item in ITEMS])

    @property
    def sections(self) -> list[Section]:
        """The groups, in the catalogue's order of groups."""
        order = list(Group)
        rows = sorted(self.rows, key=lambda row: order.index(row.item.group))
        grouped = [(group, list(members)) for group, members in groupby(rows, lambda row: row.item.group)]
        return [Section(group, members, Progress.along(members)) for group, members in grouped]

    @property
    def progress(self) -> Progress:
        """All items that apply."""
        return Progress.along(self.rows)

    @property
    def blocking(self) -> Progress:
        """The items that closed chat waits for."""
        counted = [row for row in self.rows if row.needed]
        open_items = self.snapshot.open_items()
        return Progress(sum(row.item not in open_items for row in counted), len(counted))

    @property
    def next(self) -> Row | None:
        """The item to sign next: first what shuts the gate, then what is open besides."""
        waiting = [row for row in self.rows if not row.done and row.state is not State.idle]
        return next((row for row in waiting if row.item.blocks), next(iter(waiting), None))

    def around(self, item: Item) -> tuple[Row | None, Row, Row | None]:
        """The item's row between its neighbours, in the order in which the groups show them."""
        rows = [row for section in self.sections for row in section.rows]
        at = next(index for index, row in enumerate(rows) if row.item is item)
        return (rows[at - 1] if at else None, rows[at], rows[at + 1] if at + 1 < len(rows) else None)

    @property
    def open_only(self) -> bool:
        """Whether the deployment runs open rooms and nothing else, by what is on record."""
        return open_only(self.snapshot.standing, _facts(self.snapshot))

    @property
    def open_duties(self) -> list[Row]:
        """The duties that bind open rooms from the first day."""
        return [row for row in self.rows if row.item.id in OPEN_DUTIES]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the operator recorded with LAW-01 and LAW-05 and what decides which items apply."""
        facts = _facts(self.snapshot)
        known = {True: _("Yes"), False: _("No"), None: _("Not recorded")}
        verdict = next((CONSEQUENCES[outcome] for outcome in Outcome if outcome == facts.verdict), None)
        filed = [law.say(law.RULES[feature].title, gate.spoken()) for feature in sorted(facts.filed_features or ())]
        return [
            (_("Verdict"), law.say(verdict, gate.spoken()) if verdict else facts.verdict or _("Not recorded")),
            (_("Operator in Japan"), known[facts.operator_in_japan]),
            (_("Paid features"), known[facts.paid]),
            (_("Public profiles with gender or a wish to date"), known[facts.profiles]),
            (_("Automatic processing of closed content"), known[facts.scanning]),
            (_("Features on form 4"), " / ".join(filed) or _("None named: all count as filed once LAW-05 is signed")),
        ]


def _facts(snapshot: gate.Snapshot) -> Facts:
    return snapshot.checklist.facts if snapshot.checklist else Facts()


def _row(item: Item, snapshot: gate.Snapshot, signature: Signature | None, now: datetime) -> Row:
    facts = _facts(snapshot)
    is_open = item in snapshot.open_items()
    ends = signature.expires_at if signature else None
    if not applies(item, snapshot.standing, facts):
        state = State.idle
    elif signature is None:
        state = State.unsigned
    elif ends is not None and ends <= now:
        state = State.expired
    elif is_open:
        state = State.contradicted
    elif item.id == "LAW-05" and facts.unfiled(assessment.doors()):
        state = State.outdated
    elif ends is not None and ends - now < SOON:
        state = State.ending
    else:
        state = State.signed
    shuts = is_open and snapshot.standing.mode is Mode.enforce
    return Row(item, state, shuts, signature, wanted=item in blocking(snapshot.standing, facts))


# --- forms -----------------------------------------------------------------------------------------------------

_SINGLE_LINE: Final = 500
_LONG: Final = 20_000
_FEW_CHOICES: Final = 3
_DAYS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日")
_MAY_LIE_AHEAD: Final = frozenset({"closing_on"})


class EvidenceForm(forms.Form):
    """What is recorded with one item, field by field as the catalogue has it."""

    def __init__(self, item: Item, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.item = item
        self.fields = {field.key: self._control(field) for field in item.evidence}

    def _control(self, field: EvidenceField) -> forms.Field:
        common: dict[str, Any] = {
            "label": law.say(field, gate.spoken()),
            "required": field.required,
            "error_messages": {"required": _("%(item)s cannot be signed without this.") % {"item": self.item.id}},
        }
        control: forms.Field
        match field.kind:
            case "text":
                control = forms.CharField(max_length=_SINGLE_LINE, **common)
            case "long":
                control = forms.CharField(max_length=_LONG, widget=forms.Textarea(attrs={"rows": 4}), **common)
            case "url":
                control = forms.URLField(assume_scheme="https", max_length=_SINGLE_LINE, **common)
            case "date":
                widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
                control = forms.DateField(widget=widget, input_formats=_DAYS, **common)
            case "check":
                control = forms.BooleanField(**common)
            case "choice":
                choices = [(choice.value, law.say(choice, gate.spoken())) for choice in field.choices]
                few = len(choices) <= _FEW_CHOICES
                control = forms.ChoiceField(
                    choices=choices if few else [("", "—"), *choices],
                    widget=forms.RadioSelect if few else forms.Select,
                    **common,
                )
        return control

    def clean(self) -> None:
        """Refuse days that have not come: evidence says what was done."""
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


def _suggested(item: Item, snapshot: gate.Snapshot, last: Signature | None) -> dict[str, Any]:
    """What the form starts with: the last evidence, save what a person confirms each time, and what is known anyway."""
    known = since.known(item, snapshot, gate.spoken())
    confirmed = {field.key for field in item.evidence if field.kind == "check" and field.required}
    earlier = {key: value for key, value in (last.evidence if last else {}).items() if key not in confirmed}
    return {**known, **earlier, **{key: known[key] for key in _CURRENT if known.get(key)}}


_CURRENT: Final = ("law_version", "number", "list_version", "table_version")
"""Evidence that is read anew for each signature; the rest a person may have put in words of their own."""


class FilesInput(forms.ClearableFileInput):
    """Django's own, for more than one file."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Files that are checked and stored as they are cleaned. The same bytes are stored once."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the stored attachments."""
        uploads = [upload for upload in data or () if upload]
        if len(uploads) > MOST_FILES:
            raise ValidationError(_("At most %(most)d files go with one signature.") % {"most": MOST_FILES})
        return [store(upload) for upload in uploads]


class FilesForm(forms.Form):
    """The files that go with a signature: those of the last one that are kept, and new ones."""

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
        """Refuse more files than go with one signature."""
        if len(self.attachments) > MOST_FILES:
            self.add_error("added", _("At most %(most)d files go with one signature.") % {"most": MOST_FILES})

    @property
    def attachments(self) -> list[Attachment]:
        """What goes with the signature, each file once."""
        kept = [each for each in self.earlier if each.sha256 in self.cleaned_data.get("keep", ())]
        return list({each.sha256: each for each in (*kept, *self.cleaned_data.get("added", ()))}.values())


class FourQuestions(forms.Form):
    """The four conditions of a dating-site business, each with yes, no or not known."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for question in dating.QUESTIONS:
            self.fields[question.key] = forms.ChoiceField(
                label=law.say(question, gate.spoken()),
                choices=[(answer.value, law.say(said, gate.spoken())) for answer, said in ANSWERS.items()],
                widget=forms.RadioSelect,
            )

    @property
    def answers(self) -> dict[str, Answer]:
        """The answers by question."""
        return {key: Answer(value) for key, value in self.cleaned_data.items()}

    @property
    def as_text(self) -> str:
        """Questions and answers as LAW-20 keeps them."""
        language = gate.spoken()
        return "\n".join(
            f"{law.say(question, language)} {law.say(ANSWERS[self.answers[question.key]], language)}"
            for question in dating.QUESTIONS
        )

    def asked(self) -> list[tuple[forms.BoundField, dating.Question]]:
        """Each field with its question."""
        return [(self[question.key], question) for question in dating.QUESTIONS]


class PeriodForm(forms.Form):
    """A period in days of Japan's calendar, both included; left open, it begins or ends with the record."""

    start = forms.DateField(
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=_DAYS,
        label=gettext_lazy("First day"),
    )
    end = forms.DateField(
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=_DAYS,
        label=gettext_lazy("Last day"),
    )

    def clean(self) -> None:
        """Refuse a period that ends before it begins."""
        start, end = self.cleaned_data.get("start"), self.cleaned_data.get("end")
        if start and end and end < start:
            self.add_error("end", _("The last day lies before the first."))

    @property
    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """The times from which, and up to which, the period goes."""
        start, end = self.cleaned_data["start"], self.cleaned_data["end"]
        return _midnight(start), _midnight(end + timedelta(days=1) if end else None)


def _midnight(day: date | None) -> datetime | None:
    return timezone.make_aware(datetime.combine(day, time())) if day else None


class ReasonForm(forms.Form):
    """A reason in the operator's words."""

    reason = forms.CharField(
        max_length=_SINGLE_LINE, widget=forms.Textarea(attrs={"rows": 3}), label=gettext_lazy("Reason")
    )


def _shown(item: Item, evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each piece of evidence with its label, in words."""
    shown = []
    for field in item.evidence:
        value = evidence.get(field.key, "")
        if field.kind == "check":
            value = _("Yes") if value is True else _("No")
        elif field.kind == "choice":
            value = next((law.say(choice, gate.spoken()) for choice in field.choices if choice.value == value), value)
        shown.append((law.say(field, gate.spoken()), str(value) or "—"))
    return shown


# --- places ----------------------------------------------------------------------------------------------------


class ReadOnly(ModelAdmin):
    """Shows rows; adds, changes and deletes none."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Place(ReadOnly):
    """Pages of their own in the admin, seen with one permission and worked with another."""

    work: ClassVar[str]
    """The permission without which the place can be looked at only."""

    def may_work(self, request: HttpRequest) -> bool:
        """Whether this account may do what the place is for."""
        return request.user.has_perm(self.work)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_work(request) or super().has_view_permission(request, obj)

    def actor(self, request: HttpRequest) -> AbstractBaseUser:
        """Return the account that writes.

        Raises:
            PermissionDenied: it may only look.
        """
        user: AbstractBaseUser | AnonymousUser = request.user
        if not self.may_work(request) or not user.is_authenticated:
            raise PermissionDenied
        return user

    def page(self, request: HttpRequest, template: str, **context: Any) -> HttpResponse:
        """Render one of the place's pages with what every admin page has."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "may_work": self.may_work(request),
            "second_factor": is_mfa_enabled(request.user),
        }
        return TemplateResponse(request, f"admin/compliance/{template}", common | context)

    def tell(self, request: HttpRequest, done: str, *, was_on: bool) -> None:
        """Say what was done, and that the gate moved if it did."""
        self.message_user(request, done, messages.SUCCESS)
        snapshot = gate.current()
        if snapshot.closed_chat().allowed != was_on:
            state, lacking = gate.headline(snapshot)
            why = _("; ").join(lacking)
            line = _("%(state)s: %(why)s") % {"state": state, "why": why} if why else state
            self.message_user(request, line, messages.WARNING)


@admin.register(Checklist)
class ChecklistAdmin(Place):
    """運営者チェックリスト: what to do, why, and who signed it."""

    work = "compliance.sign_checklist"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.overview), name="compliance_checklist_changelist"),
            path("LAW-20/questions/", wrap(self.four_questions), name="compliance_checklist_dating"),
            path("<str:item_id>/", wrap(self.item), name="compliance_checklist_change"),
            path("<str:item_id>/files/<str:key>/", wrap(self.file), name="compliance_checklist_file"),
        ]

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Show the gate and every item, by group."""
        return self.page(
            request,
            "checklist.html",
            title=_("Operator’s checklist"),
            desk=Desk.now(),
            position=assessment.position(gate.current()),
            last=Authorisation.objects.filter(closed_at__isnull=False).first(),
            purge_owed_since=diary.purge_owed_since(timezone.now()),
        )

    def item(self, request: HttpRequest, item_id: str) -> HttpResponse:
        """Show one item: why it is asked, its evidence, its signatures; sign it or withdraw."""
        item = ITEM.get(item_id)
        if item is None:
            raise Http404
        history = list(Signature.objects.filter(item_id=item.id).select_related("signed_by", "withdrawn_by"))
        desk = Desk.now()
        last = history[0] if history else None
        earlier = attachments(last.evidence) if last else []
        evidence = EvidenceForm(item, initial=_suggested(item, desk.snapshot, last) | _judged(request, item))
        files = FilesForm(earlier)
        withdrawal = ReasonForm(auto_id="id_withdraw_%s")
        if request.method == "POST" and "_withdraw" in request.POST:
            withdrawal = ReasonForm(request.POST, auto_id="id_withdraw_%s")
            if self._withdraw(request, item, withdrawal, desk):
                return HttpResponseRedirect(reverse("admin:compliance_checklist_change", args=[item.id]))
        elif request.method == "POST":
            evidence, files = EvidenceForm(item, request.POST), FilesForm(earlier, request.POST, request.FILES)
            if self._sign(request, item, evidence, files, desk):
                onward = Desk.now().next if "_next" in request.POST else None
                overview = f"{reverse('admin:compliance_checklist_changelist')}#{item.id}"
                return HttpResponseRedirect(onward.url if onward else overview)
        before, row, after = desk.around(item)
        return self.page(
            request,
            "checklist_item.html",
            title=f"{item.id} {law.say(item, gate.spoken())}",
            row=row,
            before=before,
            after=after,
            form=evidence,
            withdrawal=withdrawal,
            shown=_shown(item, row.signature.evidence) if row.signature else (),
            attached=present(attachments(row.signature.evidence)) if row.signature else (),
            changes=since.changes(item, row.signature, desk.snapshot) if row.signature else (),
            on_form_4=_on_form_4(desk.snapshot) if item.id == "LAW-05" else (),
            purge_owed_since=diary.purge_owed_since(timezone.now()) if item.id == "LAW-12" else None,
            has_duties=item.id in _IN_THE_CALENDAR,
            files=files,
            prefilled=bool(history) and not evidence.is_bound,
            history=history,
            law_version=law.LAW_VERSION,
        )

    def file(self, request: HttpRequest, item_id: str, key: str) -> HttpResponse:
        """Hand out a file that a signature on the item lists, by its hash, as a download and as nothing else."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        signatures = Signature.objects.filter(item_id=item_id).order_by("-signed_at").values_list("evidence", flat=True)
        listed = (each for recorded in signatures for each in attachments(recorded) if each.sha256 == key)
        attachment = next(listed, None)
        if attachment is None:
            raise Http404
        try:
            content = read(attachment)
        except Missing as missing:
            self.message_user(request, f"{attachment.name}: {missing}", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:compliance_checklist_change", args=[item_id]))
        disposition = content_disposition_header(True, attachment.name)  # noqa: FBT003 -- as Django has it
        answer = HttpResponse(content, content_type="application/octet-stream")
        answer["Content-Disposition"], answer["Cache-Control"] = disposition, "private, no-store"
        return answer

    def four_questions(self, request: HttpRequest) -> HttpResponse:
        """Ask whether it is a dating-site business; hand the answers to LAW-20, which records them."""
        form = FourQuestions(request.POST) if request.method == "POST" else FourQuestions()
        verdict = None
        if form.is_valid():
            self.actor(request)
            verdict = dating.judge(form.answers)
            request.session[_JUDGED] = {"outcome": verdict.outcome.value, "test": form.as_text}
        snapshot = gate.settle()
        return self.page(
            request,
            "dating.html",
            title=_("Is it a dating-site business?"),
            form=form,
            verdict=verdict,
            articles=[(law.cite(article).url, law.cite(article)) for article in dating.ARTICLES],
            notes=(dating.SELF_DECLARED, dating.POLICE_VIEW),
            gates=[(law.RULES[feature], snapshot.decide(feature)) for feature in _BOTH_GATES],
        )

    def _sign(self, request: HttpRequest, item: Item, form: EvidenceForm, files: FilesForm, desk: Desk) -> bool:
        actor = self.actor(request)
        whole = form.is_valid() & files.is_valid()  # both, so that the page names all that is wrong
        if not whole or not _written(
            form, lambda: signing.sign(item=item, evidence=form.evidence, actor=actor, files=files.attachments)
        ):
            return False
        request.session.pop(_JUDGED, None)
        done = _("%(item)s is signed.") % {"item": item.id}
        self.tell(request, done, was_on=desk.snapshot.closed_chat().allowed)
        return True

    def _withdraw(self, request: HttpRequest, item: Item, form: ReasonForm, desk: Desk) -> bool:
        actor = self.actor(request)
        if not _written(form, lambda: signing.withdraw(item=item, reason=form.cleaned_data["reason"], actor=actor)):
            return False
        done = _("The signature on %(item)s is withdrawn.") % {"item": item.id}
        self.tell(request, done, was_on=desk.snapshot.closed_chat().allowed)
        return True


_IN_THE_CALENDAR: Final = frozenset({"LAW-12", "LAW-14", "LAW-15", "LAW-16", "LAW-17", "LAW-18", "LAW-20"})
"""Items whose deadlines the calendar of duties keeps."""
_BOTH_GATES: Final = (Feature.MATCH_PAIR, Feature.PROFILE_DATING)
_JUDGED: Final = "dating_judged"
"""Under which the session keeps the answers to the four questions until LAW-20 records them."""


def _judged(request: HttpRequest, item: Item) -> dict[str, Any]:
    return dict(request.session.get(_JUDGED, {})) if item.id == "LAW-20" else {}


def _on_form_4(snapshot: gate.Snapshot) -> list[tuple[law.Rule, bool]]:
    """Each feature of the code that is notified, and whether form 4 as recorded has it."""
    offered = [feature for feature in assessment.doors() if law.RULES[feature].required is Required.NOTIFIED]
    lacking = _facts(snapshot).unfiled(offered)
    return [(law.RULES[feature], feature not in lacking) for feature in offered]


class HoldForm(forms.ModelForm[Hold] if TYPE_CHECKING else forms.ModelForm):  # type: ignore[misc]
    """What a hold names; the writer's own refusals stand beside the fields."""

    def clean(self) -> dict[str, Any]:
        given = {name: self.cleaned_data.get(name) for name in ("scope", "subject", "ground", "paper", "ends_on")}
        if not self.errors:
            for name, fault in holds.faults(**given).items():
                self.add_error(name, fault)
        return dict(self.cleaned_data)

    def validate_constraints(self) -> None:
        """The writer's refusals say it in words."""


class LiftForm(forms.ModelForm[Hold] if TYPE_CHECKING else forms.ModelForm):  # type: ignore[misc]
    """Why a hold is lifted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "lift_reason" in self.fields:
            self.fields["lift_reason"].required = True

    def validate_constraints(self) -> None:
        """Who and when are written with the reason."""


@admin.register(Hold)
class HoldAdmin(ModelAdmin):
    """法的保全: placed and lifted, never changed otherwise and never deleted."""

    list_display = ("placed_at", "scope", "ground", "ends_on", "lifted_at")
    ordering = ("-placed_at",)
    fields = ("scope", "subject", "ground", "paper", "ends_on")
    kept = (*fields, "placed_by", "placed_at", "lifted_by", "lifted_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or obj.lifted_at is None) and super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.kept, "lift_reason") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.kept if obj else ()

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 -- Django's own signature
        return super().get_form(request, obj, change, form=LiftForm if obj else HoldForm, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 -- Django's own signature
        """Place or lift it, as the ledger is to know."""
        actor = request.user
        assert actor.is_authenticated
        if change:
            holds.lift(hold=obj, reason=obj.lift_reason, actor=actor)
        else:
            obj.pk = holds.place(**form.cleaned_data, actor=actor).pk


@admin.register(Stop)
class StopAdmin(Place):
    """緊急停止: pulled in two steps, lifted in two steps."""

    work = "compliance.pull_stop"

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.stop), name="compliance_stop_changelist")]

    def stop(self, request: HttpRequest) -> HttpResponse:
        """Ask for a reason, then for a confirmation, then pull or lift."""
        form = ReasonForm(initial={"reason": request.POST.get("reason", "")})
        confirming = False
        if request.method == "POST":
            actor = self.actor(request)
            if "_back" not in request.POST:
                form = ReasonForm(request.POST)
                # The form says what it meant to do: the stop may have been pulled or lifted since it was shown.
                write = signing.lift if request.POST.get("intent") == "lift" else signing.stop
                if "_confirm" not in request.POST:
                    confirming = form.is_valid()
                elif self._move(request, form, lambda: write(reason=form.cleaned_data["reason"], actor=actor)):
                    return HttpResponseRedirect(reverse("admin:compliance_stop_changelist"))
        state = GateState.objects.filter(id=1).select_related("stopped_by").first()
        snapshot = gate.settle()
        return self.page(
            request,
            "stop.html",
            title=_("Emergency stop"),
            form=form,
            confirming=confirming,
            intent="lift" if snapshot.stop else "pull",
            stopped_by=state.stopped_by if state else None,
            item=ITEM["LAW-18"],
        )

    def _move(self, request: HttpRequest, form: ReasonForm, write: Callable[[], object]) -> bool:
        was_on = gate.current().closed_chat().allowed
        if not _written(form, write):
            return False
        pulled = gate.current().stop is not None
        done = _("The emergency stop is pulled.") if pulled else _("The emergency stop is lifted.")
        self.tell(request, done, was_on=was_on)
        return True


def _written(form: forms.Form, write: Callable[[], object]) -> bool:
    """Whether the form is valid and the write took it; what the write refuses becomes the form's errors."""
    if not form.is_valid():
        return False
    try:
        write()
    except ValidationError as refused:
        form.add_error(None, refused)
        return False
    return True


# --- records ---------------------------------------------------------------------------------------------------


@admin.register(Signature)
class SignatureAdmin(ReadOnly):
    """Every signature that was ever given."""

    list_display = ("item", "signed_by", "signed_at", "expires_at", "withdrawn_at", "withdrawn_by")
    list_filter = (("withdrawn_at", admin.EmptyFieldListFilter), "item_id")
    list_select_related = ("signed_by", "withdrawn_by")
    ordering = ("-signed_at",)
    fields = (
        "item",
        "recorded",
        "law_version",
        "signed_by",
        "signed_at",
        "expires_at",
        "withdrawn_by",
        "withdrawn_at",
        "withdrawal_reason",
    )

    @admin.display(description=gettext_lazy("item"), ordering="item_id")
    def item(self, signature: Signature) -> str:
        """The item with its title."""
        known = ITEM.get(signature.item_id)
        return f"{signature.item_id} {law.say(known, gate.spoken())}" if known else signature.item_id

    @admin.display(description=gettext_lazy("evidence"))
    def recorded(self, signature: Signature) -> SafeString:
        """The evidence, piece by piece."""
        known = ITEM.get(signature.item_id)
        pieces = _shown(known, signature.evidence) if known else signature.evidence.items()
        return format_html(
            '<dl class="ruled">{}</dl>', format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", pieces)
        )


@admin.register(Authorisation)
class AuthorisationAdmin(ReadOnly):
    """提供可能期間: when closed chat was on, and on what facts."""

    list_display = ("opened_at", "closed_at", "why")
    list_display_links = ("opened_at",)
    date_hierarchy = "opened_at"
    fields = ("opened_at", "closed_at", "why", "facts")

    @admin.display(description=gettext_lazy("why it closed"))
    def why(self, authorisation: Authorisation) -> str:
        """The reasons, in the reader's language."""
        return " ".join(reason[gate.spoken()] for reason in authorisation.closed_because or ()) or "—"

    @admin.display(description=gettext_lazy("facts at opening"))
    def facts(self, authorisation: Authorisation) -> SafeString:
        """The snapshot as it was stored."""
        return _pretty(authorisation.snapshot)


class EventFilter(admin.SimpleListFilter):
    """The events that occur, in words."""

    title = gettext_lazy("event")
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        events = LedgerEntry.objects.order_by("event").values_list("event", flat=True).distinct()
        return [(event, proof.event(event)) for event in events]

    def queryset(self, request: HttpRequest, queryset: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        """Return the entries of the chosen event."""
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(LedgerEntry)
class LedgerAdmin(ReadOnly):
    """記録台帳, with what a walk along its chain found."""

    list_display = ("seq", "at", "what", "who", "summary")
    list_display_links = ("seq", "what")
    list_filter = (EventFilter,)
    search_fields = ("actor_name", "event")
    date_hierarchy = "at"
    ordering = ("-seq",)
    show_full_result_count = False
    fields = ("seq", "at", "what", "who", "whole", "law_version", "previous_hash", "hash")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("verify/", wrap(self.verify), name="compliance_ledgerentry_verify"),
            path("proof/", wrap(self.prove), name="compliance_ledgerentry_proof"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the entries, newest first, and whether the chain holds."""
        last = LedgerEntry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        walked = last <= SHORT_LEDGER and self.has_view_permission(request)
        chain = {
            "length": last,
            "walked": walked,
            "fault": ledger.verify() if walked else None,
            "anchored": LedgerEntry.objects.filter(event=ledger.ANCHORED).order_by("-seq").first(),
        }
        return super().changelist_view(request, {"chain": chain, **(extra_context or {})})

    def verify(self, request: HttpRequest) -> HttpResponse:
        """Walk the whole chain, however long, and say what was found."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        fault = ledger.verify()
        if fault:
            found = _("The chain does not hold: entry %(seq)d is missing or was changed after it was written.")
            self.message_user(request, found % {"seq": fault.seq}, messages.ERROR)
        else:
            self.message_user(request, _("The chain holds from the first entry to the last."), messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:compliance_ledgerentry_changelist"))

    def prove(self, request: HttpRequest) -> HttpResponse:
        """Ask for a period in days of Japan's calendar; give its proof as one archive."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PeriodForm(request.GET or None)
        if form.is_valid():
            start, end = form.bounds
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in proof.files(proof.bundle(start, end), gate.spoken()).items():
                    archive.writestr(name, content)
            disposition = {"Content-Disposition": 'attachment; filename="todoke-proof.zip"'}
            return HttpResponse(packed.getvalue(), content_type="application/zip", headers=disposition)
        request.current_app = self.admin_site.name
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Proof"), "form": form}
        return TemplateResponse(request, "admin/compliance/ledgerentry/proof.html", context)

    @admin.display(description=gettext_lazy("event"), ordering="event")
    def what(self, entry: LedgerEntry) -> str:
        """The event in words."""
        return proof.event(entry.event)

    @admin.display(description=gettext_lazy("who"), ordering="actor_name")
    def who(self, entry: LedgerEntry) -> str:
        """The name at that time."""
        return entry.actor_name or _("the service")

    @admin.display(description=gettext_lazy("what"))
    def summary(self, entry: LedgerEntry) -> str:
        """The payload's plain values on one line."""
        return proof.summary(entry.payload)

    @admin.display(description=gettext_lazy("what"))
    def whole(self, entry: LedgerEntry) -> SafeString:
        """The payload as it was stored."""
        return _pretty(entry.payload)


def _pretty(value: Any) -> SafeString:
    return format_html('<pre class="payload">{}</pre>', json.dumps(value, ensure_ascii=False, indent=2))
