"""The checklist in the admin (運営者チェックリスト): each item with its evidence and signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from compliance import assessment, duties, gate, law
from compliance.adminkit import EvidenceForm, OperatorPage, ReasonForm, evidence_in_words, submit
from compliance.checklist.changes import changes
from compliance.checklist.forms import FilesForm, FourQuestions
from compliance.checklist.prefill import initial_evidence
from compliance.checklist.shown import shown_on
from compliance.checklist.status import ChecklistStatus, facts_of
from compliance.language import localized
from compliance.law import ITEM, Feature, Item, Required, dating
from compliance.models import Authorisation, Checklist, Signature
from compliance.records import Event, ledger, powers_of
from compliance.records.evidence import Missing, attachments, present, read

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


@admin.register(Checklist)
class ChecklistAdmin(OperatorPage):
    """運営者チェックリスト: each item with its reason, its evidence and its signatures."""

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
        """Show the gate and all items, by group."""
        return self.page(
            request,
            "checklist/overview.html",
            title=_("Operator’s checklist"),
            checklist=ChecklistStatus.now(powers_of(request.user)),
            position=assessment.position(gate.current()),
            last=Authorisation.objects.filter(closed_at__isnull=False).first(),
            purge_owed_since=duties.purge_owed_since(timezone.now()),
        )

    def item(self, request: HttpRequest, item_id: str) -> HttpResponse:
        """Show one item with its reason, evidence and signatures; sign it, or withdraw the signature."""
        item = ITEM.get(item_id)
        if item is None:
            raise Http404
        history = list(Signature.objects.filter(item_id=item.id).select_related("signed_by", "withdrawn_by"))
        powers = powers_of(request.user)
        status = ChecklistStatus.now(powers)
        last = history[0] if history else None
        earlier = attachments(last.evidence) if last else []
        evidence = EvidenceForm(item, initial=initial_evidence(item, status.snapshot, last) | _judged(request, item))
        files = FilesForm(earlier)
        withdrawal = ReasonForm(auto_id="id_withdraw_%s")
        if request.method == "POST" and "_withdraw" in request.POST:
            withdrawal = ReasonForm(request.POST, auto_id="id_withdraw_%s")
            if self._withdraw(request, item, withdrawal, status):
                return HttpResponseRedirect(reverse("admin:compliance_checklist_change", args=[item.id]))
        elif request.method == "POST":
            evidence, files = EvidenceForm(item, request.POST), FilesForm(earlier, request.POST, request.FILES)
            if self._sign(request, item, evidence, files, status):
                onward = ChecklistStatus.now().next if "_next" in request.POST else None
                overview = f"{reverse('admin:compliance_checklist_changelist')}#{item.id}"
                return HttpResponseRedirect(onward.url if onward else overview)
        before, row, after = status.around(item)
        return self.page(
            request,
            "checklist/item.html",
            title=f"{item.id} {localized(item)}",
            row=row,
            before=before,
            after=after,
            form=evidence,
            withdrawal=withdrawal,
            shown=evidence_in_words(item, row.signature.evidence) if row.signature else (),
            attached=present(attachments(row.signature.evidence)) if row.signature else (),
            changes=changes(item, row.signature, status.snapshot) if row.signature else (),
            record=shown_on(item, powers),
            on_form_4=_on_form_4(status.snapshot) if item.id == "LAW-05" else (),
            purge_owed_since=duties.purge_owed_since(timezone.now()) if item.id == "LAW-12" else None,
            has_duties=item.id in _IN_THE_CALENDAR,
            files=files,
            prefilled=bool(history) and not evidence.is_bound,
            history=history,
            law_version=law.LAW_VERSION,
        )

    def file(self, request: HttpRequest, item_id: str, key: str) -> HttpResponse:
        """Return a file that a signature on the item lists, by its SHA-256, as a download."""
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
        payload = {"item": item_id, "sha256": key}
        ledger.append(Event.EVIDENCE_DOWNLOADED, actor=cast("AbstractBaseUser", request.user), payload=payload)
        answer = HttpResponse(content, content_type="application/octet-stream")
        answer["Content-Disposition"], answer["Cache-Control"] = disposition, "private, no-store"
        return answer

    def four_questions(self, request: HttpRequest) -> HttpResponse:
        """Ask whether it is a dating-site business (異性紹介事業); keep the answers in the session for LAW-20."""
        form = FourQuestions(request.POST) if request.method == "POST" else FourQuestions()
        verdict = None
        if form.is_valid():
            self.actor(request)
            verdict = dating.judge(form.answers)
            request.session[_JUDGED] = {"outcome": verdict.outcome.value, "test": form.as_text}
        snapshot = gate.reconcile()
        return self.page(
            request,
            "checklist/dating.html",
            title=_("Is it a dating-site business?"),
            form=form,
            verdict=verdict,
            articles=[(law.cite(article).url, law.cite(article)) for article in dating.ARTICLES],
            notes=(dating.SELF_DECLARED, dating.POLICE_VIEW),
            gates=[(law.RULES[feature], snapshot.decide(feature)) for feature in _BOTH_GATES],
        )

    def _sign(
        self, request: HttpRequest, item: Item, form: EvidenceForm, files: FilesForm, status: ChecklistStatus
    ) -> bool:
        actor = self.actor(request)
        whole = form.is_valid() & files.is_valid()  # both, so that the page shows all errors
        if not whole or not submit(
            form, lambda: gate.sign(item=item, evidence=form.evidence, actor=actor, files=files.attachments)
        ):
            return False
        request.session.pop(_JUDGED, None)
        self._report(request, _("%(item)s is signed.") % {"item": item.id}, status)
        return True

    def _withdraw(self, request: HttpRequest, item: Item, form: ReasonForm, status: ChecklistStatus) -> bool:
        actor = self.actor(request)
        if not submit(form, lambda: gate.withdraw(item=item, reason=form.cleaned_data["reason"], actor=actor)):
            return False
        self._report(request, _("The signature on %(item)s is withdrawn.") % {"item": item.id}, status)
        return True

    def _report(self, request: HttpRequest, done: str, before: ChecklistStatus) -> None:
        now = gate.current()
        moved = now.closed_chat().allowed != before.snapshot.closed_chat().allowed
        self.report(request, done, headline=gate.headline(now) if moved else None)


_IN_THE_CALENDAR: Final = frozenset(
    {"LAW-08", "LAW-09", "LAW-12", "LAW-13", "LAW-14", "LAW-15", "LAW-16", "LAW-17", "LAW-18", "LAW-20", "LAW-21"}
)
"""Items whose deadlines are in the calendar of duties."""
_BOTH_GATES: Final = (Feature.MATCH_PAIR, Feature.PROFILE_DATING)
_JUDGED: Final = "dating_judged"
"""The key of the session that holds the answers to the four questions until LAW-20 is signed."""


def _judged(request: HttpRequest, item: Item) -> dict[str, Any]:
    return dict(request.session.get(_JUDGED, {})) if item.id == "LAW-20" else {}


def _on_form_4(snapshot: gate.Snapshot) -> list[tuple[law.Rule, bool]]:
    """Return each offered feature that needs a notification, and whether form 4 as recorded has it."""
    offered = [f for f in assessment.offered_features(snapshot) if law.RULES[f].required is Required.NOTIFIED]
    lacking = facts_of(snapshot).unfiled(offered)
    return [(law.RULES[feature], feature not in lacking) for feature in offered]
