"""The emergency stop (緊急停止) in the admin, and the confirmation after the database went back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from compliance import gate
from compliance.adminkit import OperatorPage, ReasonForm, submit
from compliance.law import ITEM
from compliance.models import GateState, Stop

_WRITES: Final[Mapping[str, Callable[..., object]]] = {"lift": gate.ask_to_lift_stop, "confirm": gate.confirm_restore}


@admin.register(Stop)
class StopAdmin(OperatorPage):
    """緊急停止: pulled in two steps, as a restored database is confirmed; lifted at the desk, by two persons."""

    work = "compliance.pull_stop"

    def get_urls(self) -> list[URLPattern]:
        return [path("", self.admin_site.admin_view(self.stop), name="compliance_stop_changelist")]

    def stop(self, request: HttpRequest) -> HttpResponse:
        """Ask for a reason and a confirmation; then pull the stop, ask to lift it, or confirm what was restored."""
        form = ReasonForm(initial={"reason": request.POST.get("reason", "")})
        confirming = False
        if request.method == "POST":
            actor = self.actor(request)
            if "_back" not in request.POST:
                form = ReasonForm(request.POST)
                # The form names its intent: somebody else may have pulled or lifted the stop after the page was shown.
                write = _WRITES.get(request.POST.get("intent", ""), gate.pull_stop)
                if "_confirm" not in request.POST:
                    confirming = form.is_valid()
                elif self._move(request, form, lambda: write(reason=form.cleaned_data["reason"], actor=actor)):
                    return HttpResponseRedirect(reverse("admin:compliance_stop_changelist"))
        state = GateState.objects.filter(id=1).select_related("stopped_by").first()
        snapshot = gate.reconcile()
        return self.page(
            request,
            "gate/stop.html",
            title=_("Emergency stop"),
            form=form,
            confirming=confirming,
            intent="confirm" if snapshot.restored else "lift" if snapshot.stop else "pull",
            stopped_by=state.stopped_by if state else None,
            item=ITEM["LAW-18"],
        )

    def _move(self, request: HttpRequest, form: ReasonForm, write: Callable[[], object]) -> bool:
        before = gate.current()
        if not submit(form, write):
            return False
        was_on, now = before.closed_chat().allowed, gate.current()
        done = _("The emergency stop is pulled.")
        if before.stop:
            done = _("A second person is asked to agree. Until then the stop holds; the desk shows the request.")
        if before.restored and not now.restored:
            done = _("The restore is confirmed.")
        self.report(request, done, headline=gate.headline(now) if now.closed_chat().allowed != was_on else None)
        return True
