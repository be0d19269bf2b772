"""A service that has been used for long: accounts, rooms, talks and messages, made within the database itself.

It is as large as its number of people n: n accounts (a fifth of them guests), n rooms (a tenth open, the others talks
of two, most of them over), 9 messages in each room and n more in one room that everybody is in; n / 10 people wait to
be matched. What is asked of it is the same at every size.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from chat import matching, rooms
from chat.messages import NewEvent, fast_path
from chat.messages import queries as history
from chat.models import Message, User
from chat.people import Person
from chat.realtime import Committed
from compliance import gate, testing
from compliance.database import COMMAND, bounded
from compliance.law import Feature
from tests.kit.store import store

SQUARE: Final = "square"  # the key of the room that everybody is in
FIRST: Final = 1_000_000  # ids of accounts are above; those that a test makes itself are below
EACH: Final = 9  # messages in every other room

_ACCOUNTS: Final = f"""
INSERT INTO chat_user (id, password, is_superuser, is_staff, is_active, date_joined, public_id, email, name, is_guest)
SELECT {FIRST} + n, '!', FALSE, FALSE, TRUE, now() - interval '400 days', md5('person' || n)::uuid,
    CASE WHEN n %% 5 > 0 THEN 'member' || n || '@example.jp' END, 'member ' || n, n %% 5 = 0
FROM generate_series(%(old)s + 1, %(new)s) n;
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT id, email, TRUE, TRUE FROM chat_user WHERE id > {FIRST} + %(old)s AND email IS NOT NULL;
INSERT INTO django_session (session_key, session_data, expire_date)
SELECT md5('session' || n), '', now() + interval '14 days' FROM generate_series(%(old)s + 1, %(new)s) n;
INSERT INTO chat_block (blocker_id, blocked_id, at)
SELECT {FIRST} + n, {FIRST} + n - 2, now() FROM generate_series(greatest(%(old)s, 2) + 1, %(new)s) n;
INSERT INTO mfa_authenticator (user_id, type, data, created_at)
SELECT id, 'totp', '{{}}', now() FROM chat_user WHERE id > {FIRST} + %(old)s AND id %% 10 = 1;
INSERT INTO chat_sanction (public_id, kind, user_id, reason, rule, at, by_role, changed_at)
SELECT md5('sanction' || n)::uuid, 'warn', {FIRST} + n, '', 'spam', now(), 'staff', now()
FROM generate_series(%(old)s + 1, %(new)s) n WHERE n %% 10 = 3;
INSERT INTO chat_addressmute (sanction_id, digest, first_at, until)
SELECT id, left(md5('network' || user_id), 32), now() - interval '1 day', now() - interval '1 hour' FROM chat_sanction
WHERE user_id > {FIRST} + %(old)s;
INSERT INTO chat_device (id, user_id, session, browser, system, since)
SELECT md5('device' || n)::uuid, {FIRST} + n, md5('session' || n), '', '', now()
FROM generate_series(%(old)s + 1, %(new)s) n;
INSERT INTO chat_preferences (user_id, language, theme, text_size, enter)
SELECT {FIRST} + n, '', 'dark', '', '' FROM generate_series(%(old)s + 1, %(new)s) n WHERE n %% 2 = 0;
"""  # noqa: S608 -- of constants
# A tenth of the talks are still going on; nobody is in two of those.
_ROOMS: Final = """
INSERT INTO chat_room (id, slug, name, description, kind, created_at, anyone_may_read, listed, entry,
    designated_recipients, made_by, capacity_hides, members_only_history, feature, authorisation_id, head, last_at,
    ended_at)
SELECT md5('room' || n)::uuid, CASE WHEN open THEN 'room-' || n END, 'room ' || n, '',
    CASE WHEN open THEN 'open' ELSE 'closed' END, long_ago, open, open, CASE WHEN open THEN 'anyone' ELSE 'pairing' END,
    NOT open, CASE WHEN open THEN 'person' ELSE 'pairing' END, NOT open, NOT open,
    CASE WHEN open THEN 'room.open' ELSE 'room.match_pair' END, CASE WHEN NOT open THEN %(authorisation)s END,
    %(each)s, long_ago, CASE WHEN NOT open AND n %% 10 <> 1 THEN long_ago END
FROM (SELECT n, n %% 10 = 0 AS open, now() - interval '2 hours' - n * interval '1 second' AS long_ago
    FROM generate_series(%(old)s + 1, %(new)s) n) made;
"""
_TALKS: Final = f"""
INSERT INTO chat_keeper (room_id, user_id, at)
SELECT md5('room' || n)::uuid, {FIRST} + n, now() FROM generate_series(%(old)s + 1, %(new)s) n WHERE n %% 10 = 0;
CREATE TEMPORARY TABLE talk ON COMMIT DROP AS
SELECT id, created_at, ended_at, {FIRST} + n AS lower, {FIRST} + n %% %(new)s + 1 AS higher
FROM generate_series(%(old)s + 1, %(new)s - 1) n JOIN chat_room ON id = md5('room' || n)::uuid WHERE kind = 'closed';
INSERT INTO chat_participant (room_id, user_id, joined_at, left_at, seen)
SELECT id, unnest(ARRAY[lower, higher]), created_at, ended_at, 0 FROM talk;
INSERT INTO chat_pairing (lower_id, higher_id, room_id, made_at, ended_at)
SELECT lower, higher, id, created_at, ended_at FROM talk;
INSERT INTO chat_ticket (user_id, topic, language, since, heartbeat_at, room_id)
SELECT unnest(ARRAY[lower, higher]), '', '', created_at, created_at, id FROM talk WHERE ended_at IS NULL;
"""  # noqa: S608 -- of constants
# As they were said: of all rooms by turns.
_MESSAGES: Final = f"""
INSERT INTO chat_message (room_id, seq, id, kind, author_id, author_name, client_id, body, sealed, target, at)
SELECT room, seq, gen_random_uuid(), CASE WHEN changes THEN 'edit' ELSE 'message' END,
    {FIRST} + 1 + n * 7919 %% %(new)s, 'somebody', gen_random_uuid(), CASE WHEN open THEN words END,
    CASE WHEN NOT open THEN convert_to(words, 'UTF8') END, CASE WHEN changes THEN seq - 1 END,
    now() - interval '2 hours'
