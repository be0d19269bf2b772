"""People and rooms in the admin."""

import pytest
from django.test import Client

from chat.models import Room, User
from compliance.law import Feature
from compliance.models import Authorisation
from tests.compliance.pages import may, text
from tests.conftest import MakeUser, signed_in

pytestmark = pytest.mark.django_db


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
