"""The fact of a talk is secret from staff: no page of the admin answers differently because two people talk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, resolve, reverse

from chat.models import Block, Message, Pairing, Participant, Room, Ticket, User
from chat.rooms import LOCKED, PAIRED, columns
from compliance.adminkit import ClosedAdmin, Site
from compliance.models import GateState
from compliance.testing import TurnKeys
from tests.conftest import MakeUser, signed_in

pytestmark = pytest.mark.django_db

LOOKUPS: Final = ("", "__isnull", "__exact", "__in", "__gt", "__id", "__pk", "__id__in", "_id", "_id__isnull")
DEPTH: Final = 2


def reader(make_user: MakeUser) -> User:
    """Staff with every `view_*` permission and no other."""
    user = make_user(is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    return user


def talk(first: User, second: User) -> list[Room]:
    """Let two people be matched, talk in a locked room, wait again and block each other."""
    period = GateState.objects.get().authorisation
    assert period is not None
    paired = Room.objects.create(feature="room.match_pair", authorisation=period, head=1, **columns(PAIRED))
    locked = Room.objects.create(
        name="錠前", feature="room.invite_only", authorisation=period, created_by=first, head=1, **columns(LOCKED)
    )
    for room in (paired, locked):
        for person in (first, second):
            Participant.objects.create(room=room, user=person)
        Message.objects.create(room=room, seq=1, author=first, author_name=first.name, sealed=b"x")
    lower, higher = sorted((first, second), key=lambda person: person.pk)
    Pairing.objects.create(lower=lower, higher=higher, room=paired)
    Ticket.objects.create(user=first, topic="映画")
    Block.objects.create(blocker=second, blocked=first)
    return [paired, locked]


def paths(model: type[models.Model], depth: int = DEPTH) -> Iterator[str]:
    """Every path over relations, forward and back, hidden ones too."""
    for field in model._meta.get_fields(include_hidden=True):
        target = field.related_model
        if field.is_relation and isinstance(target, type):
            yield field.name
            if depth > 1:
                yield from (f"{field.name}__{rest}" for rest in paths(target, depth - 1))
    yield from (field.name for field in model._meta.get_fields() if not field.is_relation)


def lists() -> list[Any]:
    """Every registered ModelAdmin that has Django's list."""
    return [
        each
        for each in admin.site._registry.values()
        if type(each).changelist_view is not admin.ModelAdmin.changelist_view
        and _has_list(f"{each.opts.app_label}_{each.opts.model_name}_changelist", each)
    ]


def _has_list(name: str, each: Any) -> bool:
    callback = resolve(reverse(f"admin:{name}")).func
    return getattr(callback, "__name__", "") == "changelist_view"


def plain(answer: Any) -> tuple[int, str, str]:
    """Status, target and body, without what differs at each answer."""
    body = re.sub(r'(csrfmiddlewaretoken" value|nonce)="[^"]+"', "", answer.content.decode())
    return answer.status_code, answer.get("Location", ""), re.sub(r"\d+:\d\d(:\d\d)?", "", body)


def pages(people: list[User], rooms: list[str]) -> list[str]:
    """Every page of every admin, the list with each parameter that it takes, and what the facts could be asked by."""
    asked = [reverse("admin:index"), reverse("admin:app_list", args=["chat"])]
    ids = [str(person.pk) for person in people] + rooms
    for each in admin.site._registry.values():
        stem = f"admin:{each.opts.app_label}_{each.opts.model_name}"
        listed = reverse(f"{stem}_changelist")
        asked.append(listed)
        for view in ("change", "delete", "history"):
            for pk in ids:
                try:
                    asked.append(reverse(f"{stem}_{view}", args=[pk]))
                except NoReverseMatch:
                    continue
        asked += [f"{listed}?{query}" for query in ("q=錠", "o=-1", "all=", "e=1", "_facets=True", "_popup=1")]
    for name in ("participations", "ticket", "blocks"):
        asked += [f"/admin/chat/user/?{name}{lookup}" for lookup in ("__isnull=False", f"={ids[0]}", f"__in={ids[0]}")]
    for source, field in (("participant", "user"), ("room", "created_by"), ("pairing", "room"), ("ticket", "user")):
        asked.append(f"/admin/autocomplete/?app_label=chat&model_name={source}&field_name={field}&term=")
    kinds = [ContentType.objects.get_for_model(model).pk for model in (Room, Participant, Pairing, Ticket)]
    return asked + [f"/admin/r/{kind}/{pk}/" for kind in kinds for pk in ("1", *ids)]


@pytest.mark.slow
def test_no_page_of_the_admin_depends_on_who_talks_with_whom(
    operator: User, turn_keys: TurnKeys, make_user: MakeUser
) -> None:
    turn_keys()
    people = [make_user("一郎"), make_user("花子")]
    browsers = [signed_in(operator), signed_in(reader(make_user))]
    rooms = talk(*people)
    asked = pages(people, [str(room.pk) for room in rooms])
    with_talk = [[plain(browser.get(path)) for path in asked] for browser in browsers]
    for room in rooms:
        room.delete()
    Ticket.objects.all().delete()
    Block.objects.all().delete()
    without = [[plain(browser.get(path)) for path in asked] for browser in browsers]
    assert len(asked) > 150
    for told, silent in zip(with_talk, without, strict=True):
        assert [path for path, one, other in zip(asked, told, silent, strict=True) if one != other] == []


