"""Rooms change under those who talk: what is said after the change reaches nobody who may not read it any more.

Two server processes; rooms are locked, left and ended, people are removed, suspended and erased, through pages, frames,
a shell and plain SQL, while others post; with Redis, with hints that are lost, late, doubled and out of order, and
with Redis away. As a command it brings its own PostgreSQL and Valkey: `python -m tests.chaos.secrecy --rounds 500`.
"""

# ruff: noqa: S311 -- dice, not secrets

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tests import embedded
from tests.chaos import alone

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from chat.models import Room, User
    from tests.serving import Server

APPLICATION: Final = "tests.chaos.asgi:application"
#: How hints fare: as they should, disturbed (the share that is lost), or not at all.
WEATHERS: Final = {"healthy": 0.0, "disturbed": 0.4, "away": 0.0}
AT_ONCE: Final = 6  # rounds
ANSWER_SECONDS: Final = 15.0
OUT_SECONDS: Final = 3.0  # until somebody who lost a room is told so: a look each second, on a crowded machine
HEAR_SECONDS: Final = 8.0  # until everybody has everything
#: The database's own word on where a room stood when the people in it changed.
WITNESS: Final = """
CREATE TABLE IF NOT EXISTS chaos_change (n bigserial, room uuid, head bigint);
CREATE OR REPLACE FUNCTION chaos_witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO chaos_change (room, head) VALUES (NEW.id, NEW.head); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER chaos_witness AFTER UPDATE ON chat_room
FOR EACH ROW WHEN (OLD.revision <> NEW.revision) EXECUTE FUNCTION chaos_witness();
"""
T = TypeVar("T")


