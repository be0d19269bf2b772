"""The operator's calendar: who may do what there, what each record starts, the feed, and outages from health data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone, translation

from chat import retention
from chat.models import User
from compliance import checks as law_checks
from compliance import duties
from compliance.duties.calendar import PURGE_GRACE
from compliance.law import Status
from compliance.models import DutyMark, Feed, Happening, Instance, LedgerEntry, Outage
from compliance.records import ledger
from compliance.testing import sign_all
from tests.compliance.cases import POWERS, standing
from tests.compliance.pages import may, text
from tests.conftest import MakeUser, signed_in

pytestmark = pytest.mark.django_db

HOME = "/admin/compliance/calendar/"
CHECKLIST = "/admin/compliance/checklist/"
PAGES = [HOME, f"{HOME}incident/", f"{HOME}change/", f"{HOME}outage/"]
NOON = datetime.fromisoformat("2026-11-22T12:00:00+09:00")


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """The clock, stopped at noon in Japan."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def filed(settings: Any) -> None:
    """A carrier."""
    settings.STANDING = standing(Status.notified)


def events() -> list[str]:
    return list(LedgerEntry.objects.exclude(event__in=POWERS).order_by("seq").values_list("event", flat=True))


# Who may do what ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_only_the_operators_people_come_in(path: str, make_user: MakeUser, client: Client, member: Client) -> None:
    for browser in (client, member):
        assert browser.get(path)["Location"].startswith("/admin/login/")
    assert signed_in(make_user(is_staff=True)).get(path).status_code == 403


@pytest.mark.parametrize("path", PAGES)
def test_who_may_look_writes_nothing(path: str, make_user: MakeUser) -> None:
    reader = signed_in(may(make_user(is_staff=True), "view_calendar"))
    shown = reader.get(path)
    assert shown.status_code == 200
    assert b'class="default"' not in shown.content
    for form in ({"_feed": "1"}, {"duty": "retention"}, {"kind": "identity", "on": "2026-11-22", "summary": "x"}):
        assert reader.post(path, form).status_code == 403
    assert not LedgerEntry.objects.exclude(event__in=POWERS).exists()


# Duties ---------------------------------------------------------------------------------------------------------------


def test_a_duty_is_marked_as_done_and_taken_back(desk: Client) -> None:
    form = {"duty": "accident-report:2026", "done_on": "2026-11-22", "note": "受付番号 123"}
    assert "2027年5月31日" in text(desk.get(HOME))
    assert desk.post(HOME, form).status_code == 302
    assert "2026年11月22日 に済ませました：受付番号 123" in text(desk.get(HOME))
    assert desk.post(HOME, form | {"_reopen": "1"}).status_code == 302
    assert not DutyMark.objects.exists()
    assert events() == ["duty.done", "duty.reopened"]
    assert ledger.verify() is None


def test_a_day_that_has_not_come_a_duty_that_is_none_and_one_that_nobody_marks_are_refused(desk: Client) -> None:
    form = {"duty": "accident-report:2026", "done_on": "2026-11-23", "note": "明日出す"}
    assert "明日出す" in desk.post(HOME, form).content.decode()
    assert desk.post(HOME, form | {"duty": "accident-report:1999"}).status_code == 404
    assert desk.post(HOME, form | {"duty": "retention", "done_on": "2026-11-22"}).status_code == 200
    assert not DutyMark.objects.exists()


def test_signatures_that_end_stand_in_the_calendar(desk: Client, operator: User) -> None:
    sign_all(operator)
    shown = text(desk.get(HOME))
    assert "LAW-06 の署名し直し" in shown


def test_the_checklist_and_the_calendar_lead_to_each_other(desk: Client, make_user: MakeUser) -> None:
    def leads(browser: Client, page: str, to: str) -> bool:
        _frame, _mark, content = browser.get(page).content.decode().partition('id="content-main"')
        return f'href="{to}"' in content

    assert all(leads(desk, page, HOME) for page in (CHECKLIST, f"{CHECKLIST}LAW-16/", f"{CHECKLIST}LAW-12/"))
    assert not leads(desk, f"{CHECKLIST}LAW-07/", HOME)  # nothing there has a day
    assert leads(desk, HOME, CHECKLIST)
    reader = signed_in(may(make_user(is_staff=True), "view_checklist"))
    assert not leads(reader, CHECKLIST, HOME)  # who may not see it is not sent there


# The purge ------------------------------------------------------------------------------------------------------------


def overdue(desk: Client) -> list[bool]:
    """Whether each place that should warns of a purge that has stayed away."""
    pages = [text(desk.get(page)) for page in (CHECKLIST, f"{CHECKLIST}LAW-12/")]
    found = law_checks.logs_are_purged(None, databases=["default"])
    assert [message.id for message in found] in ([], ["compliance.W003"])
    return [*("実行されていません" in page for page in pages), bool(found)]


