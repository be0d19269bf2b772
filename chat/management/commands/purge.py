"""Erases what the retention table no longer allows to keep. To be run once a day, by cron or a timer."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from chat import retention
from compliance import law
from compliance.database import COMMAND, bounded
from compliance.language import current_language
from compliance.law import Feature
from compliance.law.retention import ROW


class Command(BaseCommand):
    help = "Erase what is past its period in the retention table; the counts go into the ledger."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count only; erase and record nothing")

    @bounded(COMMAND)
    def handle(self, *args: Any, **options: Any) -> None:
        report = retention.purge(dry_run=options["dry_run"])
        if report.stopped:
            self.stdout.write(_("A legal hold on everything is in force: nothing is erased."))
        for key, count in report.counts.items():
            self.stdout.write(f"{count:8} {key:16} {law.say(ROW[key].what, current_language())}")
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was erased."))
