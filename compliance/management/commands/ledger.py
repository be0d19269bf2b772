"""Checks the ledger's chain, anchors it, and exports it as proof of when closed chat was on or off."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance import gate, ledger, proof
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
    help = "Verify the ledger's hash chain, anchor its head, or export it as proof."
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser("verify", help="walk the whole chain; exit with 1 at the first fault")
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

    def _anchor(self, path: str | None) -> None:
        self._check(ledger.verify())
        line = str(ledger.anchor())
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        self.stdout.write(line)

    def _export(self, options: dict[str, Any]) -> None:
        start = moment(options["start"]) if options["start"] else None
        end = moment(options["end"]) if options["end"] else None
        if start and end and start >= end:
            raise CommandError("--from must lie before --to")
        told = proof.bundle(start, end)
        if options["out"]:
            folder = Path(options["out"])
            folder.mkdir(parents=True, exist_ok=True)
            for name, content in proof.files(told, options["language"] or gate.spoken()).items():
                (folder / name).write_bytes(content)
                self.stdout.write(str(folder / name))
        else:
            self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
        if told["fault"]:
            self.stderr.write(f"The chain is broken: {told['fault']}.")
            sys.exit(1)

    def _check(self, fault: ledger.Fault | None) -> None:
        if fault is not None:
            self.stderr.write(f"The chain is broken: {fault.what}.")
            sys.exit(1)
