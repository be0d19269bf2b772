"""Whatever staff do, in whatever order: a dangerous act is carried out by two persons, once, in time, as it was asked.

A walk of Hypothesis asks, answers, withdraws, carries out, takes powers, changes what was asked for, and lets days
pass. A model beside it, written from the contract, says at each step whether an act may be carried out. Both agree.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth import models as auth
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck
from hypothesis import settings as walk_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chat.models import User
from compliance import gate
from compliance.law.powers import Group
from compliance.models import Approval, Hold, LedgerEntry
from compliance.powers import Grant, ask_to_give, ask_to_reinstate, ask_to_remove_factors
from compliance.powers.approval_pages import carry_out
from compliance.records import approvals, holds, ledger
from tests.conftest import MakeStaff, MakeUser, give_factor

NOON: Final = datetime(2026, 6, 1, 3, tzinfo=UTC)
DAY, WEEK = timedelta(hours=24), timedelta(days=7)
ASKS: Final = {"stop": {"operator"}, "hold": {"operator", "compliance"}, "give": {"operator"}, "factor": {"operator"}}
ASKS["back"] = {"operator"}
SECOND: Final = {"operator", "compliance"}
REFUSED: Final = (PermissionDenied, ValidationError)
PEOPLE: Final = ("first", "other", "clerk", "moderator")
GROUPS: Final = {"first": "operator", "other": "operator", "clerk": "compliance", "moderator": "moderator"}
people = st.sampled_from(PEOPLE)
askers = st.sampled_from(("first", "first", *PEOPLE))
doers = st.sampled_from(("who asked", "who asked", "who asked", *PEOPLE))
seconds = st.sampled_from(("clerk", "clerk", "other", *PEOPLE))
leavers = st.sampled_from(("clerk", "clerk", "other", *PEOPLE))
"""Those who make something happen come more often than those who are only refused."""
kinds = st.sampled_from(sorted(ASKS))


@dataclass
class Asked:
    """A request as the model has it."""

    row: Approval
    kind: str
    by: str
    at: datetime
    alone: bool
    yes: str | None = None
    over: bool = False
    changed: bool = False


class Acts(RuleBasedStateMachine):
    """Four members of staff, one who was suspended, and everything that takes two persons."""

    world: ClassVar[dict[str, User]]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.asked: list[Asked] = []
        self.holding: dict[str, set[str]] = {}

    @initialize(alone=st.booleans())
    def begin(self, *, alone: bool) -> None:
        self.clock = self.stack.enter_context(time_machine.travel(NOON, tick=False))
        self.stack.enter_context(transaction.atomic())
        self.who = {name: User.objects.get(pk=person.pk) for name, person in self.world.items()}
        self.holding = {name: {GROUPS[name]} for name in PEOPLE}
        first = self.who["first"]
        self.hold = holds.place(
            scope="person",
            subject=self.who["member"].public_id,
            ground="freeze",
            paper="捜査第1号",
            ends_on=timezone.localdate() + timedelta(days=20),
            actor=first,
        )
        gate.pull_stop(reason="点検", actor=first)
        if alone:
            for name in ("other", "clerk"):
                self.take(name)

    # --- what staff do ------------------------------------------------------------------------------------------------

    @rule(by=askers, kind=kinds)
    def ask(self, by: str, kind: str) -> None:
        """Somebody asks for an act."""
        actor, is_alone = self.who[by], not self._seconds(kind, but=by)
        live = any(each.kind == kind and self._is_live(each) and not each.changed for each in self.asked)
        may = self._may_ask(by, kind) and self._is_there(kind)
        before = self._state()
        try:
            row = self._request(kind, actor)
        except REFUSED:
            assert not may or live, (by, kind)
        else:
            assert may, (by, kind)
            assert not live, (by, kind)
            self.asked.append(Asked(row, kind, by, timezone.now(), is_alone))
            assert (row.alone_from is not None) is is_alone
        assert self._state() == before

    @rule(by=seconds, index=st.integers(0, 5), yes=st.sampled_from([True, True, False]))
    def answer(self, by: str, index: int, *, yes: bool) -> None:
        """Somebody agrees, or refuses."""
        if not (asked := self._pick(index)):
            return
        may = by != asked.by and bool(self._holds(by) & SECOND) and self._is_live(asked) and asked.yes is None
        if asked.kind == "factor" and by == "clerk":
            may = False  # it is about them
        before = self._state()
        try:
            if yes:
                approvals.approve(approval=asked.row, actor=self.who[by])
            else:
                approvals.refuse(approval=asked.row, actor=self.who[by], note="いいえ")
        except REFUSED:
            assert not may, asked
        else:
            assert may, asked
            asked.yes, asked.over = (by if yes else None), not yes
        assert self._state() == before, "an answer alone changes nothing"

    @rule(by=people, index=st.integers(0, 5))
    def withdraw(self, by: str, index: int) -> None:
        """Somebody takes a request back."""
        if not (asked := self._pick(index)):
            return
        may = by == asked.by and self._is_live(asked)
        try:
            approvals.withdraw(approval=asked.row, actor=self.who[by])
        except REFUSED:
            assert not may
        else:
            assert may
            asked.over = True

    @rule(by=doers, index=st.integers(0, 5))
    def carry_out(self, by: str, index: int) -> None:
        """Somebody carries an act out: exactly when the model says so."""
        if not (asked := self._pick(index)):
            return
        by = asked.by if by == "who asked" else by
        may, before, entries = self._may_carry_out(by, asked), self._state(), self._entries(asked)
        try:
            with transaction.atomic():
                carry_out(Approval.objects.get(pk=asked.row.pk), self.who[by])
        except REFUSED:
            assert not may, asked
            assert self._state() == before
            assert self._entries(asked) == entries
            return
        assert may, asked
        asked.over = True
        done = [each for each in self._acts(asked) if each.event not in _ANSWERS]
        assert bool(done) is (self._state() != before), "no act without an entry"
        assert all(each.payload.get("alone", False) is (asked.yes is None) for each in done)
        self._refresh()
        if asked.kind == "give":
            self.holding["moderator"].add("auditor")
        for each in self.asked:  # what was done once is not there to be done again
            if each is not asked and each.kind == asked.kind != "give":
                each.changed = True

    @rule(kind=kinds, then=st.sampled_from(["nothing", "take", "change", "twice"]))
    def go_all_the_way(self, kind: str, then: str) -> None:
        """Somebody asks, a second person agrees, something happens or not, and the act is carried out."""
        index, second = len(self.asked), "other" if kind == "factor" else "clerk"
        self.ask(by="first", kind=kind)
        if len(self.asked) == index:
            return
        self.answer(by=second, index=index, yes=True)
        if then == "take":
            self.take(name=second)
        elif then == "change":
            self.change(kind=kind)
        self.carry_out(by="first", index=index)
        if then == "twice":
            self.carry_out(by="first", index=index)

    # --- what happens meanwhile ---------------------------------------------------------------------------------------

    @rule(name=leavers)
    def take(self, name: str) -> None:
        """Somebody loses their powers: nobody needs to agree to that."""
        self.who[name].groups.clear()
        self.holding[name] = set()

    @rule(name=leavers)
    def have_again(self, name: str) -> None:
        """Somebody has their group again, given at the machine's shell."""
        self.who[name].groups.add(auth.Group.objects.get(name=GROUPS[name]))
        self.holding[name].add(GROUPS[name])

    @rule(kind=kinds)
    def change(self, kind: str) -> None:
        """What was asked for is not what it was."""
        if kind == "hold" and holds.may_be_extended(self._hold()):
            most = holds.latest_extension(self._hold())
            holds.extend(hold=self._hold(), ends_on=most, paper="捜査第2号", actor=self.who["first"])
        elif kind == "factor":
            Authenticator.objects.filter(user=self.who["clerk"]).delete()
            give_factor(self.who["clerk"])
        elif kind == "back" and not self.who["suspended"].groups.filter(name=Group.AUDITOR).exists():
            self.who["suspended"].groups.add(auth.Group.objects.get(name=Group.AUDITOR))
        elif kind == "stop" and not gate.current().stop:
            self.clock.shift(timedelta(minutes=1))
            gate.pull_stop(reason="もう一度", actor=self.who["first"])
        else:
            return
        self._note_change(kind)

    @rule(hours=st.sampled_from([1, 23, 25, 8 * 24]))
    def wait(self, hours: int) -> None:
        """Time passes."""
        self.clock.shift(timedelta(hours=hours))

    # --- always -------------------------------------------------------------------------------------------------------

    @invariant()
    def nobody_has_what_was_not_given(self) -> None:
        for name in self.holding:
            assert {group.name for group in self.who[name].groups.all()} == self.holding[name], name

    def teardown(self) -> None:
        """Forget the walk."""
        if self.holding:
            transaction.set_rollback(True)
        self.stack.close()

    # --- the model ----------------------------------------------------------------------------------------------------

    def _holds(self, name: str) -> set[str]:
        return self.holding[name]

    def _may_ask(self, name: str, kind: str) -> bool:
        return bool(self._holds(name) & ASKS[kind])

    def _seconds(self, kind: str, *, but: str) -> set[str]:
        about = {"factor": "clerk", "give": "moderator"}.get(kind)
        return {name for name in PEOPLE if name not in {but, about} and self._holds(name) & SECOND}

    def _is_live(self, asked: Asked) -> bool:
        return not asked.over and timezone.now() < asked.at + WEEK

    def _may_carry_out(self, by: str, asked: Asked) -> bool:
        if by != asked.by or not self._may_ask(by, asked.kind) or not self._is_live(asked) or asked.changed:
            return False
        if not self._is_there(asked.kind):
            return False
        if asked.yes is not None:
            return bool(self._holds(asked.yes) & SECOND)
        alone = asked.alone and not self._seconds(asked.kind, but=by)
        return alone and timezone.now() >= asked.at + DAY

    def _is_there(self, kind: str) -> bool:
        match kind:
            case "stop":
                return bool(gate.current().stop)
            case "hold":
                return self._hold().lifted_at is None
            case "factor":
                return bool(Authenticator.objects.filter(user=self.who["clerk"]).exists())
            case "back":
                return not User.objects.get(pk=self.who["suspended"].pk).is_active
            case _:
                return True

    def _note_change(self, kind: str) -> None:
        for asked in self.asked:
            asked.changed |= asked.kind == kind

    # --- the service --------------------------------------------------------------------------------------------------

    def _request(self, kind: str, actor: User) -> Approval:
        made: dict[str, Callable[[], Approval]] = {
            "stop": lambda: gate.ask_to_lift_stop(reason="済み", actor=actor),
            "hold": lambda: holds.ask_to_lift(hold=self.hold, reason="取下げ", actor=actor),
            "give": lambda: ask_to_give(
                account=self.who["moderator"], grant=Grant(groups=["auditor"]), reason="監査", actor=actor
            ),
            "factor": lambda: ask_to_remove_factors(account=self.who["clerk"], reason="紛失", actor=actor),
            "back": lambda: ask_to_reinstate(
                account=User.objects.get(pk=self.who["suspended"].pk), reason="復帰", actor=actor
            ),
        }
        with transaction.atomic():
            return made[kind]()

    def _pick(self, index: int) -> Asked | None:
        return self.asked[index % len(self.asked)] if self.asked else None

    def _hold(self) -> Hold:
        return Hold.objects.get(pk=self.hold.pk)

    def _refresh(self) -> None:
        self.who = {name: User.objects.get(pk=person.pk) for name, person in self.who.items()}

    def _state(self) -> tuple[Any, ...]:
        """What the acts change."""
        return (
            bool(gate.current().stop),
            self._hold().lifted_at,
            Authenticator.objects.filter(user=self.who["clerk"]).count(),
            sorted(User.objects.filter(is_active=True, groups__isnull=False).values_list("pk", "groups__name")),
        )

    def _acts(self, asked: Asked) -> list[LedgerEntry]:
        named = LedgerEntry.objects.filter(payload__approval=str(asked.row.pk))
        return list(named.order_by("seq"))

    def _entries(self, asked: Asked) -> int:
        return len(self._acts(asked))


