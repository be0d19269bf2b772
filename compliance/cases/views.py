"""The pages of cases at the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from compliance.adminkit import submit
from compliance.cases import register, work
from compliance.cases.forms import CaseForm, CloseForm, DaysForm, ExtendForm, HoldForm, LetterForm, PaperForm
from compliance.law import papers
from compliance.law.powers import Power
from compliance.models import Case, CasePaper
from compliance.powers import desk_page
from compliance.records import Event, evidence, holds, ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.auth.base_user import AbstractBaseUser

PAGE: Final = 100


@desk_page(Power.CASES)
def case_list(request: HttpRequest) -> HttpResponse:
    """Show the cases: the open ones by their next day, then those that ended."""
    rows = [_row(case) for case in Case.objects.filter(closed_at__isnull=True)]
    rows.sort(key=lambda row: (row["next"] is None, row["next"].on if row["next"] else None, row["case"].number))
    ended = Case.objects.filter(closed_at__isnull=False).order_by("-closed_at")[:PAGE]
    return render(request, "desk/cases.html", {"rows": rows, "ended": [_row(case) for case in ended]})


def _row(case: Case) -> dict[str, Any]:
    to_do = [due for due in work.clocks(case) if due.clock.key not in case.done]
    due = to_do[0] if to_do and case.is_open else None
    late = due is not None and _is_late(due)
    return {"case": case, "paper": papers.PAPERS[papers.Kind(case.kind)], "next": due, "late": late}


def _is_late(due: papers.Due) -> bool:
    """Whether a last day has gone by. "Without delay" has none."""
    return due.clock.term.has_last_day and due.on < timezone.localdate()


@desk_page(Power.CASES)
def new_case(request: HttpRequest) -> HttpResponse:
    """Open a case for a paper that arrived."""
    form = CaseForm(request.POST or None, initial={"received_on": timezone.localdate()})
    made: list[Case] = []

    def write() -> None:
        facts = dict(form.cleaned_data)
        kind = papers.Kind(facts.pop("kind"))
        made.append(register.open_case(kind=kind, actor=_me(request), **facts))

    if request.method == "POST" and submit(form, write):
        return redirect("compliance:case", made[0].pk)
    return render(request, "desk/case_new.html", {"form": form})


@desk_page(Power.CASES)
def case_page(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show a case, and do what one of its forms asks for."""
    case = get_object_or_404(Case, pk=case_id)
    found = _forms(request, case)
    preview: list[holds.Preview] = []
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act == "preview" and "hold" in found:
            submit(found["hold"], lambda: preview.append(_preview(case, found["hold"])))
            return _shown(request, case, found, preview)
        if act == "done":
            work.mark_done(case=case, clock=request.POST.get("clock", "")[:20], actor=_me(request))
            return redirect("compliance:case", case.pk)
        if act not in found:
            raise Http404
        form = found[act]
        if submit(form, lambda: _write(case, act, form, _me(request))):
            messages.success(request, _("Done, and on record."))
            return redirect("compliance:case", case.pk)
    return _shown(request, case, found, preview)


def _preview(case: Case, form: forms.Form) -> holds.Preview:
    given = form.cleaned_data
    ground = papers.PAPERS[papers.Kind(case.kind)].hold
    return holds.preview(scope=given["scope"], subject=given["subject"], ground=str(ground))


def _shown(
    request: HttpRequest, case: Case, found: dict[str, forms.Form], preview: list[holds.Preview]
) -> HttpResponse:
    kind = papers.Kind(case.kind)
    context = {
        **_row(case),
        "preview": preview[0] if preview else None,
        "clocks": [
            {"due": due, "done": case.done.get(due.clock.key), "late": _is_late(due)} for due in work.clocks(case)
        ],
        "given": [(datum, papers.may_give(kind, datum)) for datum in papers.Datum],
        "forms": {name: form for name, form in found.items() if ":" not in name},
        "letter_forms": [form for name, form in found.items() if name.startswith("letter:")],
        "titles": {letter.key: letter for letter in papers.LETTERS[kind]},
        "letters": [(letter, _title(kind, letter.key)) for letter in case.letters.all()],
        "holds": [(hold, found.get(f"extend:{hold.pk}"), holds.is_live(hold)) for hold in case.holds.all()],
        "disclosures": case.disclosures.all(),
        "may_disclose": kind in papers.CLOSED,
    }
    faulty = request.method == "POST" and not preview
    return render(request, "desk/case.html", context, status=400 if faulty else 200)