async def in_shell(work: Callable[[], T]) -> T:
    """Does something as a shell beside the servers would, on a connection of its own."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    def run() -> T:
        try:
            return work()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


class Line:
    """One person's socket at one server, which keeps everything that came."""

    def __init__(self, server: Server, cookie: str) -> None:
        self.server = server
        self.cookie = cookie
        self.frames: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.closed = asyncio.Event()
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._socket: ClientConnection | None = None
        self._listening: asyncio.Task[None] | None = None

    async def open(self) -> Line:
        """Connects."""
        from websockets.asyncio.client import connect  # noqa: PLC0415

        headers = {"Cookie": self.cookie} if self.cookie else {}
        self._socket = await connect(self.server.ws_url, additional_headers=headers, max_size=None, open_timeout=20)
        self._listening = asyncio.create_task(self._listen())
        return self

    async def _listen(self) -> None:
        assert self._socket is not None
        with suppress(Exception):
            async for text in self._socket:
                self.raw.append(str(text))
                frame = json.loads(text)
                self.frames.append(frame)
                answer = self._answers.pop(frame.get("ref", ""), None)
                if answer is not None and not answer.done():
                    answer.set_result(frame)
        self.closed.set()
        for answer in self._answers.values():
            answer.cancel()

    async def say(self, kind: str, **fields: Any) -> None:
        """Says something to which no answer is due."""
        assert self._socket is not None
        with suppress(Exception):
            await self._socket.send(json.dumps({"type": kind, **fields}))

    async def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Says something; returns the answer, or `closed` where the socket is."""
        ref = uuid.uuid4().hex
        answer = self._answers[ref] = asyncio.get_running_loop().create_future()
        await self.say(kind, ref=ref, **fields)
        if self.closed.is_set():
            return {"type": "closed"}
        try:
            return await asyncio.wait_for(answer, ANSWER_SECONDS)
        except asyncio.CancelledError:
            if not self.closed.is_set():
                raise
            return {"type": "closed"}

    async def hang_up(self) -> None:
        """Closes."""
        if self._socket is not None:
            await self._socket.close()
        if self._listening is not None:
            await self._listening

    def items(self) -> list[dict[str, Any]]:
        """Every event that came, in the order of coming."""
        return [item for f in self.frames if f["type"] in ("room.joined", "messages") for item in f["items"]]

    def is_out(self) -> bool:
        """Whether this person was told that the room is not theirs any more, unasked or when they asked again."""
        return self.closed.is_set() or any(
            f["type"] in ("match.left", "closing") or f.get("code") in ("missing", "forbidden") for f in self.frames
        )

    def after_the_end(self) -> list[dict[str, Any]]:
        """What of the room came after that."""
        out = [
            n
            for n, f in enumerate(self.frames)
            if f["type"] == "match.left" or (f["type"] == "refused" and "ref" not in f)
        ]
        rest = self.frames[out[0] + 1 :] if out else []
        return [f for f in rest if f["type"] in ("messages", "presence", "typing", "room.joined")]


class Round:
    """One room, those who stay, those who lose it, and one change.

    Args:
        kind: of the change, a name of `KINDS`.
        servers: the processes.
        dice: of this round alone.
    """

    def __init__(self, kind: str, servers: Sequence[Server], dice: random.Random) -> None:
        self.kind = kind
        self.servers = servers
        self.dice = dice
        self.faults: list[str] = []
        self.posts = 0
        self.after = 0  # posts that came after the change

    async def run(self) -> None:
        """Everything from the opening to the verdict."""
        self.owner, self.writer, self.loser, self.room = await in_shell(self._set_up)
        self.slug, self.key = self.room.slug, self.room.key
        self.cookies = await in_shell(self._sign_in)
        stay = [
            await Line(server, self.cookies[pk]).open()
            for pk in (self.owner.pk, self.writer.pk)
            for server in self.servers
        ]
        lost = [await Line(server, self.cookies[self.loser.pk]).open() for server in self.servers]
        if self.room.is_open:
            lost += [await Line(server, "").open() for server in self.servers]
        prowler = await Line(self.dice.choice(self.servers), self.cookies[self.loser.pk]).open()
        lines = [*stay, *lost, prowler]
        try:
            for line in (*stay, *lost):
                joined = await line.ask("room.join", room=self.key, after=0)
                assert joined["type"] == "room.joined", joined
            self.done, stop = asyncio.Event(), asyncio.Event()
            work = [asyncio.create_task(self._post(line, stop)) for line in stay]
            work += [asyncio.create_task(self._post(lost[0], stop)), asyncio.create_task(self._prowl(prowler, stop))]
            await asyncio.sleep(self.dice.uniform(0.05, 0.4))
            await KINDS[self.kind](self, lost)
            self.done.set()
            await asyncio.gather(*(self._probe(line) for line in lost), self._probe_pages(), self._type(stay))
            await asyncio.sleep(self.dice.uniform(0.2, 1.2))
            stop.set()
            await asyncio.gather(*work)
            await self._until(lambda: all(line.is_out() for line in lost), OUT_SECONDS)
            log, head, self.key = await in_shell(self._log)
            await self._until(lambda: all(len(line.items()) >= len(log) for line in stay), HEAR_SECONDS)
            self._judge(stay, lost, prowler, log, head)
        finally:
            await asyncio.gather(*(line.hang_up() for line in lines))

    # --- before -------------------------------------------------------------------------------------------------

    def _set_up(self) -> tuple[User, User, User, Room]:
        from allauth.account.models import EmailAddress  # noqa: PLC0415
        from django.db import connection  # noqa: PLC0415

        from chat import rooms  # noqa: PLC0415
        from chat.messages import NewEvent  # noqa: PLC0415
        from chat.models import Message, User  # noqa: PLC0415
        from chat.people import Person  # noqa: PLC0415
        from tests.kit.store import store  # noqa: PLC0415

        people = []
        for _ in range(3):
            person = User.objects.create_user(f"{uuid.uuid4().hex}@example.jp")
            people.append(person)
        owner, writer, loser = people
        # Whoever has written and has a verified address is inside once the room is locked.
        for person in (owner, writer) if self.kind.startswith("lock") else people:
            EmailAddress.objects.create(user=person, email=person.email or "", verified=True, primary=True)
        room = rooms.create_open_room(actor=owner, name="広場", slug=f"room-{uuid.uuid4().hex[:12]}")
        for person in people:
            store([NewEvent(room.pk, Person.of(person), Message.Kind.MESSAGE, f"前 {uuid.uuid4().hex}")])
        if not self.kind.startswith("lock"):
            room = rooms.lock_room(actor=owner, room=room)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM chaos_change WHERE room = %s", [room.pk])
        return owner, writer, loser, room

    def _sign_in(self) -> dict[int, str]:
        from tests.conftest import signed_in  # noqa: PLC0415

        people = (self.owner, self.writer, self.loser)
        return {p.pk: "; ".join(f"{n}={m.value}" for n, m in signed_in(p).cookies.items()) for p in people}

    # --- meanwhile ----------------------------------------------------------------------------------------------

    async def _post(self, line: Line, stop: asyncio.Event) -> None:
        while not stop.is_set():
            late = self.done.is_set()
            answer = await line.ask(
                "message.post", room=self.key, client_id=str(uuid.uuid4()), body=f"語 {uuid.uuid4().hex}"
            )
            self.posts += answer["type"] == "message.accepted"
            if late and line.cookie == self.cookies[self.loser.pk] and answer["type"] == "message.accepted":
                self.faults.append(f"a post was accepted from who lost the room: {answer}")
            # `unavailable` tells a client to send the same again, as where the change holds the room's row for long.
            refused = answer["type"] == "refused" and answer["code"] != "unavailable"
            if refused and line.cookie != self.cookies[self.loser.pk] and self.kind != "end":
                self.faults.append(f"a post was refused to who stays: {answer}")
            if answer["type"] == "closed":
                return
            await asyncio.sleep(self.dice.uniform(0.005, 0.06))

    async def _prowl(self, line: Line, stop: asyncio.Event) -> None:
        """Comes and goes all the time, at the very moment of the change, too."""
        while not stop.is_set() and not line.closed.is_set():
            late = self.done.is_set()
            answer = await line.ask("room.join", room=self.key)
            if late and answer["type"] == "room.joined":
                self.faults.append(f"joined after the change: {answer['room']}")
            await line.ask("room.leave", room=self.key)

    async def _type(self, stay: Sequence[Line]) -> None:
        """Those who stay write something: who lost the room must not see that."""
        for line in stay:
            await line.say("typing", room=self.key)

    async def _probe(self, line: Line) -> None:
        """Asks for the room in every way that there is, right after the change."""
        keys = {self.key, str(self.room.pk)}
        for key in keys:
            for kind, fields in (
                ("room.sync", {"after": 0}),
                ("room.history", {"before": 10_000}),
                ("room.join", {}),
                ("room.join", {"after": 0}),
                ("message.edit", {"seq": 1, "body": "x"}),
            ):
                answer = await line.ask(kind, room=key, **fields)
                if answer["type"] not in ("refused", "closed"):
                    self.faults.append(f"{kind} {fields} was answered with {answer['type']}")
                elif answer.get("code", "missing") not in ("missing", "forbidden", "auth", "conflict"):
                    self.faults.append(f"{kind} was refused with {answer['code']}: {answer['reason']}")

    async def _probe_pages(self) -> None:
        import httpx  # noqa: PLC0415

        paths = [f"/closed/{self.room.pk}/", *([f"/rooms/{self.slug}/"] if self.slug else [])]
        for server in self.servers:
            headers = {"Cookie": self.cookies[self.loser.pk]}
            async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=ANSWER_SECONDS) as browser:
                for path in paths:
                    page = await browser.get(path)
                    if page.status_code != 404:
                        self.faults.append(f"{path} was answered with {page.status_code}")
                    async with browser.stream("GET", f"{path}events") as stream:
                        async for text in stream.aiter_lines():
                            frame = json.loads(text.removeprefix("data: ") or "{}")
                            if frame.get("type") == "room.joined":
                                self.faults.append(f"the stream of {path} began")
                            if frame.get("type") in ("room.joined", "refused", "closing"):
                                break

    async def _until(self, holds: Callable[[], bool], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds() and time.monotonic() < end:  # noqa: ASYNC110 -- of several sockets
            await asyncio.sleep(0.02)

    # --- afterwards ---------------------------------------------------------------------------------------------

    def _log(self) -> tuple[list[dict[str, Any]], int, str]:
        """The log as it is, where it stood when the change was committed, and the room's key by now."""
        import msgspec  # noqa: PLC0415
        from django.db import connection  # noqa: PLC0415

        from chat.messages import queries as history  # noqa: PLC0415

        with connection.cursor() as cursor:
            cursor.execute("SELECT head FROM chaos_change WHERE room = %s ORDER BY n LIMIT 1", [self.room.pk])
            [head] = cursor.fetchone()
        items = history.log_after(self.room.pk, 0, 100_000).items
        return [msgspec.to_builtins(item) for item in items], head, self.key

    def _judge(
        self, stay: Sequence[Line], lost: Sequence[Line], prowler: Line, log: Sequence[dict[str, Any]], head: int
    ) -> None:
        secret = [item["body"] for item in log if item["seq"] > head]
        self.after = len(secret)
        for line in (*lost, prowler):
            heard = "\n".join(line.raw)
            self.faults += [f"after the change (head {head}) was heard: {body}" for body in secret if body in heard]
            self.faults += [
                f"a join after the change tells the head: {f['head']} > {head}"
                for f in line.frames
                if f["type"] == "room.joined" and f["head"] > head
            ]
            if self.slug and str(self.room.pk) in heard.replace('"refused"', ""):
                said = [f for f in line.frames if str(self.room.pk) in json.dumps({**f, "ref": ""})]
                self.faults += [f"the closed room's id was told: {f}" for f in said if "ref" not in f]
        for line in lost:
            if not line.is_out():
                self.faults.append("nobody told them that the room is closed to them")
            self.faults += [f"after that came {frame}" for frame in line.after_the_end()]
            self.faults += [f"typing was shown: {f}" for f in line.frames if f["type"] == "typing"]
        for line in stay:
            seqs = [item["seq"] for item in line.items()]
            due = [item["seq"] for item in log]
            if self.kind == "end":
                due = due[: len(seqs)]
            if seqs != due:
                missing = sorted(set(due) - set(seqs))
                self.faults.append(
                    f"who stays has {len(seqs)} of {len(due)}, lacks {missing[:9]}, order {seqs == sorted(seqs)}"
                )
            if [item["body"] for item in line.items()] != [item["body"] for item in log][: len(seqs)]:
                self.faults.append("who stays has other words than the log")


