"""Shared parts of the admin: the closed site, pages with two permissions, and form fields. Imports no model."""

from compliance.adminkit.forms import (
    ONE_LINE,
    EvidenceForm,
    ReasonForm,
    evidence_in_words,
    one_line,
    submit,
    text_field,
)
from compliance.adminkit.half_width import (
    CodeField,
    DayField,
    IdField,
    LinkField,
    MailField,
    MomentField,
    NumberField,
    half_width,
)
from compliance.adminkit.pages import (
    OF_STAFF,
    OperatorPage,
    ReadOnly,
    acting_account,
    articles_by_statute,
    operator_view,
    render_operator_page,
)
from compliance.adminkit.site import AdminConfig, ClosedAdmin, Site

__all__ = [
    "OF_STAFF",
    "ONE_LINE",
    "AdminConfig",
    "ClosedAdmin",
    "CodeField",
    "DayField",
    "EvidenceForm",
    "IdField",
    "LinkField",
    "MailField",
    "MomentField",
    "NumberField",
    "OperatorPage",
    "ReadOnly",
    "ReasonForm",
    "Site",
    "acting_account",
    "articles_by_statute",
    "evidence_in_words",
    "half_width",
    "one_line",
    "operator_view",
    "render_operator_page",
    "submit",
    "text_field",
]
