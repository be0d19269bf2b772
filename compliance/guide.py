"""The operator's guided pages: whether to file, one question a step, and the papers for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from compliance import assessment, filing, gate, law
from compliance.admin import EvidenceForm
from compliance.checklist import ITEM
from compliance.classify import CONSEQUENCES, NODES, Answer
from compliance.law import BUREAU_OF, OPEN_QUESTIONS, RULES, Feature
from compliance.models import Checklist, Filing
from compliance.questions import ANSWERS, GUIDES, NEXT_STEPS, VERDICTS

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

View = Callable[..., HttpResponse]

_WORK: Final = "compliance.sign_checklist"
_LOOK: Final = "compliance.view_checklist"
_NODES: Final = {node.lower(): node for node in NODES}
_NOTE_CHARS: Final = 1_000
_LINE_CHARS: Final = 300


def _desk(view: View) -> View:
    """Let only the operator's people in, through the admin's own entrance."""

    @wraps(view)
    def seen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not (request.user.has_perm(_WORK) or request.user.has_perm(_LOOK)):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return gate.door(Feature.OPERATOR)(admin.site.admin_view(seen))


def _person(request: HttpRequest) -> AbstractBaseUser:
    """The account that writes; raises PermissionDenied where it may only look."""
    if not request.user.has_perm(_WORK) or not request.user.is_authenticated:
        raise PermissionDenied
    return request.user


def _page(request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
    request.current_app = admin.site.name
    common = {
        **admin.site.each_context(request),
        "title": title,
        "opts": Checklist._meta,  # noqa: SLF001 -- Django's own name for it
        "may_work": request.user.has_perm(_WORK),
    }
    return TemplateResponse(request, f"admin/compliance/{template}", common | context)


def _case(request: HttpRequest) -> assessment.Case:
    assert request.user.is_authenticated  # see _desk
    return assessment.case_of(assessment.draft(request.user))


def _onward(case: assessment.Case) -> HttpResponseRedirect:
    node = case.next()
    if node is None:
        return HttpResponseRedirect(reverse("compliance:assess_verdict"))
    return HttpResponseRedirect(reverse("compliance:assess_step", args=[node.lower()]))


def _by_law(articles: Iterable[str]) -> list[tuple[str, str]]:
    """Each law's address on e-Gov with its articles, in words."""
    grouped = groupby(articles, lambda article: law.cite(article).statute)
    return [(statute.url, law.cite_all(members, gate.spoken())) for statute, members in grouped]


# Must I file? ---------------------------------------------------------------------------------------------------------


@_desk
@require_safe
def assess(request: HttpRequest) -> HttpResponse:
    """Say what is on record, whether it still holds, and where to go on."""
    snapshot = gate.settle()
    case = _case(request)
    position = assessment.position(snapshot)
    doors = [(RULES[feature], snapshot.decide(feature)) for feature in assessment.doors()]
    return _page(
        request,
        "assess.html",
        _("Must I file?"),
        position=position,
        recorded=VERDICTS[position.outcome] if position.outcome else None,
        case=case,
        answered=case.trail(),
        onward=_onward(case).url,
        doors=doors,
        questions=[(node, GUIDES[node].title) for node in NODES],
    )


@_desk
@require_POST
def assess_anew(request: HttpRequest) -> HttpResponse:
    """Throw the draft away and begin with the first question."""
    assessment.drop(_person(request))
    return HttpResponseRedirect(reverse("compliance:assess_step", args=["n1"]))


@_desk
def assess_step(request: HttpRequest, key: str) -> HttpResponse:
    """Ask one question, with examples and what each answer changes; keep the answer and go on."""
    node = _NODES.get(key)
    if node is None:
        raise Http404
    case = _case(request)
    if node not in case.verdict().path:
        return _onward(case)
    doors = [feature for feature in case.doors if feature in assessment.TRAITS] if node == "N7" else []
    errors: list[str] = []
    if request.method == "POST":
        person = _person(request)
        names = [*(feature.value for feature in doors), node]
        words = {name: request.POST.get(name, "") for name in names}
        note = filing.plain(request.POST.get("note", ""))[:_NOTE_CHARS]
        if all(word in tuple(Answer) for word in words.values()):
            given = {name: Answer(word) for name, word in words.items()}
            return _onward(assessment.case_of(assessment.keep(person, given, {node: note})))
        errors = [_("Choose one of the answers. Not knowing is one of them.")]
    guide = GUIDES[node]
    recorded = assessment.position(gate.current()).assessment
    earlier = assessment.case_of(recorded) if recorded else assessment.Case()
    chosen = {**case.given} | {name: Answer(word) for name, word in request.POST.items() if word in tuple(Answer)}
    path = case.verdict().path
    place = path.index(node)
    return _page(
        request,
        "assess_step.html",
        law.say(guide.title, gate.spoken()),
        node=NODES[node],
        articles=_by_law(NODES[node].articles),
        guide=guide,
        open_question=OPEN_QUESTIONS[guide.question] if guide.question else None,
        examples=[(ANSWERS[example.answer], example) for example in guide.examples],
        effects=[(effect.answer, ANSWERS[effect.answer], effect) for effect in guide.effects],
        chosen=chosen.get(node) or earlier.given.get(node),
        carried_over=node not in chosen and node in earlier.given,
        doors=[
            (RULES[feature], chosen.get(feature.value) or earlier.given.get(feature.value, Answer.YES))
            for feature in doors
        ],
        answers=ANSWERS.items(),
        note=request.POST.get("note", case.notes.get(node, earlier.notes.get(node, ""))),
        errors=errors,
        before=path[place - 1].lower() if place else None,
        steps=_steps(case, node),
    )


