"""Pages of the guided assessment (届出の要否): its state, one question a page, and the verdict."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from compliance import gate, law
from compliance.adminkit import (
    EvidenceForm,
    acting_account,
    articles_by_statute,
    one_line,
    operator_view,
    render_operator_page,
)
from compliance.assessment import features
from compliance.assessment.bureau_letter import Letterhead, write_letter
from compliance.assessment.case import LOCAL_GOVERNMENT, Case, offers, own_key
from compliance.assessment.consequences import items_called_for, needs_bureau_answer, penalties
from compliance.assessment.drift import position
from compliance.assessment.storage import RECORDED_BESIDES, case_from, discard_draft, draft_of, record, save_answers
from compliance.language import current_language, localized
from compliance.law import CONSEQUENCES, ITEM, NODES, OPEN_QUESTIONS, RULES, Answer, Feature, known
from compliance.law.questions import ANSWERS, GUIDES, NEXT_STEPS, VERDICTS

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


_NODES: Final = {node.lower(): node for node in NODES}
_NOTE_CHARS: Final = 1_000


def _case(request: HttpRequest) -> Case:
    assert request.user.is_authenticated  # see operator_view
    return case_from(draft_of(request.user))


def _next_page(case: Case) -> HttpResponseRedirect:
    node = case.next()
    if node is None:
        return HttpResponseRedirect(reverse("compliance:assess_verdict"))
    return HttpResponseRedirect(reverse("compliance:assess_step", args=[node.lower()]))


@gate.door(Feature.OPERATOR)
@operator_view
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show the recorded assessment, whether it still holds, and the next question."""
    snapshot = gate.reconcile()
    case = _case(request)
    on_record = position(snapshot)
    doors = [(RULES[feature], snapshot.decide(feature)) for feature in features.doors()]
    return render_operator_page(
        request,
        "assessment/overview.html",
        _("Must I file?"),
        position=on_record,
        recorded=VERDICTS[on_record.outcome] if on_record.outcome else None,
        case=case,
        answered=case.trail(),
        next_page=_next_page(case).url,
        doors=doors,
        questions=[(node, GUIDES[node].title) for node in NODES],
    )


@gate.door(Feature.OPERATOR)
@operator_view
@require_POST
def restart(request: HttpRequest) -> HttpResponse:
    """Delete the draft and begin with the first question."""
    discard_draft(acting_account(request))
    return HttpResponseRedirect(reverse("compliance:assess_step", args=["n1"]))


@gate.door(Feature.OPERATOR)
@operator_view
def question(request: HttpRequest, key: str) -> HttpResponse:
    """Show one question with examples and the effect of each answer. Store the answer and go to the next question."""
    node = _NODES.get(key)
    if node is None:
        raise Http404
    case = _case(request)
    if node not in case.verdict().path:
        return _next_page(case)
    doors = [feature for feature in case.doors if feature in features.TRAITS] if node == "N7" else []
    errors: list[str] = []
    if request.method == "POST":
        person = acting_account(request)
        names = [*(feature.value for feature in doors), node]
        words = {name: request.POST.get(name, "") for name in names}
        note = one_line(request.POST.get("note", ""))[:_NOTE_CHARS]
        if all(word in tuple(Answer) for word in words.values()):
            given = {name: Answer(word) for name, word in words.items()}
            given |= {name: known(name in request.POST) for name in _boxes(node, doors)}
            return _next_page(case_from(save_answers(person, given, {node: note})))
        errors = [_("Choose one of the answers. Not knowing is one of them.")]
    guide = GUIDES[node]
    recorded = position(gate.current()).assessment
    earlier = case_from(recorded) if recorded else Case()
    chosen = {**case.given} | {name: Answer(word) for name, word in request.POST.items() if word in tuple(Answer)}
    if request.method == "POST":
        chosen |= {name: known(name in request.POST) for name in _boxes(node, doors)}

    def ticked(name: str) -> bool:
        return chosen.get(name, earlier.given.get(name)) is Answer.YES

    path = case.verdict().path
    place = path.index(node)
    return render_operator_page(
        request,
        "assessment/question.html",
        localized(guide.title),
        node=NODES[node],
        articles=articles_by_statute(NODES[node].articles),
        guide=guide,
        open_question=OPEN_QUESTIONS[guide.question] if guide.question else None,
        examples=[(ANSWERS[example.answer], example) for example in guide.examples],
        effects=[(effect.answer, ANSWERS[effect.answer], effect) for effect in guide.effects],
        chosen=chosen.get(node, earlier.given.get(node)),
        carried_over=node not in chosen and node in earlier.given,
        doors=[
            (
                RULES[feature],
                chosen.get(feature.value, earlier.given.get(feature.value, Answer.YES)),
                ticked(own_key(feature)),
            )
            for feature in doors
        ],
        answers=ANSWERS.items(),
        own_n7=ticked(own_key("N7")),
        local_government=ticked(LOCAL_GOVERNMENT),
        note=request.POST.get("note", case.notes.get(node, earlier.notes.get(node, ""))),
        errors=errors,
        before=path[place - 1].lower() if place else None,
        steps=_steps(case, node),
    )


