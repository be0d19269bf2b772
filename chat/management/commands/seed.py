"""Opens the example rooms, so that a first visitor finds somewhere to talk. Running it again changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from chat import rooms
from chat.models import Room
from compliance.law import Feature

EXAMPLES = (
    ("welcome", "はじめまして", "自己紹介とあいさつの部屋です。 / Say hello here."),
    ("chat", "雑談", "話題は何でも。 / Anything goes."),
    ("help", "使い方", "わからないことをたずねる部屋です。 / Questions about this place."),
    ("english", "English corner", "英語で話す部屋です。 / Let's talk in English."),
)


class Command(BaseCommand):
    help = "Open the example open rooms."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def handle(self, *args: Any, **options: Any) -> None:
        existing = set(Room.objects.filter(slug__in=[slug for slug, *_ in EXAMPLES]).values_list("slug", flat=True))
        for slug, name, description in EXAMPLES:
            if slug not in existing:
                rooms.create_open_room(actor=None, name=name, description=description, slug=slug)
