"""URLs of reports."""

from __future__ import annotations

from django.urls import path

from chat.safety import desk, views

urlpatterns = [
    path("reports/", views.reports, name="reports"),
    path("rooms/<slug:slug>/report/", views.room_report, name="room_report"),
    path("desk/reports/", desk.reports, name="desk_reports"),
    path("desk/reports/<uuid:report_id>/", desk.report, name="desk_report"),
    path("closed/<uuid:room_id>/report/", views.closed_report, name="closed_report"),
]
