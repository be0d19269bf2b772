"""The operator's duties with their days: the calendar, the log of incidents, changes and outages, and the feed."""

from compliance.duties.calendar import list_duties, purge_owed_since
from compliance.duties.desk import Work, grouped, list_work, mail_on_duty, register_work
from compliance.duties.occurrences import assess_outage, notice_silence, observe_health, save_outage

__all__ = [
    "Work",
    "assess_outage",
    "grouped",
    "list_duties",
    "list_work",
    "mail_on_duty",
    "notice_silence",
    "observe_health",
    "purge_owed_since",
    "register_work",
    "save_outage",
]
