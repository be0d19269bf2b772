"""Addresses of chat: pages, and the one socket."""

from __future__ import annotations

from django.conf import settings
from django.urls import path

from chat import health, views
from chat.consumers import chat_socket
from chat.handshake import Entrance

app_name = "chat"

urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("rooms/new/", views.room_new, name="room_new"),
    path("rooms/<slug:slug>/", views.room, name="room"),
    path("rooms/<slug:slug>/lock/", views.room_lock, name="room_lock"),
    path("closed/<uuid:room_id>/", views.closed, name="closed"),
    path("guest/", views.guest, name="guest"),
    path("match/", views.match, name="match"),
    path("rooms/<slug:slug>/events", views.room_events, name="room_events"),
    path("closed/<uuid:room_id>/events", views.closed_events, name="closed_events"),
    path("match/events", views.match_events, name="match_events"),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
]

websocket = Entrance(chat_socket, settings.WEBSOCKET_ORIGINS)
