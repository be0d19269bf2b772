"""Asks whether a filing is due, question by question or from a file, and can record the verdict as LAW-01."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from compliance import assessment, filing, gate, law
from compliance.assessment import BadAnswers, Case
from compliance.language import current_language
from compliance.law import CONSEQUENCES, NODES, RULES, Answer, Feature, say
from compliance.law.questions import ANSWERS, GUIDES, NEXT_STEPS, VERDICTS

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

_WORDS = {"y": Answer.YES, "n": Answer.NO, "?": Answer.UNKNOWN}


class Command(BaseCommand):
    help = (
        "Ask the questions N1 to N9 on whether a telecom filing is due; print verdict, articles, doubts, penalties and "
        "the next step. The features are filled in from the code."
    )
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--answers", metavar="FILE", help='JSON such as {"N1": "yes", …}; - reads standard input')
        parser.add_argument("--json", action="store_true", help="machine-readable")
        parser.add_argument("--record", action="store_true", help="sign LAW-01 with it; needs --as")
        parser.add_argument("--as", dest="actor", metavar="EMAIL", help="the staff account that signs")
        parser.add_argument("--language", choices=["ja", "en"], default=None, help="default: LANGUAGE_CODE")

    def handle(self, *args: Any, **options: Any) -> None:
        language = options["language"] or current_language()
        actor = self._actor(options["actor"]) if options["record"] else None
        try:
            case, facts = self._case(options["answers"], language)
        except BadAnswers as bad:
            raise CommandError(str(bad)) from None
        if options["json"]:
            self.stdout.write(json.dumps(_facts(case, facts, language), ensure_ascii=False, indent=2))
        else:
            self._print(case, facts, language)
        if actor is not None:
            self._record(case, facts, actor, language)

    def _case(self, source: str | None, language: str) -> tuple[Case, dict[str, Any]]:
        doors = assessment.doors()
        if source is not None:
            try:
                text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
                return assessment.read_answers(assessment.parse_json(text), doors)
            except OSError as missing:
                raise CommandError(f"{source}: {missing.strerror}") from None
            except ValueError as bad:
                raise BadAnswers(f"{source}: {bad}") from None
        return (self._ask(doors, language) if sys.stdin.isatty() else Case(doors=doors)), {}

    def _ask(self, doors: tuple[Feature, ...], language: str) -> Case:
        """Ask on the terminal until the procedure ends."""
        case = Case(doors=doors)
        while (node := case.next()) is not None:
            self.stdout.write(f"\n{node}  {say(NODES[node], language)}")
            self.stdout.write(f"    {say(GUIDES[node].plain, language)}")
            for effect in GUIDES[node].effects:
                self.stdout.write(f"    {say(ANSWERS[effect.answer], language)}: {say(effect, language)}")
            given = dict(case.given)
            if node == "N7":
                for feature in filter(assessment.TRAITS.__contains__, doors):
                    given[feature.value] = self._answer(f"{say(RULES[feature].title, language)} – ", Answer.YES)
            given[node] = self._answer("", None)
            case = Case(given=given, doors=doors)
        self.stdout.write("")
        return case

    @staticmethod
    def _answer(label: str, default: Answer | None) -> Answer:
        while True:
            hint = "[Y/n/?]" if default is Answer.YES else "[y/n/?]"
            word = input(f"    {label}{hint} ").strip().lower()[:1]
            if word in _WORDS:
                return _WORDS[word]
            if not word and default is not None:
                return default

    def _actor(self, email: str | None) -> AbstractBaseUser:
        if not email:
            raise CommandError("--record needs --as EMAIL, the staff account that signs")
        accounts = get_user_model()
        actor = accounts._default_manager.filter(**{accounts.USERNAME_FIELD: email}).first()  # noqa: SLF001 -- Django's name
        if actor is None:
            raise CommandError(f"--as {email}: there is no such account")
        if not (actor.is_active and actor.is_staff and actor.has_perm("compliance.sign_checklist")):
            raise CommandError(f"--as {email}: this account may not sign the checklist")
        return actor

    def _record(self, case: Case, facts: dict[str, Any], actor: AbstractBaseUser, language: str) -> None:
        try:
            stored = assessment.record(case, facts, actor, language)
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None
        # On the other stream: with --json the first holds nothing but JSON.
        self.stderr.write(f"LAW-01: {stored.outcome} ({actor})", lambda text: text)

    def _print(self, case: Case, facts: dict[str, Any], language: str) -> None:
        english = language == "en"
        verdict = case.verdict()
        line = self.stdout.write
        line(f"{verdict.outcome}  {say(VERDICTS[verdict.outcome], language)}")
        line(f"  {say(CONSEQUENCES[verdict.outcome], language)}")
        line(f"  ({say(verdict.confidence, language)})")
        if basis := case.basis():
            line(f"  {say(basis, language)}")
        for head, lines in (
            ("Questions" if english else "質問", _questions(case, language)),
            ("Features" if english else "機能", _features(case, language)),
            ("Articles" if english else "条文", [law.cite_all(verdict.articles, language)]),
            ("Doubts" if english else "確かめられていないこと", [say(doubt, language) for doubt in case.doubts()]),
            ("Your facts call for" if english else "あわせて必要になる項目", _called_for(facts, language)),
            ("Penalties that would apply" if english else "関わる罰則", _threats(case, facts, language)),
            ("Next" if english else "次にすること", [say(step, language) for step in NEXT_STEPS[verdict.outcome]]),
            ("Ask" if english else "相談先", [_whom_to_ask(language)]),
        ):
            if not lines:
                continue
            line(f"\n{head}")
            for text in lines:
                line(f"  - {text}")
        try:
            changes = assessment.position(gate.current()).changes
        except DatabaseError:
            changes = ()
        if changes:
            line("\nChanged since LAW-01 was recorded" if english else "\nLAW-01 の記録の後に変わったこと")
            for change in changes:
                line(f"  - {say(change, language)}")
        line(f"\n{say(law.NOT_ADVICE, language)} ({law.LAW_VERSION})")


def _questions(case: Case, language: str) -> list[str]:
    lines = []
    for node in case.verdict().path:
        said = say(ANSWERS[case.answer(node)], language)
        why = f" – {case.notes[node]}" if case.notes.get(node) else ""
        lines.append(f"{node} {say(GUIDES[node].title, language)}: {said}{why}")
    return lines


def _features(case: Case, language: str) -> list[str]:
    return [
        f"{feature.value} {say(RULES[feature].title, language)}: {say(offered, language)}"
        for feature, offered in assessment.offers(case).items()
    ]


def _called_for(facts: dict[str, Any], language: str) -> list[str]:
    return [
        f"{item.id} {say(item, language)} ({law.cite_all(item.articles, language)})"
        for item in assessment.items_called_for(facts)
    ]


def _threats(case: Case, facts: dict[str, Any], language: str) -> list[str]:
    lines = []
    for threat in assessment.penalties(case.verdict().outcome, facts):
        only = f" ({say(threat.only, language)})" if threat.only else ""
        act, most = say(threat.penalty, language), say(threat.maximum, language)
        lines.append(f"{threat.penalty.id} {act}{only}: {most} ({law.cite_all(threat.penalty.articles, language)})")
    return lines


def _whom_to_ask(language: str) -> str:
    bureau = filing.Applicant.of({}, settings.STANDING).bureau
    return say(bureau or law.BUREAUX, language)


def _facts(case: Case, facts: dict[str, Any], language: str) -> dict[str, Any]:
    verdict = case.verdict()
    return {
        "outcome": verdict.outcome.value,
        "title": say(VERDICTS[verdict.outcome], language),
        "meaning": say(CONSEQUENCES[verdict.outcome], language),
        "confidence": verdict.confidence.value,
        "basis": say(basis, language) if (basis := case.basis()) else None,
        "path": list(verdict.path),
        "answers": {node: case.answer(node).value for node in verdict.path},
        "waits_for": case.next(),
        "features": {feature.value: answer.value for feature, answer in case.offered().items()},
        "articles": [
            {"article": article, "text": say(law.cite(article), language), "url": law.cite(article).url}
            for article in verdict.articles
        ],
        "doubts": [say(doubt, language) for doubt in case.doubts()],
        "items": [
            {"id": item.id, "title": say(item, language), "articles": list(item.articles)}
            for item in assessment.items_called_for(facts)
        ],
        "penalties": [
            {
                "id": threat.penalty.id,
                "act": say(threat.penalty, language),
                "only": say(threat.only, language) if threat.only else None,
                "maximum": say(threat.maximum, language),
                "articles": list(threat.penalty.articles),
            }
            for threat in assessment.penalties(verdict.outcome, facts)
        ],
        "ask_the_bureau": assessment.needs_bureau_answer(verdict.outcome),
        "next": [say(step, language) for step in NEXT_STEPS[verdict.outcome]],
        "law_version": law.LAW_VERSION,
    }
