"""The operator's calendar in the admin: what is owed by when, what happened, outages; and the planned end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance import closing, diary, gate, law, outages
from compliance.admin import Place, ReasonForm
from compliance.checklist import ITEM
from compliance.duties import Duty, Kind, State, Term, earliest_end
from compliance.law import Text
from compliance.models import Calendar, Closing, Feed, GateState, Happening, Outage

_DAYS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日")
_LINE: Final = 500
_LONG: Final = 5_000
_SHOWN_DONE: Final = 12


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


class _Day(forms.DateField):
    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(widget=widget, input_formats=_DAYS, **options)


class _Moment(forms.DateTimeField):
    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        super().__init__(widget=widget, **options)


def _words(label: Any, *, lines: int = 3, required: bool = True, most: int = _LONG) -> forms.CharField:
    return forms.CharField(
        label=label, max_length=most, required=required, widget=forms.Textarea(attrs={"rows": lines})
    )


# --- the calendar ----------------------------------------------------------------------------------------------


class DoneForm(forms.Form):
    """That a duty was done: when, and what proves it."""

    done_on = _Day(label=gettext_lazy("Done on"))
    note = forms.CharField(
        label=gettext_lazy("What proves it (such as the receipt number or where the copy is)"),
        max_length=_LINE,
        required=False,
    )


class HappeningForm(forms.Form):
    """A leak or a change."""

    kind = forms.ChoiceField(label=gettext_lazy("What happened"))
    on = _Day(label="")
    attack = forms.BooleanField(
        label=gettext_lazy("Personal data: somebody with a wrongful purpose may be behind it (60 days instead of 30)"),
        required=False,
    )
    summary = _words(gettext_lazy("In a line or two, without the words of any message"), most=_LINE)

    def __init__(self, *args: Any, incident: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(kind.value, law.say(kind, gate.spoken())) for kind in Kind if kind.is_incident is incident]
        self.fields["kind"] = forms.ChoiceField(
            label=_("What happened") if incident else _("What changed"), choices=kinds, widget=forms.RadioSelect
        )
        self.fields["on"].label = _("Day on which you learned of it") if incident else _("Day from which it holds")
        if not incident:
            del self.fields["attack"]


class OutageForm(forms.Form):
    """An outage: times, users, what failed."""

    started_at = _Moment(label=gettext_lazy("Began (Japan time)"))
    ended_at = _Moment(label=gettext_lazy("Ended (Japan time; empty while it goes on)"), required=False)
    users = forms.IntegerField(
        label=gettext_lazy("Users hit (empty if not known)"), min_value=0, max_value=10**10, required=False
    )
    where = forms.ChoiceField(label=gettext_lazy("What failed"), required=False)
    service = forms.ChoiceField(label=gettext_lazy("Kind of service"), required=False)
    add_on = forms.BooleanField(
        label=gettext_lazy("It hit nothing but an add-on function (付加的な機能); talking worked"), required=False
    )
    cause = _words(gettext_lazy("Cause, and what was done"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        unknown = ("", _("Not known yet"))
        for name, choices in (("where", outages.Failed), ("service", outages.Service)):
            self.fields[name] = forms.ChoiceField(
                label=self.fields[name].label,
                required=False,
                choices=[unknown, *((choice.value, law.say(choice, gate.spoken())) for choice in choices)],
            )

    def into(self, row: Outage) -> Outage:
        """Put what was typed into a row."""
        for name, value in self.cleaned_data.items():
            setattr(row, name, value)
        return row


def _by_law(articles: Iterable[str]) -> list[tuple[str, str]]:
    """The articles, each law named once, with its address on e-Gov."""
    grouped = groupby(articles, lambda article: law.cite(article).statute)
    return [(statute.url, law.cite_all(places, gate.spoken())) for statute, places in grouped]


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty as the page shows it."""

    duty: Duty
    state: State
    form: DoneForm | None

    @property
    def done(self) -> bool:
        """Whether it was done; the sign that is drawn goes by it."""
        return self.state is State.DONE

    @property
    def sign(self) -> str:
        """The drawing that shows the state."""
        return {State.DONE: "signed", State.LATE: "expired", State.NOW: "contradicted"}.get(self.state, "unsigned")

    @property
    def articles(self) -> list[tuple[str, str]]:
        """The articles, by law."""
        return _by_law(self.duty.articles)

    @property
    def term(self) -> str:
        """How the law sets the time, and that a weekend moves nothing."""
        term = law.say(self.duty.term, gate.spoken())
        if self.done or not self.duty.on_weekend or self.duty.term not in {Term.BY, Term.BEFORE}:
            return term
        return term + _("; ") + _("a weekend: the day is not moved, so send it before")

    @property
    def distant(self) -> bool:
        """Whether it is a signature that ends long from now."""
        return self.state is State.AHEAD and self.duty.term is Term.HABIT

    @property
    def source(self) -> tuple[str, str] | None:
        """Where it comes from: address and name."""
        what, _dash, number = self.duty.source.partition("-")
        match what:
            case "happening":
                return reverse("admin:compliance_calendar_happening", args=[number]), _("The record")
            case "outage":
                return reverse("admin:compliance_calendar_outage", args=[number]), _("The outage")
            case "end":
                return reverse("admin:compliance_closing_changelist"), _("The planned end")
            case "LAW":
                return reverse("admin:compliance_checklist_change", args=[self.duty.source]), self.duty.source
            case _:
                return None


