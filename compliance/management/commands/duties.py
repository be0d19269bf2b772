"""Prints the calendar of duties; with --mail, mails those on duty what is due. To be run once a day, by a timer."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone, translation

from compliance import duties, gate, law
from compliance.database import COMMAND, bounded
from compliance.language import current_language
from compliance.law import Feature


class Command(BaseCommand):
    help = "Print what is owed and by when. Of work at the desk it says how much there is, never what it is about."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--mail", action="store_true", help="mail each member of staff what is due for them")

    @bounded(COMMAND)
    def handle(self, *args: Any, **options: Any) -> None:
        now, language = timezone.now(), current_language()
        today = timezone.localdate(now)
        owed = [duty for duty in duties.list_duties(gate.read(), now) if not duty.done]
        for duty in owed:
            state = law.say(duty.state(today), language)
            self.stdout.write(f"{duty.due} [{state}] {law.say(duty.title, language)}")
        # Who may use the shell is not always who may know of cases.
        for waiting in duties.grouped(duties.list_work(today)):
            self.stdout.write(f"{waiting.count:10} {law.say(waiting.what, language)} {waiting.path}")
        if options["mail"]:
            with translation.override(language):
                sent = duties.mail_on_duty(today, owed)
            self.stdout.write(f"{sent} mails sent." if language == "en" else f"メールを{sent}通送りました。")
