"""Shows both keys, each feature with its reasons, and the next step; can stop a deploy pipeline."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from compliance import gate, law
from compliance.law import Feature, Required


class Command(BaseCommand):
    help = "Show the gate: both keys, each feature with its reasons, and the next step."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="machine-readable")
        parser.add_argument("--require", choices=["closed"], help="exit with 1 unless closed chat is on")
        parser.add_argument("--language", choices=["ja", "en"], default=None, help="default: LANGUAGE_CODE")

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["language"] or gate.spoken()
        snapshot = gate.current()
        closed = snapshot.closed_chat()
        if options["json"]:
            self.stdout.write(json.dumps(self._facts(snapshot, language), ensure_ascii=False, indent=2))
        else:
            self._print(snapshot, language)
        if options["require"] and not closed.allowed:
            self.stderr.write(closed.reason(language))
            sys.exit(1)

    @staticmethod
    def _facts(snapshot: gate.Snapshot, language: str) -> dict[str, Any]:
        standing = snapshot.standing
        return {
            "closed_chat": snapshot.closed_chat().allowed,
            "law_version": law.LAW_VERSION,
            "keys": {
                "environment": {
                    "turned": standing.turned,
                    "status": standing.status.value,
                    "problems": [{"variable": p.variable, "ja": p.ja, "en": p.en} for p in standing.problems],
                },
                "checklist": {
                    "turned": snapshot.checklist is not None and not snapshot.open_items(),
                    "mode": standing.mode.value,
                    "open_items": [item.id for item in snapshot.open_items()],
                    "reachable": snapshot.checklist is not None,
                },
            },
            "stop": {"since": snapshot.stop.since.isoformat(), "reason": snapshot.stop.reason}
            if snapshot.stop
            else None,
            "features": {name: gate.as_json(decision, language) for name, decision in snapshot.features().items()},
        }

    def _print(self, snapshot: gate.Snapshot, language: str) -> None:
        english = language == "en"
        closed = snapshot.closed_chat()
        on, off = ("ON", "OFF") if english else ("オン", "オフ")
        head = "Closed chat is" if english else "クローズド・チャット:"
        self.stdout.write(f"{head} {on if closed.allowed else off}")
        for key in gate.keys(snapshot, language):
            self.stdout.write(f"  [{'x' if key['turned'] else ' '}] {key['number']}. {key['title']}")
            for line in key["detail"]:
                self.stdout.write(f"        {line}")
        for decision in snapshot.features().values():
            rule = decision.rule
            article = rule.article_en if english else rule.article_ja
            self.stdout.write(f"{on if decision.allowed else off:4} {decision.feature.value:26} {rule.id:6} {article}")
            if not decision.allowed and rule.required is not Required.NONE:
                self.stdout.write(f"       {decision.reason(language)}")
        if not closed.allowed:
            self.stdout.write(("Next: " if english else "次にすること: ") + closed.next_step(language))
