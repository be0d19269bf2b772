"""Addresses of the public pages on the law, and of the operator's pages outside the admin's own addresses."""

from django.urls import path

from compliance import filing
from compliance.assessment import views as assessment_views
from compliance.cases import outside
from compliance.cases import views as cases_views
from compliance.disclosures import views as disclosures_views
from compliance.discontinuation.views import planned_end
from compliance.duties.feed import calendar_feed
from compliance.filing import views as filing_views
from compliance.powers import views as powers_views
from compliance.powers.approval_pages import answer, list_approvals, second_person
from compliance.powers.staff_log import staff_log
from compliance.powers.staff_pages import invitation, list_staff, member_of_staff, withdraw_invitation
from compliance.public import documents, gate_status

app_name = "compliance"

urlpatterns = [
    path("legal/", gate_status.legal, name="legal"),
    path("legal/external-transmission/", documents.external_transmission, name="external_transmission"),
    path("legal/retention/", documents.retention_table, name="retention"),
    path("legal/terms/", documents.terms, name="terms"),
    path("legal/privacy/", documents.privacy, name="privacy"),
    path("legal/complaints/", documents.complaints, name="complaints"),
    path("legal/transparency/", documents.transparency_counts, name="transparency"),
    path("legal/requests/", outside.legal_requests, name="legal_requests"),
    path("legal/closing/", planned_end, name="closing"),
    path("api/gate/", gate_status.gate_api, name="gate_api"),
    path("desk/", powers_views.home, name="desk"),
    path("desk/approvals/", list_approvals, name="approvals"),
    path("desk/approvals/<uuid:key>/", answer, name="approval"),
    path("desk/second/<str:token>/", second_person, name="second_person"),
    path("desk/staff/", list_staff, name="staff"),
    path("desk/invitations/<uuid:key>/", withdraw_invitation, name="withdraw_invitation"),
    path("desk/invitation/<str:token>/", invitation, name="invitation"),
    path("desk/staff/<str:ref>/", member_of_staff, name="member_of_staff"),
    path("desk/log/", staff_log, name="staff_log"),
    path("desk/cases/", cases_views.case_list, name="cases"),
    path("desk/cases/new/", cases_views.new_case, name="case_new"),
    path("desk/cases/<uuid:case_id>/", cases_views.case_page, name="case"),
    path("desk/cases/<uuid:case_id>/papers/<int:paper_id>/", cases_views.case_paper, name="case_paper"),
    path("desk/disclosures/", disclosures_views.disclosure_list, name="disclosures"),
    path("desk/disclosures/new/", disclosures_views.new_disclosure, name="disclosure_new"),
    path("desk/disclosures/<uuid:disclosure_id>/", disclosures_views.disclosure_page, name="disclosure"),
    path("operator/assess/", assessment_views.overview, name="assess"),
    path("operator/assess/anew/", assessment_views.restart, name="assess_anew"),
    path(
        "operator/assess/verdict/",
        assessment_views.verdict,
        {"letterhead": filing.gather_letterhead},
        name="assess_verdict",
    ),
    path("operator/assess/<slug:key>/", assessment_views.question, name="assess_step"),
    path("operator/calendar/<slug:key>.ics", calendar_feed, name="calendar_feed"),
    path("operator/filing/", filing_views.notification, name="filing"),
    path("operator/filing/draft/", filing_views.sheets, name="filing_draft"),
    path("operator/filing/draft.txt", filing_views.sheets_text, name="filing_text"),
    path("operator/filing/form-3.svg", filing_views.diagram, name="filing_diagram"),
]
