"""The desk's part of reports: who opens and answers them, in which order, and what no page of it tells."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from chat import rooms, safety
from chat.models import Message, Report, Sanction, User
from chat.people import Person
from chat.protocol import Code, Refused
from compliance.law.powers import Group
from compliance.models import LedgerEntry
from compliance.testing import TurnKeys
from tests.chat.safety.test_reports import SECRET, THREAT, Talk, post
from tests.conftest import MakeStaff, MakeUser, signed_in

READ: Final = {Group.MODERATOR, Group.COMPLIANCE, Group.OPERATOR}
ANSWER: Final = {Group.MODERATOR}


@pytest.fixture
def talk(make_member: MakeUser, turn_keys: TurnKeys) -> Talk:
    turn_keys()
    return Talk(make_member("脅す人"), make_member("困る人"))


def page(browser: Client, report: Report | None = None, **query: str) -> str:
    path = f"/desk/reports/{report.pk}/" if report else "/desk/reports/"
    answer = browser.get(path, query)
    assert answer.status_code == HTTPStatus.OK
    return answer.content.decode()


def entries(event: str) -> int:
    return LedgerEntry.objects.filter(event=event).count()


@pytest.mark.parametrize("group", [*Group, None])
def test_table_of_who_reads_and_answers_reports(
    group: Group | None, talk: Talk, make_staff: MakeStaff, other: User
) -> None:
    report = talk.report(talk.said(THREAT))
    person = make_staff(group) if group else other
    browser, path = signed_in(person), f"/desk/reports/{report.pk}/"
    reads, answers = group in READ, group in ANSWER
    for each in ("/desk/reports/", path):
        assert (browser.get(each).status_code == HTTPStatus.OK) is reads, each
    assert entries("report.opened") == reads
    answer = browser.post(path, {"outcome": "acted", "note": "対応しました"})
    assert (answer.status_code == HTTPStatus.FOUND) is answers
    assert entries("report.answered") == answers
    if not answers:
        with pytest.raises(Refused) as refused:
            safety.answer(report=report.pk, outcome="acted", note="", actor=person)
        assert refused.value.code is Code.FORBIDDEN
    if not reads:
        with pytest.raises(Refused):
            safety.open_report(report=report, actor=person)


def test_report_page_shows_the_words_handed_over_and_nothing_else_of_the_talk(
    talk: Talk, make_staff: MakeStaff
) -> None:
    talk.said(SECRET)
    report = talk.report(talk.said(THREAT), note="怖いです")
    shown = page(signed_in(make_staff(Group.MODERATOR)), report)
    assert THREAT in shown
    assert "怖いです" in shown
    for kept_out in (SECRET, str(talk.room), talk.one.email or "?", 'href="/appeals/"'):
        assert kept_out not in shown
    assert entries("report.opened") == 1


def test_queue_and_desk_name_nobody_and_no_room_of_closed_talk(talk: Talk, make_staff: MakeStaff) -> None:
    report = talk.report(talk.said(THREAT))
    browser = signed_in(make_staff(Group.MODERATOR))
    for shown in (page(browser), browser.get("/desk/").content.decode()):
        for kept_out in (THREAT, talk.one.name, talk.two.name, str(talk.room)):
            assert kept_out not in shown
    assert str(report.pk) in page(browser)
    assert entries("report.opened") == 0


def test_two_parties_of_one_talk_are_not_put_together(talk: Talk, make_staff: MakeStaff) -> None:
    first = talk.report(talk.said(THREAT))
    second = talk.report(post(talk.room, talk.two, "うるさい"), by=talk.one, reason="harassment")
    moderator = signed_in(make_staff(Group.MODERATOR))
    shown = page(moderator, first)
    start, end = shown.find('id="people"'), shown.find('id="answer"')
    assert str(second.pk) not in shown[start:end]


def test_reports_about_the_same_person_are_put_together(
    talk: Talk, user: User, other: User, make_staff: MakeStaff
) -> None:
    board = rooms.create_open_room(actor=user, name="広場")
    seq = post(board.pk, talk.one, "ここでもひどい")
    pk = safety.file_report(person=Person.of(other), room=board.key, seqs=[seq], reason="spam")
    first = talk.report(talk.said(THREAT))
    shown = page(signed_in(make_staff(Group.MODERATOR)), first)
    assert f"/desk/reports/{pk}/" in shown[shown.find('id="people"') : shown.find('id="answer"')]


def test_urgent_reports_come_first_and_then_the_oldest(user: User, other: User, make_staff: MakeStaff) -> None:
    board = rooms.create_open_room(actor=user, name="広場")
    seq = post(board.pk, user, "あ")
    filed = {}
    for age, reason in enumerate(("threat", "minor", "spam", "other", "fraud")):
        filed[reason] = safety.file_report(person=Person.of(other), room=board.key, seqs=[seq], reason=reason)
        Report.objects.filter(pk=filed[reason]).update(filed_at=timezone.now() - timedelta(hours=age))
    shown = page(signed_in(make_staff(Group.MODERATOR)))
    places = {reason: shown.index(str(pk)) for reason, pk in filed.items()}
    assert sorted(places, key=places.__getitem__) == ["minor", "threat", "fraud", "other", "spam"]


def test_staff_whom_a_report_concerns_neither_see_nor_answer_it(user: User, make_staff: MakeStaff) -> None:
    moderator, another = make_staff(Group.MODERATOR), make_staff(Group.MODERATOR)
    board = rooms.create_open_room(actor=user, name="広場")
    seq = post(board.pk, moderator, "モデレーターの言葉")
    pk = safety.file_report(person=Person.of(user), room=board.key, seqs=[seq], reason="harassment")
    report = Report.objects.get(pk=pk)
    browser = signed_in(moderator)
    assert str(pk) not in page(browser)
    for answer in (browser.get(f"/desk/reports/{pk}/"), browser.post(f"/desk/reports/{pk}/", {"outcome": "no_ground"})):
        assert answer.status_code == HTTPStatus.FORBIDDEN
    assert str(pk) in page(signed_in(another))
    report.refresh_from_db()
    assert report.answered_at is None


def test_answered_report_leaves_the_queue_and_keeps_its_answer(talk: Talk, make_staff: MakeStaff) -> None:
    report = talk.report(talk.said(THREAT))
    browser = signed_in(make_staff(Group.MODERATOR))
    path = f"/desk/reports/{report.pk}/"
    assert browser.post(path, {"outcome": "nonsense"}).status_code == HTTPStatus.BAD_REQUEST
    assert browser.post(path, {"outcome": "acted", "note": "警告しました"}).status_code == HTTPStatus.FOUND
    assert str(report.pk) not in page(browser)
    assert str(report.pk) in page(browser, state="answered")
    assert "警告しました" in page(browser, report)
    assert browser.get(f"/desk/reports/{uuid4()}/").status_code == HTTPStatus.NOT_FOUND


# Acts beside the answer -----------------------------------------------------------------------------------------------


def decided(browser: Client, report: Report, **fields: str) -> int:
    person = report.messages.exclude(author=report.reporter).values_list("author__public_id", flat=True)[0]
    about = {"outcome": "acted", "person": str(person), "reason": "脅しは規約に反します"}
    return browser.post(f"/desk/reports/{report.pk}/", about | fields).status_code


@pytest.mark.parametrize("kind", Sanction.Kind.values)
def test_moderator_acts_on_whom_it_is_about_with_the_answer(kind: str, talk: Talk, make_staff: MakeStaff) -> None:
    report = talk.report(talk.said(THREAT))
    browser = signed_in(make_staff(Group.MODERATOR))
    assert decided(browser, report, act=kind, reason="") == HTTPStatus.BAD_REQUEST
    assert not Sanction.objects.exists()
    assert decided(browser, report, act=kind) == HTTPStatus.FOUND
    made = Sanction.objects.get()
    assert (made.kind, made.user, made.rule, made.room) == (kind, talk.one, "threat", None)
    assert entries("report.answered") == 1


def test_act_and_answer_are_one_transaction_and_stay_within_the_report(
    talk: Talk, other: User, make_staff: MakeStaff
) -> None:
    report = talk.report(talk.said(THREAT), post(talk.room, talk.two, "やめて"))
    browser = signed_in(make_staff(Group.MODERATOR))
    for fields in (
        {"act": "warn", "outcome": "nonsense"},
        {"act": "warn", "person": str(other.public_id)},
        {"act": "warn", "person": str(talk.two.public_id)},
        {"act": "warn", "person": "nobody"},
        {"act": "banish"},
        {"act": "remove"},
    ):
        assert decided(browser, report, **fields) == HTTPStatus.BAD_REQUEST, fields
    assert decided(signed_in(make_staff(Group.OPERATOR)), report, act="warn") == HTTPStatus.BAD_REQUEST
    assert not Sanction.objects.exists()
    report.refresh_from_db()
    assert report.answered_at is None
    assert talk.said("まだ書ける")


def test_moderator_removes_the_reported_words_of_an_open_room_and_no_others(
    user: User, other: User, make_staff: MakeStaff
) -> None:
    board = rooms.create_open_room(actor=other, name="広場")
    seqs = [post(board.pk, user, body) for body in ("ひどい", "ふつう")]
    pk = safety.file_report(person=Person.of(other), room=board.key, seqs=seqs[:1], reason="harassment")
    assert decided(signed_in(make_staff(Group.MODERATOR)), Report.objects.get(pk=pk), act="remove") == HTTPStatus.FOUND
    bodies = (
        Message.objects.filter(room=board, kind=Message.Kind.MESSAGE).order_by("seq").values_list("body", flat=True)
    )
    assert list(bodies) == [None, "ふつう"]
    assert entries("message.removed") == 1