_ANSWERS: Final = ("approval.requested", "approval.given", "approval.refused")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("examples", "steps"),
    [pytest.param(40, 30, id="briefly"), pytest.param(600, 50, id="long", marks=pytest.mark.long)],
)
def test_a_dangerous_act_takes_two_persons_whatever_happens(
    make_staff: MakeStaff, make_user: MakeUser, examples: int, steps: int
) -> None:
    world = {name: make_staff(Group(GROUPS[name])) for name in PEOPLE}
    world["suspended"] = make_staff(Group.MODERATOR, is_active=False)
    world["member"] = make_user()
    for person in world.values():
        ledger.actor_of(person)
    Acts.world = world
    run_state_machine_as_test(
        Acts,
        settings=walk_settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )


# The ways that a short walk may miss ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_nobody_acts_alone_once_there_is_a_second_person(make_staff: MakeStaff) -> None:
    sole = make_staff(Group.OPERATOR)
    gate.pull_stop(reason="点検", actor=sole)
    approval = gate.ask_to_lift_stop(reason="済み", actor=sole)
    make_staff(Group.COMPLIANCE)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=True), pytest.raises(ValidationError):
        gate.lift_stop(approval=approval, actor=sole)
    assert gate.current().stop


@pytest.mark.django_db
def test_a_hold_that_was_extended_meanwhile_is_not_lifted(make_staff: MakeStaff, make_user: MakeUser) -> None:
    operator, second = make_staff(Group.OPERATOR), make_staff(Group.COMPLIANCE)
    today = timezone.localdate()
    named = {"scope": "person", "subject": make_user().public_id, "ground": "freeze", "paper": "第1号"}
    hold = holds.place(**named, ends_on=today + timedelta(days=20), actor=operator)  # type: ignore[arg-type]
    approval = holds.ask_to_lift(hold=hold, reason="取下げ", actor=operator)
    approvals.approve(approval=approval, actor=second)
    holds.extend(hold=hold, ends_on=today + timedelta(days=40), paper="第2号", actor=second)
    with pytest.raises(ValidationError):
        holds.lift(hold=hold, approval=approval, actor=operator)
    assert Hold.objects.get().lifted_at is None


@pytest.mark.django_db
def test_a_factor_that_was_added_meanwhile_is_not_removed(make_staff: MakeStaff) -> None:
    operator, second, person = make_staff(Group.OPERATOR), make_staff(Group.COMPLIANCE), make_staff(Group.MODERATOR)
    approval = ask_to_remove_factors(account=person, reason="紛失", actor=operator)
    approvals.approve(approval=approval, actor=second)
    Authenticator.objects.filter(user=person).delete()
    give_factor(person)
    with pytest.raises(ValidationError):
        carry_out(approval, operator)
    assert Authenticator.objects.filter(user=person).exists()
