"""URLs of pages about people, besides those of allauth."""

from __future__ import annotations

from django.urls import path

from chat.people import account, my_data, views

urlpatterns = [
    path("guest/", views.guest, name="guest"),
    path("account/", account.account, name="account"),
    path("account/export/", my_data.export, name="export"),
    path("account/leave/", my_data.leave, name="leave"),
]
