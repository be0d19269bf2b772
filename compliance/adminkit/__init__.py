"""Shared parts of the admin: the closed site, pages with two permissions, and form fields. Imports no model."""

from compliance.adminkit.forms import (
    ONE_LINE,
    DayField,
    EvidenceForm,
    MomentField,
    ReasonForm,
    evidence_in_words,
    one_line,
    submit,
    text_field,
)
from compliance.adminkit.pages import (
    OperatorPage,
    ReadOnly,
    acting_account,
    articles_by_statute,
    operator_view,
    render_operator_page,
)
from compliance.adminkit.site import AdminConfig, ClosedAdmin, Site

__all__ = [
    "ONE_LINE",
    "AdminConfig",
    "ClosedAdmin",
    "DayField",
    "EvidenceForm",
    "MomentField",
    "OperatorPage",
    "ReadOnly",
    "ReasonForm",
    "Site",
    "acting_account",
    "articles_by_statute",
    "evidence_in_words",
    "one_line",
    "operator_view",
    "render_operator_page",
    "submit",
    "text_field",
]
