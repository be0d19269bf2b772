"""Verifies the ledger and the rows that it describes, anchors it, and exports it as proof."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from compliance import law
from compliance.database import COMMAND, bounded
from compliance.language import current_language
from compliance.law import Feature
from compliance.models import LedgerEntry, guards
from compliance.records import agreement, ledger, powers, proof, replay, stamping


def moment(text: str) -> datetime:
    """Return an ISO 8601 date or time; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(
            f"{text!r} is not an ISO 8601 date or time, such as 2026-11-22 or 2026-11-22T09:00+09:00"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def anchors(given: list[str]) -> list[ledger.Anchor]:
    """Return the anchors that stand in lines, or in files of such lines."""
    found = []
    for text in given:
        written = text if text.startswith("todoke-anchor") else _read(text)
        here = ledger.Anchor.find(written)
        if not here:
            raise CommandError(f"{text!r} holds no anchor: a line of `ledger anchor`, or a file of them")
        found += here
    return found


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None


class Command(BaseCommand):
    help = "Verify the ledger's hash chain and the rows that it tells of, anchor its head, or export it as proof."
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser(
            "verify", help="walk the whole chain and hold the live rows against it; exit with 1 on a fault"
        )
        verify.add_argument(
            "--anchor",
            action="append",
            default=[],
            metavar="LINE|FILE",
            help="also compare with anchors kept elsewhere",
        )
        anchor = actions.add_parser("anchor", help="walk the chain, then print its head as one line to keep elsewhere")
        anchor.add_argument("--append", metavar="FILE", default=None, help="add the line to a file, too")
        export = actions.add_parser("export", help="print the proof of a period as JSON, or write it into a folder")
        export.add_argument("--from", dest="start", default=None, help="ISO 8601, included")
        export.add_argument("--to", dest="end", default=None, help="ISO 8601, not included")
        export.add_argument("--out", default=None, metavar="DIR", help="write JSON, a page to print, and their hashes")
        export.add_argument(
            "--language", choices=["ja", "en"], default=None, help="of the page; default: LANGUAGE_CODE"
        )

    @bounded(COMMAND)
    def handle(self, *args: Any, **options: Any) -> None:
        match options["action"]:
            case "export":
                self._export(options)
            case "anchor":
                self._anchor(options["append"])
            case _:
                self._verify(options["anchor"])

    def _verify(self, given: list[str]) -> None:
        kept = anchors(given)
        self._check(ledger.verify(kept))
        agree = f", and {len(kept)} anchors agree" if kept else ""
        self.stdout.write(f"The chain holds: {LedgerEntry.objects.count()} entries{agree}.")
        wrong = [law.say(each, current_language()) for each in agreement.differences()]
        off = [
            _("The database’s guard %(name)s is missing or changed; `migrate` puts it back.") % {"name": name}
            for name in guards.missing()
        ]
        if wrong or off:
            for line in (*wrong, *off):
                self.stderr.write(line)
            sys.exit(1)
        self.stdout.write(_("Signatures, periods, holds, stop and planned end are as the ledger tells them."))

    def _anchor(self, path: str | None) -> None:
        powers.reconcile()
        self._check(ledger.verify())
        try:
            anchored = ledger.anchor()
        except replay.Refused as refused:
            raise CommandError(f"{refused.pair[1]}: a ledger that contradicts itself is not anchored") from None
        line = str(anchored)
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        self.stdout.write(line)
        if settings.TIMESTAMP_URL:
            try:
                stamping.stamp(anchored)
            except stamping.Unstamped as why:
                self.stderr.write(f"The anchor stands, but without a time stamp: {why}.")

    def _export(self, options: dict[str, Any]) -> None:
        start = moment(options["start"]) if options["start"] else None
        end = moment(options["end"]) if options["end"] else None
        if start and start >= (end or datetime.now(UTC)):
            raise CommandError("--from must lie before --to, and in the past")
        try:
            bundle = proof.bundle(start, end)
        except ValueError:
            raise CommandError("no proof of this period can be made yet: choose an earlier one") from None
        if options["out"]:
            folder = Path(options["out"])
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in proof.files(bundle, options["language"] or current_language()).items():
                (folder / name).write_bytes(content)
                self.stdout.write(str(folder / name))
        else:
            self.stdout.write(replay.written(bundle).decode(), ending="")
        self._check(ledger.verify())

    def _check(self, fault: ledger.Fault | None) -> None:
        if fault is not None:
            self.stderr.write(f"The chain is broken: {fault.what}.")
            sys.exit(1)