def _title(kind: papers.Kind, key: str) -> papers.Letter | None:
    return next((letter for letter in papers.LETTERS[kind] if letter.key == key), None)


def _forms(request: HttpRequest, case: Case) -> dict[str, forms.Form]:
    """Return the forms of an open case by their act; the one that was sent is bound."""
    if not case.is_open:
        return {}
    sent = request.POST.get("act") if request.method == "POST" else None
    sent = "hold" if sent == "preview" else sent
    paper = papers.PAPERS[papers.Kind(case.kind)]

    def data(act: str) -> Any:
        return request.POST if sent == act else None

    days = {"named_on": case.named_on, "asked_on": case.asked_on, "ordered_on": case.ordered_on}
    found: dict[str, forms.Form] = {
        "days": DaysForm(data("days"), initial=days),
        "paper": PaperForm(data("paper"), request.FILES if sent == "paper" else None),
        "close": CloseForm(data("close")),
    }
    if paper.hold:
        found["hold"] = HoldForm(data("hold"))
    for hold in case.holds.all():
        if holds.may_be_extended(hold):
            found[f"extend:{hold.pk}"] = ExtendForm(data(f"extend:{hold.pk}"), prefix=f"extend-{hold.pk}")
    for letter in papers.LETTERS[paper.kind]:
        found[f"letter:{letter.key}"] = LetterForm(letter, data(f"letter:{letter.key}"))
    return found


def _write(case: Case, act: str, form: forms.Form, actor: AbstractBaseUser) -> None:
    given = form.cleaned_data
    writes: dict[str, Callable[[], object]] = {
        "days": lambda: register.correct_days(case=case, days=given, actor=actor),
        "paper": lambda: work.add_paper(case=case, upload=given["file"], actor=actor),
        "close": lambda: register.close_case(case=case, actor=actor, **given),
        "hold": lambda: holds.place(
            **given,
            ground=papers.PAPERS[papers.Kind(case.kind)].hold,
            paper=f"{case.name} {case.sender} {case.reference}".strip(),
            actor=actor,
            case=case,
        ),
    }
    if isinstance(form, ExtendForm):
        hold = case.holds.get(pk=int(act.partition(":")[2]))
        holds.extend(hold=hold, ends_on=given["extend_to"], paper=given["extension_paper"], actor=actor)
    elif isinstance(form, LetterForm):
        work.issue_letter(case=case, key=form.letter.key, fields=given, actor=actor)
    else:
        writes[act]()


@desk_page(Power.CASES)
def case_paper(request: HttpRequest, case_id: UUID, paper_id: int) -> HttpResponse:
    """Hand out a file of a case. The ledger says who took it."""
    paper = get_object_or_404(CasePaper, pk=paper_id, case_id=case_id)
    try:
        content = evidence.read(evidence.Attachment(paper.name, paper.sha256, paper.size, paper.type))
    except evidence.Missing as gone:
        raise Http404(str(gone)) from None
    payload = {"case": str(case_id), "sha256": paper.sha256}
    ledger.append(Event.EVIDENCE_DOWNLOADED, actor=_me(request), payload=payload)
    headers = {
        "Content-Disposition": f'attachment; filename="{paper.sha256[:16]}"',
        "X-Content-Type-Options": "nosniff",
    }
    return HttpResponse(content, content_type=paper.type, headers=headers)


def _me(request: HttpRequest) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)
