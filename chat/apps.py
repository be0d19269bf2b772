"""Registers the chat app, and lets each capability register what it adds to the service."""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.db.models.signals import post_save, pre_save
from django.utils.translation import gettext_lazy as _


def load(module: str) -> None:
    """Import the module of this name from each package of chat that has one, so that it registers what it declares."""
    for package in iter_modules(import_module("chat").__path__, "chat."):
        name = f"{package.name}.{module}"
        if package.ispkg and find_spec(name) is not None:
            import_module(name)


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")

    def ready(self) -> None:
        from chat import composition, db, messages, people, rooms  # noqa: PLC0415 -- needs the app registry
        from chat.models import guards  # noqa: PLC0415 -- registering needs the app registry
        from chat.operations import checks  # noqa: F401, PLC0415 -- registering needs the app registry
        from chat.people import addresses  # noqa: PLC0415 -- registering needs the app registry
        from compliance import disclosures, language  # noqa: PLC0415 -- likewise
        from compliance.records import holds  # noqa: PLC0415 -- likewise

        register(db.migrations_are_todays, Tags.database)
        register(db.database_serves, Tags.database)
        load("handlers")
        load("retention")
        load("personal_data")
        load("duties")
        composition.ready()
        guards.ready()
        db.declare_sqlite_triggers()
        db.limit_locks()
        holds.register_lookups(person=people.name_of_person, room=rooms.name_of_room)
        disclosures.register_provider(messages.records_of)
        language.register_choice(people.chosen_language)
        pre_save.connect(addresses.fold_row, sender="account.EmailAddress", dispatch_uid="chat.people.addresses")
        post_save.connect(addresses.note_confirmed, sender="account.EmailAddress", dispatch_uid="chat.people.acts")
