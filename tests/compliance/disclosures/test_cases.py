"""A case from the paper to its end: its clock, its letters, its hold; and what the ledger and others learn of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import EmptyResultSet, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from chat import retention
from chat.models import Room, User
from chat.rooms import OPEN_TO_ALL, columns
from compliance import cases
from compliance.law import papers
from compliance.law.powers import Group
from compliance.models import Case, Hold, LedgerEntry, Letter
from compliance.records import holds
from compliance.records.holds import Live
from tests.conftest import MakeStaff, MakeUser, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_ROOT = tmp_path


def test_a_police_letter_is_answered_by_warrant_only(make_staff: MakeStaff) -> None:
    browser = signed_in(make_staff(Group.COMPLIANCE))
    today = timezone.localdate().isoformat()
    paper = {"kind": "police_inquiry", "variant": "ordinary", "sender": "霞が関警察署長", "reference": "捜査第12号"}
    answer = browser.post("/desk/cases/new/", {**paper, "received_on": today, "silence": "asked"})
    assert answer.status_code == 302
    case = Case.objects.get()
    page = browser.get(answer["Location"]).content.decode()
    assert (timezone.localdate() + timedelta(days=14)).isoformat() in page
    assert "刑事訴訟法197条5項" in page
    assert browser.post(answer["Location"], {"act": "letter:warrant_only"}).status_code == 302
    text = Letter.objects.get().text
    assert "霞が関警察署長" in text
    assert "捜査第12号" in text
    assert "令状" in text
    assert case.name in browser.get("/desk/cases/").content.decode()
    assert browser.post(answer["Location"], {"act": "done", "clock": "answer"}).status_code == 302
    closing = {"act": "close", "outcome": "declined", "reason": "令状によるよう回答"}
    assert browser.post(answer["Location"], closing).status_code == 302
    told = [entry.event for entry in LedgerEntry.objects.filter(payload__case=str(case.pk)).order_by("seq")]
    assert told == ["case.opened", "letter.issued", "case.changed", "case.closed"]
    ledger = str(list(LedgerEntry.objects.values_list("payload", flat=True)))
    for secret in ("霞が関", "第12号", "police"):
        assert secret not in ledger


@pytest.mark.parametrize("group", [Group.MODERATOR, Group.AUDITOR, Group.OPERATOR])
def test_who_is_not_on_the_case_learns_nothing_of_it(group: Group, make_staff: MakeStaff, make_user: MakeUser) -> None:
    case = cases.open_case(
        kind=papers.Kind.WARRANT, actor=make_staff(Group.COMPLIANCE), sender="裁判所", received_on=timezone.localdate()
    )
    for browser in (signed_in(make_staff(group)), signed_in(make_user())):
        for path in ("/desk/cases/", "/desk/cases/new/", f"/desk/cases/{case.pk}/"):
            assert browser.get(path).status_code == 403
            assert browser.post(path).status_code == 403


def test_a_hold_of_a_freeze_request_is_placed_from_its_case(make_staff: MakeStaff, make_user: MakeUser) -> None:
    browser, person = signed_in(make_staff(Group.COMPLIANCE)), make_user()
    today = timezone.localdate()
    case = cases.open_case(
        kind=papers.Kind.PRESERVATION, actor=make_staff(Group.COMPLIANCE), sender="検察官", received_on=today
    )
    page = f"/desk/cases/{case.pk}/"
    hold = {"act": "hold", "scope": "person", "subject": str(case.pk), "ends_on": (today + timedelta(30)).isoformat()}
    assert browser.post(page, hold).status_code == 400  # nobody of this id
    hold["subject"] = str(person.public_id)
    assert browser.post(page, {**hold, "ends_on": (today + timedelta(31)).isoformat()}).status_code == 400
    assert browser.post(page, hold).status_code == 302
    placed = case.holds.get()
    assert (placed.ground, placed.subject) == ("freeze", person.public_id)
    assert browser.post(page, {"act": "close", "outcome": "given", "reason": "済み"}).status_code == 400


def test_a_case_shows_what_a_hold_would_keep_and_places_nothing_by_it(
    make_staff: MakeStaff, make_user: MakeUser
) -> None:
    browser, person = signed_in(make_staff(Group.COMPLIANCE)), make_user("問われた人")
    today = timezone.localdate()
    hold = {"act": "preview", "scope": "person", "ends_on": (today + timedelta(30)).isoformat()}
    for kind, keeps_words in ((papers.Kind.PRESERVATION, False), (papers.Kind.DISCLOSURE, True)):
        case = cases.open_case(kind=kind, actor=make_staff(Group.COMPLIANCE), sender="差出人", received_on=today)
        page = f"/desk/cases/{case.pk}/"
        shown = browser.post(page, {**hold, "subject": str(person.public_id)})
        text = shown.content.decode()
        assert shown.status_code == 200
        assert "問われた人" in text
        assert "クローズド・チャットの通信履歴" in text
        assert ("クローズド・チャットの本文（暗号化して保存）" in text) is keeps_words
        assert browser.post(page, {**hold, "subject": str(case.pk)}).status_code == 400
    assert not Hold.objects.exists()
    assert not LedgerEntry.objects.filter(event="hold.placed").exists()


def test_the_preview_names_the_rows_that_the_jobs_spare() -> None:
    """A row that heeds holds and is not named, or is named and does not heed them, fails here."""
    someone, now = uuid4(), timezone.now()
    for scope, held in (("person", Live(people=frozenset({someone}))), ("room", Live(rooms=frozenset({someone})))):
        spared = {
            key
            for key, jobs in retention.JOBS.items()
            if any(_said(job.due(now, held)) != _said(job.due(now, Live())) for job in jobs)
        }
        named = {row.key for row in holds.preview(scope=scope, subject=_known(scope), ground="order").rows}
        assert named == spared | {"held_copies"}, scope
        history = {row.key for row in holds.preview(scope=scope, subject=_known(scope), ground="freeze").rows}
        of_words = {key for key, jobs in retention.JOBS.items() if any(job.words for job in jobs)}
        assert history == named - of_words


def _said(rows: Any) -> str:
    try:
        return str(rows.query)
    except EmptyResultSet:
        return ""


def _known(scope: str) -> UUID:
    if scope == "room":
        return Room.objects.create(name="部屋", slug=f"room-{uuid4()}", **columns(OPEN_TO_ALL)).pk
    return User.objects.create_user(f"{uuid4()}@example.jp").public_id


def test_a_freeze_is_extended_from_its_case_once(make_staff: MakeStaff, make_user: MakeUser) -> None:
    browser, clerk, person = signed_in(make_staff(Group.COMPLIANCE)), make_staff(Group.COMPLIANCE), make_user()
    today = timezone.localdate()
    case = cases.open_case(kind=papers.Kind.PRESERVATION, actor=clerk, sender="検察官", received_on=today)
    page = f"/desk/cases/{case.pk}/"
    hold = holds.place(
        scope="person",
        subject=person.public_id,
        ground="freeze",
        paper="検察官 第1号",
        ends_on=today + timedelta(30),
        actor=clerk,
        case=case,
    )
    act = {"act": f"extend:{hold.pk}", f"extend-{hold.pk}-extension_paper": "検察官 第2号"}
    assert f'value="extend:{hold.pk}"' in browser.get(page).content.decode()
    too_long = {**act, f"extend-{hold.pk}-extend_to": (today + timedelta(61)).isoformat()}
    assert browser.post(page, too_long).status_code == 400
    in_time = {**act, f"extend-{hold.pk}-extend_to": (today + timedelta(60)).isoformat()}
    assert browser.post(page, in_time).status_code == 302
    hold.refresh_from_db()
    assert (hold.ends_on, hold.extension_paper) == (today + timedelta(60), "検察官 第2号")
    assert LedgerEntry.objects.filter(event="hold.extended").count() == 1
    assert f'value="extend:{hold.pk}"' not in browser.get(page).content.decode()
    other = cases.open_case(kind=papers.Kind.PRESERVATION, actor=clerk, sender="検察官", received_on=today)
    assert browser.post(f"/desk/cases/{other.pk}/", too_long).status_code == 404


def test_a_case_that_ended_forgets_people_after_its_period(make_staff: MakeStaff, tmp_path: Path) -> None:
    clerk = make_staff(Group.COMPLIANCE)
    case = cases.open_case(
        kind=papers.Kind.REMOVAL,
        actor=None,
        sender="届出太郎",
        contact="taro@example.jp",
        received_on=timezone.localdate(),
    )
    cases.add_paper(case=case, upload=SimpleUploadedFile("証拠.txt", "画面の写し".encode()), actor=None)
    cases.issue_letter(case=case, key="removed", fields={}, actor=clerk)
    cases.close_case(case=case, outcome="given", reason="削除した", actor=clerk)
    with pytest.raises(ValidationError):
        cases.issue_letter(case=case, key="removed", fields={}, actor=clerk)
    assert retention.purge().counts["cases"] == 0
    Case.objects.update(closed_at=timezone.now() - timedelta(days=366))
    assert retention.purge().counts["cases"] == 1
    case.refresh_from_db()
    assert (case.sender, case.contact, case.reason, case.outcome) == ("", "", "", "given")
    assert Letter.objects.get().text == ""
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert retention.purge().counts["cases"] == 0
