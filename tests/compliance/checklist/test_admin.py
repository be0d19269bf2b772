"""The checklist in the admin: who may see and sign, the status, and each item."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from chat.models import User
from compliance import gate
from compliance.checklist.status import ChecklistStatus, ItemState, Progress
from compliance.law import ITEM, ITEMS, Item, Mode, Status
from compliance.models import GateState, LedgerEntry, Signature
from compliance.records import ledger
from compliance.testing import evidence_for, sign_all, unguarded
from tests.compliance.cases import POWERS, standing
from tests.compliance.pages import may, text
from tests.conftest import MakeUser, signed_in

pytestmark = pytest.mark.django_db

OVERVIEW = "/admin/compliance/checklist/"
STOP = "/admin/compliance/stop/"


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr("compliance.gate.snapshot._cached", None)


@pytest.fixture
def filed(settings: Any) -> None:
    """A deployment whose environment key is turned."""
    settings.STANDING = standing(Status.notified)


@pytest.fixture
def english(desk: Client) -> Iterator[Client]:
    """The operator's browser, answered in English."""
    desk.cookies["django_language"] = "en"
    yield desk
    translation.activate("ja")


def page(item: str) -> str:
    return f"{OVERVIEW}{item}/"


def evidence(item: Item, **changes: Any) -> dict[str, Any]:
    """What somebody would type for this item."""
    return evidence_for(item) | changes


@pytest.mark.parametrize("path", [OVERVIEW, page("LAW-01"), STOP, "/admin/compliance/ledgerentry/"])
def test_strangers_are_sent_to_sign_in_and_members_are_sent_away(path: str, client: Client, member: Client) -> None:
    for browser in (client, member):
        answer = browser.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")
    assert client.get(path, follow=True).request["PATH_INFO"] == reverse("account_login")
    assert member.get(path, follow=True).status_code == 403


@pytest.mark.parametrize("path", [OVERVIEW, page("LAW-01"), STOP, "/admin/compliance/ledgerentry/verify/"])
def test_staff_without_permission_see_nothing(path: str, make_user: MakeUser) -> None:
    assert signed_in(make_user(is_staff=True)).get(path).status_code == 403


def test_who_may_look_cannot_sign(make_user: MakeUser) -> None:
    reader = signed_in(may(make_user(is_staff=True), "view_checklist", "view_stop"))
    shown = reader.get(page("LAW-06"))
    assert shown.status_code == 200
    assert b'name="_sign"' not in shown.content
    assert reader.post(page("LAW-06"), evidence(ITEM["LAW-06"])).status_code == 403
    assert reader.post(page("LAW-06"), {"_withdraw": "1", "reason": "x"}).status_code == 403
    assert reader.get(STOP).status_code == 200
    assert reader.post(STOP, {"reason": "x", "intent": "pull", "_confirm": "1"}).status_code == 403
    assert not Signature.objects.exists()
    assert not LedgerEntry.objects.exclude(event__in=POWERS).exists()


def test_signing_and_stopping_are_two_permissions(make_user: MakeUser) -> None:
    signer = signed_in(may(make_user(is_staff=True), "sign_checklist"))
    stopper = signed_in(may(make_user(is_staff=True), "pull_stop"))
    assert signer.post(page("LAW-06"), evidence(ITEM["LAW-06"])).status_code == 302
    assert stopper.post(page("LAW-07"), evidence(ITEM["LAW-07"])).status_code == 403
    assert signer.post(STOP, {"reason": "x", "intent": "pull", "_confirm": "1"}).status_code == 403
    assert stopper.post(STOP, {"reason": "x", "intent": "pull", "_confirm": "1"}).status_code == 302
    assert gate.current().stop is not None


def test_an_unknown_item_is_not_found(desk: Client) -> None:
    assert desk.get(page("LAW-99")).status_code == 404


