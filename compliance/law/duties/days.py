"""Counts days as the articles do, in Japan's calendar.

A deadline on a weekend or a holiday is not moved, so an operator who keeps it is never late.
"""

from datetime import date, timedelta
from typing import Final


def within(start: date, days: int) -> date:
    """Return the last day of 「…の日から days 日以内」: the day itself is not counted (初日不算入)."""
    return start + timedelta(days=days)


def back_from(day: date, days: int) -> date:
    """Return 「dayの前日から起算して days 日前の日」 (REG 22-2-11(1)): the day before is the first that is counted."""
    return day - timedelta(days=days)


def a_year_back_from(day: date) -> date:
    """Return 「dayの前日から起算して一年前の日」; where that year has no such day, the last of its month."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return date(day.year - 1, day.month, 28)


def fiscal_year(day: date) -> int:
    """Return the Japanese fiscal year (年度, April to March) by the year in which it begins."""
    return day.year if day.month >= 4 else day.year - 1  # noqa: PLR2004 -- April


def accident_report_due(year: int) -> date:
    """Return the last day of the yearly accident report on a fiscal year: two months past its end (REP 7-3(1))."""
    return date(year + 1, 5, 31)


NOTICE_DAYS: Final = 30


def latest_notice(end: date, *, million: bool = False) -> date:
    """Return the last day for the notice of an end to users (周知期限日, REG 22-2-11(1)).

    Args:
        end: 休廃止日, the first day without the service.
        million: the service is paid and had 1,000,000 contracts or more at the end of the last fiscal year, or is a
            designated one (REG 22-2-11-2(1)): then it is a year.
    """
    return a_year_back_from(end) if million else back_from(end, NOTICE_DAYS)


def earliest_end(notice: date, *, million: bool = False) -> date:
    """Return the first day on which a service may end if its users get notice on `notice`."""
    day = notice + timedelta(days=NOTICE_DAYS if not million else 365)
    while latest_notice(day, million=million) < notice:
        day += timedelta(days=1)
    return day
