"""Writes what the service knows about somebody into a file, for a request that did not come through their own page."""

from __future__ import annotations

import os
import shutil
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _

from chat import people, personal_data
from compliance.database import COMMAND, bounded
from compliance.law import Feature
from compliance.records import ledger
from compliance.records.events import Event


class Command(BaseCommand):
    help = "Write a person's data into a zip, without words of closed talk; an entry of the ledger says so."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", help="the e-mail address, or the id shown to others")
        parser.add_argument("--out", required=True, help="the file to write; it must not exist")
        parser.add_argument("--language", choices=("ja", "en"), default="ja", help="of the page in it")

    @bounded(COMMAND)
    def handle(self, *args: Any, **options: Any) -> None:
        person = people.find_person(options["account"])
        if person is None:
            raise CommandError(_("There is no account of this address or id."))
        try:
            target = os.fdopen(os.open(options["out"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}") from None
        with target, transaction.atomic():
            # First the entry: nothing is written that it does not say.
            payload = {"account": ledger.actor_of(person).ref, "by": "command"}
            ledger.append(Event.DATA_EXPORTED, actor=None, payload=payload)
            with personal_data.export(person, themselves=False, language=options["language"]) as made:
                shutil.copyfileobj(made, target)
        self.stdout.write(options["out"])
