"""Shows both keys, each feature with its reasons, and the way to on; can stop a deploy pipeline."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.utils import timezone

from compliance import database, gate, law
from compliance.gate import explain
from compliance.language import current_language
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
        language = options["language"] or current_language()
        try:
            snapshot, trouble = gate.read(), None
        except (DatabaseError, InterfaceError) as error:
            snapshot, trouble = gate.unreachable(), database.explain(error)
            if trouble is None:
                raise
        closed = snapshot.closed_chat()
        explained = Feature(options["explain"]) if options["explain"] else None
        if options["json"]:
            facts = self._way(snapshot, explained, language) if explained else self._facts(snapshot, language)
            if trouble is not None:
                facts["trouble"] = say(trouble, language)
            self.stdout.write(json.dumps(facts, ensure_ascii=False, indent=2))
        elif trouble is not None:
            # Every feature is off for this one reason, and nothing else is known.
            raise CommandError(say(trouble, language))
        elif explained:
            self._print_way(snapshot, explained, language)
        else:
            self._print(snapshot, language)
        if options["require"] and not closed.allowed:
            self.stderr.write(say(trouble, language) if trouble is not None else closed.reason(language))
            sys.exit(1)

    @staticmethod
    def _facts(snapshot: gate.Snapshot, language: str) -> dict[str, Any]:
        standing = snapshot.standing
        return {
            "demo": settings.DEMO,
            "closed_chat": snapshot.closed_chat().allowed,
            "law_version": law.LAW_VERSION,
            "law_seen_until": law.SEEN_UNTIL,
            "law_is_old": law.is_old(timezone.localdate()),
            "keys": {
                "environment": {
                    "turned": standing.turned,
                    "status": standing.status.value,
                    "problems": [
                        {"variable": problem.variable, "ja": problem.ja, "en": problem.en}
                        for problem in (*standing.problems, *filter(None, (standing.dating_problem,)))
                    ],
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
            "restored": {"since": snapshot.restored.since.isoformat()} if snapshot.restored else None,
            "epoch": snapshot.epoch,
            "planned_end": gate.planned_end(snapshot, language),
            "features": gate.features_as_json(snapshot, language),
        }

    @staticmethod
    def _way(snapshot: gate.Snapshot, feature: Feature, language: str) -> dict[str, Any]:
        now = timezone.now()
        decision = snapshot.decide(feature, now, creating=True)
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
                for step in explain.steps_to_open(decision, snapshot.standing, snapshot.checklist, now)
            ]
        }

    def _print_way(self, snapshot: gate.Snapshot, feature: Feature, language: str) -> None:
        english = language == "en"
        now = timezone.now()
        decision = snapshot.decide(feature, now, creating=True)
        rule = decision.rule
        on, off = ("ON", "OFF") if english else ("オン", "オフ")
        steps = explain.steps_to_open(decision, snapshot.standing, snapshot.checklist, now)
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
        if law.is_old(timezone.localdate()):
            self.stdout.write(f"! {say(law.OLD, language)}")
        if settings.DEMO:
            self.stdout.write(
                "SPECIMEN: the filing is invented." if english else "見本（デモ）です。届出は実在しません。"
            )
        closed = snapshot.closed_chat()
        on, off = ("ON", "OFF") if english else ("オン", "オフ")
        head = "Closed chat is" if english else "クローズド・チャット:"
        self.stdout.write(f"{head} {on if closed.allowed else off}")
        for key in gate.keys(snapshot, language):
            self.stdout.write(f"  [{'x' if key['turned'] else ' '}] {key['number']}. {key['title']}")
            for line in key["detail"]:
                self.stdout.write(f"        {line}")
        if snapshot.stop:
            head = "Emergency stop, pulled" if english else "緊急停止中："
            since = timezone.localtime(snapshot.stop.since)
            self.stdout.write(f"  [!] {head} {since:%Y-%m-%d %H:%M %Z} {' '.join(snapshot.stop.reason.split())}")
        if snapshot.restored:
            went_back = f"{timezone.localtime(snapshot.restored.since):%Y-%m-%d %H:%M %Z}"
            self.stdout.write(
                f"  [!] The database went back, to be confirmed by the operator: {went_back}"
                if english
                else f"  [!] データベースが以前の状態に戻りました（運営者の確認待ち）：{went_back}"
            )
        absent = "–" if english else "なし"
        for decision in snapshot.features(creating=True).values():
            rule = decision.rule
            article = rule.article_en if english else rule.article_ja
            state = on if decision.allowed else off if decision.offered else absent
            until = ""
            if decision.winding_down:
                until = f" → {decision.winding_down}"
            self.stdout.write(f"{state:4} {decision.feature.value:26} {rule.id:6} {article}{until}")
        for features, reason in gate.closed_reasons(snapshot):
            self.stdout.write(f"{', '.join(features)}:")
            self.stdout.write(f"    {say(reason, language)}")
        if not closed.allowed:
            self.stdout.write(("Next: " if english else "次にすること: ") + closed.next_step(language))