@pytest.mark.slow
def test_a_list_refuses_every_lookup_over_a_relation_before_it_asks_the_database(
    operator: User, make_user: MakeUser
) -> None:
    """What makes no query cannot depend on what is stored."""
    walked, taken = 0, []
    for user in (operator, reader(make_user)):
        user.get_all_permissions()
        for each in lists():
            offered = each.list_parameters(_get(user, ""))
            parameters = {f"{path}{lookup}" for path in paths(each.model) for lookup in LOOKUPS} - offered
            with CaptureQueriesContext(connection) as queries:
                for parameter in sorted(parameters):
                    answer = each.changelist_view(_get(user, f"{parameter}=1"))
                    if answer.status_code != 400:
                        taken.append(f"{each.opts.label}?{parameter}")
            assert len(queries) == 0, each.opts.label
            walked += len(parameters)
    assert taken == []
    assert walked > 5_000


def _get(user: User, query: str) -> Any:
    request = RequestFactory().get(f"/?{query}")
    request.user = user
    return request


def test_what_a_list_takes_is_its_own_columns(operator: User) -> None:
    """No filter, no search, no order and no date hierarchy of any admin crosses to a talk."""
    secret = {Participant, Pairing, Ticket, Block, Message}
    for each in lists():
        request = _get(operator, "")
        named = {*each.list_parameters(request), *each.get_search_fields(request), *each.get_list_display(request)}
        for name in named:
            model: Any = each.model
            for part in str(name).lstrip("^=@").split("__"):
                known = {field.name: field for field in model._meta.get_fields(include_hidden=True)}
                if part in known and known[part].is_relation:
                    model = known[part].related_model
                    assert model not in secret, f"{each.opts.label}: {name}"


def test_a_refusal_names_the_parameter_and_leads_back(desk: Client) -> None:
    answer = desk.get("/admin/chat/user/?participations__isnull=False&q=a", headers={"accept-language": "en"})
    assert answer.status_code == 400
    assert "participations__isnull" in answer.content.decode()
    assert 'href="/admin/chat/user/"' in answer.content.decode()


def test_what_a_list_offers_itself_still_works(desk: Client, user: User) -> None:
    for query in ("q=1", "is_active__exact=1", "o=-1", "p=1", "all=", "is_guest__exact=0&q=member"):
        assert desk.get(f"/admin/chat/user/?{query}").status_code == 200, query
    assert desk.get("/admin/chat/room/?created_at__year=2026").status_code == 200
    assert desk.get("/admin/compliance/signature/?withdrawn_at__isempty=1").status_code == 200
    assert desk.get("/admin/compliance/ledgerentry/?event=gate.opened").status_code == 200
    assert desk.get(f"/admin/chat/user/{user.pk}/change/?_changelist_filters=q%3D1").status_code == 200


def test_a_value_that_a_filter_cannot_use_is_refused_and_not_sent_to_the_whole_list(desk: Client) -> None:
    assert desk.get("/admin/chat/user/?is_active__exact=x").status_code == 400
    assert desk.get("/admin/chat/room/?created_at__year=x").status_code == 400


def test_forms_are_asked_for_by_primary_key_only(desk: Client, user: User) -> None:
    for query in ("_to_field=email", "_to_field=participations", "participations=1", "groups=1"):
        for view in ("change", "history"):
            answer = desk.get(f"/admin/chat/user/{user.pk}/{view}/?{query}")
            assert answer.status_code == 400, f"{view} {query}"


def test_an_action_reaches_only_what_the_list_may_show(desk: Client, user: User) -> None:
    posted = {"action": "suspend", "index": "0", "_selected_action": [str(user.pk)], "select_across": "1"}
    assert desk.post("/admin/chat/user/?participations__isnull=True", posted).status_code == 400
    user.refresh_from_db()
    assert user.is_active


def test_no_page_of_the_admin_deletes_a_row(rf: RequestFactory, operator: User) -> None:
    request = rf.get("/admin/")
    request.user = operator
    assert admin.site._registry
    deletable = [model for model, page in admin.site._registry.items() if page.has_delete_permission(request)]
    assert deletable == []


def test_no_registered_admin_lists_what_hangs_on_a_person(
    operator: User, turn_keys: TurnKeys, make_user: MakeUser
) -> None:
    turn_keys()
    people = [make_user("一郎"), make_user("花子")]
    ask: Callable[[], Any] = lambda: admin.site._registry[User].get_deleted_objects(people, _get(operator, ""))  # noqa: E731
    alone = ask()
    talk(*people)
    assert ask() == alone
    assert alone[1] == {str(User._meta.verbose_name_plural): 2}


def test_every_admin_is_closed_whoever_wrote_it() -> None:
    assert isinstance(admin.site, admin.AdminSite)
    assert len(admin.site._registry) > 8
    assert [each for each in admin.site._registry.values() if not isinstance(each, ClosedAdmin)] == []


def test_an_admin_that_somebody_else_wrote_is_closed_when_it_is_registered(operator: User) -> None:
    class Open(admin.ModelAdmin):  # type: ignore[type-arg]
        show_facets = admin.ShowFacets.ALWAYS

    site = Site()
    site.register(Group, Open)
    each: Any = site._registry[Group]
    assert isinstance(each, ClosedAdmin)
    assert each.show_facets is admin.ShowFacets.NEVER
    assert not each.lookup_allowed("user__participations", "1", _get(operator, ""))


def test_inlines_do_not_exist() -> None:
    """An inline lists related rows and has no closed set of parameters of its own."""
    for each in admin.site._registry.values():
        if each.inlines or each.autocomplete_fields:
            raise ImproperlyConfigured(each.opts.label)