def _steps(case: assessment.Case, here: str) -> list[tuple[str, str, law.Text, law.Text | None]]:
    """Every question: its key, id and title, and the answer where there is one on the way so far."""
    path = case.verdict().path
    return [
        (
            node.lower() if node in path else "",
            node,
            GUIDES[node].title,
            ANSWERS[case.answer(node)] if node in path and node in case.given else None,
        )
        for node in NODES
        if node in path or node == here or list(NODES).index(node) > list(NODES).index(path[-1])
    ]


class RecordForm(EvidenceForm):
    """What LAW-01 keeps besides the answers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(ITEM["LAW-01"], *args, **kwargs)
        self.fields = {key: self.fields[key] for key in assessment.RECORDED_BESIDES}


@_desk
def assess_verdict(request: HttpRequest) -> HttpResponse:
    """Show the verdict with what follows from it; record it as LAW-01."""
    case = _case(request)
    snapshot = gate.settle()
    position = assessment.position(snapshot)
    drafted = bool(case.given)
    if not drafted and position.assessment:
        case = assessment.case_of(position.assessment)
    if case.next() is not None:
        return _onward(case)
    form = RecordForm(initial=_suggested())
    if request.method == "POST":
        person = _person(request)
        form = RecordForm(request.POST)
        if request.POST.get("outcome") != case.verdict().outcome:
            form.add_error(
                None, _("The answers were changed meanwhile. Look at the verdict again before you record it.")
            )
        if form.is_valid() and _recorded(form, case, person):
            messages.success(request, _("The verdict is on record: LAW-01 is signed."))
            return HttpResponseRedirect(reverse("admin:compliance_checklist_change", args=["LAW-01"]))
    verdict = case.verdict()
    draft = filing.gather(settings, snapshot)
    return _page(
        request,
        "assess_verdict.html",
        _("Must I file? The verdict"),
        case=case,
        drafted=drafted,
        position=position,
        verdict=verdict,
        headline=VERDICTS[verdict.outcome],
        consequence=CONSEQUENCES[verdict.outcome],
        trail=case.trail(),
        offered=[(RULES[feature], assessment.OFFERED[answer]) for feature, answer in case.offered().items()],
        articles=_by_law(verdict.articles),
        threats=assessment.penalties(verdict.outcome),
        next_steps=NEXT_STEPS[verdict.outcome],
        bureau=draft.applicant.bureau,
        wants_bureau=assessment.wants_the_bureau(verdict.outcome),
        inquiry=assessment.inquiry(case),
        form=form,
        law_version=law.LAW_VERSION,
    )


def _suggested() -> dict[str, Any]:
    doors = assessment.doors()
    return {
        "assessed_on": timezone.localdate(),
        "profiles": Feature.PROFILE_DATING in doors,
        "scanning": Feature.SCAN_CLOSED in doors,
    }


def _recorded(form: RecordForm, case: assessment.Case, person: AbstractBaseUser) -> bool:
    try:
        assessment.record(case, form.evidence, person, gate.spoken())
    except ValidationError as refused:
        form.add_error(None, " ".join(refused.messages))
        return False
    return True


# The papers -----------------------------------------------------------------------------------------------------------

_YES_NO: Final = (("yes", gettext_lazy("Yes")), ("no", gettext_lazy("No")))


@dataclass(frozen=True, slots=True)
class Group:
    """Fields of one subject; folded away where they seldom concern anybody."""

    heading: str
    fields: list[forms.BoundField]
    folded: bool = False


class FilingForm(forms.Form):
    """What the forms ask for and the environment does not say. What stays empty is left to the hand."""

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
    postal_code = forms.CharField(label=gettext_lazy("Postal code"), max_length=12, required=False)
    address = forms.CharField(label=gettext_lazy("Address, as on the form"), max_length=_LINE_CHARS, required=False)
    address_kana = forms.CharField(label=gettext_lazy("Address in kana"), max_length=_LINE_CHARS, required=False)
    prefecture = forms.ChoiceField(label=gettext_lazy("Prefecture, where the address does not name it"), required=False)
    phone = forms.CharField(label=gettext_lazy("Phone, as on the form"), max_length=40, required=False)
    email = forms.EmailField(label=gettext_lazy("E-mail address, as on the form"), required=False)
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
    agent_phone = forms.CharField(
        label=gettext_lazy("Phone of the representative in Japan"), max_length=40, required=False
    )
    agent_email = forms.EmailField(label=gettext_lazy("E-mail of the representative in Japan"), required=False)
    area = forms.CharField(label=gettext_lazy("Service area"), max_length=_LINE_CHARS, required=False)
    start_on = forms.DateField(
        label=gettext_lazy("Planned start"),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        required=False,
    )

    def __init__(self, network: filing.Network, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        language = gate.spoken()
        kind, prefecture = self.fields["kind"], self.fields["prefecture"]
        assert isinstance(kind, forms.ChoiceField)
        assert isinstance(prefecture, forms.ChoiceField)
        kind.choices = [(each.value, law.say(each, language)) for each in filing.Kind]
        names = [(ja, en) for bureau in law.REGIONAL_BUREAUX for ja, en in bureau.prefectures.items()]
        prefecture.choices = [("", "—"), *((ja, en if language == "en" else ja) for ja, en in names)]
        for machine in network.machines:
            self.fields[f"place_{machine.key}"] = forms.CharField(
                label=_("Where “%(machine)s” stands") % {"machine": law.say(machine.name, language)},
                max_length=_LINE_CHARS,
                required=False,
            )

    def groups(self) -> list[Group]:
        """The fields as the page shows them, by subject."""
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
        """The cleaned values as they are stored."""
        texts = {
            key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in self.cleaned_data.items()
        }
        places = {key.removeprefix("place_"): texts.pop(key) for key in list(texts) if key.startswith("place_")}
        return {key: value for key, value in texts.items() if value} | {
            "places": {key: value for key, value in places.items() if value}
        }


@_desk
def papers(request: HttpRequest) -> HttpResponse:
    """Say where the notification stands and what is missing for it; take what the forms ask for."""
    draft = filing.gather(settings, gate.settle())
    form = FilingForm(draft.network, initial=_known(draft))
    if request.method == "POST":
        person = _person(request)
        form = FilingForm(draft.network, request.POST)
        if form.is_valid():
            facts = {"facts": form.facts(), "changed_by_id": person.pk, "changed_at": timezone.now()}
            Filing.objects.update_or_create(id=1, defaults=facts)
            messages.success(request, _("Kept. The drafts below are written anew."))
            return HttpResponseRedirect(reverse("compliance:filing"))
    return _page(
        request,
        "filing.html",
        _("The notification (届出)"),
        draft=draft,
        form=form,
        bureau=draft.applicant.bureau,
        bureaux=law.REGIONAL_BUREAUX,
        text=filing.as_text(draft),
    )


def _known(draft: filing.Draft) -> dict[str, Any]:
    who = draft.applicant
    words = {True: "yes", False: "no", None: ""}
    known: dict[str, Any] = {name: getattr(who, name) for name in FilingForm.base_fields}
    return (
        known
        | {"kind": who.kind or "", "abroad": words[who.abroad], "agent_is_company": words[who.agent_is_company]}
        | {"area": who.area or "全国", "prefecture": who.prefecture if who.prefecture in BUREAU_OF else ""}
        | {f"place_{machine.key}": machine.place for machine in draft.network.machines}
    )


@_desk
@require_safe
def sheets(request: HttpRequest) -> HttpResponse:
    """Show the drafts on A4 sheets, ready to print."""
    draft = filing.gather(settings, gate.current())
    return render(request, "compliance/filing.html", {"draft": draft, "on_site": True})


@_desk
@require_safe
def sheets_text(request: HttpRequest) -> HttpResponse:
    """Return the drafts as plain text, for the electronic form."""
    text = filing.as_text(filing.gather(settings, gate.current()))
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@_desk
@require_safe
def diagram(request: HttpRequest) -> HttpResponse:
    """Return the network diagram of form 3."""
    drawn = filing.diagram(filing.gather(settings, gate.current()).network)
    return HttpResponse(drawn, content_type="image/svg+xml")
