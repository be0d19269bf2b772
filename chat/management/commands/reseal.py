"""Seals closed talk anew with the newest key, so that an older key can be taken out of CLOSED_CHAT_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from chat import messages, personal_data
from compliance.database import COMMAND, bounded
from compliance.law import Feature


class Command(BaseCommand):
    help = "Seal every message of closed rooms, and what legal holds keep, with the newest key of CLOSED_CHAT_KEYS."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    @bounded(COMMAND)
    def handle(self, *args: Any, **options: Any) -> None:
        done = 0
        while count := messages.reseal(limit=500):
            done += count
        while count := personal_data.reseal_copies(limit=500):
            done += count
        self.stdout.write(f"{done} messages and copies sealed with the newest key.")
