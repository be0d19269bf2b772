"""Shows both keys, each feature with its reasons, and the way to on; can stop a deploy pipeline."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from compliance import explain, gate, law
from compliance.law import Feature, Required, say


class Command(BaseCommand):
    help = "Show the gate: both keys, each feature with its reasons, and the next step."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="machine-readable")
        parser.add_argument("--require", choices=["closed"], help="exit with 1 unless closed chat is on")
        parser.add_argument(
            "--explain",
            choices=[feature.value for feature, rule in law.RULES.items() if rule.required is not Required.NONE],
            metavar="FEATURE",
            help="print the way to on for one feature, step by step, with who does what and the articles",
        )
        parser.add_argument("--language", choices=["ja", "en"], default=None, help="default: LANGUAGE_CODE")

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["language"] or gate.spoken()
        snapshot = gate.current()
        closed = snapshot.closed_chat()
        explained = Feature(options["explain"]) if options["explain"] else None
        if options["json"]:
            facts = self._way(snapshot, explained, language) if explained else self._facts(snapshot, language)
            self.stdout.write(json.dumps(facts, ensure_ascii=False, indent=2))
        elif explained:
            self._print_way(snapshot, explained, language)
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
            "planned_end": gate.planned_end(snapshot, language),
            "features": {name: gate.as_json(decision, language) for name, decision in snapshot.features().items()},
        }

    @staticmethod
    def _way(snapshot: gate.Snapshot, feature: Feature, language: str) -> dict[str, Any]:
        now = timezone.now()
        decision = snapshot.decide(feature, now)
        return gate.as_json(decision, language) | {
            "steps": [
                {
                    "who": step.who.value,
                    "what": say(step.what, language),
                    "how": say(step.how, language),
                    "articles": list(step.articles),
                    "done": step.done,
                    "shuts": step.shuts,
                }
                for step in explain.way(decision, snapshot.standing, snapshot.checklist, now)
            ]
        }

    def _print_way(self, snapshot: gate.Snapshot, feature: Feature, language: str) -> None:
        english = language == "en"
        now = timezone.now()
        decision = snapshot.decide(feature, now)
        rule = decision.rule
        on, off = ("ON", "OFF") if english else ("オン", "オフ")
        steps = explain.way(decision, snapshot.standing, snapshot.checklist, now)
        article = rule.article_en if english else rule.article_ja
        self.stdout.write(f"{feature.value} {say(rule.title, language)}: {on if decision.allowed else off}")
        self.stdout.write(f"{rule.id} {article} {rule.url}")
        self.stdout.write(decision.reason(language))
        for number, step in enumerate(steps, start=1):
            duty = (
                ""
                if step.shuts or step.done
                else (" (duty; shuts nothing)" if english else "（義務。開閉には関わりません）")
            )
            articles = f" [{say(step.cited, language)}]" if step.articles else ""
            self.stdout.write(
                f"  [{'x' if step.done else ' '}] {number}. {say(step.who, language)}: "
                f"{say(step.what, language)}{articles}{duty}"
            )
            if not step.done and say(step.how, language):
                self.stdout.write(f"         {say(step.how, language)}")
        left = sum(not step.done and step.shuts for step in steps)
        if left:
            self.stdout.write(
                f"{left} of {len(steps)} steps to go." if english else f"あと{left}件（全{len(steps)}件）。"
            )

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
