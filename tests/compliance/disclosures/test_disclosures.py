"""Nobody reads a word of closed talk without a second person, but for the operator alone, on record and reviewed."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from chat import matching
from chat.messages import NewEvent
from chat.models import Message, User
from chat.people import Person
from compliance import cases, disclosures, vault
from compliance.disclosures import Scope
from compliance.law import papers
from compliance.law.powers import Group
from compliance.models import Case, Disclosure, LedgerEntry
from compliance.records import ledger, transparency
from tests.conftest import TOTP_SECRET, MakeStaff, MakeUser, proven, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db
SAID = "ここだけの秘密の話"


@pytest.fixture(autouse=True)
def own_evidence(settings: Any, tmp_path: Path) -> None:
    settings.EVIDENCE_ROOT = tmp_path


@pytest.fixture
def talk(make_member: MakeUser, turn_keys: Callable[[], Any]) -> Message:
    """A word said in a closed talk."""
    turn_keys()
    first, second = make_member(), make_member()
    for person in (first, second):
        matching.seek(person=Person.of(person))
    match = matching.pair(second.pk)
    assert match is not None
    store([NewEvent(match.room, Person.of(first), Message.Kind.MESSAGE, SAID)])
    return Message.objects.get(room=match.room, seq=Message.objects.filter(room=match.room).latest("seq").seq)


def scope(talk: Message, **changes: Any) -> Scope:
    now = timezone.now()
    found = {"rooms": frozenset({talk.room_id}), "people": frozenset(), "since": now - timedelta(days=1)}
    return Scope(**{**found, "until": now + timedelta(days=1), **changes})


def a_warrant(actor: User) -> Case:
    case = cases.open_case(kind=papers.Kind.WARRANT, actor=actor, sender="地方裁判所", received_on=timezone.localdate())
    cases.add_paper(case=case, upload=SimpleUploadedFile("令状.pdf", b"%PDF-1.7 warrant"), actor=actor)
    return case


def ask(actor: User, talk: Message, *, case: Case | None = None, alone: bool = False, **changes: Any) -> Disclosure:
    ground = "order" if case else "danger"
    return disclosures.ask(
        case=case, ground=ground, reason="命じられた記録のため", scope=scope(talk, **changes), alone=alone, actor=actor
    )


def words(content: bytes) -> list[str | None]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return [record["body"] for record in json.loads(archive.read("records.json"))["records"]]


def events() -> list[str]:
    return list(LedgerEntry.objects.order_by("seq").values_list("event", flat=True))


def test_a_warrant_opens_one_extract_with_two_persons(talk: Message, make_staff: MakeStaff, tmp_path: Path) -> None:
    clerk, operator = make_staff(Group.COMPLIANCE), make_staff(Group.OPERATOR)
    row = ask(clerk, talk, case=a_warrant(clerk))
    with pytest.raises(ValidationError):
        disclosures.make(disclosure=row, actor=clerk)
    disclosures.approve(disclosure=row, actor=operator)
    key = disclosures.make(disclosure=row, actor=clerk)
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SAID.encode() not in kept
    with pytest.raises(ValidationError):
        disclosures.open_extract(disclosure=row, key="00" * 32, actor=clerk)
    assert SAID in words(disclosures.open_extract(disclosure=row, key=key, actor=clerk))
    with pytest.raises(ValidationError):
        disclosures.open_extract(disclosure=row, key=key, actor=clerk)
    with pytest.raises(ValidationError):
        disclosures.make(disclosure=row, actor=clerk)
    told = ["disclosure.requested", "disclosure.approved", "seal.opened", "disclosure.made", "disclosure.opened"]
    assert [event for event in events() if event.startswith(("disclosure.", "seal."))] == told
    assert ledger.verify() is None
    assert SAID not in str(list(LedgerEntry.objects.values_list("payload", flat=True)))


def test_the_scope_is_the_least(talk: Message, make_staff: MakeStaff) -> None:
    operator = make_staff(Group.OPERATOR)
    assert talk.author is not None
    with pytest.raises(ValidationError):
        ask(operator, talk, alone=True, rooms=frozenset(), people=frozenset())
    with pytest.raises(ValidationError):
        ask(operator, talk, alone=True, rooms=frozenset({uuid4()}))
    for changes, found in (
        ({"people": frozenset({talk.author.public_id})}, True),
        ({"people": frozenset({operator.public_id})}, False),
        ({"until": talk.at}, False),
        ({"since": talk.at}, True),
        ({"rooms": frozenset(), "people": frozenset({talk.author.public_id})}, True),
    ):
        row = ask(operator, talk, alone=True, **changes)
        key = disclosures.make(disclosure=row, actor=operator)
        content = disclosures.open_extract(disclosure=row, key=key, actor=operator)
        assert (SAID in words(content)) is found, changes


def test_the_operator_alone_leaves_a_review_that_somebody_else_makes(talk: Message, make_staff: MakeStaff) -> None:
    clerk, operator = make_staff(Group.COMPLIANCE), make_staff(Group.OPERATOR)
    with pytest.raises(PermissionDenied):
        ask(clerk, talk, alone=True)
    row = ask(operator, talk, alone=True)
    key = disclosures.make(disclosure=row, actor=operator)
    assert SAID in words(disclosures.open_extract(disclosure=row, key=key, actor=operator))
    assert list(disclosures.awaiting_review()) == [row]
    assert disclosures.review_due(row) == timezone.localdate(row.asked_at) + timedelta(days=7)
    with pytest.raises(PermissionDenied):
        disclosures.review(disclosure=row, finding="問題なし", actor=operator)
    shown = signed_in(clerk).get("/desk/disclosures/").content.decode()
    assert f"/desk/disclosures/{row.pk}/" in shown
    disclosures.review(disclosure=row, finding="範囲は最小限だった", actor=clerk)
    assert not disclosures.awaiting_review().exists()


def test_an_order_takes_its_case_and_its_paper(talk: Message, make_staff: MakeStaff) -> None:
    clerk = make_staff(Group.COMPLIANCE)
    today = timezone.localdate()
    letter = cases.open_case(kind=papers.Kind.POLICE_INQUIRY, actor=clerk, sender="警察署", received_on=today)
    bare = cases.open_case(kind=papers.Kind.WARRANT, actor=clerk, sender="裁判所", received_on=today)
    for case in (letter, bare):
        with pytest.raises(ValidationError):
            ask(clerk, talk, case=case)


def test_the_vault_opens_nothing_without_a_disclosure(talk: Message, make_staff: MakeStaff) -> None:
    clerk = make_staff(Group.COMPLIANCE)
    place = vault.Place(talk.room_id, talk.seq, talk.author_id, talk.kind)
    asked = ask(clerk, talk)
    for disclosure in (uuid4(), asked.pk):
        with transaction.atomic(), pytest.raises(vault.Unsealable):
            vault.unseal_disclosed(disclosure, [(place, bytes(talk.sealed or b""))])
    assert "seal.opened" not in events()


def test_the_database_takes_nobody_for_their_own_second_person(talk: Message, make_staff: MakeStaff) -> None:
    row = ask(make_staff(Group.COMPLIANCE), talk)
    for changes in ({"approved_by": row.asked_by}, {"made_at": timezone.now()}):
        with transaction.atomic(), pytest.raises(IntegrityError):
            Disclosure.objects.filter(pk=row.pk).update(**changes)


@pytest.mark.parametrize("another", [False, True])
def test_whoever_has_both_powers_acts_alone_only_where_nobody_else_is(
    talk: Message, make_staff: MakeStaff, gate_operator: User, *, another: bool
) -> None:
    """A small service has one person for everything; an order does not wait until there are two."""
    gate_operator.is_active = False  # whoever turned the keys for the talk has left
    gate_operator.save()
    sole = make_staff(Group.OPERATOR, Group.COMPLIANCE)
    # Whoever turned the keys for the talk has left since.
    User.objects.exclude(pk=sole.pk).filter(is_superuser=True).update(is_superuser=False)
    if another:
        make_staff(Group.OPERATOR)
    case, now = a_warrant(sole), timezone.localtime()
    asked = {
        "ground": "order",
        "reason": "命じられた記録",
        "rooms": str(talk.room_id),
        "since": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}",
        "until": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M}",
    }
    assert proven(sole).post(f"/desk/disclosures/new/?case={case.pk}", asked).status_code == 302
    row = Disclosure.objects.get()
    assert row.alone is not another
    assert disclosures.awaiting_review().filter(pk=row.pk).exists() is row.alone


ACTS = ("ask", "ask alone", "approve", "refuse", "make", "open", "review")
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5)), max_size=14)
PEOPLE = (
    (Group.OPERATOR,),
    (Group.COMPLIANCE,),
    (Group.COMPLIANCE, Group.OPERATOR),
    (Group.MODERATOR,),
    (Group.AUDITOR,),
    (Group.OPERATOR,),
)


@given(steps=STEPS)
@given_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_sequence_of_acts_yields_a_word_without_a_second_person(
    steps: list[tuple[str, int]], talk: Message, make_staff: MakeStaff
) -> None:
    """Whoever does whatever in whatever order: a word takes two, or it is the operator's own and waits for a review."""
    with transaction.atomic():
        staff = [make_staff(*groups) for groups in PEOPLE]
        keys: dict[Any, str] = {}
        for act, number in steps:
            actor, row = staff[number], Disclosure.objects.order_by("-asked_at").first()
            try:
                with transaction.atomic():
                    if act.startswith("ask"):
                        ask(actor, talk, alone=act == "ask alone")
                    elif row is None:
                        continue
                    elif act == "approve":
                        disclosures.approve(disclosure=row, actor=actor)
                    elif act == "refuse":
                        disclosures.refuse(disclosure=row, reason="範囲が広い", actor=actor)
                    elif act == "make":
                        keys[row.pk] = disclosures.make(disclosure=row, actor=actor)
                    elif act == "review":
                        disclosures.review(disclosure=row, finding="確認した", actor=actor)
                    else:
                        found = disclosures.open_extract(disclosure=row, key=keys.get(row.pk, ""), actor=actor)
                        assert SAID in words(found)
                        row.refresh_from_db()
                        second = row.approved_by_id is not None and row.approved_by_id != row.asked_by_id
                        operators_own = row.alone and Group.OPERATOR in PEOPLE[number]
                        assert second or operators_own
                        mine = LedgerEntry.objects.filter(payload__disclosure=str(row.pk))
                        assert mine.filter(event="seal.opened").exists()
                        if not second:
                            assert row.reviewed_by_id != row.asked_by_id
                            assert row.reviewed_at or row in disclosures.awaiting_review()
            except (PermissionDenied, ValidationError):
                pass
        transaction.set_rollback(True)


