"""Addresses of the public pages on the law."""

from django.urls import path

from compliance import views

app_name = "compliance"

urlpatterns = [
    path("legal/", views.legal, name="legal"),
    path("api/gate/", views.gate_api, name="gate_api"),
]
