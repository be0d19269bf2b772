"""The URL of the metrics. Health and readiness are answered before Django; see `probes`."""

from __future__ import annotations

from django.urls import path

from chat.operations import health

urlpatterns = [
    path("metrics", health.metrics, name="metrics"),
]
