"""The commands that a deployer and an auditor rely on: what they print, and with what they end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.conf import settings as configured
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import OperationalError
from pytest_django.fixtures import Settings

from chat.models import Room, User
from compliance import gate
from compliance.law import LAW_VERSION, RULES, Feature, Mode, Standing, Status
from compliance.models import LedgerEntry
from compliance.records import Event, ledger
from compliance.testing import NOTIFIED, lift_stop, notified, sign_all, unguarded
from tests.compliance.cases import TODAY, standing
from tests.serving import manage, manage_json


class Done:
    """A command that ran in this process: what it printed and its exit code."""

    def __init__(self, *arguments: str) -> None:
        out, err = StringIO(), StringIO()
        self.code: Any = 0
        try:
            call_command(*arguments, stdout=out, stderr=err)
        except SystemExit as ended:
            self.code = ended.code
        self.out, self.err = out.getvalue(), err.getvalue()


@pytest.fixture
def open_gate(operator: User, settings: Settings) -> User:
    """Both keys are turned; returns the operator."""
    settings.STANDING = notified(TODAY)
    sign_all(operator)
    return operator


# gate ----------------------------------------------------------------------------------------------------------------


def test_gate_says_in_json_what_is_on_and_why(settings: Settings, db: None) -> None:
    settings.STANDING = Standing()
    done = Done("gate", "--json")
    assert (done.code, done.err) == (0, "")
    facts = json.loads(done.out)
    assert facts["closed_chat"] is False
    assert facts["law_version"] == LAW_VERSION
    assert facts["stop"] is None
    assert facts["keys"]["environment"] == {"turned": False, "status": "none", "problems": []}
    assert facts["keys"]["checklist"]["turned"] is False
    assert facts["keys"]["checklist"]["reachable"] is True
    assert "LAW-01" in facts["keys"]["checklist"]["open_items"]
    told = facts["features"]["room.match_pair"]
    assert (told["allowed"], told["rule"]) == (False, RULES[Feature.MATCH_PAIR].id)
    assert told["causes"] == ["environment", "checklist"]
    assert facts["features"]["room.open"]["allowed"] is True


def test_gate_says_so_once_both_keys_are_turned(open_gate: User) -> None:
    facts = json.loads(Done("gate", "--json").out)
    assert facts["closed_chat"] is True
    assert facts["keys"]["environment"]["turned"] is True
    assert facts["keys"]["checklist"] == {
        "turned": True,
        "mode": "enforce",
        "open_items": [],
        "reachable": True,
    }


def test_gate_shows_the_stop(open_gate: User) -> None:
    gate.pull_stop(reason="点検のため", actor=open_gate)
    facts = json.loads(Done("gate", "--json").out)
    assert facts["stop"]["reason"] == "点検のため"
    assert datetime.fromisoformat(facts["stop"]["since"]).tzinfo is not None
    assert facts["closed_chat"] is False


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_require_stops_a_pipeline_while_closed_chat_is_off(form: tuple[str, ...], open_gate: User) -> None:
    on = Done("gate", "--require", "closed", *form)
    assert (on.code, on.err) == (0, "")
    gate.pull_stop(reason="点検のため", actor=open_gate)
    off = Done("gate", "--require", "closed", *form)
    assert off.code == 1
    assert "点検のため" in off.err
    assert off.out


def test_require_takes_nothing_but_closed(db: None) -> None:
    with pytest.raises(CommandError):
        Done("gate", "--require", "everything")


@pytest.mark.parametrize(("language", "words"), [("ja", "オフ"), ("en", "OFF")])
def test_gate_speaks_both_languages_and_names_the_next_step(
    language: str, words: str, settings: Settings, db: None
) -> None:
    settings.STANDING = Standing()
    told = Done("gate", "--language", language).out
    assert words in told.splitlines()[0]
    assert "TELECOM_REGISTRATION" in told
    assert gate.current().closed_chat().next_step(language) in told
    for feature, rule in RULES.items():
        if feature.value in gate.current().features():
            assert rule.id in told


def test_an_unreachable_database_is_off_and_stops_a_pipeline(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> gate.Snapshot:
        raise OperationalError("no answer")

    monkeypatch.setattr("compliance.gate.read", away)
    done = Done("gate", "--json", "--require", "closed")
    assert done.code == 1
    assert "DATABASE_URL" in done.err
    facts = json.loads(done.out)
    assert "DATABASE_URL" in facts["trouble"]
    assert facts["keys"]["checklist"]["reachable"] is False
    assert facts["features"]["room.match_pair"]["causes"][0] == "unreachable"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_deploy_pipeline_reads_its_own_environment(operator: User) -> None:
    """As a process of its own, where the exit code is what counts."""
    sign_all(operator)
    off = manage("gate", "--require", "closed")
    assert off.returncode == 1
    assert "TELECOM_REGISTRATION" in off.stderr
    assert manage_json("gate", "--json", "--require", "closed", env=NOTIFIED)["closed_chat"] is True


# ledger --------------------------------------------------------------------------------------------------------------


def test_verify_ends_with_1_at_a_fault_and_names_it(operator: User) -> None:
    for number in range(3):
        ledger.append(Event.FEED_MADE, actor=operator, payload={"n": number})
    held = Done("ledger", "verify")
    assert (held.code, held.err) == (0, "")
    assert f"{LedgerEntry.objects.count()} entries" in held.out
    with unguarded("ledger_update"):
        LedgerEntry.objects.filter(seq=2).update(event="gate.refused")
    broken = Done("ledger", "verify")
    assert broken.code == 1
    assert "entry 2 was changed" in broken.err


def test_export_proves_when_closed_chat_was_on(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.STANDING = notified(TODAY)
    start = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        operator: User = request.getfixturevalue("operator")
        sign_all(operator)
        clock.shift(timedelta(days=1))
        gate.pull_stop(reason="点検のため", actor=operator)
        clock.shift(timedelta(days=1))
        lift_stop(reason="終わった", actor=operator)
    whole = json.loads(Done("ledger", "export").out)
    told = [entry["event"] for entry in whole["entries"] if entry["event"].startswith(("gate", "stop"))]
    assert told == ["gate.opened", "stop.pulled", "gate.closed", "stop.lifted", "gate.opened"]
    assert whole["law_versions"] == [LAW_VERSION]
    assert whole["after"]["seq"] == LedgerEntry.objects.count()
    part = json.loads(Done("ledger", "export", "--from", "2026-11-23", "--to", "2026-11-24T03:00Z").out)
    assert [entry["event"] for entry in part["entries"]] == ["stop.pulled", "gate.closed"]
    tokyo = json.loads(
        Done("ledger", "export", "--from", "2026-11-23T12:00+09:00", "--to", "2026-11-23T12:00:01+09:00").out
    )
    assert tokyo["entries"] == part["entries"]


@pytest.mark.parametrize("when", ["yesterday", "2026-13-01", "22.11.2026", ""])
def test_export_says_which_dates_it_reads(when: str, db: None) -> None:
    if when:
        with pytest.raises(CommandError, match="ISO 8601"):
            Done("ledger", "export", "--from", when)
    else:  # an empty one is none
        assert Done("ledger", "export", "--from", when).code == 0


def test_ledger_wants_to_know_what_to_do(db: None) -> None:
    with pytest.raises(CommandError):
        Done("ledger")


# seed and checks -----------------------------------------------------------------------------------------------------


def test_seed_opens_the_example_rooms_once(db: None) -> None:
    Done("seed")
    first = set(Room.objects.values_list("slug", "pk"))
    assert {slug for slug, _pk in first} >= {"welcome", "english"}
    assert set(Room.objects.values_list("kind", flat=True)) == {"open"}
    Done("seed")
    assert set(Room.objects.values_list("slug", "pk")) == first


def found(**options: Any) -> set[str | None]:
    """The ids of what the system checks say."""
    return {message.id for message in checks.run_checks(**options)}


def test_the_checks_say_what_the_standing_lacks(settings: Settings) -> None:
    settings.STANDING = standing(Status.notified)
    assert not {"compliance.E001", "compliance.E002"} & found()
    settings.STANDING = standing(Status.notified, TELECOM_REGISTRATION_NUMBER="")
    assert "compliance.E001" in found()


def test_the_checks_want_a_key_to_seal_with_before_closed_chat_can_open(settings: Settings) -> None:
    settings.CLOSED_CHAT_KEYS = []
    settings.STANDING = Standing()
    assert "compliance.E002" not in found()
    settings.STANDING = standing(Status.notified)
    assert "compliance.E002" in found()


def test_a_deployment_is_told_what_is_not_enforced(settings: Settings) -> None:
    assert configured.CHAT_RATE_LIMITS
    assert not {"compliance.W001", "chat.E001"} & found(include_deployment_checks=True)
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    settings.CHAT_RATE_LIMITS = False
    assert {"compliance.W001", "chat.E001"} <= found(include_deployment_checks=True)
