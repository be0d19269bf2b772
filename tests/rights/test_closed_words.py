"""Whatever staff do at whatever door: no word of a closed talk comes out that no party handed over.

Two persons, or the operator alone on an order or in present danger, are the one way; it leaves entries, and alone an
open review. And whatever staff change leaves an entry.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Final
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as walk_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chat import matching, rooms, safety
from chat.messages import NewEvent
from chat.models import Keeper, Message, Report, Room, Sanction, User
from chat.people import Person
from compliance import cases, disclosures
from compliance.law import papers
from compliance.law.powers import Group
from compliance.models import Approval, Case, Disclosure, Hold, LedgerEntry
from compliance.testing import walk_doors
from tests.conftest import MakeStaff, MakeUser, proven
from tests.kit.store import store
from tests.test_every_door import SAMPLES

STAFF: Final = ("operator", "second operator", "clerk", "moderator", "auditor", "superuser")
ALONE: Final = {"operator", "second operator", "superuser"}
"""Who may carry out an order, or act in danger, alone."""
COUNT: Final = 4
staff = st.sampled_from(STAFF)
askers = st.sampled_from(("clerk", "clerk", "operator", *STAFF))
answerers = st.sampled_from(("moderator", "moderator", *STAFF))
doers = st.sampled_from(("who asked", "who asked", "second operator", *STAFF))
"""Those who make something happen come more often than those who are only refused."""
nth = st.integers(0, COUNT - 1)


def secret(number: int) -> str:
    """A word of the talk."""
    return f"だれにも言わないで{number}番"


class Desk(RuleBasedStateMachine):
    """Six members of staff, a talk of two people, and every page of the service."""

    browsers: ClassVar[dict[str, Client]]
    who: ClassVar[dict[str, User]]
    parties: ClassVar[list[User]]
    talk: ClassVar[UUID]
    case: ClassVar[Case]
    doors: ClassVar[list[str]]

    def __init__(self) -> None:
        super().__init__()
        self.begun = False
        self.handed_over: set[int] = set()
        self.disclosed: dict[UUID, str] = {}
        self.keys: dict[UUID, str] = {}

    @initialize()
    def begin(self) -> None:
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.begun = True

    # --- what staff try -----------------------------------------------------------------------------------------------

    @rule(who=staff, at=st.integers(0, 10_000), post=st.booleans(), act=st.sampled_from(["", "warn", "search", "look"]))
    def knock(self, who: str, at: int, act: str, *, post: bool) -> None:
        """Somebody opens any page, or sends something there."""
        path = self.doors[at % len(self.doors)]
        if post:
            self._send(who, path, _SENT.get(act, {}))
        else:
            self._read(who, path, {"q": secret(0)[:6]} if act == "search" else {})

    @rule(who=staff, kind=st.sampled_from(["warn", "mute", "suspend"]))
    def act_on_a_party(self, who: str, kind: str) -> None:
        """Somebody acts on somebody who talks there."""
        fields = {"do": "act", "kind": kind, "rule": "spam", "reason": "規約違反", "span": "604800"}
        self._send(who, f"/desk/people/{self.parties[0].public_id}/", fields)

    @rule(number=nth)
    def hand_over(self, number: int) -> None:
        """A party reports one word."""
        person = Person.of(self.parties[1])
        safety.file_report(person=person, room=self.talk, seqs=[self.seqs[number]], reason="threat")
        self.handed_over.add(number)

    seqs: ClassVar[list[int]]

    @rule(who=answerers, index=nth, outcome=st.sampled_from(["", "no_ground"]))
    def deal_with_a_report(self, who: str, index: int, outcome: str) -> None:
        """Somebody opens a report, or answers it."""
        found = list(Report.objects.order_by("filed_at"))
        if found:
            path = f"/desk/reports/{found[index % len(found)].pk}/"
            if outcome:
                self._send(who, path, {"outcome": outcome, "note": "見ました"})
            else:
                self._read(who, path)

    @rule(who=askers, on_paper=st.booleans())
    def ask(self, who: str, *, on_paper: bool) -> None:
        """Somebody asks for a look into the talk, or carries an order out alone."""
        now = timezone.localtime()
        fields = {
            "ground": "order" if on_paper else "danger",
            "reason": "命じられた記録",
            "rooms": str(self.talk),
            "people": "",
            "since": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}",
            "until": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
        }
        path = "/desk/disclosures/new/" + (f"?case={self.case.pk}" if on_paper else "")
        before = set(Disclosure.objects.values_list("pk", flat=True))
        self._send(who, path, fields)
        for row in Disclosure.objects.exclude(pk__in=before):
            assert who in ALONE | {"clerk"}
            assert row.alone is (who in ALONE)
            self.disclosed[row.pk] = who

    @rule(who=askers, on_paper=st.booleans())
    def hurry(self, who: str, *, on_paper: bool) -> None:
        """Somebody asks, makes the extract and opens it, and waits for nobody."""
        before = set(self.disclosed)
        self.ask(who=who, on_paper=on_paper)
        for key in set(self.disclosed) - before:
            for act in ("make", "open"):
                self._work(who, key, act)

    @rule(who=doers, index=nth, act=st.sampled_from(["approve", "refuse", "make", "open", "review"]))
    def work_on_a_disclosure(self, who: str, index: int, act: str) -> None:
        """Somebody does with a disclosure whatever its page offers, or does not."""
        found = sorted(self.disclosed)
        if not found:
            return
        key = found[index % len(found)]
        self._work(self.disclosed[key] if who == "who asked" else who, key, act)

    def _work(self, who: str, key: UUID, act: str) -> None:
        row = Disclosure.objects.get(pk=key)
        fields = {"act": act, "reason": "いいえ", "finding": "相当", "key": self.keys.get(key, "00" * 32)}
        answer = self._send(who, f"/desk/disclosures/{key}/", fields, opens=row if act == "open" else None)
        made = Disclosure.objects.get(pk=key)
        if act == "make" and made.made_at and not row.made_at:
            assert who == self.disclosed[key]
            assert made.alone or (made.approved_by_id and made.approved_by_id != made.asked_by_id)
            self.keys[key] = answer.context["key"]

    # --- always -------------------------------------------------------------------------------------------------------

    @invariant()
    def what_was_done_alone_waits_for_its_review(self) -> None:
        if not self.begun:
            return
        for row in Disclosure.objects.filter(alone=True, made_at__isnull=False, reviewed_at__isnull=True):
            assert disclosures.awaiting_review().filter(pk=row.pk).exists()
            told = LedgerEntry.objects.filter(payload__disclosure=str(row.pk))
            assert {"disclosure.requested", "disclosure.made"} <= set(told.values_list("event", flat=True))
        for row in Disclosure.objects.filter(reviewed_at__isnull=False):
            assert row.reviewed_by_id != row.asked_by_id

    def teardown(self) -> None:
        """Forget the walk."""
        if self.begun:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    # --- the pages ----------------------------------------------------------------------------------------------------

    def _read(self, who: str, path: str, query: dict[str, str] | None = None) -> None:
        self._check(who, self._browser(who).get(path, query or {}))

    def _send(self, who: str, path: str, fields: dict[str, str], *, opens: Disclosure | None = None) -> Any:
        before, entries = _changeable(), LedgerEntry.objects.count()
        answer = self._browser(who).post(path, fields)
        if _changeable() != before:
            assert LedgerEntry.objects.count() > entries, f"{who} changed something at {path}, without an entry"
        self._check(who, answer, opens=opens)
        return answer

    def _browser(self, who: str) -> Client:
        browser = Client()
        browser.cookies.load({name: morsel.value for name, morsel in self.browsers[who].cookies.items()})
        return browser

    def _check(self, who: str, answer: Any, *, opens: Disclosure | None = None) -> None:
        """Compare what an answer shows with what may be seen."""
        told = "".join(_texts(answer))
        seen = {number for number in range(COUNT) if secret(number) in told}
        if not seen:
            return
        if opens is not None and answer["Content-Type"] == "application/zip":
            assert who == self.disclosed[opens.pk]
            assert opens.alone or opens.approved_by_id not in {None, opens.asked_by_id}
            assert opens.opened_at is None, "an extract is opened once"
            return
        assert seen <= self.handed_over, f"{who} sees words that nobody handed over"
        assert who != "auditor"


_SENT: Final[dict[str, dict[str, str]]] = {
    "warn": {"act": "approve", "do": "rules", "outcome": "acted", "reason": "規約違反", "slow_seconds": "30"},
    "search": {"q": "番", "act": "open", "key": "00" * 32},
    "look": {"act": "make", "do": "lift", "_confirm": "1", "intent": "pull"},
}
"""What is sent to pages at random."""


def _texts(answer: Any) -> Iterator[str]:
    body = b"" if answer.streaming else answer.content  # what streams is of rooms, and asks who may read them
    yield body.decode(errors="replace")
    yield str(answer.headers)
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield archive.read(name).decode(errors="replace").encode().decode("unicode_escape", errors="ignore")
                yield archive.read(name).decode(errors="replace")


def _changeable() -> list[Any]:
    """What acts of staff change."""
    return [
        list(Sanction.objects.order_by("pk").values_list("pk", "lifted_at")),
        list(Report.objects.order_by("pk").values_list("pk", "answered_at")),
        list(Hold.objects.order_by("pk").values_list("pk", "lifted_at", "ends_on")),
        list(Case.objects.order_by("pk").values_list("pk", "closed_at", "done", "named_on")),
        list(Disclosure.objects.order_by("pk").values_list("pk", "approved_at", "refused_at", "made_at", "opened_at")),
        list(Approval.objects.order_by("pk").values_list("pk", "decided_at", "done_at", "withdrawn_at")),
        list(Keeper.objects.order_by("pk").values_list("pk")),
        list(Room.objects.order_by("pk").values_list("pk", "slow_seconds", "members_only", "archived_at")),
        list(User.objects.order_by("pk").values_list("pk", "is_active", "is_staff", "is_superuser", "groups")),
    ]


def _doors(**samples: str) -> list[str]:
    """Every page that staff could try."""
    pages = [door for door in walk_doors(samples=SAMPLES | samples) if door.kind == "page"]
    left_out = ("/accounts/", "/i18n/", "/demo/", "/metrics", "/admin/logout/", "/account/leave/")
    return [door.path for door in pages if not door.path.startswith(left_out)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(12, 25, id="briefly"), pytest.param(300, 60, id="long", marks=pytest.mark.long)],
)
def test_no_word_of_a_closed_talk_comes_out_unless_a_party_or_two_persons_open_it(
    make_staff: MakeStaff,
    make_member: MakeUser,
    operator: User,
    turn_keys: Callable[[], Any],
    settings: Any,
    tmp_path: Path,
    examples: int,
    steps: int,
) -> None:
    settings.EVIDENCE_ROOT = tmp_path
    settings.CHAT_RATE_LIMITS = False
    turn_keys()
    Desk.parties = [make_member("あ"), make_member("い")]
    for person in Desk.parties:
        matching.seek(person=Person.of(person))
    match = matching.pair(Desk.parties[1].pk)
    assert match is not None
    Desk.talk = match.room
    author = Person.of(Desk.parties[0])
    store([NewEvent(match.room, author, Message.Kind.MESSAGE, secret(number)) for number in range(COUNT)])
    written = Message.objects.filter(room=match.room, kind="message").order_by("seq")
    Desk.seqs = list(written.values_list("seq", flat=True))
    groups = {"operator": Group.OPERATOR, "second operator": Group.OPERATOR, "clerk": Group.COMPLIANCE}
    groups |= {"moderator": Group.MODERATOR, "auditor": Group.AUDITOR}
    Desk.who = {name: make_staff(group) for name, group in groups.items()} | {"superuser": operator}
    Desk.browsers = {name: proven(person) for name, person in Desk.who.items()}
    clerk = Desk.who["clerk"]
    Desk.case = cases.open_case(
        kind=papers.Kind.WARRANT, actor=clerk, sender="地方裁判所", received_on=timezone.localdate()
    )
    cases.add_paper(case=Desk.case, upload=SimpleUploadedFile("令状.pdf", b"%PDF-1.7 warrant"), actor=clerk)
    rooms.create_open_room(actor=Desk.parties[1], name="広場", slug="square")
    Desk.doors = _doors(
        slug="square", room_id=str(match.room), case_id=str(Desk.case.pk), ref=str(Desk.parties[0].public_id)
    )
    assert len(Desk.doors) > 60
    run_state_machine_as_test(
        Desk,
        settings=walk_settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
