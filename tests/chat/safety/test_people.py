"""Acts on people: who may what to whom, where; that nothing happens without an entry; and what the person is told."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from chat import matching, rooms, safety
from chat.models import Appeal, Keeper, Message, Preferences, Reason, RemovedMessage, Room, Sanction, User
from chat.people import Person
from chat.protocol import Refused
from compliance.law import Mode, Status
from compliance.law.powers import Group
from compliance.models import LedgerEntry
from compliance.records.events import Event
from tests.chat.safety.conftest import ROLES, Cast, removal, said
from tests.compliance.cases import standing
from tests.conftest import PASSWORD, MakeStaff, signed_in
from tests.kit.store import store

pytestmark = pytest.mark.django_db
KIND = Sanction.Kind
WHERE = ("everywhere", "their room", "another room")
EVENTS = {KIND.WARN: Event.PERSON_WARNED, KIND.MUTE: Event.PERSON_MUTED, KIND.SUSPEND: Event.ACCOUNT_SUSPENDED}


def do(kind: KIND, user: User, actor: User, room: Room | None = None, **fields: Any) -> Sanction:
    until = timezone.now() + timedelta(days=7) if kind == KIND.MUTE else None
    given: dict[str, Any] = {"until": until, "reason": "宣伝の連投", "rule": Reason.SPAM} | fields
    return safety.act(kind=kind, user=user, actor=actor, room=room, **given)


def entries(*events: Event) -> int:
    return LedgerEntry.objects.filter(event__in=events).count()


@pytest.mark.parametrize("role", ROLES)
def test_who_acts_on_a_member_and_where(cast: Cast, room: Room, role: str) -> None:
    elsewhere = rooms.create_open_room(actor=None, name="ほか", slug="elsewhere")
    places = {"everywhere": None, "their room": room, "another room": elsewhere}
    for kind, where in product(KIND, WHERE):
        before = entries(*EVENTS.values())
        is_possible = kind != KIND.SUSPEND or where == "everywhere"
        allowed = role in {"moderator", "operator"} or (
            role in {"keeper", "owner"} and kind == KIND.MUTE and where == "their room"
        )
        user = User.objects.create_user(f"{kind}-{WHERE.index(where)}@example.jp", name=f"{kind}{where}")
        try:
            made = do(kind, user, cast[role], places[where])
        except Refused:
            assert not (allowed and is_possible), (kind, where)
            assert entries(*EVENTS.values()) == before
            assert not Sanction.objects.filter(user=user).exists()
            user.refresh_from_db()
            assert user.is_active
        else:
            assert allowed, (kind, where)
            assert is_possible
            assert entries(EVENTS[kind]) == LedgerEntry.objects.filter(event=EVENTS[kind]).count()
            assert entries(*EVENTS.values()) == before + 1
            last = LedgerEntry.objects.filter(event=EVENTS[kind]).latest("seq")
            assert last.payload["act"] == str(made.public_id)
            assert last.actor_id is not None
            assert user.name not in str(last.payload)
            assert ("reason" in last.payload) is (role in {"moderator", "operator"})


@pytest.mark.parametrize("target", ["moderator", "compliance", "operator", "auditor"])
def test_nobody_acts_on_staff_nor_on_themselves(cast: Cast, make_staff: MakeStaff, target: str) -> None:
    for actor in (cast["operator"], make_staff(Group.MODERATOR), cast[target]):
        with pytest.raises(Refused):
            do(KIND.WARN, cast[target], actor)


def test_a_keeper_does_not_mute_who_keeps_the_room(cast: Cast, room: Room) -> None:
    for target in ("owner", "keeper"):
        with pytest.raises(Refused):
            do(KIND.MUTE, cast[target], cast["keeper"], room)


def test_in_a_closed_talk_nobody_acts(cast: Cast, settings: Settings) -> None:
    settings.STANDING = standing(Status.notified, COMPLIANCE_CHECKLIST=Mode.advise)
    pair = [Person.of(cast["author"]), Person.of(cast["member"])]
    for person in pair:
        matching.seek(person=person)
    match = matching.pair(pair[1].pk)
    assert match is not None
    talk = Room.objects.get(pk=match.room)
    for actor in ("moderator", "operator", "author"):
        with pytest.raises(Refused) as refused:
            do(KIND.MUTE, cast["member"], cast[actor], talk)
        assert refused.value.code == "missing"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (KIND.MUTE, {"until": None}),
        (KIND.MUTE, {"until": timezone.now() + timedelta(days=400)}),
        (KIND.SUSPEND, {"until": timezone.now() - timedelta(days=1)}),
        (KIND.WARN, {"until": timezone.now() + timedelta(days=1)}),
        (KIND.WARN, {"reason": " 　"}),
    ],
)
def test_an_act_has_a_reason_and_a_fitting_end(cast: Cast, kind: KIND, fields: dict[str, Any]) -> None:
    with pytest.raises(Refused) as refused:
        do(kind, cast["member"], cast["moderator"], **fields)
    assert refused.value.code == "protocol"


def test_the_person_is_mailed_why_and_how_to_appeal(
    cast: Cast, django_capture_on_commit_callbacks: Callable[..., Any], client: Client
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        do(KIND.SUSPEND, cast["member"], cast["moderator"], origin="https://chat.example.jp")
    [sent] = mail.outbox
    assert sent.to == [cast["member"].email]
    assert sent.subject == "Todoke：運営者からのお知らせ"
    assert "宣伝の連投" in sent.body
    assert "Advertising or spam" not in sent.body, "in one language, which is Japanese for who chose none"
    link = re.search(r"https://chat\.example\.jp(/appeals/\S+/)", str(sent.body))
    assert link is not None
    # Whoever is shut out reaches the appeal by it, and nobody by a link of their own making.
    assert "宣伝の連投" in client.get(link[1]).content.decode()
    assert client.post(link[1], {"words": "別人の投稿です"}).status_code == 302
    assert Appeal.objects.get().words == "別人の投稿です"
    assert client.get(link[1][:-2] + "x/").status_code == 404


def test_the_mail_is_in_the_language_that_the_person_chose(
    cast: Cast, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    Preferences.objects.create(user=cast["member"], language="en")
    with django_capture_on_commit_callbacks(execute=True):
        do(KIND.WARN, cast["member"], cast["moderator"])
    [sent] = mail.outbox
    assert sent.subject == "A notice from the people who run Todoke"
    assert "Advertising or spam" in sent.body
    assert "利用規約" not in sent.body


def test_a_suspended_person_reads_why_at_sign_in_and_is_back_when_it_is_over(cast: Cast, client: Client) -> None:
    user = cast["member"]
    user.set_password(PASSWORD)
    user.save()
    end = timezone.now() + timedelta(days=3)
    do(KIND.SUSPEND, user, cast["moderator"], until=end)
    login = {"login": user.email, "password": PASSWORD}
    page = client.post("/accounts/login/", login, follow=True).content.decode()
    assert "宣伝の連投" in page
    assert "/appeals/" in page
    Sanction.objects.update(until=timezone.now() - timedelta(seconds=1))
    client.post("/accounts/login/", login)
    user.refresh_from_db()
    assert user.is_active
    assert client.session.get("_auth_user_id") == str(user.pk)


def test_an_open_session_goes_on_when_the_suspension_is_over_and_not_before(cast: Cast) -> None:
    browser = signed_in(cast["member"])
    do(KIND.SUSPEND, cast["member"], cast["moderator"], until=timezone.now() + timedelta(days=3))
    assert browser.get("/appeals/").status_code == 302
    Sanction.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert browser.get("/appeals/").status_code == 200


def test_an_account_shut_by_hand_does_not_come_back_by_the_clock(cast: Cast) -> None:
    user = cast["member"]
    do(KIND.SUSPEND, user, cast["moderator"], until=timezone.now() + timedelta(days=3))
    Sanction.objects.update(until=timezone.now() - timedelta(seconds=1))
    browser = signed_in(user)
    assert browser.get("/appeals/").status_code == 200
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert browser.get("/appeals/").status_code == 302


def test_what_was_done_is_shown_on_the_next_page_until_it_is_read(cast: Cast) -> None:
    browser = signed_in(cast["member"])
    do(KIND.WARN, cast["member"], cast["moderator"])
    assert "宣伝の連投" in browser.get("/").content.decode()
    assert "宣伝の連投" in browser.get("/appeals/").content.decode()
    assert "宣伝の連投" not in browser.get("/").content.decode()
    assert "宣伝の連投" not in signed_in(cast["author"]).get("/").content.decode()


# Appeals --------------------------------------------------------------------------------------------------------------


def test_an_act_is_appealed_once_and_by_its_person_only(cast: Cast) -> None:
    made = do(KIND.MUTE, cast["member"], cast["moderator"])
    other = signed_in(cast["author"])
    other.post("/appeals/", {"act": str(made.public_id), "words": "他人です"})
    assert not Appeal.objects.exists()
    browser = signed_in(cast["member"])
    for words in ("誤解です", "もう一度"):
        browser.post("/appeals/", {"act": str(made.public_id), "words": words})
    assert Appeal.objects.get().words == "誤解です"


def test_several_acts_on_one_page_have_fields_of_their_own(cast: Cast) -> None:
    acts = [do(KIND.WARN, cast["author"], cast["moderator"]) for _ in range(4)]
    for made in acts[:2]:
        safety.appeal(sanction=made, words="宣伝ではありません")
    author = signed_in(cast["author"])
    refused = author.post("/appeals/", {"act": str(acts[2].public_id), "words": " "}).content.decode()
    for page in (signed_in(cast["operator"]).get("/desk/appeals/").content.decode(), refused):
        ids = re.findall(r'\sid="([^"]+)"', page)
        assert len(ids) == len(set(ids))
        assert len(re.findall(r"<(?:textarea|input)[^>]* id=", page)) >= 2
    assert refused.count("errorlist") == 1


@pytest.mark.parametrize("role", ROLES)
def test_who_decides(cast: Cast, role: str) -> None:
    made = do(KIND.MUTE, cast["member"], cast["operator"])
    appeal = safety.appeal(sanction=made, words="誤解です")
    allowed = role == "moderator"  # the operator made the act
    try:
        safety.decide(appeal=appeal, actor=cast[role], outcome=Appeal.Outcome.LIFTED, note="もっともです")
    except Refused:
        assert not allowed
        assert entries(Event.APPEAL_DECIDED) == 0
    else:
        assert allowed
        assert (entries(Event.APPEAL_DECIDED), entries(Event.SANCTION_LIFTED)) == (1, 1)
        made.refresh_from_db()
        assert made.lifted_at is not None


def test_a_sole_moderator_decides_on_their_own_act_with_a_note(operator: User, user: User) -> None:
    made = do(KIND.SUSPEND, user, operator)
    appeal = safety.appeal(sanction=made, words="誤解です")
    with pytest.raises(Refused):
        safety.decide(appeal=appeal, actor=operator, outcome=Appeal.Outcome.LIFTED, note=" ")
    safety.decide(appeal=appeal, actor=operator, outcome=Appeal.Outcome.LIFTED, note="取り違えでした")
    user.refresh_from_db()
    assert user.is_active
    with pytest.raises(Refused) as again:
        safety.decide(appeal=appeal, actor=operator, outcome=Appeal.Outcome.UPHELD, note="やはり")
    assert again.value.code == "conflict"


# Keepers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ROLES)
def test_who_names_keepers_and_who_restricts(cast: Cast, room: Room, role: str) -> None:
    named, restricted = entries(Event.KEEPER_NAMED), entries(Event.ROOM_RESTRICTED)
    rules = {"slow_seconds": 10, "members_only": True, "announce_only": False, "archived": True}
    for allowed, act in (
        (
            role in {"owner", "moderator", "operator"},
            lambda: safety.name_keeper(room=room, actor=cast[role], user=cast["member"]),
        ),
        (
            role in {"keeper", "owner", "moderator", "operator"},
            lambda: safety.restrict_room(room=room, actor=cast[role], **rules),  # type: ignore[arg-type]
        ),
    ):
        try:
            act()
        except Refused:
            assert not allowed
        else:
            assert allowed
    assert Keeper.objects.filter(user=cast["member"]).exists() is (entries(Event.KEEPER_NAMED) > named)
    room.refresh_from_db()
    assert room.members_only is (entries(Event.ROOM_RESTRICTED) > restricted) is (entries(Event.ROOM_ARCHIVED) == 1)
    assert room.is_open


def test_guests_keep_no_room_and_a_keeper_may_step_back(cast: Cast, room: Room) -> None:
    with pytest.raises(Refused):
        safety.name_keeper(room=room, actor=cast["owner"], user=cast["guest"])
    with pytest.raises(Refused):
        safety.remove_keeper(room=room, actor=cast["member"], user=cast["keeper"])
    safety.remove_keeper(room=room, actor=cast["keeper"], user=cast["keeper"])
    assert not rooms.keeps(room, cast["keeper"].pk)
    assert entries(Event.KEEPER_REMOVED) == 1


# Doors ----------------------------------------------------------------------------------------------------------------

PEOPLE = {"moderator", "operator"}
DOORS = {
    "/rooms/chat/keep/": {"keeper", "owner", "moderator", "operator"},
    "/desk/people/": PEOPLE,
    "/desk/people/{member}/": PEOPLE,
    "/desk/rooms/chat/": PEOPLE,
    "/desk/appeals/": PEOPLE,
}


@pytest.mark.parametrize("role", [None, *ROLES])
@pytest.mark.parametrize("door", DOORS)
def test_who_opens_which_page(cast: Cast, room: Room, role: str | None, door: str) -> None:
    browser = signed_in(cast[role]) if role else Client()
    answer = browser.get(door.format(member=cast["member"].public_id))
    assert (answer.status_code == 200) is (role in DOORS[door]), answer.status_code
    posted = browser.post(
        door.format(member=cast["member"].public_id),
        {"do": "rules", "slow_seconds": "60", "kind": "warn", "rule": "spam", "reason": "x"},
    )
    if role not in DOORS[door]:
        assert posted.status_code in {302, 403, 404}
        room.refresh_from_db()
        assert room.slow_seconds == 0


def test_the_desk_acts_on_a_person_and_shows_open_words_only(cast: Cast, room: Room, settings: Settings) -> None:
    desk = signed_in(cast["moderator"])
    card = f"/desk/people/{cast['member'].public_id}/"
    act = {"do": "act", "kind": "mute", "rule": "spam", "span": "86400", "reason": "宣伝の連投"}
    assert desk.post(card, act).status_code == 302
    made = Sanction.objects.get(user=cast["member"])
    assert made.kind == KIND.MUTE
    assert "宣伝の連投" in desk.get(card).content.decode()
    desk.post(card, {"do": "lift", "act": str(made.public_id), "note": "取り違え"})
    made.refresh_from_db()
    assert made.lifted_at is not None


def test_a_keeper_mutes_and_lifts_on_the_page_of_the_room(cast: Cast, room: Room) -> None:
    browser = signed_in(cast["keeper"])
    mute = {"do": "mute", "person": str(cast["member"].public_id), "rule": "spam", "span": "3600", "reason": "連投"}
    browser.post("/rooms/chat/keep/", mute)
    made = Sanction.objects.get()
    assert (made.user, made.room, made.by_role) == (cast["member"], room, "keeper")
    assert "連投" in browser.get("/rooms/chat/keep/").content.decode()
    browser.post("/rooms/chat/keep/", {"do": "lift", "act": str(made.public_id)})
    made.refresh_from_db()
    assert made.lifted_at is not None
    by_staff = do(KIND.MUTE, cast["member"], cast["moderator"], room)
    browser.post("/rooms/chat/keep/", {"do": "lift", "act": str(by_staff.public_id)})
    by_staff.refresh_from_db()
    assert by_staff.lifted_at is None  # what staff did, staff lift


def test_the_room_says_in_the_composers_place_why_somebody_cannot_write(cast: Cast, room: Room) -> None:
    browser = signed_in(cast["member"])
    free = re.compile(r"<form class=\"composer\" data-composer.*?<p [^>]*data-slow hidden", re.DOTALL)
    page = browser.get("/rooms/chat/").content.decode()
    assert free.search(page)
    assert re.search(r'<p class="notice silent" data-silent hidden><span></span>', page)
    made = do(KIND.MUTE, cast["member"], cast["moderator"])
    page = browser.get("/rooms/chat/").content.decode()
    assert '<form class="composer" data-closed data-composer' in page
    found = re.search(r'<p class="notice silent" data-silent><span>(.*?)</span> <a href="/appeals/">', page)
    assert found is not None
    assert made.reason in found[1]
    assert "/appeals/" not in found[1]


def test_what_was_removed_is_restored_where_the_desk_lists_it(cast: Cast, room: Room) -> None:
    seq = said(room, cast["member"], "また読める")
    store([removal(room, cast["keeper"], seq, reason="行きすぎ")])
    browser = signed_in(cast["moderator"])
    for page in ("/desk/rooms/chat/", f"/desk/people/{cast['member'].public_id}/"):
        shown = browser.get(page).content.decode()
        assert "行きすぎ" in shown
        assert "また読める" not in shown
        key = RemovedMessage.objects.get().pk
        browser.post(page, {"do": "restore", "removed": str(key)})
        assert not RemovedMessage.objects.exists()
        assert Message.objects.get(room=room, seq=seq).body == "また読める"
        assert "行きすぎ" not in browser.get(page).content.decode()
        store([removal(room, cast["keeper"], seq, reason="行きすぎ")])
    other = signed_in(cast["keeper"]).post("/desk/rooms/chat/", {"do": "restore", "removed": str(key + 1)})
    assert other.status_code in {302, 403, 404}
    assert RemovedMessage.objects.exists()


# Property -------------------------------------------------------------------------------------------------------------


STEPS = ("warn", "mute", "suspend", "lift", "appeal", "decide")
ACTORS = ("member", "keeper", "moderator", "compliance", "operator")


@given_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["warn", "mute", "suspend", "lift", "appeal", "decide"]),
            st.sampled_from(["member", "keeper", "moderator", "compliance", "operator"]),
        ),
        max_size=8,
    )
)
def test_no_sequence_of_acts_changes_anything_without_an_entry(steps: list[tuple[str, str]], cast: Cast) -> None:
    target = User.objects.create_user(f"t{User.objects.count()}@example.jp", name=f"標的{User.objects.count()}")
    for what, who in steps:
        before, count = _state(target), LedgerEntry.objects.count()
        try:
            _step(what, target, cast[who])
        except Refused:
            assert _state(target) == before
            assert LedgerEntry.objects.count() == count
        else:
            if what != "appeal" and _state(target) != before:
                assert LedgerEntry.objects.count() > count
                assert LedgerEntry.objects.latest("seq").role in {"moderator", "operator", "superuser"}


def _state(target: User) -> tuple[Any, ...]:
    target.refresh_from_db()
    acts = (
        Sanction.objects.filter(user=target).order_by("pk").values_list("kind", "until", "lifted_at", "appeal__outcome")
    )
    return target.is_active, target.muted_until, list(acts)


def _step(what: str, target: User, actor: User) -> None:
    last = Sanction.objects.filter(user=target).order_by("-pk").first()
    if what in set(KIND.values):
        do(KIND(what), target, actor)
    elif last is None:
        return
    elif what == "lift":
        safety.lift(sanction=last, actor=actor)
    elif what == "appeal":
        safety.appeal(sanction=last, words="誤解です")
    elif (appeal := Appeal.objects.filter(sanction=last).first()) is not None:
        safety.decide(appeal=appeal, actor=actor, outcome=Appeal.Outcome.LIFTED, note="もっともです")


def test_nobody_lifts_an_act_on_themselves_nor_decides_on_it(cast: Cast) -> None:
    act, person = do(KIND.MUTE, cast["member"], cast["moderator"]), cast["member"]
    appeal = safety.appeal(sanction=act, words="違います")
    person.groups.set(cast["moderator"].groups.all())
    Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
    person = User.objects.get(pk=person.pk)
    with pytest.raises(Refused):
        safety.lift(sanction=act, actor=person)
    with pytest.raises(Refused):
        safety.decide(appeal=appeal, actor=person, outcome=Appeal.Outcome.LIFTED, note="済み")
    act.refresh_from_db()
    assert act.lifted_at is None


def test_an_act_that_is_lifted_takes_its_appeal_along_and_the_mail_says_what_happens_now(
    cast: Cast, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    waits, decided, warned = (do(kind, cast["member"], cast["moderator"]) for kind in (KIND.MUTE, KIND.MUTE, KIND.WARN))
    safety.appeal(sanction=waits, words="違います")
    second = safety.appeal(sanction=decided, words="違います")
    safety.decide(appeal=second, actor=cast["operator"], outcome=Appeal.Outcome.UPHELD, note="そのまま")
    told = []
    for act in (warned, waits, decided):
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            safety.lift(sanction=act, actor=cast["moderator"])
        told.append(mail.outbox[0].body)
    assert not Appeal.objects.filter(outcome="").exists()
    assert "また書き込めます" not in told[0], "another act holds"
    assert str(Appeal.Outcome.LIFTED.label) in told[1]
    assert "また書き込めます" in told[2]
    assert "そのまま" not in told[2]


def test_whoever_is_muted_everywhere_opens_no_room(cast: Cast) -> None:
    do(KIND.MUTE, cast["member"], cast["moderator"])
    with pytest.raises(Refused, match="宣伝の連投"):
        rooms.create_open_room(actor=cast["member"], name="買ってください", description="https://advert.example")
    assert not Room.objects.filter(name="買ってください").exists()
