"""What is owed after filing: each duty with its article, form and day, counted as the articles count."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.law import Confidence, Status, Text, cite
from compliance.law.duties import (
    Circumstances,
    Done,
    Duty,
    EndFact,
    Happening,
    Kind,
    LapseFact,
    OutageFact,
    Retention,
    SignatureEnd,
    State,
    Term,
    a_year_back_from,
    accident_report_due,
    duties_of,
    earliest_end,
    fiscal_year,
    latest_notice,
    within,
)
from compliance.law.outages import Report

TODAY = date(2026, 11, 22)
CARRIER = Circumstances(status=Status.notified, filed_on=date(2026, 6, 1))
LEAK, DATA, AREA = Kind.SECRECY_LEAK, Kind.DATA_LEAK, Kind.AREA
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


def owed(facts: Circumstances, today: date = TODAY) -> dict[str, Duty]:
    return {duty.id: duty for duty in duties_of(facts, today)}


def after(kind: Kind, on: date, *, attack: bool = False, status: Status = Status.notified) -> dict[str, Duty]:
    """What a happening calls for, and nothing else."""
    facts = replace(CARRIER, status=status, happenings=(Happening(3, kind, on, attack=attack),))
    return {key: duty for key, duty in owed(facts).items() if key.startswith("happening-3")}


# Counting days --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "count", "last"),
    [
        (date(2026, 11, 22), 30, date(2026, 12, 22)),
        (date(2026, 1, 31), 30, date(2026, 3, 2)),
        (date(2028, 1, 31), 30, date(2028, 3, 1)),  # a leap year
        (date(2028, 2, 29), 30, date(2028, 3, 30)),
        (date(2026, 12, 3), 30, date(2027, 1, 2)),  # a Saturday amid the New Year's holidays: not moved
        (date(2026, 12, 2), 60, date(2027, 1, 31)),  # a Sunday: not moved
    ],
)
def test_days_are_counted_from_the_day_after_and_moved_for_nothing(start: date, count: int, last: date) -> None:
    assert within(start, count) == last


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (date(2026, 12, 31), date(2026, 12, 1)),
        (date(2027, 3, 31), date(2027, 3, 1)),
        (date(2028, 3, 31), date(2028, 3, 1)),
        (date(2027, 3, 30), date(2027, 2, 28)),
        (date(2028, 3, 30), date(2028, 2, 29)),  # a leap year
        (date(2027, 1, 1), date(2026, 12, 2)),
    ],
)
def test_the_notice_to_users_is_due_thirty_days_before_the_end_counted_from_the_day_before(
    end: date, last: date
) -> None:
    assert latest_notice(end) == last
    counted = [end - timedelta(days=1) - timedelta(days=number) for number in range(30)]
    assert counted[-1] == last  # the day before is the first of the thirty
    assert earliest_end(last) == end


@pytest.mark.parametrize(
    ("end", "last"),
    [
        (date(2027, 4, 1), date(2026, 4, 1)),
        (date(2028, 2, 29), date(2027, 2, 28)),
        (date(2028, 3, 1), date(2027, 3, 1)),
    ],
)
def test_a_million_paid_contracts_make_it_a_year(end: date, last: date) -> None:
    assert a_year_back_from(end) == latest_notice(end, million=True) == last


@given(notice=days, million=st.booleans())
def test_the_earliest_end_is_the_first_day_for_which_a_notice_is_in_time(*, notice: date, million: bool) -> None:
    end = earliest_end(notice, million=million)
    assert latest_notice(end, million=million) >= notice
    assert latest_notice(end - timedelta(days=1), million=million) < notice


@pytest.mark.parametrize(
    ("day", "year", "due"),
    [
        (date(2026, 4, 1), 2026, date(2027, 5, 31)),
        (date(2027, 3, 31), 2026, date(2027, 5, 31)),  # a Monday
        (date(2026, 3, 31), 2025, date(2026, 5, 31)),  # a Sunday: not moved
        (date(2028, 2, 29), 2027, date(2028, 5, 31)),
    ],
)
def test_the_yearly_report_is_due_by_31_may(day: date, year: int, due: date) -> None:
    assert fiscal_year(day) == year
    assert accident_report_due(year) == due


# Duties ---------------------------------------------------------------------------------------------------------------


def test_a_carrier_reports_on_each_fiscal_year_since_it_filed() -> None:
    facts = replace(CARRIER, filed_on=date(2025, 3, 31))
    assert [key for key in owed(facts) if key.startswith("accident")] == [
        "accident-report:2024",
        "accident-report:2025",
        "accident-report:2026",
    ]
    report = owed(CARRIER)["accident-report:2026"]
    assert (report.due, report.articles, report.form) == (
        date(2027, 5, 31),
        ("REP 7-3(1)",),
        Text("様式第27", "form 27"),
    )
    assert "without one nothing is sent" in report.what.en


def test_the_yearly_report_counts_what_calls_for_it_and_leaves_serious_accidents_out() -> None:
    outages = (
        OutageFact(1, date(2026, 7, 1), Report.YEARLY),
        OutageFact(2, date(2026, 7, 2), Report.SERIOUS),
        OutageFact(3, date(2026, 7, 3), Report.NONE, settled=False),
        OutageFact(4, date(2026, 3, 31), Report.YEARLY),
    )
    found = owed(replace(CARRIER, outages=outages))
    assert "1 on record call for it" in found["accident-report:2026"].what.en
    assert "1 lack facts" in found["accident-report:2026"].what.en
    assert found["outage-2:first"].term is Term.PROMPTLY
    assert found["outage-2:detail"].due == date(2026, 8, 1)
    assert found["outage-2:detail"].form == Text("様式第50の3", "form 50-3")
    assert "outage-1:first" not in found


def test_a_leak_of_secrecy_is_due_promptly_and_in_detail_within_thirty_days() -> None:
    found = after(LEAK, date(2026, 11, 20))
    assert found["happening-3:first"].state(TODAY) is State.NOW
    detail = found["happening-3:detail"]
    assert (detail.due, detail.form) == (date(2026, 12, 20), Text("様式第50の2", "form 50-2"))
    assert detail.articles == ("TBA 28(1)(ii)", "REG 57(1)")
    assert [detail.state(detail.due + timedelta(days=more)) for more in (-30, 0, 1)] == [
        State.SOON,
        State.NOW,
        State.LATE,
    ]


@pytest.mark.parametrize(("attack", "due"), [(False, date(2026, 12, 20)), (True, date(2027, 1, 19))])
def test_a_leak_of_personal_data_has_thirty_days_or_sixty(*, attack: bool, due: date) -> None:
    found = after(DATA, date(2026, 11, 20), attack=attack)
    assert set(found) == {"happening-3:first", "happening-3:detail", "happening-3:people"}
    assert found["happening-3:detail"].due == due


@pytest.mark.parametrize("status", [Status.none, Status.exempt])
def test_an_operator_that_is_no_carrier_owes_reports_of_data_leaks_only(status: Status) -> None:
    assert after(LEAK, TODAY, status=status) == {}
    assert after(Kind.IDENTITY, TODAY, status=status) == {}
    assert "bureau" not in after(DATA, TODAY, status=status)["happening-3:first"].what.en
    outages = (OutageFact(2, TODAY, Report.SERIOUS),)
    assert owed(Circumstances(status=status, outages=outages, lapse=LapseFact(1, TODAY, stopped=True))) == {}


@pytest.mark.parametrize(
    ("kind", "form", "article", "term", "due"),
    [
        (Kind.IDENTITY, "form 6", "TBA 16(3)", Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.AREA, "form 9", "TBA 16(4)", Term.BEFORE, date(2026, 11, 30)),
        (Kind.AREA_MINOR, "form 7", "TBA 16(4)", Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.SERVICES, "form 10 with a new form 4", "REG 10(1)", Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.SUCCESSION, "form 11", "TBA 17(2)", Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.REPRESENTATIVE, "form 6 with form 2-2", "REG 9-2", Term.WITHOUT_DELAY, date(2026, 12, 1)),
    ],
)
def test_each_change_of_a_notified_operator_has_its_form_and_only_the_service_area_goes_before_it_holds(
    kind: Kind, form: str, article: str, term: Term, due: date
) -> None:
    (duty,) = after(kind, date(2026, 12, 1)).values()
    assert duty.form
    assert (duty.form.en, duty.articles[0], duty.term, duty.due) == (form, article, term, due)
    late = duty.state(due + timedelta(days=400))
    assert late is (State.LATE if term is Term.BEFORE else State.NOW)  # without delay has no last day to be past


@pytest.mark.parametrize(
    ("kind", "form", "articles", "term", "due"),
    [
        (Kind.IDENTITY, "form 6", ("TBA 13(5)", "REG 7(1)"), Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.AREA, "form 5 (application)", ("TBA 13(1)", "REG 5(1)"), Term.BEFORE, date(2026, 11, 30)),
        (Kind.AREA_MINOR, "form 7", ("TBA 13(5)", "REG 8(1)"), Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.SERVICES, "form 10 with a new form 4", ("REG 10(1)",), Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.REPRESENTATIVE, "form 6 with form 2-2", ("TBA 13(5)",), Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (
            Kind.OFFICERS,
            "form 10-2 with the list, CVs and form 2",
            ("REG 10(3)", "REG 10(4)"),
            Term.WITHOUT_DELAY,
            date(2026, 12, 1),
        ),
        (Kind.SUCCESSION, "form 11", ("TBA 17(2)",), Term.WITHOUT_DELAY, date(2026, 12, 1)),
        (Kind.DISSOLUTION, "form 12-5", ("TBA 18(2)", "REG 12(7)"), Term.WITHOUT_DELAY, date(2026, 12, 1)),
    ],
)
def test_each_change_of_a_registered_operator_follows_the_articles_on_registration(
    kind: Kind, form: str, articles: tuple[str, ...], term: Term, due: date
) -> None:
    (duty,) = after(kind, date(2026, 12, 1), status=Status.registered).values()
    assert duty.form
    assert (duty.form.en, duty.term, duty.due) == (form, term, due)
    assert set(articles) <= set(duty.articles)
    assert not any(article.startswith(("TBA 16", "REG 9")) for article in duty.articles)


def test_a_registered_operator_has_the_service_area_registered_before_it_changes() -> None:
    (duty,) = after(AREA, date(2026, 12, 1), status=Status.registered).values()
    assert duty.title.ja.startswith("変更登録：")
    assert "届出では足りません" in duty.what.ja
    assert "TBA 186(i)" in duty.articles


@pytest.mark.parametrize("status", [Status.filed, Status.notified])
def test_officers_are_reported_by_registered_operators_only(status: Status) -> None:
    assert after(Kind.OFFICERS, TODAY, status=status) == {}
    (dissolved,) = after(Kind.DISSOLUTION, TODAY, status=status).values()
    assert dissolved.form == Text("様式第12の5", "form 12-5")


def test_the_first_report_of_a_data_leak_says_what_is_not_known_of_its_days() -> None:
    found = after(DATA, TODAY)
    assert "概ね3〜5日" in found["happening-3:first"].what.ja
    for key in ("first", "detail"):
        assert "確認できていない" in found[f"happening-3:{key}"].what.ja.replace(
            "確認できていません", "確認できていない"
        )


def test_changes_of_the_dating_notification_have_fourteen_days_whoever_runs_it() -> None:
    (duty,) = after(Kind.DATING, date(2026, 11, 20), status=Status.exempt).values()
    assert duty.due == date(2026, 12, 4)
    assert "DSR 2(2)" in duty.articles


def test_a_planned_end_is_announced_in_time_and_notified_without_delay_after_it() -> None:
    end = EndFact(date(2026, 11, 22), date(2026, 12, 31), whole=False)
    found = owed(replace(CARRIER, end=end))
    told, notify = found["end-2026-12-31:users"], found["end-2026-12-31:notify"]
    assert (told.due, told.done, told.markable) == (date(2026, 12, 1), Done(date(2026, 11, 22)), False)
    assert notify.form == Text("様式第12の3", "form 12-3")
    assert [notify.state(day) for day in (date(2026, 12, 30), date(2026, 12, 31), date(2027, 2, 1))] == [
        State.SOON,
        State.NOW,
        State.NOW,
    ]
    whole = owed(replace(CARRIER, end=replace(end, whole=True)))["end-2026-12-31:notify"]
    assert whole.form == Text("様式第12", "form 12")


def test_the_minister_gets_notice_of_a_large_end_thirty_days_before_users() -> None:
    end = EndFact(date(2026, 12, 31), date(2028, 1, 1), whole=True, million=True)
    minister = owed(replace(CARRIER, end=end))["end-2028-01-01:minister"]
    assert (minister.due, minister.form) == (date(2026, 12, 1), Text("様式第15の3", "form 15-3"))


@pytest.mark.parametrize(("stopped", "said"), [(True, "緊急停止"), (False, "鍵の条件")])
def test_a_stop_without_notice_creates_duties_that_name_the_cause(*, stopped: bool, said: str) -> None:
    found = owed(replace(CARRIER, lapse=LapseFact(2, date(2026, 11, 20), stopped=stopped)))
    assert said in found["lapse-2:users"].what.ja
    assert found["lapse-2:notify"].form == Text("様式第12の3", "form 12-3")
    assert all(found[key].confidence is Confidence.INFERENCE for key in ("lapse-2:users", "lapse-2:notify"))


def test_expiring_signatures_and_the_purge_are_duties_that_cannot_be_marked() -> None:
    signature = SignatureEnd("LAW-06", Text("規程", "Rules"), ("TBA 4",), date(2026, 12, 10))
    facts = replace(CARRIER, signatures=(signature,), retention=Retention(date(2026, 11, 20)))
    found = owed(replace(facts, done={"retention": Done(TODAY)}))
    assert found["signature-LAW-06:2026-12-10"].due == date(2026, 12, 10)
    assert (found["retention"].due, found["retention"].state(TODAY)) == (date(2026, 11, 21), State.LATE)
    assert owed(replace(CARRIER, retention=Retention(None)))["retention"].due == TODAY
    assert not any(found[key].markable for key in ("retention", "signature-LAW-06:2026-12-10"))


def test_a_mark_makes_only_its_own_duty_done() -> None:
    done = Done(date(2026, 11, 21), "控え")
    facts = replace(CARRIER, happenings=(Happening(3, LEAK, TODAY),), done={"happening-3:first": done})
    found = owed(facts)
    assert (found["happening-3:first"].done, found["happening-3:first"].state(TODAY)) == (done, State.DONE)
    assert found["happening-3:detail"].done is None


# What always holds ----------------------------------------------------------------------------------------------------

happenings = st.lists(st.builds(Happening, st.integers(1, 99), st.sampled_from(Kind), days, st.booleans()), max_size=4)
everything = st.builds(
    Circumstances,
    status=st.sampled_from(Status),
    filed_on=st.none() | days,
    happenings=happenings.map(tuple),
    outages=st.lists(
        st.builds(OutageFact, st.integers(1, 99), days, st.sampled_from(Report), st.booleans()), max_size=4
    ).map(tuple),
    end=st.none() | st.builds(EndFact, days, days, st.booleans(), st.booleans()),
    lapse=st.none() | st.builds(LapseFact, st.integers(1, 99), days, st.booleans()),
    retention=st.none() | st.builds(Retention, st.none() | days),
)


@given(facts=everything, today=days)
def test_every_duty_names_existing_articles_and_reads_in_both_languages(facts: Circumstances, today: date) -> None:
    found = duties_of(facts, today)
    assert [duty.due for duty in found] == sorted(duty.due for duty in found)
    for duty in found:
        assert duty.articles
        assert all(cite(article) for article in duty.articles)
        for text in (duty.title, duty.what, duty.term, duty.state(today), duty.confidence):
            assert re.search(r"[\u3040-\u30ff\u4e00-\u9fff]", text.ja)
            assert text.en
            assert not re.search(r"[\u3040-\u30ff]", text.en)