def test_a_purge_that_stays_away_is_missed_after_two_days(desk: Client, clock: time_machine.Traveller) -> None:
    assert overdue(desk) == [False] * 3  # a record that has not begun misses nothing
    retention.purge()
    clock.shift(PURGE_GRACE)
    assert overdue(desk) == [False] * 3
    clock.shift(timedelta(minutes=1))
    assert overdue(desk) == [True] * 3
    [warning] = law_checks.logs_are_purged(None, databases=["default"])
    assert "2026-11-22 12:00 JST" in warning.msg
    assert "2026年11月22日" in text(desk.get(CHECKLIST))
    assert "期限切れ" in text(desk.get(HOME))
    retention.purge()
    assert overdue(desk) == [False] * 3


def test_a_purge_that_never_ran_is_missed_from_the_beginning_of_the_record(
    desk: Client, operator: User, clock: time_machine.Traveller
) -> None:
    sign_all(operator, but=["LAW-12"])
    clock.shift(PURGE_GRACE + timedelta(minutes=1))
    assert overdue(desk) == [True] * 3
    assert "保存期間を過ぎた記録が残っています" not in text(desk.get(f"{CHECKLIST}LAW-07/"))


def test_a_check_that_is_given_no_database_asks_none() -> None:
    assert law_checks.logs_are_purged(None) == []


# Incidents and changes ------------------------------------------------------------------------------------------------


def test_an_incident_starts_its_clocks(desk: Client) -> None:
    form = {"kind": "secrecy_leak", "on": "2026-11-20", "summary": "誤って別の会員に表示"}
    assert desk.post(f"{HOME}incident/", form).status_code == 302
    happening = Happening.objects.get()
    shown = text(desk.get(HOME))
    assert "通信の秘密の漏えい：詳しい報告" in shown
    assert "2026年12月20日" in shown
    assert "誤って別の会員に表示" not in shown
    page = f"{HOME}record/{happening.pk}/"
    assert "誤って別の会員に表示" in text(desk.get(page))
    assert desk.post(page, {"reason": " "}).status_code == 200
    assert desk.post(page, {"reason": "思い違い"}).status_code == 302
    assert "通信の秘密の漏えい：詳しい報告" not in text(desk.get(HOME))
    assert "思い違い" in text(desk.get(page))
    assert events() == ["incident.recorded", "record.struck"]


def test_a_change_may_lie_ahead_and_a_leak_may_not(desk: Client) -> None:
    change = {"kind": "area", "on": "2026-12-10", "summary": "業務区域の変更"}
    assert desk.post(f"{HOME}change/", change).status_code == 302
    assert "2026年12月9日" in text(desk.get(HOME))
    leak = {"kind": "data_leak", "on": "2026-11-23", "summary": "x", "attack": "on"}
    assert "未来の日付です" in text(desk.post(f"{HOME}incident/", leak))
    assert desk.post(f"{HOME}incident/", change).status_code == 200  # a change is no incident
    assert desk.post(f"{HOME}change/", change | {"summary": ""}).status_code == 200
    assert Happening.objects.count() == 1


# Outages --------------------------------------------------------------------------------------------------------------

OUTAGE = {"started_at": "2026-11-21T09:00", "ended_at": "2026-11-21T12:30", "users": "40000", "where": "own"}


def test_an_outage_says_what_it_calls_for_and_each_version_is_on_record(desk: Client) -> None:
    answer = desk.post(f"{HOME}outage/", {**OUTAGE, "service": "paid"})
    row = Outage.objects.get()
    assert answer["Location"] == f"{HOME}outage/{row.pk}/"
    assert row.started_at == datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
    assert "重大な事故として速やかに第一報" in text(desk.get(answer["Location"]))
    assert "重大な事故の詳しい報告" in text(desk.get(HOME))
    assert desk.post(answer["Location"], {**OUTAGE, "service": "free"}).status_code == 302
    assert "年次の事故報告（様式第27）に記載" in text(desk.get(answer["Location"]))
    assert "1件を記録しています" in text(desk.get(HOME))
    assert [
        entry.payload["report"] for entry in LedgerEntry.objects.filter(event__startswith="outage.").order_by("seq")
    ] == ["serious", "yearly"]
    assert desk.post(answer["Location"], {"_strike": "1", "reason": "試験"}).status_code == 302
    assert "対象となる事故の記録はありません" in text(desk.get(HOME))


@pytest.mark.parametrize(
    "changes", [{"ended_at": "2026-11-21T09:00"}, {"started_at": "2026-11-22T12:01", "ended_at": ""}]
)
def test_times_that_cannot_be_are_refused(desk: Client, changes: dict[str, str]) -> None:
    answer = desk.post(f"{HOME}outage/", {**OUTAGE, **changes})
    assert answer.status_code == 200
    assert "40000" in answer.content.decode()
    assert not Outage.objects.exists()


