"""Registers each capability's part of the admin; Django looks for it here."""

from chat.people import admin as people
from chat.rooms import admin as rooms

__all__ = ["people", "rooms"]