# --- the changes -------------------------------------------------------------------------------------------------


async def _lock_page(round_: Round, _lost: Sequence[Line]) -> None:
    import httpx  # noqa: PLC0415

    token = "x" * 32
    headers = {"Cookie": f"{round_.cookies[round_.owner.pk]}; csrftoken={token}"}
    async with httpx.AsyncClient(base_url=round_.servers[0].url, headers=headers, timeout=ANSWER_SECONDS) as browser:
        form = {"csrfmiddlewaretoken": token, "understood": "on"}
        page = await browser.post(f"/rooms/{round_.slug}/lock/", data=form)
    assert page.status_code == 302, page.text[-500:]


async def _lock_shell(round_: Round, _lost: Sequence[Line]) -> None:
    from chat import rooms  # noqa: PLC0415

    await in_shell(partial(rooms.lock_room, actor=round_.owner, room=round_.room))


async def _leave(round_: Round, lost: Sequence[Line]) -> None:
    answer = await lost[0].ask("match.leave", room=str(round_.room.pk))
    assert answer["type"] == "match.left", answer


async def _sql(statement: str, values: Sequence[Any]) -> None:
    from django.db import connection  # noqa: PLC0415

    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)

    await in_shell(run)


async def _remove(round_: Round, _lost: Sequence[Line]) -> None:
    who = [round_.room.pk, round_.loser.pk]
    await _sql("UPDATE chat_participant SET left_at = now() WHERE room_id = %s AND user_id = %s", who)


