"""URLs of a demo. Nothing else serves them."""

from __future__ import annotations

from django.urls import path

from chat.demo import views

urlpatterns = [
    path("demo/", views.tour, name="demo"),
    path("demo/as/", views.become, name="demo_as"),
    path("demo/steps/", views.steps, name="demo_steps"),
    path("demo/alone/", views.alone, name="demo_alone"),
]
