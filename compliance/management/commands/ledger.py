"""Checks the ledger's chain, and exports it as proof of when closed chat was on or off."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance import ledger
from compliance.law import Feature
from compliance.models import LedgerEntry


def moment(text: str) -> datetime:
    """Return an ISO 8601 date or time; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{text!r} is not an ISO 8601 date or time, such as 2026-11-22 or 2026-11-22T09:00+09:00"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


class Command(BaseCommand):
    help = "Verify the ledger's hash chain, or export it."
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("verify", help="walk the whole chain; exit with 1 at the first fault")
        export = actions.add_parser("export", help="print the entries of a period as JSON")
        export.add_argument("--from", dest="start", default=None, help="ISO 8601, included")
        export.add_argument("--to", dest="end", default=None, help="ISO 8601, not included")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["action"] == "export":
            start = moment(options["start"]) if options["start"] else None
            end = moment(options["end"]) if options["end"] else None
            self.stdout.write(json.dumps(ledger.export(start, end), ensure_ascii=False, indent=2))
            return
        fault = ledger.verify()
        if fault is not None:
            self.stderr.write(f"The chain is broken: {fault.what}.")
            sys.exit(1)
        self.stdout.write(f"The chain holds: {LedgerEntry.objects.count()} entries.")