def agreed(talk: Message, make_staff: MakeStaff, *, paper: bool) -> tuple[User, Disclosure, str]:
    """An extract that two persons made: who asked, the disclosure, the key."""
    clerk = make_staff(Group.COMPLIANCE)
    row = ask(clerk, talk, case=a_warrant(clerk) if paper else None)
    disclosures.approve(disclosure=row, actor=make_staff(Group.OPERATOR))
    return clerk, row, disclosures.make(disclosure=row, actor=clerk)


def test_the_key_is_stored_nowhere_while_its_holder_shows_who_they_are(talk: Message, make_staff: MakeStaff) -> None:
    clerk, row, key = agreed(talk, make_staff, paper=True)
    page = f"/desk/disclosures/{row.pk}/"
    answer = signed_in(clerk).post(page, {"act": "open", "key": key}, REMOTE_ADDR="203.0.113.9")
    assert answer.status_code == 302
    assert "reauthenticate" in answer["Location"]
    kept = json.dumps([session.get_decoded() for session in Session.objects.all()])
    assert key not in kept
    assert proven(clerk).post(page, {"act": "open", "key": key}).headers["Content-Type"] == "application/zip"


def test_a_closed_case_opens_nothing_and_takes_no_further_disclosure(talk: Message, make_staff: MakeStaff) -> None:
    clerk, row, key = agreed(talk, make_staff, paper=True)
    before = row.case
    assert before is not None
    case = Case.objects.get(pk=before.pk)
    cases.close_case(case=case, outcome="given", reason="済み", actor=clerk)
    with pytest.raises(ValidationError):
        disclosures.open_extract(disclosure=row, key=key, actor=clerk)
    with pytest.raises(ValidationError):  # by a page that was read before the case ended
        ask(clerk, talk, case=before)


