"""Somebody in each role, and one of each thing that somebody can have a right to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from chat import matching, rooms, safety
from chat.messages import NewEvent
from chat.models import Message, Reason, Room, Sanction, User
from chat.people import Person, enter_as_guest
from chat.safety.mails import token_of
from compliance import cases, disclosures
from compliance.disclosures import Scope
from compliance.law import papers
from compliance.law.powers import Group
from compliance.models import Approval, Authorisation, Feed, LedgerEntry, Signature
from compliance.powers import inviting
from compliance.records import approvals, holds, ledger
from compliance.testing import walk_doors
from tests.conftest import MakeStaff, MakeUser, give_factor, proven
from tests.kit.store import store
from tests.rights.table import STAFF


@pytest.fixture(autouse=True)
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps a stream from giving back the connection that the test itself uses, as Django's own test client does."""
    monkeypatch.setattr("chat.people.frames.close_old_connections", lambda: None)


STAND_INS: Final = {
    name: f"00000000-0000-4000-8000-0000000000{number:02}"
    for number, name in enumerate(
        ("ref", "key", "object_id", "id", "report_id", "case_id", "disclosure_id", "token"), start=10
    )
} | {"paper_id": "99999"}
"""Values that fit wherever a parameter of this name stands; an address then gets the one that fits what it is about."""


@dataclass(slots=True)
class World:
    """Somebody in each role, and one of each thing that a page is about."""

    who: dict[str, User]
    room: Room
    talk: Any
    samples: dict[str, dict[str, str]]
    """Values of a page's parameters, by the beginning of its pattern: the longest that fits counts."""

    def browser(self, role: str) -> Client:
        """A browser of this role, as they come to the door."""
        person = self.who.get(role)
        return Client() if person is None else proven(person)


@pytest.fixture
def world(
    make_staff: MakeStaff,
    make_member: MakeUser,
    operator: User,
    turn_keys: Callable[[], Any],
    settings: Any,
    tmp_path: Path,
) -> World:
    """Everything that there is to have a right to."""
    settings.EVIDENCE_ROOT = tmp_path
    settings.CHAT_RATE_LIMITS = False
    turn_keys()
    who = {name: make_member(name) for name in ("member", "owner", "keeper", "partner", "culprit")}
    give_factor(who["owner"])
    who |= {group.value: make_staff(group) for group in Group} | {"superuser": operator}
    who["factorless"] = make_staff(Group.OPERATOR)
    who["factorless"].authenticator_set.all().delete()  # type: ignore[attr-defined]
    who["suspended"] = make_staff(Group.OPERATOR, Group.MODERATOR)
    who["guest"] = enter_as_guest(nickname="旅人")
    for role in STAFF | {"factorless"}:
        EmailAddress.objects.get_or_create(user=who[role], email=who[role].email, verified=True, primary=True)
    room = rooms.create_open_room(actor=who["owner"], name="広場", slug="square")
    safety.name_keeper(room=room, actor=who["owner"], user=who["keeper"])
    for name in ("member", "partner"):
        matching.seek(person=Person.of(who[name]))
    match = matching.pair(who["partner"].pk)
    assert match is not None
    store([NewEvent(match.room, Person.of(who["partner"]), Message.Kind.MESSAGE, "内緒")])
    store([NewEvent(room.pk, Person.of(who["culprit"]), Message.Kind.MESSAGE, "宣伝です")])
    said = Message.objects.filter(room=room).latest("seq").seq
    report = safety.file_report(person=Person.of(who["partner"]), room=room.key, seqs=[said], reason="spam")
    act = safety.act(
        kind=Sanction.Kind.WARN, user=who["culprit"], actor=who["moderator"], reason="宣伝", rule=Reason.SPAM
    )
    world = World(who, room, match.room, {})
    world.samples = _samples(world, str(report), token_of(act))
    User.objects.filter(pk=who["suspended"].pk).update(is_active=False)
    return world


