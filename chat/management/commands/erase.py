"""Erases an account: what the person can do by themselves on their page, for those who cannot, such as by post."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from chat import people, personal_data
from compliance.database import COMMAND, bounded
from compliance.law import Feature
from compliance.vault import Unsealable


class Command(BaseCommand):
    help = "Erase an account and everything about the person; an entry of the ledger says that it was done."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", help="the e-mail address, or the id shown to others")
        parser.add_argument(
            "--words",
            choices=("stay", "go"),
            default="stay",
            help="whether words in open rooms stay under “a person who left” (default), or go",
        )
        parser.add_argument("--reason", default="", help="why, for the ledger: no name, no address")

    @bounded(COMMAND)
    def handle(self, *args: Any, **options: Any) -> None:
        person = people.find_person(options["account"])
        if person is None:
            raise CommandError(_("There is no account of this address or id."))
        try:
            personal_data.erase(
                [person],
                words_go=options["words"] == "go",
                by=personal_data.By.COMMAND,
                reason=options["reason"].strip(),
            )
        except personal_data.NotErasable as error:
            raise CommandError(str(error)) from None
        except Unsealable as error:
            raise CommandError(_("Nothing was erased: %(why)s") % {"why": error}) from None
        self.stdout.write(_("The account is erased."))