def test_what_two_persons_open_in_danger_is_counted_without_a_case(talk: Message, make_staff: MakeStaff) -> None:
    agreed(talk, make_staff, paper=False)
    later = timezone.localdate() + timedelta(days=40)
    assert sum(month.counts["disclosures"] for month in transparency.months(later)) == 1


def test_what_was_typed_comes_back_once_its_writer_showed_who_they_are(
    talk: Message, make_staff: MakeStaff, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    clerk = make_staff(Group.COMPLIANCE)
    browser, page = signed_in(clerk), f"/desk/disclosures/new/?case={a_warrant(clerk).pk}"
    asked = browser.post(page, {"ground": "order", "reason": "長く書いた理由"})
    code = format_hotp_value(hotp_value(TOTP_SECRET, int(time.time()) // 30))
    answer = browser.post(asked["Location"], {"code": code})
    shown = answer.content.decode()
    assert "長く書いた理由" in shown, "and what lacks is asked for"
    assert f'action="{page}"' in shown, "the form leads back to its own page"


@pytest.mark.parametrize("leaves", ["who asked", "who agreed", "who began alone"])
def test_what_nobody_can_carry_out_any_more_is_refused_and_its_case_ends(
    leaves: str, talk: Message, make_staff: MakeStaff
) -> None:
    clerk, operator, second = make_staff(Group.COMPLIANCE), make_staff(Group.OPERATOR), make_staff(Group.OPERATOR)
    alone = leaves == "who began alone"
    case, asker = a_warrant(clerk), second if alone else make_staff(Group.COMPLIANCE)
    row = ask(asker, talk, case=case, alone=alone)
    if not alone:
        disclosures.approve(disclosure=row, actor=second)
    page, refusal = f"/desk/disclosures/{row.pk}/", {"act": "refuse", "reason": "担当者が退職"}
    proven(operator).post(page, refusal)
    row.refresh_from_db()
    assert row.refused_at is None, "whoever asked can still carry it out"
    (asker if leaves == "who asked" else second).groups.clear()
    assert 'value="refuse"' in proven(operator).get(page).content.decode()
    assert proven(operator).post(page, refusal).status_code == 302
    cases.close_case(case=case, outcome="void", reason="済み", actor=clerk)
    assert "disclosure.refused" in events()