FROM (
    SELECT md5('room' || n)::uuid AS room, n::bigint, seq::bigint, n %% 10 = 0 AS open
    FROM generate_series(1, %(each)s) seq, generate_series(%(old)s + 1, %(new)s) n
    UNION ALL
    SELECT (SELECT id FROM chat_room WHERE slug = '{SQUARE}'), n, n, TRUE FROM generate_series(%(old)s + 1, %(new)s) n
) said, LATERAL (SELECT repeat('x', 100) AS words, seq > 1 AND (n + seq) %% 50 = 0 AS changes) made
ORDER BY seq * %(new)s / (CASE WHEN n = seq THEN %(new)s ELSE %(each)s END), n;
UPDATE chat_room SET head = %(new)s WHERE slug = '{SQUARE}';
"""  # noqa: S608 -- of constants
_TICKETS: Final = f"""
DELETE FROM chat_ticket WHERE room_id IS NULL;
INSERT INTO chat_ticket (user_id, topic, language, since, heartbeat_at)
SELECT {FIRST} + n, (ARRAY['daily', 'hobby', 'work', ''])[1 + n / 10 %% 4], '', now() - n * interval '1 millisecond',
    now() + interval '1 hour'
FROM generate_series(1, %(new)s) n WHERE n %% 10 = 7;
"""  # noqa: S608 -- of constants
# Each row is right by the way it is made. Looking up for each whether it is takes as long as making them; a superuser
# may leave that out.
_UNCHECKED: Final = (
    "SELECT set_config('session_replication_role', 'replica', TRUE) FROM pg_roles"
    " WHERE rolname = current_user AND rolsuper;"
)


def open_up() -> None:
    """Turn both keys, so that closed rooms are what they are in the service, and make the room that everybody is in."""
    settings.STANDING = testing.notified(timezone.localdate())
    testing.sign_all(User.objects.create_user("operator@example.jp", None, is_staff=True, is_superuser=True))
    gate.reconcile()
    assert gate.current().authorisation is not None, gate.current().closed_chat().reason("en")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chat_room (id, slug, name, description, kind, created_at, anyone_may_read, listed, entry,"
            " designated_recipients, made_by, capacity_hides, members_only_history, feature, head, last_at)"
            " VALUES (gen_random_uuid(), %s, %s, '', 'open', now(), TRUE, TRUE, 'anyone', FALSE, 'operator', FALSE,"
            " FALSE, 'room.open', 0, now())",
            [SQUARE, SQUARE],
        )


def grow(old: int, new: int) -> None:
    """Let the service grow from `old` people to `new`, and the database take notice of it.

    Args:
        old: what it was grown to before; 0 at first.
        new: a multiple of ten.
    """
    values = {"old": old, "new": new, "each": EACH, "authorisation": gate.current().authorisation}
    with bounded(COMMAND), connection.cursor() as cursor:
        cursor.execute("BEGIN;" + _UNCHECKED + _ACCOUNTS + _ROOMS + _TALKS + _MESSAGES + _TICKETS + "COMMIT", values)
        cursor.execute("VACUUM (ANALYZE)")  # all tables: an empty one looks large until it was looked at


# --- what people do, through the functions that do it in the service -------------------------------------------------


@dataclass(frozen=True)
class Resident:
    """One of the accounts, by number."""

    number: int

    @property
    def person(self) -> Person:
        """As the service knows them."""
        name = f"member {self.number}"
        return Person(FIRST + self.number, str(uuid.UUID(int=self.number)), name, guest=False, language="en")


SPEAKER: Final = Resident(4)  # in no talk
SEEKER: Final = Resident(3)


def join(key: str = SQUARE) -> None:
    """Come into a room, the newest page included."""
    room = rooms.readable_room(key, SPEAKER.person.pk)
    page = history.latest(room.key, SPEAKER.person.pk)
    assert page.items


def post(room: uuid.UUID, feature: str = Feature.ROOM_OPEN, person: Person = SPEAKER.person, times: int = 1) -> None:
    """Say something, the short way that almost every message takes."""
    entries = [
        NewEvent(room, person, Message.Kind.MESSAGE, "x" * 100, uuid.uuid4(), feature=feature) for _ in range(times)
    ]
    assert fast_path.prepare(entries, {}, ()) is not None
    posted = store(entries)
    assert all(isinstance(outcome, Committed) for outcome in posted.outcomes)


def match() -> matching.Match:
    """Seek somebody, and be brought together with whoever waits longest."""
    _since, met = matching.seek(person=SEEKER.person, topic="daily")
    assert met is None
    made = matching.pair(SEEKER.person.pk)
    assert made is not None
    return made


def square() -> uuid.UUID:
    """The room that everybody is in."""
    room = rooms.room_by_key(SQUARE)
    assert room is not None
    return room.id


ACTS: Final[Mapping[str, Callable[[], object]]] = {
    "join": join,
    "post": lambda: post(square()),
    "match": match,
}
