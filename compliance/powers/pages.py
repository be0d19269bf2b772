"""The desk's own pages, as its navigation has them."""

from django.utils.translation import gettext_lazy

from compliance.law.powers import Power
from compliance.powers.approval_pages import waiting_for
from compliance.powers.desk import register_desk_page


def register() -> None:
    """Register the desk's own pages. Called once, when the app is ready."""
    register_desk_page(
        "compliance:approvals",
        gettext_lazy("Approvals"),
        frozenset({Power.RUN, Power.RUN_SECOND, Power.CASES}),
        70,
        about=gettext_lazy("What takes two persons: powers, second factors, the stop, holds."),
        waiting=waiting_for,
    )
    register_desk_page(
        "compliance:staff",
        gettext_lazy("Staff"),
        frozenset({Power.RUN, Power.RUN_SECOND, Power.RECORD}),
        80,
        about=gettext_lazy("Who is staff and in which group; joining and leaving."),
    )
    register_desk_page(
        "compliance:staff_log",
        gettext_lazy("Staff log"),
        frozenset({Power.RECORD, Power.RECORD_OWN}),
        90,
        about=gettext_lazy("Who of the staff did what and when, by person and by act."),
    )
    register_desk_page(
        "admin:compliance_ledgerentry_changelist",
        gettext_lazy("Ledger"),
        Power.RECORD,
        100,
        about=gettext_lazy("Every entry of the record, whether its chain holds, and the proof of a period."),
    )
    register_desk_page(
        "admin:compliance_checklist_changelist",
        gettext_lazy("Gate"),
        Power.RUN,
        110,
        about=gettext_lazy("The checklist, the stop, the deadlines and a planned end, in the administration."),
    )
