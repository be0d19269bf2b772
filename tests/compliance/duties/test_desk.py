"""Work at the desk in the calendar, on the command line and in mails: who learns of it, and that it names nobody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.cache import caches
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from chat import rooms, safety
from chat.messages import NewEvent
from chat.models import Appeal, Message, Preferences, Reason, Sanction, User
from chat.people import Person
from compliance import cases, duties
from compliance.law import Status, papers
from compliance.law.powers import Group
from compliance.models import Approval, Case, Disclosure
from compliance.records import approvals, holds
from tests.compliance.cases import standing
from tests.compliance.pages import text
from tests.conftest import MakeStaff, MakeUser, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db

NOON: Final = datetime.fromisoformat("2026-11-22T12:00:00+09:00")
TODAY: Final = date(2026, 11, 22)
SECRETS: Final = ("霞が関", "第12号", "さくら", "ひどい言葉", "police", "捜査", "照会", "C-0", "member")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """The clock, stopped at noon in Japan."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def deployment(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A carrier, whose address is known."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)
    settings.STANDING = standing(Status.notified)
    settings.EVIDENCE_ROOT = tmp_path
    settings.CSRF_TRUSTED_ORIGINS = ["https://chat.example.jp"]


@pytest.fixture
def staff(make_staff: MakeStaff) -> dict[Group, User]:
    """One member of staff in each group, who may look at the calendar."""
    found = {group: make_staff(group) for group in Group}
    for person in found.values():
        person.user_permissions.add(Permission.objects.get(codename="view_calendar"))
    return found


def everything(staff: dict[Group, User], person: User) -> None:
    """Have one of each kind of work wait."""
    clerk, operator = staff[Group.COMPLIANCE], staff[Group.OPERATOR]
    case = cases.open_case(
        kind=papers.Kind.POLICE_INQUIRY,
        actor=clerk,
        sender="霞が関警察署",
        reference="第12号",
        received_on=TODAY - timedelta(days=20),
        silence=Case.Silence.ASKED,
        silent_until=TODAY,
    )
    until = TODAY + timedelta(days=5)
    subject = person.public_id
    holds.place(scope="person", subject=subject, ground="case", paper="霞が関", ends_on=until, actor=clerk, case=case)
    Disclosure.objects.create(
        ground="danger", reason="さくら", since=NOON, until=NOON + timedelta(days=1), alone=True, asked_by=operator
    )
    approvals.request(kind=Approval.Kind.STOP_LIFT, subject="1", reason="さくら", actor=operator)
    room = rooms.create_open_room(actor=None, name="広場", slug="plaza")
    store([NewEvent(room.pk, Person.of(person), Message.Kind.MESSAGE, "ひどい言葉")])
    safety.file_report(person=Person.of(clerk), room="plaza", seqs=[1], reason=Reason.THREAT, note="さくら")
    sanction = safety.act(
        kind=Sanction.Kind.WARN,
        user=person,
        actor=staff[Group.MODERATOR],
        room=None,
        until=None,
        reason="さくら",
        rule=Reason.SPAM,
    )
    safety.appeal(sanction=sanction, words="ひどい言葉")
    Appeal.objects.update(at=NOON - timedelta(days=8))


#: What each group learns of: pages of the desk, as mails name them.
LEARNS: Final = {
    Group.OPERATOR: {"/desk/disclosures/", "/desk/approvals/", "/desk/appeals/"},
    Group.COMPLIANCE: {"/desk/cases/", "/desk/disclosures/", "/desk/approvals/"},
    Group.MODERATOR: {"/desk/reports/", "/desk/appeals/"},
    Group.AUDITOR: set(),
}


def test_each_learns_by_mail_of_what_they_hold_the_power_over_and_of_nobodys_words(
    staff: dict[Group, User], make_user: MakeUser
) -> None:
    everything(staff, make_user("さくら"))
    Preferences.objects.create(user=staff[Group.MODERATOR], language="en")
    out = StringIO()
    call_command("duties", "--mail", stdout=out)
    assert "メールを3通送りました" in out.getvalue()
    sent = {address: letter for letter in mail.outbox for address in letter.to}
    for group, person in staff.items():
        letter = sent.pop(person.email, None)
        found = set(re.findall(r"https://chat\.example\.jp(/desk/\S+)", str(letter.body))) if letter else set()
        assert found == LEARNS[group], group
        if letter:
            whole = f"{letter.subject}\n{letter.body}"
            assert not [secret for secret in SECRETS if secret in whole], group
            assert ("something waits" in whole) is (group is Group.MODERATOR), "each in their own language"
            assert ("待っています" in whole) is (group is not Group.MODERATOR)
    assert not sent
    printed = out.getvalue()
    assert "/desk/cases/" in printed
    assert not [secret for secret in SECRETS if secret in printed], "who may use the shell may not know of cases"


