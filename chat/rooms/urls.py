"""URLs of pages about rooms."""

from __future__ import annotations

from django.urls import path

from chat.rooms import views

urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("rooms/new/", views.room_new, name="room_new"),
    path("rooms/<slug:slug>/lock/", views.room_lock, name="room_lock"),
]
