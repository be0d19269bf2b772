"""The calendar of duties (運営者の予定表) in the admin, with the log of incidents, changes and outages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance import gate
from compliance.adminkit import OperatorPage, ReasonForm, articles_by_statute, submit
from compliance.duties.calendar import list_duties, mark_done, reopen
from compliance.duties.feed import create_feed, revoke_feed
from compliance.duties.forms import DoneForm, HappeningForm, OutageForm
from compliance.duties.occurrences import assess_outage, record_happening, save_outage, strike_out
from compliance.language import current_language, localized
from compliance.law import outages
from compliance.law.duties import Duty, Kind, State, Term
from compliance.models import Calendar, Feed, Happening, Outage
from compliance.records import powers_of

_SHOWN_DONE: Final = 12


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty on the page, with its state and the form that marks it as done."""

    duty: Duty
    state: State
    form: DoneForm | None

    @property
    def done(self) -> bool:
        """Whether it was done."""
        return self.state is State.DONE

    @property
    def sign(self) -> str:
        """The id of the icon that shows the state."""
        return {State.DONE: "signed", State.LATE: "expired", State.NOW: "contradicted"}.get(self.state, "unsigned")

    @property
    def articles(self) -> list[tuple[str, str]]:
        """The articles, by law."""
        return articles_by_statute(self.duty.articles)

    @property
    def term(self) -> str:
        """How the law sets the deadline, with a note if it falls on a weekend: the day is not moved."""
        term = localized(self.duty.term)
        if self.done or not self.duty.on_weekend or self.duty.term not in {Term.BY, Term.BEFORE}:
            return term
        return term + _("; ") + _("a weekend: the day is not moved, so send it before")

    @property
    def distant(self) -> bool:
        """Whether it is a signature that ends in the distant future."""
        return self.state is State.AHEAD and self.duty.term is Term.HABIT

    @property
    def source(self) -> tuple[str, str] | None:
        """The address and the name of the record that it comes from."""
        source = self.duty.source
        if ":" in source:
            return reverse(source), _("The desk")
        what, _dash, number = source.partition("-")
        if what not in _RECORDS:
            return None
        url_name, label = _RECORDS[what]
        key = {"end": [], "LAW": [source]}.get(what, [number])
        return reverse(url_name, args=key), source if what == "LAW" else str(label)


_RECORDS: Final[Mapping[str, tuple[str, Promise]]] = {
    "happening": ("admin:compliance_calendar_happening", gettext_lazy("The record")),
    "outage": ("admin:compliance_calendar_outage", gettext_lazy("The outage")),
    "end": ("admin:compliance_closing_changelist", gettext_lazy("The planned end")),
    "LAW": ("admin:compliance_checklist_change", gettext_lazy("The item")),
    "case": ("compliance:case", gettext_lazy("The case")),
    "disclosure": ("compliance:disclosure", gettext_lazy("The disclosure")),
    "hold": ("admin:compliance_hold_change", gettext_lazy("The hold")),
}
"""The page of each kind of record that a duty comes from, and its name."""


