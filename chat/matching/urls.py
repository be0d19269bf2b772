"""URLs of the page of matching."""

from __future__ import annotations

from django.urls import path

from chat.matching import views

urlpatterns = [
    path("match/", views.match, name="match"),
    path("match/events", views.match_events, name="match_events"),
]