@dataclass(frozen=True, slots=True)
class OutageRow:
    """An outage with what it calls for."""

    outage: Outage
    finding: outages.Finding
    lasted: timedelta

    @property
    def missing(self) -> str:
        """What is not known and could make it graver."""
        return _(", ").join(law.say(text, gate.spoken()) for text in self.finding.missing)

    @property
    def length(self) -> str:
        """How long, in hours and minutes."""
        minutes = int(self.lasted.total_seconds()) // 60
        return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def _outage_row(row: Outage) -> OutageRow:
    now = timezone.now()
    return OutageRow(row, diary.assess(row, now), (row.ended_at or now) - row.started_at)


@admin.register(Calendar)
class CalendarAdmin(Place):
    """運営者の予定表: every duty with its article, form and day."""

    work: ClassVar[str] = "compliance.keep_calendar"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.overview), name="compliance_calendar_changelist"),
            path("incident/", wrap(self.incident), name="compliance_calendar_incident"),
            path("change/", wrap(self.change), name="compliance_calendar_change"),
            path("record/<int:pk>/", wrap(self.happening), name="compliance_calendar_happening"),
            path("outage/", wrap(self.outage), name="compliance_calendar_outage_new"),
            path("outage/<int:pk>/", wrap(self.outage), name="compliance_calendar_outage"),
        ]

    def overview(self, request: HttpRequest) -> HttpResponse:
        """Show what is owed; mark a duty as done, take that back; make or revoke the feed."""
        now, snapshot = timezone.now(), gate.settle()
        owed = diary.calendar(snapshot, now)
        posted: tuple[str, DoneForm] | None = None
        secret = ""
        if request.method == "POST":
            actor = self.actor(request)
            if "_feed" in request.POST:
                secret = diary.make_feed(owner=actor, language=gate.spoken())
            elif "_revoke" in request.POST:
                if diary.revoke_feed(owner=actor):
                    messages.success(request, _("The address of your feed does not work any more."))
                return self._back()
            else:
                duty = next((duty for duty in owed if duty.id == request.POST.get("duty")), None)
                if duty is None:
                    raise Http404
                if "_reopen" in request.POST:
                    diary.reopen(duty_id=duty.id, actor=actor)
                    return self._back(duty)
                posted = duty.id, DoneForm(request.POST, auto_id=f"id_{duty.id}_%s")
                if self._done(duty, posted[1], actor):
                    messages.success(request, _("It is marked as done."))
                    return self._back(duty)
        rows = [self._row(duty, now, posted) for duty in owed]
        done = sorted((row for row in rows if row.done), key=lambda row: row.duty.due, reverse=True)
        return self.page(
            request,
            "calendar.html",
            title=_("Calendar of duties"),
            urgent=[row for row in rows if row.state in {State.LATE, State.NOW}],
            coming=[row for row in rows if row.state in {State.SOON, State.AHEAD} and not row.distant],
            distant=[row for row in rows if row.distant],
            done=done[:_SHOWN_DONE],
            outages=[_outage_row(row) for row in Outage.objects.all()[:20]],
            happenings=[(row, Kind(row.kind)) for row in Happening.objects.all()[:20]],
            feed=Feed.objects.filter(owner_id=request.user.pk).first(),
            feed_url=request.build_absolute_uri(reverse("compliance:calendar_feed", args=[secret])) if secret else "",
            today=timezone.localdate(),
        )

    def _done(self, duty: Duty, form: DoneForm, actor: Any) -> bool:
        return _written(
            form,
            lambda: diary.mark_done(
                duty=duty, on=form.cleaned_data["done_on"], note=form.cleaned_data["note"], actor=actor
            ),
        )

    @staticmethod
    def _row(duty: Duty, now: Any, posted: tuple[str, DoneForm] | None) -> DutyRow:
        today = timezone.localdate(now)
        form = None
        if duty.markable and not duty.done:
            form = DoneForm(initial={"done_on": today}, auto_id=f"id_{duty.id}_%s")
            if posted and posted[0] == duty.id:
                form = posted[1]
        return DutyRow(duty, duty.state(today), form)

    @staticmethod
    def _back(duty: Duty | None = None) -> HttpResponseRedirect:
        place = f"#{duty.id}" if duty else ""
        return HttpResponseRedirect(reverse("admin:compliance_calendar_changelist") + place)

    def incident(self, request: HttpRequest) -> HttpResponse:
        """Record a leak; its clocks start."""
        return self._record(request, incident=True)

    def change(self, request: HttpRequest) -> HttpResponse:
        """Record a change; its notice is due."""
        return self._record(request, incident=False)

    def _record(self, request: HttpRequest, *, incident: bool) -> HttpResponse:
        form = HappeningForm(incident=incident, initial={"on": timezone.localdate()})
        if request.method == "POST":
            actor = self.actor(request)
            form = HappeningForm(request.POST, incident=incident)
            if _written(form, lambda: self._keep(form, actor)):
                messages.success(request, _("It is recorded. What is due because of it stands in the calendar."))
                return self._back()
        return self.page(
            request,
            "calendar_record.html",
            title=_("Record an incident") if incident else _("Record a change"),
            form=form,
            incident=incident,
            warning=self._lead(incident=incident),
        )

    @staticmethod
    def _keep(form: HappeningForm, actor: Any) -> None:
        given = form.cleaned_data
        diary.record(
            kind=Kind(given["kind"]),
            on=given["on"],
            summary=given["summary"],
            attack=given.get("attack", False),
            actor=actor,
        )

    @staticmethod
    def _lead(*, incident: bool) -> str:
        if incident:
            return _(
                "Tell your bureau by phone or e-mail first, with what you know; then write it down here. Where both "
                "kinds apply, record both: each has a report of its own."
            )
        return _(
            "A change of the service area or of listed equipment is notified before it holds; the others without delay "
            "afterwards."
        )

    def happening(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show a leak or change with what it calls for; strike it out."""
        row = get_object_or_404(Happening, pk=pk)
        kind = Kind(row.kind)
        form = ReasonForm()
        if request.method == "POST":
            actor = self.actor(request)
            form = ReasonForm(request.POST)
            if _written(form, lambda: diary.strike(row, reason=form.cleaned_data["reason"], actor=actor)):
                return self._back()
        now = timezone.now()
        return self.page(
            request,
            "calendar_happening.html",
            title=law.say(kind, gate.spoken()),
            row=row,
            kind=kind,
            form=form,
            rows=[
                self._row(duty, now, None)
                for duty in diary.calendar(gate.settle(), now)
                if duty.source == f"happening-{pk}"
            ],
        )

    def outage(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Record an outage, or correct it; strike it out."""
        row = get_object_or_404(Outage, pk=pk) if pk is not None else Outage(started_at=timezone.now())
        fields = ("started_at", "ended_at", "users", "where", "service", "add_on", "cause")
        form = OutageForm(initial={name: getattr(row, name) for name in fields} if pk else self._known())
        striking = ReasonForm(auto_id="id_strike_%s")
        if request.method == "POST":
            actor = self.actor(request)
            if "_strike" in request.POST and pk is not None:
                striking = ReasonForm(request.POST, auto_id="id_strike_%s")
                if _written(striking, lambda: diary.strike(row, reason=striking.cleaned_data["reason"], actor=actor)):
                    return self._back()
            else:
                form = OutageForm(request.POST)
                if _written(form, lambda: diary.keep(form.into(row), actor=actor)):
                    messages.success(request, _("The outage is on record."))
                    return HttpResponseRedirect(reverse("admin:compliance_calendar_outage", args=[row.pk]))
                row = get_object_or_404(Outage, pk=pk) if pk is not None else row
        return self.page(
            request,
            "calendar_outage.html",
            title=_("Outage of %(day)s") % {"day": f"{timezone.localtime(row.started_at):%Y-%m-%d}"}
            if pk
            else _("Record an outage"),
            form=form,
            striking=striking,
            shown=_outage_row(row) if pk else None,
            articles=_by_law(diary.assess(row, timezone.now()).report.articles if pk else ()),
            services=list(outages.Service),
            minor=outages.MINOR,
        )

    @staticmethod
    def _known() -> dict[str, Any]:
        checklist = gate.current().checklist
        paid = checklist.facts.paid if checklist else None
        service = {True: outages.Service.PAID.value, False: outages.Service.FREE.value, None: ""}[paid]
        return {"started_at": timezone.localtime().replace(second=0, microsecond=0), "service": service}


# --- the planned end -------------------------------------------------------------------------------------------


class ClosingForm(forms.Form):
    """The seven items of REG 22-2-11(2), and what else the end depends on."""

    on = _Day(label=gettext_lazy("2. Day of the end (休廃止日): the first day without it"))
    suspension = forms.TypedChoiceField(
        label=gettext_lazy("Suspension or closing"),
        choices=[
            ("no", gettext_lazy("Closing (廃止): for good")),
            ("yes", gettext_lazy("Suspension (休止): for a time")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    until = _Day(label=gettext_lazy("3. For a suspension: its last day"), required=False)
    whole = forms.TypedChoiceField(
        label=gettext_lazy("How much of the telecom business ends"),
        choices=[
            ("no", gettext_lazy("A part (form 12-3)")),
            ("yes", gettext_lazy("All of what was filed (form 12)")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    service_ja = _words(gettext_lazy("1. What ends (Japanese)"), lines=2)
    reason_ja = _words(gettext_lazy("4. Why (Japanese)"), lines=2)
    contact_ja = _words(gettext_lazy("5. Where complaints and questions go (Japanese)"), lines=2)
    alternatives_ja = _words(gettext_lazy("6. What can be used instead, and how it differs (Japanese)"))
    protection_ja = _words(gettext_lazy("7. What keeps users from harm (Japanese)"))
    service_en = _words(gettext_lazy("1. What ends (English)"), lines=2, required=False)
    reason_en = _words(gettext_lazy("4. Why (English)"), lines=2, required=False)
    contact_en = _words(gettext_lazy("5. Where complaints and questions go (English)"), lines=2, required=False)
    alternatives_en = _words(gettext_lazy("6. What can be used instead, and how it differs (English)"), required=False)
    protection_en = _words(gettext_lazy("7. What keeps users from harm (English)"), required=False)
    million = forms.BooleanField(
        label=gettext_lazy(
            "It is paid and had 1,000,000 contracts or more at the last fiscal year’s end: a year ahead"
        ),
        required=False,
    )
    exception = forms.ChoiceField(label=gettext_lazy("Exception claimed (REG 22-2-11(4))"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(key, law.say(text, gate.spoken())) for key, text in closing.EXCEPTIONS.items()]
        self.fields["exception"] = forms.ChoiceField(
            label=self.fields["exception"].label, required=False, choices=choices
        )

    @classmethod
    def drafted(cls) -> ClosingForm:
        """The form with the drafts from this deployment's facts."""
        today = timezone.localdate()
        initial: dict[str, Any] = {"on": earliest_end(today) + timedelta(days=1), "suspension": "no", "whole": "no"}
        for name, text in closing.drafts(gate.current().standing).items():
            initial |= {f"{name}_ja": text.ja, f"{name}_en": text.en}
        return cls(initial=initial)

    @property
    def notice(self) -> closing.Notice:
        """What was typed, as a notice."""
        given = self.cleaned_data
        names = ("service", "reason", "contact", "alternatives", "protection")
        texts = {name: Text(given[f"{name}_ja"], given[f"{name}_en"]) for name in names}
        return closing.Notice(
            **texts,
            on=given["on"],
            until=given["until"] if given["suspension"] else None,
            suspension=given["suspension"],
            whole=given["whole"],
            million=given["million"],
            exception=given["exception"],
        )


@admin.register(Closing)
class ClosingAdmin(Place):
    """休止・廃止の予告: announced and withdrawn in two steps."""

    work: ClassVar[str] = "compliance.announce_end"

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.end), name="compliance_closing_changelist")]

    def end(self, request: HttpRequest) -> HttpResponse:
        """Ask for the seven items, show the notice as users will see it, then announce; or withdraw."""
        form, withdrawal = ClosingForm.drafted(), ReasonForm()
        confirming = False
        here = reverse("admin:compliance_closing_changelist")
        if request.method == "POST":
            actor = self.actor(request)
            if "_withdraw" in request.POST:
                withdrawal = ReasonForm(request.POST)
                reason = request.POST.get("reason", "")
                if _written(withdrawal, lambda: closing.withdraw(reason=reason, actor=actor)):
                    messages.success(request, _("The announcement is withdrawn."))
                    return HttpResponseRedirect(here)
            else:
                form = ClosingForm(request.POST)
                if "_confirm" in request.POST:
                    if _written(form, lambda: closing.announce(form.notice, actor=actor)):
                        messages.success(request, _("The end is announced. Users see the notice from now on."))
                        return HttpResponseRedirect(here)
                elif "_back" not in request.POST:
                    confirming = _written(form, lambda: closing.check(form.notice, timezone.localdate()))
        snapshot = gate.settle()
        state = GateState.objects.filter(id=1).select_related("end_announced_by").first()
        today = timezone.localdate()
        return self.page(
            request,
            "closing.html",
            title=_("Planned end"),
            form=form,
            withdrawal=withdrawal,
            confirming=confirming,
            draft=form.notice.as_json() | {"on": form.notice.on, "until": form.notice.until} if confirming else None,
            state=state if snapshot.ending else None,
            earliest=earliest_end(today),
            item=ITEM["LAW-18"],
        )
