"""No door tells whom a live case is about, nor that there is one: every page, the export, the proof, the counts."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from chat import matching, personal_data, retention, rooms, safety
from chat.messages import NewEvent
from chat.models import Message, Pairing, Reason, Report, Sanction, User
from chat.people import Person
from compliance import cases, disclosures, gate
from compliance.disclosures import Scope
from compliance.law import papers
from compliance.law.powers import Group
from compliance.models import Case, Disclosure, LedgerEntry
from compliance.records import Event, holds, ledger, proof, replay, transparency
from compliance.testing import TurnKeys, lift_hold, walk_doors
from tests.conftest import MakeStaff, MakeUser, signed_in
from tests.kit.store import store
from tests.test_every_door import SAMPLES

pytestmark = pytest.mark.django_db

NOON: Final = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ACTING: Final = re.compile(r"log(in|out)|reauthenticate|\.ics|jsi18n|static|demo|events")
"""Doors that change what a session is, or that stream: they show nothing of a person."""


@dataclass(frozen=True)
class Scene:
    """A closed talk, the person about whom a court asks, and the staff."""

    person: User
    partner: User
    talk: Message
    clerk: User
    operator: User


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """The clock, stopped: what is compared must not differ by the minute."""
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def scene(make_member: MakeUser, make_staff: MakeStaff, turn_keys: TurnKeys, settings: Any, tmp_path: Path) -> Scene:
    """See `Scene`."""
    settings.EVIDENCE_ROOT = tmp_path
    clerk, operator = make_staff(Group.COMPLIANCE), make_staff(Group.OPERATOR)
    turn_keys()
    person, partner = make_member("花子"), make_member("太郎")
    for each in (person, partner):
        matching.seek(person=Person.of(each))
    match = matching.pair(partner.pk)
    assert match is not None
    store([NewEvent(match.room, Person.of(person), Message.Kind.MESSAGE, "ここだけの話")])
    return Scene(person, partner, Message.objects.filter(room=match.room).latest("seq"), clerk, operator)


def warrant(scene: Scene, *, silent_until: date | None = None) -> Case:
    """A court orders the talk to be handed over, and it is: case, hold, disclosure, extract."""
    today = timezone.localdate()
    case = cases.open_case(
        kind=papers.Kind.WARRANT,
        actor=scene.clerk,
        sender="東京地方裁判所",
        received_on=today,
        silence=Case.Silence.ORDERED if silent_until else Case.Silence.NONE,
        silent_until=silent_until,
    )
    cases.add_paper(case=case, upload=SimpleUploadedFile("令状.pdf", b"%PDF-1.7 warrant"), actor=scene.clerk)
    holds.place(
        scope="person",
        subject=scene.person.public_id,
        ground="case",
        paper="東京地方裁判所 令和8年（む）第1号",
        ends_on=today + timedelta(days=30),
        actor=scene.clerk,
        case=case,
    )
    now = timezone.now()
    scope = Scope(frozenset({scene.talk.room_id}), frozenset(), now - timedelta(days=1), now + timedelta(days=1))
    row = disclosures.ask(case=case, ground="order", reason="命令", scope=scope, alone=False, actor=scene.clerk)
    disclosures.approve(disclosure=row, actor=scene.operator)
    key = disclosures.make(disclosure=row, actor=scene.clerk)
    disclosures.open_extract(disclosure=row, key=key, actor=scene.clerk)
    return case


def end(case: Case, scene: Scene) -> None:
    for hold in case.holds.filter(lifted_at__isnull=True):
        lift_hold(hold=hold, reason="済み", actor=scene.operator)
    cases.close_case(case=case, outcome="given", reason="済み", actor=scene.clerk)


def plain(answer: Any) -> tuple[int, str, str]:
    """Status, target and body, without what differs at each answer."""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    text = re.sub(r'(csrfmiddlewaretoken" value|nonce|content)="[^"]{16,}"', "", body.decode(errors="replace"))
    return answer.status_code, answer.get("Location", ""), text


def looked_at(browser: Client, scene: Scene) -> dict[str, tuple[int, str, str]]:
    """What each page answers to somebody."""
    samples = SAMPLES | {"room_id": str(scene.talk.room_id), "ref": str(scene.person.public_id)}
    pages = [door.path for door in walk_doors(samples=samples) if door.kind == "page"]
    assert len(pages) > 90
    return {path: plain(browser.get(path)) for path in pages if not ACTING.search(path)}


def exported(person: User) -> dict[str, Any]:
    with zipfile.ZipFile(personal_data.export(person, themselves=True, language="ja")) as archive:
        found: dict[str, Any] = json.loads(archive.read("data.json"))
    return found


@pytest.mark.slow
def test_every_page_is_the_same_with_and_without_a_live_case(scene: Scene, make_staff: MakeStaff) -> None:
    """For the person concerned, for the other one, for a stranger, and for staff who hold no power over cases."""
    browsers = {
        "person": signed_in(scene.person),
        "partner": signed_in(scene.partner),
        "stranger": Client(),
        "moderator": signed_in(make_staff(Group.MODERATOR)),
    }
    for browser in browsers.values():
        looked_at(browser, scene)  # what a first visit notes is noted before
    before = {who: looked_at(browser, scene) for who, browser in browsers.items()}
    taken = exported(scene.person)
    case = warrant(scene, silent_until=timezone.localdate() + timedelta(days=90))
    for who, browser in browsers.items():
        after = looked_at(browser, scene)
        assert [path for path, answer in after.items() if answer != before[who][path]] == [], who
    assert exported(scene.person) == taken
    assert case.is_open


def test_leaving_is_the_same_with_and_without_a_hold(scene: Scene, clock: time_machine.Traveller) -> None:
    warrant(scene)
    assert personal_data.faults(scene.person) == personal_data.faults(scene.partner)
    personal_data.erase([scene.person])
    said = [set(entry.payload) for entry in LedgerEntry.objects.filter(event="account.erased")]
    assert all(keys <= {"account", "by", "open_words", "reason"} for keys in said)


# The ledger -----------------------------------------------------------------------------------------------------------

ABOUT: Final = ("case.", "disclosure.", "letter.", "hold.", "seal.")
SAYS: Final = {"case", "what", "sha256", "letter", "hold", "named", "until", "disclosure", "alone", "approval"}
"""All that entries about cases say while a case is live: ids of their own, digests, and that one person acted alone."""


def test_an_entry_says_that_there_is_a_case_and_nothing_of_it(scene: Scene) -> None:
    case = warrant(scene)
    entries = [entry for entry in LedgerEntry.objects.all() if entry.event.startswith(ABOUT)]
    assert {entry.event for entry in entries} >= {"case.opened", "hold.placed", "disclosure.made", "seal.opened"}
    assert {key for entry in entries for key in entry.payload} <= SAYS
    said = json.dumps([entry.payload for entry in entries], ensure_ascii=False)
    for secret in ("warrant", "裁判所", "order", "person", str(scene.person.public_id), str(scene.talk.room_id)):
        assert secret not in said
    for day in (case.received_on, timezone.localdate() + timedelta(days=30)):
        assert day.isoformat() not in said


@pytest.mark.parametrize(("group", "sees"), [(Group.MODERATOR, False), (Group.AUDITOR, True), (Group.COMPLIANCE, True)])
def test_the_record_is_for_those_who_hold_the_power_over_it(
    group: Group, *, sees: bool, scene: Scene, make_staff: MakeStaff
) -> None:
    warrant(scene)
    shown = signed_in(make_staff(group)).get("/desk/log/").content.decode()
    assert ("開示を承認" in shown) is sees


def test_a_proof_ends_before_a_live_disclosure_and_tells_it_once_its_case_ended(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(minutes=5))
    reached = LedgerEntry.objects.latest("seq").seq
    case = warrant(scene)
    clock.shift(timedelta(minutes=5))
    told = proof.bundle()
    events = [entry["event"] for entry in (*told["basis"], *told["entries"], told["after"])]
    assert not [event for event in events if event.startswith(("disclosure.", "seal."))]
    assert told["after"]["seq"] >= reached
    assert replay.check(told)[0] == []
    with pytest.raises(ValueError, match="period"):
        proof.bundle(NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        end(case, scene)
        told = proof.bundle()
    assert "disclosure.made" in [entry["event"] for entry in told["entries"]]
    assert replay.check(told)[0] == []
    assert ledger.verify() is None


def test_a_case_without_a_disclosure_keeps_no_proof_short(scene: Scene) -> None:
    """Anybody can open a case by the public form: nobody could hold up the proof by one."""
    cases.open_case(kind=papers.Kind.REMOVAL, actor=None, sender="x", received_on=timezone.localdate())
    assert proof.secret_from() is None
    assert "case.opened" in [entry["event"] for entry in proof.bundle()["entries"]]


# The counts -----------------------------------------------------------------------------------------------------------


def counts(today: date) -> list[int]:
    return [month.counts["disclosures"] for month in transparency.months(today)]


def test_a_disclosure_is_counted_in_public_once_nobody_has_to_be_silent(
    scene: Scene, clock: time_machine.Traveller
) -> None:
    last = timezone.localdate() + timedelta(days=90)
    case = warrant(scene, silent_until=last)
    for hold in case.holds.all():
        lift_hold(hold=hold, reason="済み", actor=scene.operator)
    for days in (0, 40, 50):
        clock.move_to(NOON + timedelta(days=days))
        with pytest.raises(ValidationError, match=r"until|まで"):
            cases.close_case(case=case, outcome="given", reason="済み", actor=scene.clerk)
        assert sum(counts(timezone.localdate())) == 0
    clock.move_to(NOON + timedelta(days=91))
    cases.close_case(case=case, outcome="given", reason="済み", actor=scene.clerk)
    clock.move_to(NOON + timedelta(days=130))
    assert sum(counts(timezone.localdate())) == 1


@pytest.mark.parametrize(("count", "shown"), [(0, "0"), (1, "1–4"), (4, "1–4"), (5, "5"), (12, "12")])
def test_small_numbers_about_people_are_not_told(count: int, shown: str) -> None:
    for name, column in transparency.COLUMNS.items():
        assert column.told(count) == (shown if name in {"disclosures", "reports"} else str(count))


def test_the_public_page_tells_no_small_number(client: Client, clock: time_machine.Traveller) -> None:
    for _each in range(2):
        ledger.append(Event.REPORT_FILED, actor=None, payload={})
    clock.move_to(NOON + timedelta(days=31))
    page = client.get("/legal/transparency/").content.decode()
    assert re.findall(r'<td class="figures">([^<]+)</td>', page) == ["0", "0", "1–4", "0"]


def test_the_public_interface_knows_features_and_nothing_of_cases(scene: Scene, client: Client) -> None:
    before = client.get("/api/gate/").json()
    warrant(scene)
    gate.reconcile()
    assert client.get("/api/gate/").json() == before
    assert Disclosure.objects.exists()


# What a hold keeps ----------------------------------------------------------------------------------------------------


def an_old_life(scene: Scene, by: User, clock: time_machine.Traveller) -> None:
    """Everything of the person is past its period: a talk, a report with its answer, an act, a sign-in."""
    room = rooms.create_open_room(actor=None, name="広場", slug="plaza")
    store([NewEvent(room.pk, Person.of(scene.partner), Message.Kind.MESSAGE, "宣伝")])
    report = safety.file_report(person=Person.of(scene.person), room="plaza", seqs=[1], reason=Reason.SPAM)
    safety.answer(report=report, outcome=Report.Outcome.NO_GROUND, note="", actor=by)
    safety.act(
        kind=Sanction.Kind.WARN, user=scene.person, actor=by, room=None, until=None, reason="x", rule=Reason.SPAM
    )
    rooms.leave_room(person=Person.of(scene.person), room=scene.talk.room_id)
    User.objects.filter(pk=scene.person.pk).update(last_login=timezone.now())
    clock.shift(timedelta(days=400))


@pytest.mark.parametrize("held", [False, True])
def test_what_a_hold_keeps_past_its_period_is_shown_to_nobody(
    *, held: bool, scene: Scene, make_staff: MakeStaff, clock: time_machine.Traveller
) -> None:
    """Whoever finds more in an export than the retention table allows would know that somebody asks about them."""
    if held:
        subject = scene.person.public_id
        holds.place(scope="person", subject=subject, ground="order", paper="命令", ends_on=None, actor=scene.clerk)
    an_old_life(scene, make_staff(Group.MODERATOR), clock)
    retention.purge()
    scene.person.refresh_from_db()
    assert (scene.person.last_login is not None) is held
    assert Sanction.objects.exists() is Report.objects.exists() is Pairing.objects.exists() is held
    taken = exported(scene.person)
    assert taken["account"][0]["signed_in_at"] is None
    for section in ("closed_rooms", "matches", "reports", "acts", "waiting"):
        assert taken[section] == [], section
    browser = signed_in(scene.person)
    assert "宣伝" not in browser.get("/reports/").content.decode()
    assert browser.get("/appeals/").context["own"] == []
    card = signed_in(make_staff(Group.MODERATOR)).get(f"/desk/people/{scene.person.public_id}/")
    assert card.status_code == 200
    assert "以前の注意" not in card.content.decode()
