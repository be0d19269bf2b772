"""URLs of the page of a room."""

from __future__ import annotations

from django.urls import path

from chat.messages import views

urlpatterns = [
    path("rooms/<slug:slug>/", views.room, name="room"),
    path("closed/<uuid:room_id>/", views.closed, name="closed"),
    path("rooms/<slug:slug>/events", views.room_events, name="room_events"),
    path("closed/<uuid:room_id>/events", views.closed_events, name="closed_events"),
]