def _boxes(node: str, doors: list[Feature]) -> list[str]:
    """Return the names of a question's check boxes, which mean no unless ticked."""
    return {
        "N4": [LOCAL_GOVERNMENT],
        "N7": [*map(own_key, doors), own_key("N7")],
    }.get(node, [])


def _steps(case: Case, here: str) -> list[tuple[str, str, law.Text, law.Text | None]]:
    """Return each question on the path so far or after it: its key (empty off the path), id, title and answer."""
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
    """The fields of LAW-01 that a person fills in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(ITEM["LAW-01"], *args, **kwargs)
        self.fields = {key: self.fields[key] for key in RECORDED_BESIDES}


@gate.door(Feature.OPERATOR)
@operator_view
def verdict(request: HttpRequest, *, letterhead: Callable[[gate.Snapshot, bool | None], Letterhead]) -> HttpResponse:
    """Show the verdict with its consequences; record it as LAW-01.

    Args:
        request: of an account that may see the checklist.
        letterhead: returns who asks the bureau, for the gate's state and whether there are paid features (None: not
            known). It is passed in, since the facts come from the notification, which builds on the assessment.
    """
    case = _case(request)
    snapshot = gate.reconcile()
    on_record = position(snapshot)
    drafted = bool(case.given)
    if not drafted and on_record.assessment:
        case = case_from(on_record.assessment)
    if case.next() is not None:
        return _next_page(case)
    form = RecordForm(initial=_initial())
    if request.method == "POST":
        person = acting_account(request)
        form = RecordForm(request.POST)
        if request.POST.get("outcome") != case.verdict().outcome:
            form.add_error(
                None, _("The answers were changed meanwhile. Look at the verdict again before you record it.")
            )
        if form.is_valid() and _sign(form, case, person):
            messages.success(request, _("The verdict is on record: LAW-01 is signed."))
            return HttpResponseRedirect(reverse("admin:compliance_checklist_change", args=["LAW-01"]))
    judged = case.verdict()
    signed = on_record.assessment.signature if on_record.assessment else None
    facts: dict[str, Any] = signed.evidence if signed and not drafted else {}
    about = letterhead(snapshot, {"yes": True, "no": False}.get(str(facts.get("paid"))))
    return render_operator_page(
        request,
        "assessment/verdict.html",
        _("Must I file? The verdict"),
        case=case,
        drafted=drafted,
        position=on_record,
        verdict=judged,
        headline=VERDICTS[judged.outcome],
        consequence=CONSEQUENCES[judged.outcome],
        trail=case.trail(),
        offered=[(RULES[feature], offered) for feature, offered in offers(case).items()],
        articles=articles_by_statute(judged.articles),
        basis=case.basis(),
        doubts=case.doubts(),
        called_for=items_called_for(facts),
        penalties=penalties(judged.outcome, facts),
        next_steps=NEXT_STEPS[judged.outcome],
        bureau=about.bureau,
        needs_bureau=needs_bureau_answer(judged.outcome),
        letter=write_letter(case, about),
        form=form,
        law_version=law.LAW_VERSION,
    )


def _initial() -> dict[str, Any]:
    doors = features.doors()
    return {
        "assessed_on": timezone.localdate(),
        "profiles": Feature.PROFILE_DATING in doors,
        "scanning": Feature.SCAN_CLOSED in doors,
    }


def _sign(form: RecordForm, case: Case, person: AbstractBaseUser) -> bool:
    try:
        record(case, form.evidence, person, current_language())
    except ValidationError as refused:
        form.add_error(None, " ".join(refused.messages))
        return False
    return True
