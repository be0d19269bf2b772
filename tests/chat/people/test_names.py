"""Which names somebody may have: what is seen, what looks alike, and what stands for those who run the service."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections
from django.test import Client

from chat import people, personal_data
from chat.models import NAME_LENGTH, NAME_POINTS, User
from chat.text import names
from compliance.models import Approval
from tests.conftest import MakeUser

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"

UNSEEN = [
    *("\u3164", "\u2800", "\u00ad\u00ad", "\u180e", "\ufe0f", "\U000e0041\U000e0042", "\u200c", "\u206a", "\U0001d173"),
    *("\u115f", "\u1160", "\uffa0", "\u034f", "\ufffc", "\ue000", "\u0378", "\u2028", "\u061c", "\U0001d159"),
    *("旅人\u00ad", "旅人\U000e0041", "旅人\u061c", "旅人\u200d", "旅人\u034f", "旅\u200b人", "\u202e人旅", "a\u200db"),
]
PILED = ["a" + "\u0301\u0300\u0302\u0308\u0323\u0331\u0316", "Z" + "\u0316" * 39, "\u0301", "x\u20dd"]
WELCOME = {
    " 旅人 ": "旅人",
    "か\u309b": "が",
    "は\u309c": "ぱ",
    "あ\u309b": "あ\u309b",
    "ｶﾞ": "ガ",
    "मनोज क्षत्रिय": "मनोज क्षत्रिय",
    "สมชาย": "สมชาย",
    "محمد": "محمد",
    "می\u200cخواهم": "می\u200cخواهم",
    "ශ්\u200dරී": "ශ්\u200dරී",
    "Nguyễn Thị": "Nguyễn Thị",
    "辻\U000e0100": "辻\U000e0100",
    FAMILY: FAMILY,
    SCOTLAND: SCOTLAND,
    "❤\ufe0f": "❤\ufe0f",
    "1\ufe0f\u20e3": "1\ufe0f\u20e3",
    "👩🏽\u200d🚀 花子": "👩🏽\u200d🚀 花子",
    "🇯🇵": "🇯🇵",
    "あ" * NAME_LENGTH: "あ" * NAME_LENGTH,
    FAMILY * 20: FAMILY * 20,
}
OF_STAFF = [
    *(
        "運営",
        "運営者 ",
        "運 営",
        "★運営★",
        "【運営】",
        "運営チーム",
        "運営 田中",
        "田中（運営）",
        "管理人さん",
        "管理者",
        "事務局",
    ),
    *(
        "モデレーター",
        "モデレー夕ー",
        "もでれーたー",
        "スタッフ１",
        "スタツフ",
        "運営\u3099",
        "運營",
        "うんえい",
        "ᴀᴅᴍɪɴ",
        "\U0001f170dmin",
        "aɗmin",
        "公式サポート",
        "公式",
        "Todoke運営",
        "ＴＯＤＯＫＥ",
        "T0doke",
        "トドケ",
        "とどけ",
        "届け",
    ),
    *(
        "Ａｄｍｉｎ",
        "аdmin",
        "adm1n",
        "Adrnin",
        "admin 01",
        "a.d.m.i.n",
        "operаtor",
        "0perator",
        "Support Team",
        "staff",
        "official",
    ),
    *("𝐀𝐝𝐦𝐢𝐧", "ⓐdmin", "System", "moderator"),
]
OF_OTHERS = [
    "旅人",
    "花子",
    "運営学を学ぶ人",
    "サポーター",
    "Adam",
    "Stefan",
    "届け物",
    "部長",
    "system of a down",
    "Kumo",
    "ゲスト",
]
ALIKE = [
    ("旅人", "旅 人"),
    ("Kumo", "Kurno"),
    ("Hana", "Нana"),
    ("カタ", "力夕"),
    ("へのへの", "ヘのヘの"),
    ("mail", "MA1L"),
]
APART = [("ギ", "キ"), ("か", "が"), ("花子", "花予"), ("たろう", "じろう"), ("Hana", "Hana🌸")]


@pytest.mark.parametrize("name", [*UNSEEN, *PILED, "", "  ", "a" * (NAME_LENGTH + 1), "\U0001f600" * 41], ids=ascii)
def test_a_name_that_hides_or_piles_up_or_is_too_long_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        people.clean_name(name)
    assert refused.value.messages[0]


@pytest.mark.parametrize(("typed", "stored"), WELCOME.items(), ids=ascii)
def test_names_of_all_scripts_and_emoji_are_welcome(typed: str, stored: str) -> None:
    assert people.clean_name(typed) == stored
    assert people.clean_name(stored) == stored
    assert len(stored) <= NAME_POINTS


@pytest.mark.parametrize("name", OF_STAFF)
def test_a_name_that_stands_for_staff_is_reserved(name: str) -> None:
    assert names.is_reserved(name)


@pytest.mark.parametrize("name", OF_OTHERS)
def test_a_name_that_only_resembles_a_reserved_word_is_free(name: str) -> None:
    assert not names.is_reserved(name)


@pytest.mark.parametrize(("one", "two"), ALIKE)
def test_names_that_look_alike_share_a_skeleton(one: str, two: str) -> None:
    assert names.skeleton(one) == names.skeleton(two)


@pytest.mark.parametrize(("one", "two"), APART)
def test_names_that_can_be_told_apart_do_not(one: str, two: str) -> None:
    assert names.skeleton(one) != names.skeleton(two)


# Who has it already ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["はなこ", "は な こ", "はなこ\u3000", "ｈanako", "Hаnako"])
def test_a_guest_takes_no_members_name(name: str, client: Client, make_user: MakeUser) -> None:
    make_user("はなこ")
    make_user("Hanako")
    answer = client.post("/guest/", {"nickname": name, "next": "/"})
    assert answer.status_code == 200
    assert answer.context["form"].errors["nickname"]
    assert not User.objects.filter(is_guest=True).exists()


@pytest.mark.django_db
def test_members_may_share_a_name_but_nobody_shares_that_of_staff(make_user: MakeUser, operator: User) -> None:
    make_user("はなこ")
    assert people.free_name("はなこ", role="") == "はなこ"
    desk = make_user("田中", is_staff=True)
    for role in ("guest", ""):
        with pytest.raises(ValidationError):
            people.free_name("田 中", role=role)
    assert people.free_name("田中", role="staff", pk=desk.pk) == "田中"


@pytest.mark.django_db
def test_guests_may_share_a_nickname_and_a_guest_keeps_it_as_a_member() -> None:
    first, second = (people.enter_as_guest(nickname="旅人") for _ in range(2))
    assert first.skeleton == second.skeleton == names.skeleton("旅人")
    assert people.free_name("旅人", role="", pk=first.pk) == "旅人"


@pytest.mark.django_db
def test_powers_are_not_given_to_somebody_whose_name_others_have(desk: Client, make_user: MakeUser) -> None:
    person, other = make_user("はなこ"), make_user("はな こ")
    change = f"/admin/chat/user/{person.pk}/change/"
    answer = desk.post(change, {"name": "はなこ", "is_active": "on", "is_staff": "on"})
    assert answer.context["adminform"].form.errors["name"]
    personal_data.erase([other])
    again = desk.post(change, {"name": "はなこ", "is_active": "on", "is_staff": "on", "why": "当番に入る"})
    assert again.status_code == 302
    assert Approval.objects.count() == 1  # a second person has the last word


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["運営", "旅\u200b人", "うんえい"])
def test_a_rename_in_the_admin_follows_the_same_rules(
    name: str, desk: Client, operator: User, make_user: MakeUser
) -> None:
    person = make_user("はなこ")
    User.objects.filter(pk=operator.pk).update(name="うんえい", skeleton=names.skeleton("うんえい"))
    answer = desk.post(f"/admin/chat/user/{person.pk}/change/", {"name": name, "is_active": "on"})
    assert answer.context["adminform"].form.errors["name"]


@pytest.mark.django_db
def test_a_new_name_is_known_by_what_it_looks_like_whoever_stores_it(user: User) -> None:
    user.name = "あたらしい"
    user.save(update_fields=("name",))
    user.refresh_from_db()
    assert user.skeleton == names.skeleton("あたらしい")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_two_processes_do_not_give_one_name_to_a_member_and_a_guest() -> None:
    inside, go = threading.Event(), threading.Event()
    outcome: list[str] = []

    def elsewhere(act: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                act()
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def member() -> None:
        from django.db import transaction  # noqa: PLC0415 -- of this thread's own connection

        with transaction.atomic():
            name = people.free_name("はなこ", role="")
            inside.set()
            go.wait(10)
            User.objects.create_user("hanako@example.jp", None, name=name)

    def guest() -> None:
        try:
            people.enter_as_guest(nickname="はなこ")
        except ValidationError:
            outcome.append("refused")

    first = elsewhere(member)
    assert inside.wait(10)
    second = elsewhere(guest)
    second.join(0.5)  # it waits for the name
    assert second.is_alive()
    go.set()
    first.join(10)
    second.join(10)
    assert outcome == ["refused"]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("か\u309b", "が"),
        ("は\u309c", "ぱ"),
        ("か\uff9e", "が"),
        ("(´・ω・｀)", "(´・ω・`)"),
        ("(￣ー￣)", "(￣ー￣)"),
        ("゛", "゛"),
    ],
)
def test_marks_that_stand_alone_join_their_letter_or_stay_what_they_are(typed: str, stored: str) -> None:
    assert people.clean_name(typed) == stored
    assert people.clean_name(stored) == stored
