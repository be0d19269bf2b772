"""Open rooms in the admin. Closed rooms do not exist here: neither their words nor that they took place."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from chat.models import Room
from chat.rooms.forms import RoomForm as OpenRoomForm
from compliance.adminkit import ClosedAdmin


class RoomForm(forms.ModelForm, OpenRoomForm):  # type: ignore[type-arg]
    """An open room's name and what it is about, held to what its opener was held to."""


@admin.register(Room)
class RoomAdmin(ClosedAdmin):
    """Open rooms only. A closed one is not hidden from the list, it is outside of what can be asked for."""

    form = RoomForm
    list_display = ("name", "slug", "description", "created_by", "created_at", "last_at", "head")
    list_select_related = ("created_by",)
    search_fields = ("name", "slug", "description")
    date_hierarchy = "created_at"
    ordering = ("-last_at",)
    fields = ("name", "description", "slug", "created_by", "created_at", "last_at", "head")
    readonly_fields = ("slug", "created_by", "created_at", "last_at", "head")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Room]:
        """Return the open rooms."""
        return super().get_queryset(request).filter(kind=Room.Kind.OPEN)

    def view_on_site(self, room: Room) -> str:
        """Where everybody reads it."""
        return room.get_absolute_url()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False
