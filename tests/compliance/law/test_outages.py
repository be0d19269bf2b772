"""An outage calls for the report that its length, its users and the kind of service make it call for, and no other."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.law import cite
from compliance.law.outages import Failed, Finding, Impact, Report, Service, assess

NONE, YEARLY, SERIOUS = Report.NONE, Report.YEARLY, Report.SERIOUS
ORDER = list(Report)


def found(hours: float, users: int | None, service: Service | None = Service.FREE, **facts: object) -> Finding:
    """What an outage of that length calls for; a failure of one's own equipment unless said otherwise."""
    given = {"failed": Failed.OWN, "service": service, "users": users, **facts}
    return assess(Impact(lasted=timedelta(hours=hours), **given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("service", "hours", "users", "report"),
    [
        # REP 7-3(1)(i): 2 hours or 30,000 users, either of them
        (Service.FREE, 1.99, 29_999, NONE),
        (Service.FREE, 2, 0, YEARLY),
        (Service.FREE, 2, 1, YEARLY),
        (Service.FREE, 0.01, 30_000, YEARLY),
        # REG 58(2)(i), row 5: free
        (Service.FREE, 24, 99_999, YEARLY),
        (Service.FREE, 23.99, 100_000, YEARLY),
        (Service.FREE, 24, 100_000, SERIOUS),
        (Service.FREE, 12, 999_999, YEARLY),
        (Service.FREE, 11.99, 1_000_000, YEARLY),
        (Service.FREE, 12, 1_000_000, SERIOUS),
        # row 4: free messaging with 10,000,000 users a month
        (Service.FREE_LARGE, 4, 99_999, YEARLY),
        (Service.FREE_LARGE, 3.99, 100_000, YEARLY),
        (Service.FREE_LARGE, 4, 100_000, SERIOUS),
        (Service.FREE_LARGE, 1.99, 1_000_000, YEARLY),
        (Service.FREE_LARGE, 2, 1_000_000, SERIOUS),
        # row 7: paid
        (Service.PAID, 2, 29_999, YEARLY),
        (Service.PAID, 1.99, 30_000, YEARLY),
        (Service.PAID, 2, 30_000, SERIOUS),
        (Service.PAID, 0.99, 1_000_000, YEARLY),
        (Service.PAID, 1, 999_999, YEARLY),
        (Service.PAID, 1, 1_000_000, SERIOUS),
    ],
)
def test_the_thresholds_of_both_articles(service: Service, hours: float, users: int, report: Report) -> None:
    finding = found(hours, users, service)
    assert finding.report is report
    assert finding.settled
    assert finding.missing == ()


def test_anothers_equipment_counts_as_ones_own() -> None:
    assert found(24, 100_000, failed=Failed.OTHERS).report is SERIOUS


def test_other_than_telecom_equipment_goes_into_the_yearly_report_and_is_never_a_serious_accident() -> None:
    assert found(48, 5_000_000, Service.PAID, failed=Failed.BESIDE).report is YEARLY
    assert found(1, 29_999, failed=Failed.BESIDE).report is NONE


def test_planned_work_is_no_accident() -> None:
    finding = found(48, 5_000_000, Service.PAID, failed=Failed.NOTHING)
    assert (finding.report, finding.settled) == (NONE, True)


def test_an_add_on_function_is_left_out_where_telecom_equipment_failed() -> None:
    assert found(48, 5_000_000, add_on=True).report is NONE
    assert found(3, 1, add_on=True, failed=Failed.BESIDE).report is YEARLY  # 7-3(1)(ii) makes no such exception


@pytest.mark.parametrize(
    ("finding", "could_be", "named"),
    [
        (found(3, None), YEARLY, set()),  # 24 hours are not reached, however many were hit
        (found(1, None), YEARLY, {"how many users were hit"}),
        (found(3, 40_000, None), SERIOUS, {"whether the service is paid"}),
        (found(3, None, None), SERIOUS, {"how many users were hit", "whether the service is paid"}),
        (found(0.1, 10, over=False), YEARLY, {"when it ends"}),
        (found(3, 100_000, over=False), SERIOUS, {"when it ends"}),
        (found(30, 100_000, over=False), SERIOUS, set()),
        (found(30, 100_000, None), SERIOUS, set()),
        (found(3, 1, add_on=True, failed=None), YEARLY, {"what failed"}),
    ],
)
def test_a_finding_names_the_unknown_facts_that_could_make_it_graver(
    finding: Finding, could_be: Report, named: set[str]
) -> None:
    assert finding.could_be is could_be
    assert {text.en for text in finding.missing} == named
    assert finding.settled is (not named)


@given(
    lasted=st.timedeltas(timedelta(), timedelta(days=400)),
    over=st.booleans(),
    users=st.none() | st.integers(0, 10**9),
    failed=st.none() | st.sampled_from(Failed),
    service=st.none() | st.sampled_from(Service),
    add_on=st.booleans(),
)
def test_it_is_total_and_more_users_or_more_time_never_call_for_less(
    *, lasted: timedelta, over: bool, users: int | None, failed: Failed | None, service: Service | None, add_on: bool
) -> None:
    facts = Impact(lasted=lasted, over=over, users=users, failed=failed, service=service, add_on=add_on)
    finding = assess(facts)
    assert ORDER.index(finding.could_be) >= ORDER.index(finding.report)
    assert finding.settled == (not finding.missing)
    assert finding.why.ja
    assert finding.why.en
    assert all(cite(article).url for article in finding.report.articles)
    worse = Impact(
        lasted=lasted + timedelta(hours=1),
        over=over,
        users=(users or 0) + 1,
        failed=failed,
        service=service,
        add_on=add_on,
    )
    assert ORDER.index(assess(worse).report) >= ORDER.index(finding.report)


def test_every_threshold_reads_well_in_both_languages() -> None:
    assert [text.ja for text in Service.PAID.row.thresholds] == [
        "2時間以上かつ30,000人以上",
        "1時間以上かつ1,000,000人以上",
    ]
    assert Service.FREE.row.thresholds[0].en == "24 h or more and 100,000 users or more"
