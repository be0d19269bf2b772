"""What the checklist sees by itself: which items concern this deployment, and what changed since they were signed."""

from typing import Any

import pytest
from django.test import Client

from chat.models import User
from compliance import assessment, gate
from compliance.checklist.status import ChecklistStatus, ItemState
from compliance.law import (
    ITEM,
    ITEMS,
    OPEN_DUTIES,
    Facts,
    Feature,
    Outcome,
    Scope,
    Status,
    applies,
    blocking,
    open_only,
    retention,
    transmissions,
)
from compliance.models import Signature
from compliance.testing import evidence_for, sign_all, unguarded
from tests.compliance.cases import standing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


def sign(item: str, actor: User, **told: Any) -> None:
    gate.sign(item=ITEM[item], evidence=evidence_for(ITEM[item]) | told, actor=actor)


def page(desk: Client, item: str) -> Any:
    return desk.get(f"/admin/compliance/checklist/{item}/")


def changes(desk: Client, item: str) -> list[str]:
    return [change.ja for change in page(desk, item).context["changes"]]


# Which items concern it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("verdict", [None, *Outcome])
def test_only_a_third_item_business_that_filed_nothing_is_open_only(status: Status, verdict: Outcome | None) -> None:
    expected = status is Status.none and verdict is Outcome.THIRD_ITEM
    assert open_only(standing(status), Facts(verdict=verdict)) is expected


def test_what_the_code_offers_comes_before_the_verdict() -> None:
    assert open_only(standing(), Facts(closed_features_on=frozenset()))
    offered = Facts(closed_features_on=frozenset({Feature.MATCH_PAIR}), verdict=Outcome.THIRD_ITEM)
    assert not open_only(standing(Status.none), offered)


def test_an_open_only_service_keeps_the_duties_of_every_service() -> None:
    facts, nothing = Facts(verdict=Outcome.THIRD_ITEM), standing(Status.none)
    applying = {item.id for item in ITEMS if applies(item, nothing, facts)}
    assert {ITEM[item].scope for item in applying} == {Scope.BOTH}
    assert set(OPEN_DUTIES) < applying
    shared = {item.id for item in ITEMS if item.scope is Scope.BOTH and item.blocks}
    assert set(OPEN_DUTIES) == shared - {"LAW-01"}  # which is a record of the law's answer, and no duty of the law
    assert {"LAW-03", "LAW-08", "LAW-14"} <= {item.id for item in blocking(nothing, facts)}  # should it want to open


def test_the_desk_shows_an_open_only_service_its_five_duties(desk: Client, operator: User) -> None:
    assert not ChecklistStatus.now().open_only
    sign("LAW-01", operator, verdict="THIRD_ITEM")
    shown = ChecklistStatus.now()
    assert [row.item.id for row in shown.open_duties] == list(OPEN_DUTIES)
    assert shown.next is not None
    assert shown.next.item.scope is Scope.BOTH
    text = desk.get("/admin/compliance/checklist/").content.decode()
    assert "いま果たす五つの義務" in text
    assert "クローズド・チャットを提供するとき" in text


def test_an_operator_abroad_is_asked_for_a_representative(operator: User) -> None:
    for answer, state in (("no", ItemState.unsigned), ("yes", ItemState.idle)):
        sign("LAW-01", operator, operator_in_japan=answer)
        assert next(row for row in ChecklistStatus.now().rows if row.item.id == "LAW-24").state is state


# What changed ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_nothing_changed_right_after_signing(desk: Client, operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    sign_all(operator)
    sign("LAW-04", operator, number="A-08-12345")
    for item, version in (("LAW-11", transmissions.version()), ("LAW-12", retention.version())):
        sign(item, operator, **{"list_version" if item == "LAW-11" else "table_version": version})
    assert {item.id: told for item in ITEMS if item.id != "LAW-20" and (told := changes(desk, item.id))} == {}


def test_a_feature_of_the_code_that_form_4_lacks_counts_as_unsigned(
    desk: Client, client: Client, operator: User, settings: Any
) -> None:
    settings.STANDING = standing(Status.notified)
    sign_all(operator)
    sign("LAW-05", operator, **{"room.invite_only": False})
    assert Feature.INVITE_ONLY in assessment.doors()
    assert next(row for row in ChecklistStatus.now().rows if row.item.id == "LAW-05").state is ItemState.outdated
    assert any("招待制の部屋" in change for change in changes(desk, "LAW-05"))
    assert 'data-filed="no"' in page(desk, "LAW-05").content.decode()
    features = client.get("/api/gate/").json()["features"]
    assert features["room.invite_only"]["causes"] == ["unfiled"]
    assert features["room.match_pair"]["allowed"]
    sign("LAW-05", operator)
    assert changes(desk, "LAW-05") == []
    assert client.get("/api/gate/").json()["features"]["room.invite_only"]["allowed"]


@pytest.mark.parametrize(("item", "key"), [("LAW-11", "list_version"), ("LAW-12", "table_version")])
def test_a_table_that_changed_is_noticed(item: str, key: str, desk: Client, operator: User) -> None:
    sign(item, operator, **{key: "00000000"})
    assert len(changes(desk, item)) == 1
    sign(item, operator, **{key: ""})  # signed before versions were recorded
    assert changes(desk, item) == []


def test_a_number_that_the_environment_does_not_have_is_noticed(desk: Client, operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    sign("LAW-04", operator, number="A-08-99999")
    assert any("A-08-12345" in change for change in changes(desk, "LAW-04"))


@pytest.mark.slow
def test_another_version_of_the_law_is_noticed_on_every_item(desk: Client, operator: User) -> None:
    sign_all(operator)
    with unguarded("signature_update"):
        Signature.objects.update(law_version="2020-01-01")
    for item in ITEMS:
        if item.id != "LAW-01":  # whose own page compares the whole assessment
            assert any("2020-01-01" in change for change in changes(desk, item.id)), item.id
