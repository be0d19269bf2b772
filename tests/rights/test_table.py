"""The table "who may what", walked: each role at every page, frame and command, and what it finds there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.db import transaction
from django.test import Client

from chat.messages import NewEvent
from chat.models import Message
from chat.people import Person
from chat.realtime import all_routes
from compliance.testing import walk_doors
from tests.kit.harness import Hubs
from tests.kit.store import store
from tests.rights.conftest import STAND_INS, World, doors
from tests.rights.table import EVERYBODY, FEW, FRAMES, PARTIES, RUNS, SILENT, Row, Said, roles, row_of

pytestmark = pytest.mark.django_db


def let_in(answer: Any, *, done: bool) -> bool | None:
    """Whether an answer shows a page or does something; None where it says nothing of who asks.

    That is where the method is not taken, from whomever, and where no hub runs here that could feed a stream.
    """
    if answer.status_code in {405, 503}:
        return None
    if answer.status_code in {301, 302}:
        return not any(way in answer["Location"] for way in ("/login/", "/guest/?next="))
    return answer.status_code not in {401, 403, 404, 451} and not done


def test_every_page_lets_in_whom_the_table_names_and_nobody_else(world: World) -> None:
    """Each role knocks at each page in both ways; what it does there is taken back."""
    wrong: list[str] = []
    walked = 0
    browsers = {role: world.browser(role) for role in sorted(EVERYBODY)}
    for pattern, path in doors(world):
        row = row_of(pattern.replace("/^", "/"), path)
        if row is None:
            wrong.append(f"{pattern} ({path}) has no row: say in the table who may what there")
            continue
        for role, browser in browsers.items():
            if role not in FEW and row.treats_accounts_alike:
                continue  # one member and one of the staff knock for all
            for method, who in (("get", row.get), ("post", row.post)):
                found = _knock(browser, method, path, row)
                expected = role in who
                walked += 1
                if found is not None and found is not expected:
                    wrong.append(f"{role} {method} {path}: {'in' if found else 'out'}")
    assert wrong == []
    assert walked > 1500


def _knock(browser: Client, method: str, path: str, row: Row) -> bool | None:
    knocking = Client(headers={"accept": "application/json"})  # a refusal as a page costs ten times that
    knocking.cookies.load({name: morsel.value for name, morsel in browser.cookies.items()})
    with transaction.atomic():
        answer = knocking.get(path) if method == "get" else knocking.post(path, dict(row.data))
        found = let_in(answer, done=row.done and method == "post")
        transaction.set_rollback(True)
    return found


def _fields(world: World, said: Said, room: Any, *, is_open: bool) -> dict[str, Any]:
    """Fill in what a frame is about; each time another message, since acts are not taken back here."""
    filled = dict(said.fields)
    if "client_id" in filled:
        filled["client_id"] = str(uuid4())
    if "user" in filled:
        filled["user"] = str(world.who["culprit"].public_id)
    for name in {"seq", "seqs"} & set(filled):
        author = Person.of(world.who["culprit" if is_open else "partner"])
        store([NewEvent(room, author, Message.Kind.MESSAGE, "宣伝です")])
        seq = Message.objects.filter(room=room).latest("seq").seq
        if filled[name] == "removed" and is_open:
            keeper = Person.of(world.who["keeper"])
            store([NewEvent(room, keeper, Message.Kind.DELETE, target=seq, reason="規約違反")])
        filled[name] = seq if name == "seq" else [seq]
    return filled


@pytest.mark.django_db(transaction=True)
def test_every_frame_is_answered_to_whom_the_table_names_and_refused_to_the_others(world: World) -> None:
    assert {route.name for route in all_routes()} == {*FRAMES, *SILENT}, "a frame has no row in this file"
    needs_room = {route.name for route in all_routes() if "room" in route.request.__struct_fields__}
    wrong: list[str] = []
    with Hubs(1) as hubs:
        for role in sorted(EVERYBODY - {"suspended"}):  # whose session opens no socket as anybody
            for is_open in (True, False):
                wrong += _say_all(hubs, world, role, needs_room, is_open=is_open)
    assert wrong == []


def _say_all(hubs: Hubs, world: World, role: str, needs_room: set[str], *, is_open: bool) -> Iterator[str]:
    room = world.room.pk if is_open else world.talk
    socket, paper = hubs.connect(0, world.who.get(role))
    for name, said in FRAMES.items():
        if name == "match.leave" and role in PARTIES and not is_open:
            continue  # it ends the talk that the others knock at; the last test of a talk does it
        fields = _fields(world, said, room, is_open=is_open)
        if name in needs_room:
            fields["room"] = world.room.key if is_open else str(room)
        paper.frames.clear()
        hubs.say(socket, name, **fields)
        hubs.settle()
        answers = [frame for frame in paper.frames if frame.get("ref") == name]
        allowed = role in (said.opened if is_open else said.closed)
        refused = bool(answers) and answers[-1].get("code") in {"auth", "forbidden", "missing", "gate"}
        if not answers or refused is allowed:
            yield f"{role} {name} {'open' if is_open else 'closed'}: {answers}"
    socket.gone()


def test_a_command_signs_in_the_name_of_an_operator_only(world: World) -> None:
    """The machine's shell owns the service; where a command acts in somebody's name, the table holds for them."""
    named = set()
    for door in walk_doors(samples=world.samples["/"] | STAND_INS):
        if door.kind == "command":
            parser = load_command_class(get_commands()[door.name], door.name).create_parser("manage.py", door.name)
            named |= {door.name for action in parser._actions if action.dest == "actor"}
    assert named == {"assess"}
    for role in sorted(EVERYBODY - roles("stranger guest")):
        try:
            call_command("assess", record=True, actor=str(world.who[role].email), answers="/no/such/file")
        except CommandError as refused:
            said = str(refused)
        assert ("may not sign" not in said) is (role in RUNS | {"factorless"}), (role, said)
