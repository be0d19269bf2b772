"""Where it is measured: servers, database and Redis on their cores, what they use, and the people who come."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone

from chat import people, rooms
from chat.messages import NewEvent
from chat.models import Message, Pairing, Participant, Room, Ticket, User
from compliance import gate, testing
from compliance.law import Feature
from tests import embedded
from tests.kit.store import store
from tests.load.client import Protocol, Seat
from tests.load.machine import Cores, cpu_of, on
from tests.serving import Server

Side = Literal["todoke", "peer"]
Limits = Literal["counted", "real"]

CALM_SHARE: Final = 0.05  # of one core: less is no work
CALM_SECONDS: Final = 20.0


# --- servers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Used:
    """Seconds of processor time: of the servers, of the database, of Redis."""

    servers: float
    database: float
    redis: float

    def __sub__(self, other: Used) -> Used:
        return Used(self.servers - other.servers, self.database - other.database, self.redis - other.redis)


class Stage:
    """The server processes of one side.

    Args:
        side: whose.
        count: how many processes.
        cores: where they run.
        limits: `counted` never bite but cost what they cost; `real` are those of the service.
    """

    def __init__(self, side: Side, count: int, cores: Cores, limits: Limits) -> None:
        self.side = side
        self.limits = limits
        self.protocol: Protocol = "chat.v1" if side == "todoke" else "peer"
        env = {"LOG_LEVEL": "WARNING", **testing.NOTIFIED}
        if side == "todoke":
            application = "config.asgi:application"
            env["DJANGO_SETTINGS_MODULE"] = "tests.load.settings" if limits == "counted" else "config.settings"
        else:
            application = "tests.load.peer.asgi:application"
        self.servers = [Server("daphne", env, application) for _ in range(count)]
        for number, server in enumerate(self.servers):
            with on([cores.servers[number % len(cores.servers)]]):
                server.start()

    def close(self) -> None:
        """End the processes."""
        for server in self.servers:
            server.close()

    def used(self) -> Used:
        """What was used so far."""
        assert embedded.run.postgres is not None
        assert embedded.run.valkey is not None
        database = embedded.run.postgres.get_pid()
        redis = embedded.run.valkey._process
        assert database is not None
        assert redis is not None
        return Used(sum(server.cpu for server in self.servers), cpu_of(database), cpu_of(redis.pid))

    def calm(self) -> Used:
        """Wait until the servers have nothing left to do; return what was used by then."""
        end = time.monotonic() + CALM_SECONDS
        before = self.used()
        while time.monotonic() < end:
            time.sleep(0.25)
            now = self.used()
            if now.servers - before.servers < 0.25 * CALM_SHARE * len(self.servers):
                return now
            before = now
        return before

    def seat(self, room: str, cookie: str, writer: int = 0, server: int = 0) -> Seat:
        """A place in a room at one of the servers."""
        chosen = self.servers[server % len(self.servers)]
        if self.side == "peer":
            return Seat(f"ws://127.0.0.1:{chosen.port}/ws/{room}/", room, "", writer)
        return Seat(chosen.ws_url, room, cookie, writer)


# --- people and rooms --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Resident:
    """A member who is signed in."""

    pk: int
    cookie: str


class Town:
    """Those who are there before anything is measured: straight into the database, since their coming is not measured.

    Both keys are turned, so closed rooms are what they are in the service.
    """

    def __init__(self) -> None:
        settings.STANDING = testing.notified(timezone.localdate())
        operator = User.objects.create_user("operator@example.jp", None, is_staff=True, is_superuser=True)
        testing.sign_all(operator)
        gate.reconcile()
        self.authorisation = gate.current().authorisation
        assert self.authorisation is not None, gate.current().closed_chat().reason("en")
        self._residents: list[Resident] = []

    def people(self, count: int) -> list[Resident]:
        """The first so many members; new ones are made as they are needed."""
        missing = count - len(self._residents)
        if missing > 0:
            self._residents += self._settle(missing)
        return self._residents[:count]

    @staticmethod
    def _settle(count: int) -> list[Resident]:
        names = [f"member-{secrets.token_hex(8)}" for _ in range(count)]
        members = User.objects.bulk_create(
            [User(email=f"{name}@example.jp", name=name[:15], password="!") for name in names], batch_size=1000
        )
        EmailAddress.objects.bulk_create(
            [EmailAddress(user=user, email=str(user.email), verified=True, primary=True) for user in members],
            batch_size=1000,
        )
        store = SessionStore()
        expiry = timezone.now() + timedelta(days=1)
        sessions = [
            Session(
                session_key=secrets.token_hex(16),
                expire_date=expiry,
                session_data=store.encode(
                    {
                        SESSION_KEY: str(user.pk),
                        BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                        HASH_SESSION_KEY: user.get_session_auth_hash(),
                    }
                ),
            )
            for user in members
        ]
        Session.objects.bulk_create(sessions, batch_size=1000)
        name = settings.SESSION_COOKIE_NAME
        return [
            Resident(user.pk, f"{name}={session.session_key}; {settings.LANGUAGE_COOKIE_NAME}=en")
            for user, session in zip(members, sessions, strict=True)
        ]

    @staticmethod
    def open_room(history: int = 0) -> str:
        """A new open room with so many messages in it; returns its key."""
        room = rooms.create_open_room(actor=None, name="広場", slug=f"square-{secrets.token_hex(6)}")
        if history:
            writer = people.Person.of(User.objects.order_by("pk")[0])
            entry = [
                NewEvent(room.id, writer, Message.Kind.MESSAGE, f"{n} ".ljust(100, "."), uuid.uuid4())
                for n in range(history)
            ]
            store(entry)
        return room.key

    def pair_up(self, count: int) -> list[tuple[str, Resident, Resident]]:
        """New matched talks, as matching makes them; returns room keys and who is in them."""
        people = self.people(2 * count)
        now = timezone.now()
        Pairing.objects.filter(ended_at__isnull=True).update(ended_at=now)
        made = Room.objects.bulk_create(
            [
                Room(
                    name="",
                    feature=Feature.MATCH_PAIR.value,
                    authorisation_id=self.authorisation,
                    **rooms.columns(rooms.PAIRED),
                )
                for _ in range(count)
            ]
        )
        both = [(room, people[2 * n], people[2 * n + 1]) for n, room in enumerate(made)]
        Participant.objects.bulk_create([Participant(room=room, user_id=one.pk) for room, *two in both for one in two])
        Pairing.objects.bulk_create(
            [
                Pairing(room=room, lower_id=min(one.pk, other.pk), higher_id=max(one.pk, other.pk), made_at=now)
                for room, one, other in both
            ]
        )
        return [(room.key, one, other) for room, one, other in both]

    def queue_up(self, count: int, topic: str) -> None:
        """Have so many people wait to be matched, and nobody else."""
        people = self.people(count + 2)[:count]  # two more, who look for somebody while these wait
        now = timezone.now()
        Ticket.objects.all().delete()
        Pairing.objects.filter(ended_at__isnull=True).update(ended_at=now, made_at=now - timedelta(days=1))
        step, soon = timedelta(milliseconds=1), now + timedelta(minutes=1)  # connected nowhere, and there all the same
        Ticket.objects.bulk_create(
            [
                Ticket(user_id=person.pk, topic=topic, since=now - step * (count - n), heartbeat_at=soon)
                for n, person in enumerate(people)
            ],
            batch_size=1000,
        )


def stored(key: str) -> int:
    """The head of a room's log; each of its numbers must be there, and in a closed room each body sealed.

    Raises:
        AssertionError: otherwise.
    """
    room = rooms.room_by_key(key)
    assert room is not None
    log = Message.objects.filter(room_id=room.id)
    assert log.count() == room.head, f"{key}: {log.count()} messages, head {room.head}"
    plain = log.filter(body__isnull=False).count()
    assert plain == (room.head if room.is_open else 0), f"{key}: {plain} of {room.head} bodies are plain"
    return room.head
