"""What of people belongs to a person: the account, its addresses and second factors, whom they blocked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.utils.translation import gettext_lazy as _

from chat.models import Block, Device, PendingSignup, Preferences
from chat.personal_data import Column, Fate, Link, Part, Reader, Section, Type, register
from chat.retention import kept_since


def _account(reader: Reader) -> Iterator[Mapping[str, Any]]:
    user = reader.user
    yield {
        "id": user.public_id,
        "name": user.name,
        "email": user.email,
        "guest": user.is_guest,
        "suspended": not user.is_active,
        "joined_at": user.date_joined,
        "signed_in_at": _recent(user.last_login),
    }


def _recent(at: datetime | None) -> datetime | None:
    """Leave out a time past its period: what is there because of a hold alone would tell of the hold."""
    return at if at is not None and at >= kept_since("sign_ins") else None


def _addresses(reader: Reader) -> Iterator[Mapping[str, Any]]:
    yield from EmailAddress.objects.filter(user=reader.user).order_by("pk").values("email", "verified", "primary")
    for email in PendingSignup.objects.filter(guest=reader.user).values_list("email", flat=True):
        yield {"email": email, "verified": False, "primary": False}


def _factors(reader: Reader) -> Iterator[Mapping[str, Any]]:
    for factor in Authenticator.objects.filter(user=reader.user).order_by("pk"):
        yield {"type": factor.type, "created_at": factor.created_at, "used_at": _recent(factor.last_used_at)}


def _blocks(reader: Reader) -> Iterator[Mapping[str, Any]]:
    mine = Block.objects.filter(blocker=reader.user).select_related("blocked").order_by("pk")
    for block in mine.iterator(chunk_size=500):
        yield {"id": block.blocked.public_id, "name": block.blocked.name, "at": block.at}


def _preferences(reader: Reader) -> Iterator[Mapping[str, Any]]:
    yield from Preferences.objects.filter(user=reader.user).values("language", "theme", "text_size", "enter")


def _devices(reader: Reader) -> Iterator[Mapping[str, Any]]:
    yield from Device.objects.filter(user=reader.user).order_by("since").values("browser", "system", "since")


register(
    Part(
        links=(
            Link("chat.User_groups.user", Fate.GOES, why="powers of staff: the ledger has them"),
            Link("chat.User_user_permissions.user", Fate.GOES, why="powers of staff: the ledger has them"),
            Link("chat.PendingSignup.guest", Fate.GOES, "addresses"),
            Link("account.EmailAddress.user", Fate.GOES, "addresses"),
            Link("mfa.Authenticator.user", Fate.GOES, "second_factors"),
            Link("chat.Preferences.user", Fate.GOES, "preferences"),
            Link("chat.Device.user", Fate.GOES, "devices"),
            Link("chat.Block.blocker", Fate.GOES, "blocks"),
            Link("chat.Block.blocked", Fate.GOES, why="whom others block, they alone know"),
        ),
        sections=(
            Section(
                0,
                "account",
                _("Your account"),
                (
                    Column("id", Type.ID, _("id shown to others")),
                    Column("name", Type.TEXT, _("name")),
                    Column("email", Type.TEXT, _("e-mail address")),
                    Column("guest", Type.FLAG, _("guest")),
                    Column("suspended", Type.FLAG, _("suspended")),
                    Column("joined_at", Type.TIME, _("since")),
                    Column("signed_in_at", Type.TIME, _("last sign-in")),
                ),
                _account,
            ),
            Section(
                10,
                "addresses",
                _("Your e-mail addresses"),
                (
                    Column("email", Type.TEXT, _("e-mail address")),
                    Column("verified", Type.FLAG, _("confirmed")),
                    Column("primary", Type.FLAG, _("for signing in")),
                ),
                _addresses,
            ),
            Section(
                15,
                "second_factors",
                _("Your second factors"),
                (
                    Column("type", Type.TEXT, _("kind")),
                    Column("created_at", Type.TIME, _("since")),
                    Column("used_at", Type.TIME, _("last used")),
                ),
                _factors,
            ),
            Section(
                16,
                "preferences",
                _("What you chose for your pages"),
                (
                    Column("language", Type.TEXT, _("language")),
                    Column("theme", Type.TEXT, _("colours")),
                    Column("text_size", Type.TEXT, _("text size")),
                    Column("enter", Type.TEXT, _("what Enter does")),
                ),
                _preferences,
            ),
            Section(
                17,
                "devices",
                _("Where you are signed in"),
                (
                    Column("browser", Type.TEXT, _("browser")),
                    Column("system", Type.TEXT, _("system")),
                    Column("since", Type.TIME, _("since")),
                ),
                _devices,
            ),
            Section(
                20,
                "blocks",
                _("People whom you blocked"),
                (
                    Column("id", Type.ID, _("id")),
                    Column("name", Type.TEXT, _("name")),
                    Column("at", Type.TIME, _("since")),
                ),
                _blocks,
            ),
        ),
    )
)
