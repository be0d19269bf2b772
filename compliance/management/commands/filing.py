"""Writes the drafts of the notification: forms 8, 3 and 4, as sheets to print and as text to copy."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management.base import BaseCommand, CommandError
from django.template.loader import render_to_string
from django.utils import translation

from compliance import filing, gate
from compliance.language import current_language
from compliance.law import Feature, say


class Command(BaseCommand):
    help = "Draft the notification (forms 8, 3 and 4) from this deployment's facts. Check it with the bureau."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--out", metavar="DIR", help="write filing.html, filing.css, form-3.svg and filing.txt there"
        )
        parser.add_argument(
            "--facts", metavar="FILE", help="JSON with the operator's facts, instead of those on the page"
        )
        parser.add_argument(
            "--language", choices=["ja", "en"], default=None, help="of the notes; default: LANGUAGE_CODE"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["language"] or current_language()
        with translation.override(language):
            draft = filing.gather_draft(settings, gate.current(), self._facts(options["facts"]))
            if not options["out"]:
                self.stdout.write(filing.as_text(draft))
                return
            self._write(Path(options["out"]), draft)
            if draft.warning:
                self.stderr.write(say(draft.warning, language))

    @staticmethod
    def _facts(source: str | None) -> dict[str, Any] | None:
        if source is None:
            return None
        try:
            facts = json.loads(Path(source).read_text(encoding="utf-8"))
        except OSError as missing:
            raise CommandError(f"{source}: {missing.strerror}") from None
        except ValueError as bad:
            raise CommandError(f"{source}: {bad}") from None
        if not isinstance(facts, dict):
            raise CommandError(f"{source}: not a JSON object")
        return facts

    def _write(self, folder: Path, draft: filing.Draft) -> None:
        style = finders.find("compliance/filing.css")
        assert isinstance(style, str)
        sheets = {
            "filing.html": render_to_string("compliance/filing/sheets.html", {"draft": draft, "on_site": False}),
            "filing.css": Path(style).read_text(encoding="utf-8"),
            "form-3.svg": filing.draw_diagram(draft.network),
            "filing.txt": filing.as_text(draft),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in sheets.items():
                (folder / name).write_text(text, encoding="utf-8")
                self.stdout.write(str(folder / name))
        except OSError as refused:
            raise CommandError(f"{folder}: {refused.strerror}") from None
