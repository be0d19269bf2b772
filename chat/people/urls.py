"""URLs of pages about people, besides those of allauth."""

from __future__ import annotations

from django.urls import path

from chat.people import views

urlpatterns = [
    path("guest/", views.guest, name="guest"),
]