def test_what_is_missing_is_named(desk: Client) -> None:
    desk.post(f"{HOME}outage/", {"started_at": "2026-11-21T09:00"})
    shown = text(desk.get(f"{HOME}outage/{Outage.objects.get().pk}/"))
    for missing in ("何が故障したか", "影響を受けた利用者の数", "有料か無料か", "いつ終わるか"):
        assert missing in shown


def test_health_data_begin_and_end_an_outage_once(clock: time_machine.Traveller) -> None:
    assert duties.observe_health(timezone.now()) is None  # no server ever ran: nothing is known
    died = Instance.objects.create(id=uuid4(), fingerprint="x", started_at=NOON, seen_at=NOON)
    clock.shift(timedelta(seconds=59))
    assert duties.observe_health(timezone.now()) is None
    clock.shift(timedelta(minutes=3))
    began = duties.observe_health(timezone.now())
    assert began
    assert (began.started_at, began.noticed_by, began.recorded_by_id) == (NOON, "health", None)
    assert duties.observe_health(timezone.now()) is None  # it goes on
    with pytest.raises(IntegrityError), transaction.atomic():
        Outage.objects.create(started_at=NOON, noticed_by="health")
    clock.shift(timedelta(hours=2))
    back = timezone.now()
    died.delete()
    Instance.objects.create(id=uuid4(), fingerprint="x", started_at=back, seen_at=back)
    clock.shift(timedelta(seconds=30))
    ended = duties.observe_health(timezone.now())
    assert ended
    assert ended.ended_at == back
    assert duties.assess_outage(ended, timezone.now()).report == "yearly"
    assert duties.observe_health(timezone.now()) is None
    assert events() == ["outage.recorded", "outage.corrected"]


def ran(*arguments: str) -> str:
    out = StringIO()
    with translation.override("en"):
        call_command("outage", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_keeps_the_log(clock: time_machine.Traveller) -> None:
    assert ran("list") == ""
    said = ran("begin", "--at", "2026-11-22T09:00", "--failed", "others", "--service", "free")
    assert "goes into the yearly accident report" in said
    assert "It could be graver; not known: how many users were hit, when it ends" in said
    assert "no report" not in ran("end", "--users", "120", "--cause", "クラウドの障害")
    (row,) = json.loads(ran("list", "--json"))
    assert (row["users"], row["failed"], row["report"], row["could_be"]) == (120, "others", "yearly", "yearly")
    assert row["articles"] == ["REP 7-3(1)"]
    with pytest.raises(CommandError, match="No outage runs"):
        ran("end")
    with pytest.raises(CommandError, match="ISO 8601"):
        ran("begin", "--at", "yesterday")
    assert ran("observe") == ""
    assert "–" in ran("observe", "--ready", "no")
    clock.shift(timedelta(minutes=5))
    assert "no report" in ran("observe", "--ready", "yes")
    assert Outage.objects.filter(ended_at__isnull=True).count() == 0


# The feed -------------------------------------------------------------------------------------------------------------


def address(desk: Client) -> str:
    shown = desk.post(HOME, {"_feed": "1"}).content.decode()
    return shown.split('class="address">')[1].split("<")[0].removeprefix("http://testserver")


def test_the_feed_gives_deadlines_to_whoever_has_the_address_and_nothing_of_what_happened(
    desk: Client, client: Client
) -> None:
    desk.post(f"{HOME}incident/", {"kind": "secrecy_leak", "on": "2026-11-20", "summary": "内密の事情"})
    path = address(desk)
    answer = client.get(path)
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    stream = answer.content.decode().replace("\r\n ", "")
    assert "DTSTART;VALUE=DATE:20261220" in stream
    assert "DTSTART;VALUE=DATE:20270531" in stream
    assert "DTSTAMP:20261122T030000Z" in stream
    assert "内密の事情" not in stream
    assert path.split("/")[-1].removesuffix(".ics") not in str(list(Feed.objects.values()))
    assert client.get(path).content == answer.content


def test_a_new_address_or_a_revocation_ends_the_old_one(desk: Client, client: Client) -> None:
    first = address(desk)
    second = address(desk)
    assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)
    assert desk.post(HOME, {"_revoke": "1"}).status_code == 302
    assert client.get(second).status_code == 404
    assert events() == ["feed.made", "feed.made", "feed.revoked"]


def test_the_address_ends_with_the_permission_and_with_the_account(make_user: MakeUser, client: Client) -> None:
    keeper = may(make_user(is_staff=True), "keep_calendar")
    path = address(signed_in(keeper))
    assert client.get(path).status_code == 200
    for change in ({"is_staff": False}, {"is_active": False}):
        User.objects.filter(pk=keeper.pk).update(**change)
        assert client.get(path).status_code == 404
        User.objects.filter(pk=keeper.pk).update(is_staff=True, is_active=True)
    keeper.user_permissions.clear()
    assert client.get(path).status_code == 404
    assert client.get("/operator/calendar/nonsense.ics").status_code == 404