async def _delete_place(round_: Round, _lost: Sequence[Line]) -> None:
    await _sql("DELETE FROM chat_participant WHERE room_id = %s AND user_id = %s", [round_.room.pk, round_.loser.pk])


async def _suspend(round_: Round, _lost: Sequence[Line]) -> None:
    await _sql("UPDATE chat_user SET is_active = false WHERE id = %s", [round_.loser.pk])


async def _erase(round_: Round, _lost: Sequence[Line]) -> None:
    from chat import personal_data  # noqa: PLC0415

    await in_shell(lambda: personal_data.erase([round_.loser]))


async def _end(round_: Round, _lost: Sequence[Line]) -> None:
    from django.db import transaction  # noqa: PLC0415

    from chat import rooms  # noqa: PLC0415

    await in_shell(transaction.atomic(partial(rooms.end_room, round_.room)))


KINDS: Final[dict[str, Callable[[Round, Sequence[Line]], Awaitable[None]]]] = {
    "lock page": _lock_page,
    "lock in a shell": _lock_shell,
    "leave": _leave,
    "remove": _remove,
    "delete the place": _delete_place,
    "suspend": _suspend,
    "erase": _erase,
    "end": _end,
}


# --- the run -----------------------------------------------------------------------------------------------------


def prepare() -> None:
    """Turns the keys, and has the database bear witness."""
    from django.conf import settings  # noqa: PLC0415
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from chat.models import User  # noqa: PLC0415
    from compliance import gate, testing  # noqa: PLC0415

    settings.STANDING = testing.notified(timezone.localdate())
    operator = User.objects.create_superuser(f"{uuid.uuid4().hex}@example.jp", None, name="運営")
    testing.sign_all(operator)
    gate.reconcile()
    with connection.cursor() as cursor:
        cursor.execute(WITNESS)


