"""Reports: who can hand over what, from which room and until when; what the desk gets; what is left elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
from itertools import product
from typing import Final
from uuid import UUID, uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from chat import matching, messages, people, personal_data, retention, rooms, safety
from chat.messages import NewEvent
from chat.models import Block, Message, Reason, Report, ReportedMessage, Room, TakenBack, User
from chat.people import Person
from chat.protocol import Code, Refused
from compliance import gate, vault
from compliance.law import Feature
from compliance.law.powers import Group
from compliance.models import Hold, LedgerEntry
from compliance.records import holds
from compliance.testing import TurnKeys, lift_hold
from tests.chat.realtime.test_service import browser as http_client
from tests.conftest import MakeStaff, MakeUser, signed_in
from tests.kit.client import Peer
from tests.kit.store import store
from tests.serving import Server

SECRET: Final = "ここだけの話です"  # noqa: S105 -- words of a talk
THREAT: Final = "家を知っているぞ"


def post(room: UUID, person: User, body: str, **fields: object) -> int:
    result = store([NewEvent(room, Person.of(person), Message.Kind.MESSAGE, body, **fields)])  # type: ignore[arg-type]
    [outcome] = result.outcomes
    assert not isinstance(outcome, Refused | None), outcome
    return outcome.seq


def change(room: UUID, person: User, seq: int, body: str = "", *, before: Iterable[int] = ()) -> None:
    kind = Message.Kind.EDIT if body else Message.Kind.DELETE
    [outcome] = store([NewEvent(room, Person.of(person), kind, body, target=seq, before=frozenset(before))]).outcomes
    assert not isinstance(outcome, Refused | None), outcome


class Talk:
    """Two people in a talk into which the service paired them, both of whom have come."""

    def __init__(self, one: User, two: User) -> None:
        self.one, self.two = one, two
        for person in (one, two):
            matching.seek(person=Person.of(person))
        match = matching.pair(two.pk)
        assert match is not None
        self.room = match.room

    def said(self, body: str, **fields: object) -> int:
        return post(self.room, self.one, body, **fields)

    def report(self, *seqs: int, by: User | None = None, reason: str = "threat", note: str = "") -> Report:
        person = Person.of(by or self.two, "en")
        pk = safety.file_report(person=person, room=str(self.room), seqs=seqs, reason=reason, note=note)
        return Report.objects.get(pk=pk)

    def refused(self, *seqs: int, by: User | None = None) -> Code:
        with pytest.raises(Refused) as refused:
            self.report(*seqs, by=by)
        return refused.value.code

    def leave(self, person: User) -> None:
        rooms.leave_room(person=Person.of(person), room=self.room)


@pytest.fixture
def talk(make_member: MakeUser, turn_keys: TurnKeys) -> Talk:
    turn_keys()
    return Talk(make_member("あ"), make_member("い"))


@pytest.fixture
def board(user: User) -> Room:
    return rooms.create_open_room(actor=user, name="広場")


@pytest.fixture
def moderator(make_staff: MakeStaff) -> User:
    return make_staff(Group.MODERATOR)


def opened(report: Report, actor: User) -> list[tuple[str, str]]:
    return [(copy.state, words) for copy, words in safety.open_report(report=report, actor=actor)]


# What is handed over --------------------------------------------------------------------------------------------------


def test_report_of_closed_talk_holds_the_chosen_words_sealed_and_nothing_else_of_the_room(
    talk: Talk, operator: User
) -> None:
    secret, threat = talk.said(SECRET), talk.said(THREAT)
    report = talk.report(threat, note="怖いです")
    assert opened(report, operator) == [("current", THREAT)]
    assert safety.note_of(report) == "怖いです"
    [row] = ReportedMessage.objects.all()
    assert (row.seq, row.author_id, row.body) == (threat, talk.one.pk, None)
    stored = bytes(row.sealed or b"") + bytes(report.note_sealed or b"") + report.note.encode()
    assert not any(word.encode() in stored for word in (SECRET, THREAT, "怖い"))
    with pytest.raises(vault.Unsealable):  # the copy opens in its own place only
        vault.unseal(
            vault.Place(talk.room, threat, talk.one.pk, "message"), bytes(row.sealed or b""), vault.Purpose.READING
        )
    assert secret not in ReportedMessage.objects.values_list("seq", flat=True)


def test_quote_of_a_message_that_was_not_chosen_stays_shut(talk: Talk, operator: User) -> None:
    first = talk.said(SECRET)
    answer = talk.said("これについて", reply_to=first)
    assert opened(talk.report(answer), operator) == [("current", "これについて")]


def test_ledger_names_the_report_and_no_person_room_or_word(talk: Talk, operator: User, moderator: User) -> None:
    report = talk.report(talk.said(THREAT), note="メモ")
    safety.open_report(report=report, actor=operator)
    safety.answer(report=report.pk, outcome="acted", note="対応しました", actor=moderator)
    entries = LedgerEntry.objects.filter(event__startswith="report.").order_by("seq")
    assert [(e.event, e.actor is not None) for e in entries] == [
        ("report.filed", False),
        ("report.opened", True),
        ("report.answered", True),
    ]
    text = json.dumps([e.payload for e in entries], ensure_ascii=False)
    for kept_out in (
        str(talk.room),
        str(talk.one.public_id),
        str(talk.two.public_id),
        THREAT,
        "メモ",
        "対応",
        "threat",
    ):
        assert kept_out not in text
    assert all(e.payload["report"] == str(report.pk) for e in entries)


def test_open_room_hands_over_the_words_as_they_stand_and_keeps_them_when_their_author_deletes(
    board: Room, user: User, other: User, operator: User
) -> None:
    seq = post(board.pk, user, "前の言葉")
    change(board.pk, user, seq, "ひどい言葉")
    pk = safety.file_report(person=Person.of(other), room=board.key, seqs=[seq], reason="harassment")
    change(board.pk, user, seq)
    assert opened(Report.objects.get(pk=pk), operator) == [("current", "ひどい言葉")]
    with pytest.raises(Refused) as refused:
        safety.file_report(person=Person.of(other), room=board.key, seqs=[seq], reason="spam")
    assert refused.value.code is Code.CONFLICT
    assert not TakenBack.objects.exists()


def test_same_report_pressed_twice_is_one_until_it_is_answered(talk: Talk, operator: User, moderator: User) -> None:
    seq = talk.said(THREAT)
    first = talk.report(seq)
    assert talk.report(seq) == first
    assert talk.report(seq, reason="minor") != first
    safety.answer(report=first.pk, outcome="no_ground", note="", actor=moderator)
    assert talk.report(seq) != first
    assert LedgerEntry.objects.filter(event="report.filed").count() == 3
    with pytest.raises(Refused) as refused:
        safety.answer(report=first.pk, outcome="acted", note="", actor=moderator)
    assert refused.value.code is Code.CONFLICT


def test_every_reason_of_the_wire_is_one_of_the_table(board: Room, user: User, other: User) -> None:
    seq = post(board.pk, user, "あ")
    for reason in Reason.values:
        safety.file_report(person=Person.of(other), room=board.key, seqs=[seq], reason=reason)
    assert Report.objects.count() == len(Reason)


# Deleted and changed words of closed talk -----------------------------------------------------------------------------


def test_deleted_words_can_be_reported_for_a_day_by_whom_they_reached(talk: Talk, operator: User) -> None:
    seq = talk.said(SECRET)
    change(talk.room, talk.one, seq, THREAT)
    change(talk.room, talk.one, seq, before=[talk.two.pk])
    assert Message.objects.filter(sealed__isnull=False).count() == 0
    assert opened(talk.report(seq), operator) == [("edited", SECRET), ("deleted", THREAT)]
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert talk.refused(seq) is Code.CONFLICT
        retention.purge()
    assert not TakenBack.objects.exists()


def test_changed_words_can_be_reported_for_a_day(talk: Talk, operator: User) -> None:
    seq = talk.said(THREAT)
    change(talk.room, talk.one, seq, "冗談")
    assert opened(talk.report(seq), operator) == [("edited", THREAT), ("current", "冗談")]
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        assert opened(talk.report(seq), operator) == [("current", "冗談")]


def test_deleted_words_that_reached_nobody_are_for_nobody(talk: Talk) -> None:
    seq = talk.said("書き間違い")
    change(talk.room, talk.one, seq)  # the other has not come, and no page of theirs is open
    assert talk.refused(seq) is Code.CONFLICT


@pytest.mark.parametrize("way", ["read", "came"])
def test_words_reached_whoever_read_them_or_is_in_the_talk(way: str, talk: Talk, operator: User) -> None:
    seq = talk.said(THREAT)
    if way == "read":
        messages.mark_seen(person=Person.of(talk.two), room=talk.room, seq=seq)
    else:
        talk.two.ticket.entered_at = timezone.now()
        talk.two.ticket.save()
    change(talk.room, talk.one, seq)
    talk.leave(talk.one)
    assert opened(talk.report(seq), operator) == [("deleted", THREAT)]


def test_hold_keeps_deleted_words_of_a_talk(talk: Talk, operator: User) -> None:
    seq = talk.said(THREAT)
    change(talk.room, talk.one, seq, before=[talk.two.pk])
    holds.place(scope="room", subject=talk.room, ground="order", paper="令状", ends_on=None, actor=operator)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        retention.purge()
        assert TakenBack.objects.count() == 1
        assert talk.refused(seq) is Code.CONFLICT  # kept, and yet out of reach


# Who, and until when --------------------------------------------------------------------------------------------------


def test_each_party_reports_an_ended_talk_for_thirty_days(talk: Talk, operator: User) -> None:
    seq = talk.said(THREAT)
    talk.leave(talk.one)
    assert opened(talk.report(seq), operator) == [("current", THREAT)]
    with time_machine.travel(timezone.now() + timedelta(days=29)):
        talk.report(seq, reason="other")
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        assert talk.refused(seq) is Code.MISSING


def test_whoever_left_a_room_reports_what_came_before_and_nothing_after(
    make_member: MakeUser, turn_keys: TurnKeys, operator: User
) -> None:
    turn_keys()
    three = [make_member() for _ in range(3)]
    with gate.transaction(Feature.INVITE_ONLY) as authorisation:
        room = rooms.create_closed_room(
            feature=Feature.INVITE_ONLY,
            people=[each.pk for each in three],
            traits=rooms.LOCKED,
            authorisation=authorisation,
        )
    before = post(room, three[0], THREAT)
    rooms.leave_room(person=Person.of(three[2]), room=room)
    after = post(room, three[0], SECRET)
    change(room, three[0], before, "冗談")

    def report(seq: int) -> UUID:
        return safety.file_report(person=Person.of(three[2]), room=str(room), seqs=[seq], reason="threat")

    assert opened(Report.objects.get(pk=report(before)), operator) == [("current", THREAT)]
    with pytest.raises(Refused) as refused:
        report(after)
    assert refused.value.code is Code.MISSING
    with time_machine.travel(timezone.now() + timedelta(days=31)), pytest.raises(Refused):
        report(before)


ROLES: Final = ("party", "other party", "left", "blocked", "suspended", "stranger", "guest", "staff")
OBJECTS: Final = ("message", "own", "edited", "deleted", "never delivered", "no such message", "an edit itself")
STATES: Final = ("running", "ended", "gate shut")


def expected(role: str, what: str, state: str) -> Code | None:
    """The rule in words of its own: a party hands over what reached them, and nobody else hands over anything."""
    del state
    if role == "suspended":
        return Code.AUTH
    if role in {"stranger", "guest", "staff"}:
        return Code.MISSING
    if what in {"no such message", "an edit itself"}:
        return Code.MISSING
    return Code.CONFLICT if what == "never delivered" else None


@pytest.mark.parametrize("state", STATES)
def test_table_of_who_can_hand_over_what_from_closed_talk(
    state: str, talk: Talk, make_member: MakeUser, operator: User
) -> None:
    one, two = talk.one, talk.two
    both = [one.pk, two.pk]
    seqs = {
        "message": talk.said(THREAT),
        "own": post(talk.room, two, "やめて"),
        "edited": talk.said("一"),
        "deleted": 0,
    }
    change(talk.room, one, seqs["edited"], "二")
    seqs["an edit itself"] = seqs["edited"] + 1
    for name, had in (("deleted", both), ("never delivered", [])):
        seqs[name] = talk.said(name)
        change(talk.room, one, seqs[name], before=had)
    seqs["no such message"] = 999
    if state == "ended":
        talk.leave(one)
    elif state == "gate shut":
        gate.pull_stop(reason="点検", actor=operator)
    guest = people.enter_as_guest(nickname="通りがかり")
    who = {"party": two, "other party": one, "left": two, "blocked": two, "stranger": make_member(), "guest": guest}
    who |= {"staff": operator, "suspended": two}
    for role, what in product(ROLES, OBJECTS):
        if role == "left" and state == "running":
            continue  # a talk of two ends with whoever leaves
        if role == "blocked":
            Block.objects.get_or_create(blocker=one, blocked=two)
        User.objects.filter(pk=two.pk).update(is_active=role != "suspended")
        code = None
        try:
            talk.report(seqs[what], by=who[role])
        except Refused as refused:
            code = refused.code
        assert code == expected(role, what, state), (role, what, state)
        User.objects.filter(pk=two.pk).update(is_active=True)


@pytest.mark.parametrize("role", ["member", "guest", "author", "suspended"])
def test_table_of_who_can_report_in_an_open_room(role: str, board: Room, user: User, other: User) -> None:
    seq = post(board.pk, user, "あ")
    who = {"member": other, "guest": people.enter_as_guest(nickname="旅人"), "author": user, "suspended": other}[role]
    if role == "suspended":
        User.objects.filter(pk=who.pk).update(is_active=False)
        with pytest.raises(Refused) as refused:
            safety.file_report(person=Person.of(who), room=board.key, seqs=[seq], reason="spam")
        assert refused.value.code is Code.AUTH
    else:
        filed = safety.file_report(person=Person.of(who), room=board.key, seqs=[seq], reason="spam")
        assert Report.objects.get(pk=filed).reporter == who
    for room in ("no-such-room", str(uuid4()), "../x"):
        with pytest.raises(Refused) as refused:
            safety.file_report(person=Person.of(user), room=room, seqs=[seq], reason="spam")
        assert refused.value.code is Code.MISSING


@hypothesis(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(chosen=st.sets(st.integers(min_value=1, max_value=9), min_size=1))
def test_whatever_is_chosen_exactly_that_is_copied(chosen: set[int], talk_of_nine: Talk) -> None:
    ReportedMessage.objects.all().delete()
    Report.objects.all().delete()
    report = talk_of_nine.report(*chosen)
    assert [row.seq for row in report.messages.order_by("number")] == sorted(chosen)


@pytest.fixture
def talk_of_nine(talk: Talk) -> Talk:
    for number in range(9):
        talk.said(f"{number}")
    return talk


# How long -------------------------------------------------------------------------------------------------------------


def test_copies_outlive_the_talk_and_go_ninety_days_after_the_answer(
    talk: Talk, operator: User, moderator: User
) -> None:
    report = talk.report(talk.said(THREAT))
    talk.leave(talk.two)
    with time_machine.travel(timezone.now() + timedelta(days=181), tick=False) as clock:
        retention.purge()
        assert not Room.objects.filter(pk=talk.room).exists()
        assert opened(report, operator) == [("current", THREAT)]
        safety.answer(report=report.pk, outcome="acted", note="", actor=moderator)
        clock.shift(timedelta(days=89))
        retention.purge()
        assert ReportedMessage.objects.count() == 1
        holds.place(
            scope="person", subject=talk.one.public_id, ground="order", paper="令状", ends_on=None, actor=operator
        )
        clock.shift(timedelta(days=2))
        retention.purge()
        assert ReportedMessage.objects.count() == 1
        lift_hold(hold=Hold.objects.get(), reason="済み", actor=operator)
        retention.purge()
    assert not Report.objects.exists()
    assert not ReportedMessage.objects.exists()


def test_copy_still_opens_when_its_author_has_left_the_service_and_the_key_was_changed(
    talk: Talk, operator: User, settings: Settings
) -> None:
    report = talk.report(talk.said(THREAT), note="怖い")
    taken = talk.said(SECRET)
    change(talk.room, talk.one, taken, before=[talk.two.pk])
    personal_data.erase([talk.one])
    old = settings.CLOSED_CHAT_KEYS
    settings.CLOSED_CHAT_KEYS = [b"n" * 32, *old]
    while messages.reseal(limit=2):
        pass
    settings.CLOSED_CHAT_KEYS = [b"n" * 32]
    assert opened(report, operator) == [("current", THREAT)]
    assert safety.note_of(Report.objects.get()) == "怖い"
    assert opened(talk.report(taken), operator) == [("deleted", SECRET)]


# Pages ----------------------------------------------------------------------------------------------------------------


def test_form_hands_over_with_one_press_and_shows_exactly_what(talk: Talk) -> None:
    secret, threat = talk.said(SECRET), talk.said(THREAT)
    browser = signed_in(talk.two)
    page = browser.get(f"/closed/{talk.room}/report/?seq={threat}").content.decode()
    assert f'value="{threat}" checked' in page
    assert f'value="{secret}"' in page
    assert f'value="{secret}" checked' not in page
    answer = browser.post(f"/closed/{talk.room}/report/", {"seq": [threat], "reason": "threat"})
    assert (answer.status_code, answer["Location"]) == (HTTPStatus.FOUND, "/reports/")
    assert list(ReportedMessage.objects.values_list("seq", flat=True)) == [threat]


def test_form_answers_while_the_gate_is_shut_and_the_refusal_leads_to_it(talk: Talk, operator: User) -> None:
    seq = talk.said(THREAT)
    gate.pull_stop(reason="点検", actor=operator)
    browser = signed_in(talk.two)
    refused = browser.get(f"/closed/{talk.room}/")
    assert refused.status_code == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS
    assert f"/closed/{talk.room}/report/" in refused.content.decode()
    assert THREAT in browser.get(f"/closed/{talk.room}/report/?seq={seq}").content.decode()
    assert browser.post(f"/closed/{talk.room}/report/", {"seq": [seq], "reason": "threat"}).status_code == 302
    stranger = Client().get(f"/closed/{talk.room}/")
    assert f"/closed/{talk.room}/report/" not in stranger.content.decode()


def test_form_of_a_talk_is_for_its_parties_and_exists_for_nobody_else(talk: Talk, other: User, desk: Client) -> None:
    seq = talk.said(THREAT)
    path = f"/closed/{talk.room}/report/"
    for browser in (signed_in(other), desk):
        assert browser.get(path).status_code == HTTPStatus.NOT_FOUND
        assert browser.post(path, {"seq": [seq], "reason": "threat"}).status_code == HTTPStatus.NOT_FOUND
    assert Client().get(path).status_code == HTTPStatus.FOUND
    assert not Report.objects.exists()


def test_ended_talk_is_listed_and_opens_read_only(talk: Talk) -> None:
    seq = talk.said(THREAT)
    talk.leave(talk.one)
    browser = signed_in(talk.two)
    assert f"/closed/{talk.room}/report/" in browser.get("/reports/").content.decode()
    assert f"/closed/{talk.room}/report/" in browser.get(f"/closed/{talk.room}/").content.decode()
    page = browser.get(f"/closed/{talk.room}/report/").content.decode()
    assert THREAT in page
    assert f'value="{seq}"' in page
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        browser = signed_in(talk.two)
        assert f"/closed/{talk.room}/report/" not in browser.get("/reports/").content.decode()
        assert browser.get(f"/closed/{talk.room}/report/").status_code == HTTPStatus.NOT_FOUND


def test_own_reports_show_state_and_answer_to_the_reporter_alone(talk: Talk, operator: User, moderator: User) -> None:
    report = talk.report(talk.said(THREAT))
    browser = signed_in(talk.two)
    assert "まだ誰も開いていません" in browser.get("/reports/").content.decode()
    safety.answer(report=report.pk, outcome="acted", note="警告しました", actor=moderator)
    assert "警告しました" in browser.get("/reports/").content.decode()
    assert "警告しました" not in signed_in(talk.one).get("/reports/").content.decode()


def test_form_refuses_what_cannot_be_handed_over_in_words(board: Room, user: User, other: User) -> None:
    seq = post(board.pk, user, "あ")
    browser = signed_in(other)
    path = f"/rooms/{board.slug}/report/"
    for fields in (
        {"reason": "spam"},
        {"seq": [seq]},
        {"seq": [seq], "reason": "no such reason"},
        {"seq": [seq], "reason": "spam", "note": "あ" * 1001},
    ):
        answer = browser.post(path, fields)
        assert answer.status_code == HTTPStatus.BAD_REQUEST, fields
        assert 'role="alert"' in answer.content.decode()
    assert not Report.objects.exists()


# The wire -------------------------------------------------------------------------------------------------------------


def test_frame_is_answered_over_the_socket_and_over_http(server: Server, make_user: MakeUser) -> None:
    author, reader = make_user("あ"), make_user("い")
    board = rooms.create_open_room(actor=author, name="広場")
    with Peer(server, signed_in(author)) as one, Peer(server, signed_in(reader)) as two, Peer(server) as nobody:
        seq = one.post(board.key, "ひどい")["seq"]
        filed = two.ask("report.create", room=board.key, seqs=[seq], reason="harassment", note="見てください")
        assert filed["type"] == "report.filed"
        assert Report.objects.get(pk=filed["report"]).note == "見てください"
        asked = {"room": board.key, "seqs": [seq], "reason": "spam"}
        assert nobody.ask("report.create", **asked)["code"] == "auth"
        assert two.ask("report.create", **asked | {"seqs": [77]})["code"] == "missing"
        assert two.ask("report.create", **asked | {"note": "あ" * 1001})["code"] == "size"
        assert two.ask("report.create", **asked | {"reason": "boredom"})["code"] == "protocol"
        assert two.ask("report.create", **asked | {"seqs": []})["code"] == "protocol"
        assert two.ask("report.create", **asked | {"seqs": [seq] * 51})["code"] == "protocol"
    with http_client(server, signed_in(reader)) as page:
        page.get(f"/rooms/{board.slug}/")
        frame = {"type": "report.create", "ref": "r", **asked}
        token = {"X-CSRFToken": page.cookies["csrftoken"]}
        [answer] = page.post(f"/rooms/{board.slug}/events", json=frame, headers=token).json()
    assert answer["type"] == "report.filed"
    assert Report.objects.get(pk=answer["report"]).reason == "spam"