def test_the_status_names_what_is_missing(desk: Client) -> None:
    count = len(gate.current().open_items())
    for path in ("/admin/", OVERVIEW):
        desk.cookies["django_language"] = "ja"
        shown = text(desk.get(path))
        line = f"クローズド・チャットは停止中：鍵1／2（届出の設定）が未設定、鍵2／2（チェックリスト）残り {count} 件"
        assert line in shown
        desk.cookies["django_language"] = "en"
        shown = text(desk.get(path))
        assert f"Closed chat is OFF: key 1 of 2, no filing set; key 2 of 2, {count} items open" in shown


@pytest.mark.usefixtures("filed")
def test_the_status_counts_only_the_checklist_once_the_environment_is_right(english: Client, operator: User) -> None:
    sign_all(operator, but=("LAW-06",))
    assert "Closed chat is OFF: key 2 of 2, 1 item open" in text(english.get(OVERVIEW))


@pytest.mark.usefixtures("filed")
def test_the_seal_is_stamped_only_while_closed_chat_is_on(english: Client, operator: User) -> None:
    assert b'data-state="on"' not in english.get(OVERVIEW).content
    sign_all(operator)
    shown = english.get(OVERVIEW)
    assert "Closed chat is ON" in text(shown)
    assert b'class="seal" data-state="on"' in shown.content
    assert "A-08-12345" in text(shown)


def test_problems_of_the_environment_are_spelt_out(english: Client, settings: Any) -> None:
    settings.STANDING = standing(Status.notified, TELECOM_REGISTRATION_NUMBER="A-8-1", TELECOM_OPERATOR_NAME="")
    shown = text(english.get(OVERVIEW))
    assert "key 1 of 2, 2 problems" in shown
    assert "TELECOM_REGISTRATION_NUMBER is malformed" in shown


def test_an_advised_checklist_owes_but_does_not_shut(english: Client, settings: Any) -> None:
    settings.STANDING = replace(standing(Status.notified), mode=Mode.advise)
    shown = text(english.get(OVERVIEW))
    assert re.search(r"Closed chat is ON: \d+ items unsigned", shown)
    assert "What is still owed" in shown


def test_every_group_shows_its_progress(desk: Client, operator: User) -> None:
    before = {section.group: section.progress for section in ChecklistStatus.now().sections}
    assert sum(progress.of for progress in before.values()) == ChecklistStatus.now().progress.of
    gate.sign(item=ITEM["LAW-06"], evidence=evidence(ITEM["LAW-06"]), actor=operator)
    after = {section.group: section.progress for section in ChecklistStatus.now().sections}
    group = ITEM["LAW-06"].group
    assert after[group] == Progress(before[group].done + 1, before[group].of)
    assert f'max="{after[group].of}"' in desk.get(OVERVIEW).content.decode()


@pytest.mark.slow
@pytest.mark.parametrize("language", ["ja", "en"])
def test_each_item_says_why_and_asks_for_its_evidence(language: str, desk: Client) -> None:
    desk.cookies["django_language"] = language
    for item in ITEMS:
        shown = desk.get(page(item.id)).content.decode()
        assert html.escape(item.why_ja if language == "ja" else item.why_en) in shown
        assert not item.url or item.url in shown
        for field in item.evidence:
            assert f'name="{field.key}"' in shown
    translation.activate("ja")


def test_signing_records_the_evidence_and_who_and_when(desk: Client, operator: User) -> None:
    item = ITEM["LAW-04"]
    assert desk.post(page(item.id), evidence(item, _sign="1")).status_code == 302
    signature = Signature.objects.get()
    assert (signature.item_id, signature.signed_by) == (item.id, operator)
    assert signature.evidence == evidence(item)
    shown = text(desk.get(page(item.id)))
    assert "署名済み" in shown
    assert operator.email is not None
    assert operator.email in shown
    entry = LedgerEntry.objects.get(event="item.signed")
    assert (entry.actor, entry.payload["item"]) == (ledger.actor_of(operator), item.id)
    assert ledger.verify() is None


