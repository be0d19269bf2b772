"""The notification (届出): drafts of forms 8, 3 and 4 from this deployment's facts, its stages, and the bureau."""

from compliance.filing.applicant import Applicant
from compliance.filing.diagram import draw_diagram
from compliance.filing.draft import Draft
from compliance.filing.plain_text import as_text
from compliance.filing.sources import gather_draft, gather_letterhead

__all__ = ["Applicant", "Draft", "as_text", "draw_diagram", "gather_draft", "gather_letterhead"]
