"""The operator's desk: who may do what there, that nothing typed is lost, and that each act is on record."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation

from chat.models import Room, User
from compliance import gate, ledger, signing
from compliance.admin import Desk, Progress, State
from compliance.checklist import ITEM, ITEMS, Item
from compliance.law import Feature
from compliance.models import Authorisation, GateState, LedgerEntry, Signature
from compliance.standing import Mode, Status
from compliance.testing import evidence_for, sign_all
from tests.compliance.cases import standing
from tests.conftest import MakeUser, signed_in

pytestmark = pytest.mark.django_db

OVERVIEW = "/admin/compliance/checklist/"
STOP = "/admin/compliance/stop/"


@pytest.fixture(autouse=True)
def forgetful_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what one test read from the next: its database is rolled back, its memory is not."""
    monkeypatch.setattr(gate, "_remembered", None)


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


def may(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


def text(response: Any) -> str:
    """What a person reads, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", response.content.decode()))


# Who may come in ------------------------------------------------------------------------------------------------------


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
    assert not LedgerEntry.objects.exists()


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


# The status -----------------------------------------------------------------------------------------------------------


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
    before = {section.group: section.progress for section in Desk.now().sections}
    assert sum(progress.of for progress in before.values()) == Desk.now().progress.of
    signing.sign(item=ITEM["LAW-06"], evidence=evidence(ITEM["LAW-06"]), actor=operator)
    after = {section.group: section.progress for section in Desk.now().sections}
    group = ITEM["LAW-06"].group
    assert after[group] == Progress(before[group].done + 1, before[group].of)
    assert f'max="{after[group].of}"' in desk.get(OVERVIEW).content.decode()


# One item -------------------------------------------------------------------------------------------------------------


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
    assert (entry.actor, entry.payload["item"]) == (operator, item.id)
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
    signing.sign(item=ITEM["LAW-04"], evidence=evidence(ITEM["LAW-04"]), actor=operator)
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
    signing.withdraw(item=ITEM["LAW-06"], reason="先に", actor=User.objects.get(is_superuser=True))
    shown = desk.post(page("LAW-06"), {"_withdraw": "1", "reason": "あとから"})
    assert shown.status_code == 200
    assert Signature.objects.get().withdrawal_reason == "先に"


def test_a_signature_ends_and_says_so_before(operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    sign_all(operator)

    def state(item: str) -> State:
        return next(row.state for row in Desk.now().rows if row.item.id == item)

    assert state("LAW-06") is State.signed
    Signature.objects.filter(item_id="LAW-06").update(expires_at=timezone.now() + timedelta(days=3))
    gate.moved(GateState.objects.get())
    assert state("LAW-06") is State.ending
    Signature.objects.filter(item_id="LAW-06").update(expires_at=timezone.now() - timedelta(days=3))
    gate.moved(GateState.objects.get())
    assert state("LAW-06") is State.expired
    assert "LAW-06" in {item.id for item in gate.current().open_items()}


def test_a_verdict_against_the_filing_is_shown_as_such(operator: User, settings: Any) -> None:
    settings.STANDING = standing(Status.notified)
    signing.sign(item=ITEM["LAW-01"], evidence=evidence(ITEM["LAW-01"], verdict="CONSULT"), actor=operator)
    assert Desk.now().rows[0].state is State.contradicted


def test_a_second_factor_is_recommended_to_who_signs(desk: Client, operator: User) -> None:
    from allauth.mfa.models import Authenticator  # noqa: PLC0415 -- needs the apps

    assert reverse("mfa_index") in desk.get(page("LAW-01")).content.decode()
    Authenticator.objects.create(user=operator, type=Authenticator.Type.TOTP, data={"secret": "x"})
    assert reverse("mfa_index") not in desk.get(page("LAW-01")).content.decode()


# The emergency stop ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("filed")
def test_the_stop_is_pulled_and_lifted_in_two_steps_each(desk: Client, operator: User) -> None:
    sign_all(operator)
    assert gate.settle().closed_chat().allowed

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
    assert gate.current().closed_chat().allowed
    events = list(LedgerEntry.objects.filter(event__startswith="stop.").values_list("event", "actor"))
    assert events == [("stop.pulled", operator.pk), ("stop.lifted", operator.pk)]


def test_a_page_that_meant_to_pull_never_lifts(desk: Client, operator: User) -> None:
    signing.stop(reason="先に止めた", actor=operator)
    late = desk.post(STOP, {"reason": "あとから", "intent": "pull", "_confirm": "1"})
    assert late.status_code == 200
    assert "あとから</textarea>" in late.content.decode()
    stopped = gate.current().stop
    assert stopped is not None
    assert stopped.reason == "先に止めた"


# Records --------------------------------------------------------------------------------------------------------------

RECORDS = ("signature", "authorisation", "ledgerentry")


@pytest.mark.parametrize("model", RECORDS)
def test_records_are_read_and_never_written(model: str, desk: Client, operator: User) -> None:
    sign_all(operator, but=("LAW-06",))
    Authorisation.objects.create(snapshot={"signatures": []})
    rows = {"signature": Signature, "authorisation": Authorisation, "ledgerentry": LedgerEntry}[model]
    row = rows._default_manager.first()
    assert row is not None
    base = f"/admin/compliance/{model}/"
    assert desk.get(base).status_code == 200
    assert desk.get(f"{base}{row.pk}/change/").status_code == 200
    assert desk.get(f"{base}add/").status_code == 403
    assert desk.post(f"{base}{row.pk}/change/", {"law_version": "x"}).status_code == 403
    assert desk.post(f"{base}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    count = rows._default_manager.count()
    desk.post(base, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert rows._default_manager.count() == count


def test_the_ledger_says_whether_its_chain_holds(desk: Client, operator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    signing.stop(reason="調査のため", actor=operator)
    base = "/admin/compliance/ledgerentry/"
    shown = text(desk.get(base))
    assert "台帳に異常はありません。1 件" in shown
    assert "調査のため" in shown
    monkeypatch.setattr(ledger, "verify", lambda: ledger.Fault(1, "entry 1 was changed after it was written"))
    assert "1 番の記録が欠けているか、あとから変えられています。" in text(desk.get(base))
    assert "1 番の記録が欠けているか、あとから変えられています。" in text(desk.get(f"{base}verify/", follow=True))


def test_what_runs_the_gate_is_no_list_in_the_admin() -> None:
    registered = {model._meta.label for model in admin.site._registry}
    assert not registered & {
        "compliance.Instance",
        "compliance.GateState",
        "chat.Message",
        "chat.Participant",
        "chat.Pairing",
        "chat.Ticket",
        "mfa.Authenticator",
    }


def test_every_action_says_which_feature_it_serves(operator: User, rf: RequestFactory) -> None:
    request = rf.get("/admin/")
    request.user = operator
    for model_admin in admin.site._registry.values():
        for action in model_admin.get_actions(request).values():
            assert action is not None
            assert getattr(action[0], "feature", None) is Feature.OPERATOR


# People and rooms -----------------------------------------------------------------------------------------------------


def closed_room(operator: User) -> Room:
    authorisation = Authorisation.objects.create(snapshot={})
    return Room.objects.create(
        name="二人だけの話", kind="closed", listed=False, feature=Feature.MATCH_PAIR, authorisation=authorisation
    )


def test_closed_rooms_do_not_exist_in_the_admin(desk: Client, operator: User) -> None:
    room = closed_room(operator)
    opened = Room.objects.create(name="ひろば", slug="hiroba")
    shown = text(desk.get("/admin/chat/room/"))
    assert "ひろば" in shown
    assert "二人だけの話" not in shown
    assert desk.get(f"/admin/chat/room/{opened.pk}/change/").status_code == 200
    assert desk.get(f"/admin/chat/room/{room.pk}/change/").status_code == 302
    assert "二人だけの話" not in text(desk.get("/admin/chat/room/", {"kind__exact": "closed"}, follow=True))


def test_nobody_can_sit_down_in_somebodys_place(desk: Client, user: User) -> None:
    assert desk.get(f"/admin/chat/user/{user.pk}/password/").status_code == 403
    assert desk.get(f"/admin/chat/user/{user.pk}/delete/").status_code == 403
    body = desk.get(f"/admin/chat/user/{user.pk}/change/").content.decode()
    assert 'name="email"' not in body
    assert user.password not in body


def test_people_are_suspended_and_let_back_in(desk: Client, user: User, operator: User) -> None:
    chosen = {"action": "suspend", "_selected_action": [user.pk, operator.pk]}
    assert desk.post("/admin/chat/user/", chosen).status_code == 302
    user.refresh_from_db()
    operator.refresh_from_db()
    assert not user.is_active
    assert operator.is_active
    desk.post("/admin/chat/user/", {"action": "reinstate", "_selected_action": [user.pk]})
    user.refresh_from_db()
    assert user.is_active


def test_powers_are_changed_by_superusers_only(make_user: MakeUser, user: User, operator: User) -> None:
    moderator = signed_in(may(make_user(is_staff=True), "view_user", "change_user"))
    moderator.post(
        f"/admin/chat/user/{user.pk}/change/", {"name": "新しい名前", "is_active": "on", "is_superuser": "on"}
    )
    user.refresh_from_db()
    assert (user.name, user.is_superuser) == ("新しい名前", False)
    refused = moderator.post(f"/admin/chat/user/{operator.pk}/change/", {"name": "別人"})
    assert refused.status_code == 403


def test_a_member_is_entered_and_a_guest_is_shown(desk: Client) -> None:
    fields = {"email": "New@Example.jp", "name": "新人", "usable_password": "true"}
    password = {"password1": "long enough to pass", "password2": "long enough to pass"}
    assert desk.post("/admin/chat/user/add/", fields | password).status_code == 302
    assert User.objects.get(name="新人").email == "new@example.jp"
    guest = User.objects.create(name="通りすがり", is_guest=True)
    assert desk.get(f"/admin/chat/user/{guest.pk}/change/").status_code == 200
    desk.post(f"/admin/chat/user/{guest.pk}/change/", {"name": "通りすがり"})
    guest.refresh_from_db()
    assert not guest.is_active