def test_missing_evidence_is_named_and_nothing_typed_is_lost(desk: Client) -> None:
    item = ITEM["LAW-06"]
    shown = desk.post(page(item.id), evidence(item, version="", roles="審査 <担当>", approved_on="18/5/2026"))
    body = shown.content.decode()
    assert shown.status_code == 200
    assert not Signature.objects.exists()
    assert "LAW-06 の署名には、これが必要です。" in body
    assert 'href="#field-version"' in body
    assert "審査 &lt;担当&gt;</textarea>" in body
    assert 'value="18/5/2026"' in body
    assert 'value="LAW-06 approved_by"' in body


def test_a_day_to_come_is_no_evidence(desk: Client) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    desk.post(page("LAW-06"), evidence(ITEM["LAW-06"], approved_on=tomorrow.isoformat()))
    assert not Signature.objects.exists()
    closing = evidence(ITEM["LAW-18"], closing_on=tomorrow.isoformat())
    assert desk.post(page("LAW-18"), closing).status_code == 302


def test_what_is_known_is_filled_in_and_what_is_confirmed_is_not(desk: Client, operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    assert 'value="A-08-12345"' in desk.get(page("LAW-04")).content.decode()
    gate.sign(item=ITEM["LAW-04"], evidence=evidence(ITEM["LAW-04"]), actor=operator)
    again = desk.get(page("LAW-04")).content.decode()
    assert 'value="LAW-04 scan"' in again
    assert 'name="shown"' in again
    assert "checked" not in again


def test_signing_leads_on_to_the_next_item(desk: Client) -> None:
    answer = desk.post(page("LAW-01"), evidence(ITEM["LAW-01"], _next="1"))
    assert answer["Location"] == page("LAW-03")


def test_withdrawing_needs_a_reason_and_keeps_the_history(desk: Client, operator: User) -> None:
    item = ITEM["LAW-06"]
    desk.post(page(item.id), evidence(item))
    refused = desk.post(page(item.id), {"_withdraw": "1", "reason": "   "})
    assert refused.status_code == 200
    assert Signature.objects.get().withdrawn_at is None
    assert desk.post(page(item.id), {"_withdraw": "1", "reason": "規程を改めるため"}).status_code == 302
    signature = Signature.objects.get()
    assert (signature.withdrawn_by, signature.withdrawal_reason) == (operator, "規程を改めるため")
    shown = text(desk.get(page(item.id)))
    assert "規程を改めるため" in shown
    assert LedgerEntry.objects.get(event="item.withdrawn").payload["reason"] == "規程を改めるため"


def test_withdrawing_what_is_not_signed_keeps_the_reason(desk: Client) -> None:
    desk.post(page("LAW-06"), evidence(ITEM["LAW-06"]))
    gate.withdraw(item=ITEM["LAW-06"], reason="先に", actor=User.objects.get(is_superuser=True))
    shown = desk.post(page("LAW-06"), {"_withdraw": "1", "reason": "あとから"})
    assert shown.status_code == 200
    assert Signature.objects.get().withdrawal_reason == "先に"


def test_a_signature_ends_and_says_so_before(operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    sign_all(operator)

    def state(item: str) -> ItemState:
        return next(row.state for row in ChecklistStatus.now().rows if row.item.id == item)

    assert state("LAW-06") is ItemState.signed
    with unguarded("signature_update"):
        Signature.objects.filter(item_id="LAW-06").update(expires_at=timezone.now() + timedelta(days=3))
    gate.advance_revision(GateState.objects.get())
    assert state("LAW-06") is ItemState.ending
    with unguarded("signature_update"):
        Signature.objects.filter(item_id="LAW-06").update(expires_at=timezone.now() - timedelta(days=3))
    gate.advance_revision(GateState.objects.get())
    assert state("LAW-06") is ItemState.expired
    assert "LAW-06" in {item.id for item in gate.current().open_items()}


def test_a_verdict_against_the_filing_is_shown_as_such(operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    gate.sign(item=ITEM["LAW-01"], evidence=evidence(ITEM["LAW-01"], verdict="CONSULT"), actor=operator)
    assert ChecklistStatus.now().rows[0].state is ItemState.contradicted
