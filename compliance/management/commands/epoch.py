"""Shows the epoch of the database, or begins another one after a restore, so that nobody mixes two histories."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from compliance import gate
from compliance.law import Feature


class Command(BaseCommand):
    help = "Show the epoch of the database, or begin another one after a restore."
    feature = Feature.OPERATOR

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--new",
            nargs="?",
            const="restored",
            metavar="REASON",
            help="begin another epoch; the ledger keeps the reason, such as: restored from the backup of 30 November",
        )
        parser.add_argument(
            "--while-running",
            action="store_true",
            help="also while server processes run; they forget what they hold within a second",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["new"] is None:
            self._show()
            return
        reason = " ".join(options["new"].split())
        if not reason:
            raise CommandError("--new takes the reason: the ledger keeps it.")
        if lacking := gate.tables_without_key():
            raise CommandError(
                f"These tables have no primary key: {', '.join(lacking)}. A process wrote into them while they were "
                "being restored. Stop all processes, and restore the database again."
            )
        running = gate.processes_running()
        if running and not options["while_running"]:
            raise CommandError(
                f"{running} server processes were seen in the last {gate.INSTANCE_TTL.seconds} s. Stop them, or wait "
                "until they are forgotten; --while-running goes on all the same."
            )
        self.stdout.write(f"Epoch {gate.begin_epoch(reason)} has begun.")
        self.stdout.write("Closed chat is off until the operator confirms the restore: /admin/compliance/stop/")

    def _show(self) -> None:
        snapshot = gate.read()
        self.stdout.write(f"Epoch {snapshot.epoch}")
        if snapshot.restored:
            since = f"{timezone.localtime(snapshot.restored.since):%Y-%m-%d %H:%M %Z}"
            self.stdout.write(f"It went back on {since}; the operator has not confirmed the record yet.")