@dataclass(frozen=True, slots=True)
class OutageRow:
    """An outage on the page, with the report that it calls for."""

    outage: Outage
    finding: outages.Finding
    lasted: timedelta

    @property
    def missing(self) -> str:
        """The unknown facts that could call for a graver report."""
        return _(", ").join(localized(text) for text in self.finding.missing)

    @property
    def length(self) -> str:
        """The duration in hours and minutes."""
        minutes = int(self.lasted.total_seconds()) // 60
        return _("%(hours)d h %(minutes)d min") % {"hours": minutes // 60, "minutes": minutes % 60}


def _outage_row(row: Outage) -> OutageRow:
    now = timezone.now()
    return OutageRow(row, assess_outage(row, now), (row.ended_at or now) - row.started_at)


@admin.register(Calendar)
class CalendarAdmin(OperatorPage):
    """運営者の予定表: each duty with its article, form and day."""

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
        """Show the duties; mark one as done or not done; create or revoke the feed."""
        now, snapshot = timezone.now(), gate.reconcile()
        owed = list_duties(snapshot, now, powers_of(request.user))
        posted: tuple[str, DoneForm] | None = None
        secret = ""
        if request.method == "POST":
            actor = self.actor(request)
            if "_feed" in request.POST:
                secret = create_feed(owner=actor, language=current_language())
            elif "_revoke" in request.POST:
                if revoke_feed(owner=actor):
                    messages.success(request, _("The address of your feed does not work any more."))
                return self._back()
            else:
                duty = next((duty for duty in owed if duty.id == request.POST.get("duty")), None)
                if duty is None:
                    raise Http404
                if "_reopen" in request.POST:
                    reopen(duty_id=duty.id, actor=actor)
                    return self._back(duty)
                posted = duty.id, DoneForm(request.POST, auto_id=f"id_{duty.id}_%s")
                if self._done(duty, posted[1], actor):
                    messages.success(request, _("It is marked as done."))
                    return self._back(duty)
        rows = [self._row(duty, now, posted) for duty in owed]
        done = sorted((row for row in rows if row.done), key=lambda row: row.duty.due, reverse=True)
        return self.page(
            request,
            "duties/calendar.html",
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
        return submit(
            form,
            lambda: mark_done(duty=duty, on=form.cleaned_data["done_on"], note=form.cleaned_data["note"], actor=actor),
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
        """Record an incident; its deadlines start."""
        return self._record(request, incident=True)

    def change(self, request: HttpRequest) -> HttpResponse:
        """Record a change; its notice becomes due."""
        return self._record(request, incident=False)

    def _record(self, request: HttpRequest, *, incident: bool) -> HttpResponse:
        form = HappeningForm(incident=incident, initial={"on": timezone.localdate()})
        if request.method == "POST":
            actor = self.actor(request)
            form = HappeningForm(request.POST, incident=incident)
            if submit(form, lambda: self._keep(form, actor)):
                messages.success(request, _("It is recorded. What is due because of it stands in the calendar."))
                return self._back()
        return self.page(
            request,
            "duties/record.html",
            title=_("Record an incident") if incident else _("Record a change"),
            form=form,
            incident=incident,
            warning=self._lead(incident=incident),
        )

    @staticmethod
    def _keep(form: HappeningForm, actor: Any) -> None:
        given = form.cleaned_data
        record_happening(
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
        """Show an incident or change with its duties; strike it out."""
        row = get_object_or_404(Happening, pk=pk)
        kind = Kind(row.kind)
        form = ReasonForm()
        if request.method == "POST":
            actor = self.actor(request)
            form = ReasonForm(request.POST)
            if submit(form, lambda: strike_out(row, reason=form.cleaned_data["reason"], actor=actor)):
                return self._back()
        now = timezone.now()
        return self.page(
            request,
            "duties/happening.html",
            title=localized(kind),
            row=row,
            kind=kind,
            form=form,
            rows=[
                self._row(duty, now, None)
                for duty in list_duties(gate.reconcile(), now)
                if duty.source == f"happening-{pk}"
            ],
        )

    def outage(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Record, correct or strike out an outage."""
        row = get_object_or_404(Outage, pk=pk) if pk is not None else Outage(started_at=timezone.now())
        fields = ("started_at", "ended_at", "users", "where", "service", "add_on", "cause")
        form = OutageForm(initial={name: getattr(row, name) for name in fields} if pk else self._known())
        striking = ReasonForm(auto_id="id_strike_%s")
        if request.method == "POST":
            actor = self.actor(request)
            if "_strike" in request.POST and pk is not None:
                striking = ReasonForm(request.POST, auto_id="id_strike_%s")
                if submit(striking, lambda: strike_out(row, reason=striking.cleaned_data["reason"], actor=actor)):
                    return self._back()
            else:
                form = OutageForm(request.POST)
                if submit(form, lambda: save_outage(form.into(row), actor=actor)):
                    messages.success(request, _("The outage is on record."))
                    return HttpResponseRedirect(reverse("admin:compliance_calendar_outage", args=[row.pk]))
                row = get_object_or_404(Outage, pk=pk) if pk is not None else row
        return self.page(
            request,
            "duties/outage.html",
            title=_("Outage of %(day)s") % {"day": f"{timezone.localtime(row.started_at):%Y-%m-%d}"}
            if pk
            else _("Record an outage"),
            form=form,
            striking=striking,
            shown=_outage_row(row) if pk else None,
            articles=articles_by_statute(assess_outage(row, timezone.now()).report.articles if pk else ()),
            services=list(outages.Service),
            minor=outages.MINOR,
        )

    @staticmethod
    def _known() -> dict[str, Any]:
        checklist = gate.current().checklist
        paid = checklist.facts.paid if checklist else None
        service = {True: outages.Service.PAID.value, False: outages.Service.FREE.value, None: ""}[paid]
        return {"started_at": timezone.localtime().replace(second=0, microsecond=0), "service": service}