def _samples(world: World, report: str, appeal: str) -> dict[str, dict[str, str]]:
    clerk, runner = world.who["compliance"], world.who["operator"]
    now, today = timezone.now(), timezone.localdate()
    case = cases.open_case(kind=papers.Kind.WARRANT, actor=clerk, sender="地方裁判所", received_on=today)
    paper = cases.add_paper(case=case, upload=SimpleUploadedFile("令状.pdf", b"%PDF-1.7 warrant"), actor=clerk)
    scope = Scope(frozenset({world.talk}), frozenset(), now - timedelta(days=1), now + timedelta(days=1))
    disclosure = disclosures.ask(
        case=case, ground="order", reason="命じられた記録", scope=scope, alone=False, actor=clerk
    )
    hold = holds.place(
        scope="person",
        subject=world.who["culprit"].public_id,
        ground="order",
        paper="裁判所 第1号",
        ends_on=today + timedelta(days=9),
        actor=clerk,
    )
    asked = holds.ask_to_lift(hold=hold, reason="済み", actor=runner)
    Approval.objects.create(
        kind=Approval.Kind.HOLD_LIFT,
        subject=str(hold.pk),
        what={"n": 1},
        reason="外部の人",
        requested_by=runner,
        alone_from=now,
        outside_name="外",
        outside_digest=approvals.digest("outside"),
    )
    invitation = _invitation(world, runner)
    secret = "calendar-of-an-operator"  # noqa: S105 -- of a test's feed
    Feed.objects.create(owner=runner, token_hash=hashlib.sha256(secret.encode()).hexdigest(), language="ja")
    return {
        "/": {
            "slug": str(world.room.slug),
            "room_id": str(world.talk),
            "token": "wrong",
            "item_id": "LAW-01",
            "app_label": "compliance",
        },
        "/appeals/": {"token": appeal},
        "/desk/reports/": {"report_id": report},
        "/desk/people/": {"ref": str(world.who["culprit"].public_id)},
        "/desk/cases/": {"case_id": str(case.pk), "paper_id": str(paper.pk)},
        "/desk/disclosures/": {"disclosure_id": str(disclosure.pk)},
        "/desk/approvals/": {"key": str(asked.pk)},
        "/desk/second/": {"token": "outside"},
        "/desk/staff/": {"ref": ledger.actor_of(world.who["moderator"]).ref},
        "/desk/invitations/": {"key": invitation[0]},
        "/desk/invitation/": {"token": invitation[1]},
        "/operator/assess/": {"key": "n1"},
        "/operator/calendar/": {"key": secret},
        "/admin/": {"app_label": "compliance"},
        "/admin/compliance/hold/": {"object_id": str(hold.pk)},
        "/admin/compliance/ledgerentry/": {"object_id": str(LedgerEntry.objects.latest("seq").pk)},
        "/admin/compliance/signature/": {"object_id": str(Signature.objects.latest("pk").pk)},
        "/admin/compliance/authorisation/": {"object_id": str(_period())},
        "/admin/compliance/checklist/": {"item_id": "LAW-01", "key": "evidence"},
        "/admin/chat/user/": {"object_id": str(world.who["member"].pk), "id": str(world.who["member"].pk)},
        "/admin/chat/room/": {"object_id": str(world.room.pk)},
        "/admin/account/emailaddress/": {"object_id": str(EmailAddress.objects.latest("pk").pk)},
    }


def _invitation(world: World, runner: User) -> tuple[str, str]:
    """Invite the owner of the room: asked for by one operator, agreed to by compliance."""
    made = inviting.ask_to_invite(
        address=str(world.who["owner"].email), group=Group.AUDITOR, reason="監査", actor=runner
    )
    approvals.approve(approval=made.approval, actor=world.who["compliance"])
    invitation, token = inviting.send(approval=made.approval, actor=runner)
    return str(invitation.pk), token


def _period() -> int:
    return int(Authorisation.objects.latest("pk").pk)


def doors(world: World) -> Iterator[tuple[str, str]]:
    """Every page's pattern and address, about what there is in the world."""
    for door in walk_doors(samples=world.samples["/"] | STAND_INS):
        if door.kind != "page":
            continue
        path = door.path
        for start in sorted(world.samples, key=len, reverse=True):  # the longest that fits counts
            if door.name.startswith(start):
                for name, value in world.samples[start].items():
                    path = path.replace(STAND_INS[name], value) if name in STAND_INS else path
        yield door.name, path
