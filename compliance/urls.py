"""Addresses of the public pages on the law, and of the operator's guided ones."""

from django.urls import path

from compliance import guide, notices, views

app_name = "compliance"

urlpatterns = [
    path("legal/", views.legal, name="legal"),
    path("legal/external-transmission/", views.external_transmission, name="external_transmission"),
    path("legal/retention/", views.retention_table, name="retention"),
    path("legal/terms/", views.terms, name="terms"),
    path("legal/privacy/", views.privacy, name="privacy"),
    path("legal/complaints/", views.complaints, name="complaints"),
    path("legal/transparency/", views.transparency_counts, name="transparency"),
    path("legal/closing/", notices.planned_end, name="closing"),
    path("api/gate/", views.gate_api, name="gate_api"),
    path("operator/assess/", guide.assess, name="assess"),
    path("operator/assess/anew/", guide.assess_anew, name="assess_anew"),
    path("operator/assess/verdict/", guide.assess_verdict, name="assess_verdict"),
    path("operator/assess/<slug:key>/", guide.assess_step, name="assess_step"),
    path("operator/calendar/<slug:key>.ics", notices.calendar_feed, name="calendar_feed"),
    path("operator/filing/", guide.papers, name="filing"),
    path("operator/filing/draft/", guide.sheets, name="filing_draft"),
    path("operator/filing/draft.txt", guide.sheets_text, name="filing_text"),
    path("operator/filing/form-3.svg", guide.diagram, name="filing_diagram"),
]
