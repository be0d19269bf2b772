"""Lists the staff, and lets somebody back in who lost the device of their second factor."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from compliance.law import Feature
from compliance.powers import recover, staff


class Command(BaseCommand):
    help = "List the staff, or remove the second factor of one who lost their device. The ledger keeps it."
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--list", action="store_true", help="show who is staff, in which groups, with which factors (default)"
        )
        what.add_argument("--recover", metavar="ADDRESS", help="remove the second factors and end all sessions")
        parser.add_argument("--reason", default="", help="why; needed with --recover, and kept in the ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["recover"]:
            self._list()
            return
        model = get_user_model()
        address = options["recover"].strip().lower()
        account = model._default_manager.filter(**{model.USERNAME_FIELD: address}).first()  # noqa: SLF001 -- Django's own name
        if account is None:
            raise CommandError("There is no account with this address. --list shows the staff.")
        try:
            factors, sessions = recover(account=account, reason=options["reason"])
        except ValidationError as refused:
            raise CommandError(" ".join(refused.messages)) from None
        self.stdout.write(f"Second factors removed: {factors}. Sessions ended: {sessions}. The ledger has it.")
        self.stdout.write("They sign in with the password, and are asked for a new second factor before any work.")

    def _list(self) -> None:
        factors: dict[int, set[str]] = {}
        for user, kind in Authenticator.objects.values_list("user_id", "type"):
            factors.setdefault(user, set()).add(kind)
        for account in staff():
            named = ["superuser"] if account.is_superuser else []
            named += sorted(group.name for group in account.groups.all())
            has = ", ".join(sorted(factors.get(account.pk, ()))) or "no second factor"
            self.stdout.write(f"{account.get_username()}  {', '.join(named) or 'no group'}  {has}")