def test_the_calendar_shows_each_what_they_hold_the_power_over(staff: dict[Group, User], make_user: MakeUser) -> None:
    everything(staff, make_user("さくら"))
    titles = {
        "C-00001 捜査関係事項照会": {Group.COMPLIANCE},
        "C-00001 秘密保持の期間の終わり": {Group.COMPLIANCE},
        "の終わり": {Group.COMPLIANCE},
        "一人で行われた開示の事後の確認": {Group.COMPLIANCE, Group.OPERATOR},
        "二人目の承認の依頼": {Group.COMPLIANCE, Group.OPERATOR},
        "急ぎの通報への回答": {Group.MODERATOR},
        "不服申立ての決定": {Group.MODERATOR, Group.OPERATOR},
    }
    for group, person in staff.items():
        if group is Group.AUDITOR:
            continue  # an auditor has no part in the administration
        shown = text(signed_in(person).get("/admin/compliance/calendar/"))
        assert {title for title, groups in titles.items() if group in groups} == {
            title for title in titles if title in shown
        }, group
        assert "さくら" not in shown


def test_the_feed_goes_to_programs_of_others_and_knows_no_case(
    staff: dict[Group, User], make_user: MakeUser, client: Client
) -> None:
    everything(staff, make_user("さくら"))
    clerk = staff[Group.COMPLIANCE]
    clerk.user_permissions.add(Permission.objects.get(codename="keep_calendar"))
    shown = signed_in(clerk).post("/admin/compliance/calendar/", {"_feed": "1"}).content.decode()
    address = shown.split('class="address">')[1].split("<")[0].removeprefix("http://testserver")
    stream = client.get(address).content.decode()
    assert "BEGIN:VEVENT" in stream
    for word in ("C-00001", "case", "disclosure", "hold", "desk", "通報"):
        assert word not in stream


def test_what_is_done_or_decided_waits_no_longer(staff: dict[Group, User], make_user: MakeUser) -> None:
    everything(staff, make_user("さくら"))
    case = Case.objects.get()
    cases.mark_done(case=case, clock="answer", actor=staff[Group.COMPLIANCE])
    Disclosure.objects.update(reviewed_at=timezone.now(), reviewed_by=staff[Group.COMPLIANCE])
    left = {work.duty.id.split("-")[0] for work in duties.list_work(TODAY)}
    assert left == {"case", "hold", "approval", "report", "appeal"}  # of the case its silence
    assert not [work for work in duties.list_work(TODAY + timedelta(days=6)) if work.duty.id.startswith("hold")]


def test_nobody_gets_a_mail_while_nothing_is_due(staff: dict[Group, User]) -> None:
    assert duties.mail_on_duty(TODAY, []) == 0
    assert mail.outbox == []


# At once --------------------------------------------------------------------------------------------------------------


def test_a_request_from_outside_is_told_at_once_and_a_flood_of_them_is_one_mail(
    staff: dict[Group, User],
    client: Client,
    mailoutbox: list[Any],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    caches["default"].clear()
    given = {"kind": "removal", "sender": "さくら", "about": "ひどい言葉"}
    with django_capture_on_commit_callbacks(execute=True):
        for number in range(3):
            form = {**given, "contact": f"guest{number}@example.jp"}
            assert client.post("/legal/requests/", form).status_code == 302
    told = [letter for letter in mailoutbox if letter.to == [staff[Group.COMPLIANCE].email]]
    assert len(told) == 1
    assert len(mailoutbox) == 3 + 1
    assert "https://chat.example.jp/desk/cases/" in told[0].body
    assert not [secret for secret in (*SECRETS, "削除") if secret in told[0].body + told[0].subject]


def test_whoever_acts_gets_no_mail_of_it(
    staff: dict[Group, User], mailoutbox: list[Any], django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    caches["default"].clear()
    operator = staff[Group.OPERATOR]
    room = uuid4()
    with django_capture_on_commit_callbacks(execute=True), pytest.MonkeyPatch.context() as patch:
        patch.setattr("compliance.records.holds._lookups", {})
        from compliance import disclosures  # noqa: PLC0415 -- beside its only use

        scope = disclosures.Scope(frozenset({room}), frozenset(), NOON, NOON + timedelta(days=1))
        disclosures.ask(case=None, ground="danger", reason="さくら", scope=scope, alone=True, actor=operator)
    assert [letter.to for letter in mailoutbox] == [[staff[Group.COMPLIANCE].email]]
    assert str(room) not in mailoutbox[0].body