def environment(weather: str) -> dict[str, str]:
    """The settings of servers in a weather."""
    from compliance.testing import NOTIFIED  # noqa: PLC0415

    return {**NOTIFIED, "CHAT_RATE_LIMITS": "off", "CHAOS_LOSS": str(WEATHERS[weather])}


async def play(servers: Sequence[Server], kinds: Sequence[str], seed: int) -> tuple[Counter[str], list[str], int]:
    """Plays rounds, several at a time.

    Returns:
        how many of each kind, what went wrong, and how many posts came after a change.
    """
    counts: Counter[str] = Counter()
    faults: list[str] = []
    after = 0
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, kind: str) -> None:
        nonlocal after
        async with turn:
            played = Round(kind, servers, random.Random(f"{seed} {number}"))
            try:
                await played.run()
            except Exception as error:  # noqa: BLE001 -- a round that fails is told with the others
                played.faults.append(f"failed: {error!r}")
        counts[kind] += 1
        after += played.after
        faults.extend(f"round {number}, {kind}: {fault}" for fault in played.faults)

    await asyncio.gather(*(one(number, kind) for number, kind in enumerate(kinds)))
    return counts, faults, after


def storm(start: Callable[[dict[str, str]], Server], rounds: int, seed: int, stop_redis: bool = True) -> str:  # noqa: FBT001, FBT002
    """Plays rounds in every weather.

    Args:
        start: starts a server process with these settings.
        rounds: of all weathers together.
        seed: of the dice.
        stop_redis: whether Redis is ours to stop; else that weather is left out.

    Returns:
        what was played, in words.

    Raises:
        AssertionError: with all that went wrong.
    """
    prepare()
    dice = random.Random(seed)
    told, faults = [], []
    weathers = [weather for weather in WEATHERS if stop_redis or weather != "away"]
    for at, weather in enumerate(weathers):
        count = rounds // len(weathers) + (at < rounds % len(weathers))
        kinds = (
            (list(KINDS) * (count // len(KINDS) + 1))[:count]
            if count >= len(KINDS)
            else dice.sample(list(KINDS), count)
        )
        dice.shuffle(kinds)
        servers = [start(environment(weather)) for _ in range(2)]
        if weather == "away":
            assert embedded.run.valkey is not None
            embedded.run.valkey.stop()
        try:
            counts, wrong, after = asyncio.run(play(servers, kinds, dice.randrange(10**9)))
        finally:
            if weather == "away":
                assert embedded.run.valkey is not None
                embedded.run.valkey.start()
            for server in servers:
                server.close()
        assert after or count < len(KINDS), "nobody posted after a change"
        faults += [f"{weather}: {fault}" for fault in wrong]
        told.append(f"{weather}: {counts.total()} rounds, {after} posts after the change ({dict(counts)})")
    assert not faults, f"seed {seed}\n" + "\n".join(faults[:40])
    return "\n".join(told)


def main() -> int:
    """Plays rounds on servers of its own; returns 0 if nothing came out and nothing was lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.secrecy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    with alone.stack(), ExitStack() as running:
        from tests.serving import Server  # noqa: PLC0415

        def start(env: dict[str, str]) -> Server:
            return running.enter_context(Server("daphne", env, APPLICATION))

        print(f"{asked.rounds} rounds, seed {asked.seed}", flush=True)
        try:
            print(storm(start, asked.rounds, asked.seed))
        except AssertionError as fault:
            print(f"FAILED\n{fault}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
