"""Nobody walks around an act: not by leaving and signing up again, and not by another nickname."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from chat import personal_data, retention, rooms, safety
from chat.models import LeftAct, Reason, Room, Sanction, User
from chat.people import mutes_of
from chat.protocol import Refused
from compliance.models import LedgerEntry
from tests.chat.safety.conftest import Cast, post
from tests.conftest import PASSWORD, MakeUser, proven, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db
MUTE, SUSPEND = Sanction.Kind.MUTE, Sanction.Kind.SUSPEND


def act(cast: Cast, user: User, kind: Sanction.Kind = MUTE, days: int | None = 7, room: Room | None = None) -> Sanction:
    until = timezone.now() + timedelta(days=days) if days else None
    given = {"user": user, "actor": cast["moderator"], "reason": "秘密の理由", "rule": Reason.SPAM}
    return safety.act(kind=kind, until=until, room=room, **given)  # type: ignore[arg-type]


def sign_up(address: str, *, confirmed: bool = True) -> User:
    made = User.objects.create_user(address, PASSWORD, name="また来た人")
    EmailAddress.objects.create(user=made, email=address, verified=confirmed, primary=True)
    return User.objects.get(pk=made.pk)


def leave(user: User) -> str:
    address = str(user.email)
    personal_data.erase([user], by=personal_data.By.PERSON, actor=user)
    return address


def refusal(room: Room, user: User) -> Refused | None:
    [outcome] = store([post(room, user)]).outcomes
    return outcome if isinstance(outcome, Refused) else None


@pytest.mark.parametrize("where", ["everywhere", "in one room"])
def test_a_mute_goes_on_when_its_member_leaves_and_comes_back(cast: Cast, room: Room, where: str) -> None:
    made = act(cast, cast["member"], room=room if where == "in one room" else None)
    again = sign_up(leave(cast["member"]))
    assert refusal(room, again)
    assert again.has_unread_act
    other = rooms.create_open_room(actor=None, name="ほか", slug="other")
    assert bool(refusal(other, again)) is (where == "everywhere")
    page = signed_in(again).get("/appeals/").content.decode()
    assert "This goes on from before" in page
    assert "秘密の理由" not in page
    [goes_on] = Sanction.objects.filter(user=again)
    assert (goes_on.public_id, goes_on.until) == (made.public_id, made.until)
    assert not LeftAct.objects.exists(), "what is with an account again is kept there alone"
    entry = LedgerEntry.objects.filter(event="person.muted").latest("seq")
    assert (entry.actor_id, entry.payload["continues"]) == (None, str(made.public_id))


def test_a_suspension_without_an_end_goes_on(cast: Cast, client: Client) -> None:
    act(cast, cast["member"], SUSPEND, days=None)
    address = leave(User.objects.get(pk=cast["member"].pk))
    again = sign_up(address)
    assert not again.is_active
    client.post("/accounts/login/", {"login": address, "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_it_goes_on_over_a_second_leaving(cast: Cast, room: Room) -> None:
    act(cast, cast["member"])
    again = sign_up(leave(cast["member"]))
    assert refusal(room, sign_up(leave(again)))


def test_an_address_that_nobody_confirmed_tells_nothing(cast: Cast, room: Room, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    act(cast, cast["member"])
    again = sign_up(leave(cast["member"]), confirmed=False)
    assert not Sanction.objects.filter(user=again).exists()
    EmailAddress.objects.get(user=again).set_verified()
    assert refusal(room, User.objects.get(pk=again.pk))


def test_what_is_over_or_lifted_or_a_warning_leaves_nothing(cast: Cast, room: Room) -> None:
    act(cast, cast["member"], Sanction.Kind.WARN, days=None)
    safety.lift(sanction=act(cast, cast["member"]), actor=cast["moderator"])
    address = leave(User.objects.get(pk=cast["member"].pk))
    assert not LeftAct.objects.exists()
    assert refusal(room, sign_up(address)) is None


def test_what_is_kept_names_nobody_and_goes_with_the_acts_end(cast: Cast, room: Room) -> None:
    act(cast, cast["member"], days=7)
    act(cast, cast["author"], SUSPEND, days=None)
    name, public_id = cast["member"].name, cast["member"].public_id
    address = leave(cast["member"])
    leave(User.objects.get(pk=cast["author"].pk))
    kept = str(list(LeftAct.objects.values()))
    for secret in (address, name, str(public_id), "秘密の理由"):
        assert secret not in kept
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1), tick=True):
        assert not mutes_of([sign_up(address).pk], timezone.now())
    with time_machine.travel(timezone.now() + timedelta(days=9), tick=True):
        assert retention.purge().counts["left_acts"] == 1
    with time_machine.travel(timezone.now() + timedelta(days=3 * 365 + 2), tick=True):
        assert retention.purge().counts["left_acts"] == 1


def test_a_muted_guest_takes_the_mute_along_to_another_nickname(cast: Cast, room: Room) -> None:
    browser = Client()
    browser.post("/guest/", {"nickname": "旅の人"})
    first = User.objects.get(name="旅の人")
    act(cast, first)
    browser.post("/accounts/logout/")
    browser.post("/guest/", {"nickname": "別の名"})
    second = User.objects.get(name="別の名")
    assert second.pk != first.pk
    assert refusal(room, second)
    assert "This goes on from before" in browser.get("/appeals/").content.decode()


def test_a_muted_member_does_not_write_as_a_guest_instead(cast: Cast, room: Room, make_member: MakeUser) -> None:
    act(cast, cast["member"])
    browser = proven(cast["member"])
    browser.post("/accounts/logout/")
    browser.post("/guest/", {"nickname": "別の名"})
    assert refusal(room, User.objects.get(name="別の名"))
    stranger = Client()
    stranger.post("/guest/", {"nickname": "関係ない人"})
    assert refusal(room, User.objects.get(name="関係ない人")) is None


@pytest.mark.parametrize("who", ["guest", "member"])
def test_whoever_is_suspended_takes_no_nickname(cast: Cast, who: str) -> None:
    browser = signed_in(cast[who])
    act(cast, cast[who], SUSPEND)
    answer = browser.post("/guest/", {"nickname": "別の名"})
    assert answer.status_code == 200
    assert not User.objects.filter(name="別の名").exists()
    assert 'role="alert"' in answer.content.decode() or "errorlist" in answer.content.decode()


def test_whoever_leaves_under_an_act_does_not_come_in_as_a_guest(cast: Cast, room: Room) -> None:
    act(cast, cast["member"])
    browser = proven(cast["member"])
    answer = browser.post("/account/leave/", {"words": "stay", "understood": "on"})
    assert answer.status_code == 200
    browser.post("/guest/", {"nickname": "別の名"})
    assert refusal(room, User.objects.get(name="別の名"))


def test_the_leaving_page_says_what_is_kept(cast: Cast) -> None:
    page = signed_in(cast["member"]).get("/account/leave/", headers={"accept-language": "en"}).content.decode()
    assert "keyed digest of your address" in page
