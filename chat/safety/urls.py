"""URLs of reports, of acts and appeals, of a room's keepers, and of the desk's cards."""

from __future__ import annotations

from django.urls import path

from chat.safety import act_views, desk, views

urlpatterns = [
    path("reports/", views.reports, name="reports"),
    path("rooms/<slug:slug>/report/", views.room_report, name="room_report"),
    path("desk/reports/", desk.reports, name="desk_reports"),
    path("desk/reports/<uuid:report_id>/", desk.report, name="desk_report"),
    path("closed/<uuid:room_id>/report/", views.closed_report, name="closed_report"),
    path("appeals/", act_views.own_acts, name="appeals"),
    path("appeals/<str:token>/", act_views.by_link, name="appeal_by_link"),
    path("rooms/<slug:slug>/keep/", act_views.keep, name="keep"),
    path("desk/people/", act_views.people, name="desk_people"),
    path("desk/people/<uuid:ref>/", act_views.person_card, name="desk_person"),
    path("desk/rooms/<slug:slug>/", act_views.room_card, name="desk_room"),
    path("desk/appeals/", act_views.appeal_queue, name="desk_appeals"),
]
