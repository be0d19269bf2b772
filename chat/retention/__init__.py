"""Retention: the daily job that erases what is past its period. Capabilities register what it erases."""

from chat.retention.jobs import JOBS, Due, Job, Rows, delete, forget, kept_since, older, overdue, register
from chat.retention.run import Report, purge

__all__ = [
    "JOBS",
    "Due",
    "Job",
    "Report",
    "Rows",
    "delete",
    "forget",
    "kept_since",
    "older",
    "overdue",
    "purge",
    "register",
]
