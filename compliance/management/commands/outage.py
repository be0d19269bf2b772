"""Keeps the outage log from a terminal, a monitor's hook or a timer: what began, what ended, what it calls for."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from compliance import duties, law
from compliance.language import current_language
from compliance.law import Feature, outages
from compliance.models import Outage


def moment(text: str) -> datetime:
    """Return an ISO 8601 time; without a zone it is Japan's."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not an ISO 8601 time, such as 2026-11-22T09:00+09:00") from None
    return at if at.tzinfo else timezone.make_aware(at)


class Command(BaseCommand):
    help = "Keep the outage log; each outage is shown with the report that it calls for."
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        observe = actions.add_parser("observe", help="take in health data; run it every minute, or from a monitor")
        observe.add_argument("--ready", choices=["yes", "no"], help="what a monitor saw; default: the heartbeats")
        begin = actions.add_parser("begin", help="record an outage that began")
        self._facts(begin)
        begin.add_argument("--at", help="ISO 8601; default: now")
        end = actions.add_parser("end", help="end the running outage")
        self._facts(end)
        end.add_argument("--at", help="ISO 8601; default: now")
        end.add_argument("--id", type=int, help="default: the one that runs")
        show = actions.add_parser("list", help="the outages, newest first")
        show.add_argument("--json", action="store_true", help="machine-readable")

    @staticmethod
    def _facts(parser: Any) -> None:
        parser.add_argument("--users", type=int, help="how many users were hit")
        parser.add_argument("--failed", choices=[each.value for each in outages.Failed])
        parser.add_argument("--service", choices=[each.value for each in outages.Service])
        parser.add_argument("--cause", help="cause, and what was done")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            match options["action"]:
                case "observe":
                    ready = {"yes": True, "no": False, None: None}[options["ready"]]
                    changed = duties.observe_health(timezone.now(), healthy=ready)
                    if changed is not None:
                        self._print(changed)
                case "begin":
                    began = moment(options["at"]) if options["at"] else timezone.now()
                    self._print(duties.save_outage(self._with(Outage(started_at=began), options), actor=None))
                case "end":
                    row = self._running(options["id"])
                    row.ended_at = moment(options["at"]) if options["at"] else timezone.now()
                    self._print(duties.save_outage(self._with(row, options), actor=None))
                case _:
                    self._list(as_json=options["json"])
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None

    @staticmethod
    def _with(row: Outage, options: dict[str, Any]) -> Outage:
        given = {"users": "users", "where": "failed", "service": "service", "cause": "cause"}
        for name, option in given.items():
            if options[option] is not None:
                setattr(row, name, options[option])
        return row

    @staticmethod
    def _running(pk: int | None) -> Outage:
        rows = Outage.objects.filter(void_because="")
        row = rows.filter(pk=pk).first() if pk is not None else rows.filter(ended_at__isnull=True).first()
        if row is None:
            raise CommandError("There is no such outage." if pk is not None else "No outage runs.")
        return row

    def _list(self, *, as_json: bool) -> None:
        rows = list(Outage.objects.filter(void_because=""))
        if as_json:
            self.stdout.write(json.dumps([self._as_json(row) for row in rows], ensure_ascii=False, indent=2))
        else:
            for row in rows:
                self._print(row)

    @staticmethod
    def _as_json(row: Outage) -> dict[str, Any]:
        finding = duties.assess_outage(row, timezone.now())
        return {
            "id": row.pk,
            "started": row.started_at.isoformat(),
            "ended": row.ended_at.isoformat() if row.ended_at else None,
            "users": row.users,
            "failed": row.where or None,
            "service": row.service or None,
            "report": finding.report.value,
            "could_be": finding.could_be.value,
            "articles": list(finding.report.articles),
        }

    def _print(self, row: Outage) -> None:
        language = current_language()
        finding = duties.assess_outage(row, timezone.now())
        began = timezone.localtime(row.started_at)
        ended = f"{timezone.localtime(row.ended_at):%Y-%m-%d %H:%M}" if row.ended_at else "…"
        self.stdout.write(f"{row.pk}  {began:%Y-%m-%d %H:%M} – {ended}  {row.users if row.users is not None else '?'}")
        self.stdout.write(f"    {law.say(finding.report, language)}: {law.say(finding.why, language)}")
        if not finding.settled:
            missing = ", ".join(law.say(text, language) for text in finding.missing)
            lead = "It could be graver; not known:" if language == "en" else "さらに重くなる可能性があります。未確認:"
            self.stdout.write(f"    {lead} {missing}")
