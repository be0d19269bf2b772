"""The operator's duties with their days: the calendar, the log of incidents, changes and outages, and the feed."""

from compliance.duties.calendar import list_duties, purge_owed_since
from compliance.duties.occurrences import assess_outage, notice_silence, observe_health, save_outage

__all__ = ["assess_outage", "list_duties", "notice_silence", "observe_health", "purge_owed_since", "save_outage"]
