"""The emergency stop in the admin."""

from typing import Any

import pytest
from django.test import Client

from chat.models import User
from compliance import gate
from compliance.law import Status
from compliance.models import Approval, Authorisation, LedgerEntry
from compliance.records import ledger
from compliance.testing import agreed, sign_all
from tests.compliance.cases import standing
from tests.compliance.pages import text

pytestmark = pytest.mark.django_db

STOP = "/admin/compliance/stop/"


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture
def filed(settings: Any) -> None:
    """A deployment whose environment key is turned."""
    settings.STANDING = standing(Status.notified)


@pytest.mark.usefixtures("filed")
def test_the_stop_is_pulled_and_lifted_in_two_steps_each(desk: Client, operator: User) -> None:
    sign_all(operator)
    assert gate.reconcile().closed_chat().allowed

    assert "理由を書いてください。" in text(desk.post(STOP, {"reason": " ", "intent": "pull"}))
    asked = desk.post(STOP, {"reason": "調査のため", "intent": "pull"})
    assert "いますぐクローズド・チャットを止めますか" in text(asked)
    assert gate.current().closed_chat().allowed
    back = desk.post(STOP, {"reason": "調査のため", "intent": "pull", "_back": "1"})
    assert "調査のため</textarea>" in back.content.decode()
    pulled = desk.post(STOP, {"reason": "調査のため", "intent": "pull", "_confirm": "1"}, follow=True)
    assert "緊急停止" in text(pulled)
    assert not gate.current().closed_chat().allowed
    assert "クローズド・チャットは停止中：緊急停止が作動中" in text(desk.get("/admin/"))
    assert Authorisation.objects.get().closed_at is not None

    assert gate.current().stop is not None
    desk.post(STOP, {"reason": "済んだ", "intent": "lift"})
    assert gate.current().stop is not None
    desk.post(STOP, {"reason": "済んだ", "intent": "lift", "_confirm": "1"})
    assert gate.current().stop is not None, "a second person agrees first"
    gate.lift_stop(approval=agreed(Approval.objects.get()), actor=operator)
    assert gate.current().closed_chat().allowed
    events = list(LedgerEntry.objects.filter(event__startswith="stop.").values_list("event", "actor"))
    ref = ledger.actor_of(operator).ref
    assert events == [("stop.pulled", ref), ("stop.lifted", ref)]


def test_a_page_that_meant_to_pull_never_lifts(desk: Client, operator: User) -> None:
    gate.pull_stop(reason="先に止めた", actor=operator)
    late = desk.post(STOP, {"reason": "あとから", "intent": "pull", "_confirm": "1"})
    assert late.status_code == 200
    assert "あとから</textarea>" in late.content.decode()
    stopped = gate.current().stop
    assert stopped is not None
    assert stopped.reason == "先に止めた"
