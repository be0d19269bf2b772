"""What people are answered while somebody at work by hand holds a whole table, or a lock that all share."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from chat import rooms
from chat.models import User
from compliance.gate.state import GATE_LOCK
from compliance.records.ledger import APPEND_LOCK
from tests.chaos.held import holding
from tests.chaos.seekers import SETTINGS as OFFERING
from tests.chaos.storm import SETTINGS
from tests.conftest import PASSWORD, MakeUser, Serve, signed_in
from tests.kit.client import Peer
from tests.serving import Server

pytestmark = [pytest.mark.chaos, pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

SECONDS = 8.0  # a statement waits 1 s for a lock, and a page may meet several; the machine may be crowded

#: What is held, and which acts it may not keep up.
HELD = {
    "people": ("LOCK TABLE chat_user IN ACCESS EXCLUSIVE MODE", set()),
    "rooms": ("LOCK TABLE chat_room IN ACCESS EXCLUSIVE MODE", {"sign in", "guest"}),
    "sessions": ("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE", {"post"}),
    "who seeks": ("LOCK TABLE chat_ticket IN ACCESS EXCLUSIVE MODE", {"guest", "post"}),
    "the gate": (f"SELECT pg_advisory_xact_lock({GATE_LOCK})", {"guest", "sign in", "page", "post"}),
    "the ledger": (f"SELECT pg_advisory_xact_lock({APPEND_LOCK})", {"guest", "page", "post"}),
}


def at_a_page(server: Server, path: str, **fields: str) -> int:
    """The status with which a page answers a new browser that fills in its form."""
    with httpx.Client(base_url=server.url, timeout=60) as browser:
        if fields:
            form = browser.get(path)
            if form.status_code != 200:
                return form.status_code
            fields["csrfmiddlewaretoken"] = form.cookies["csrftoken"]
        answer = browser.post(path, data=fields) if fields else browser.get(path)
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
            assert "混み合って" in answer.text
        return answer.status_code


def test_whatever_table_is_held_everybody_is_answered_soon_and_in_words(serve: Serve, make_member: MakeUser) -> None:
    rooms.create_open_room(actor=None, name="雑談", slug="chat")
    seeker, writer, sleeper = make_member(), make_member(), make_member()
    server = serve(**SETTINGS, **OFFERING)
    faults: list[str] = []

    def frame(ask: Callable[[], dict[str, object]]) -> int:
        answer = ask()
        assert answer["type"] != "refused" or answer["code"] == "unavailable", answer
        return 503 if answer["type"] == "refused" else 200

    with Peer(server, signed_in(seeker)) as seeking, Peer(server, signed_in(writer)) as writing:
        writing.join("chat")
        acts: dict[str, Callable[[], int]] = {
            "seek": lambda: frame(lambda: seeking.ask("match.seek")),
            "post": lambda: frame(lambda: writing.post("chat", "一言")),
            "page": lambda: at_a_page(server, "/rooms/chat/"),
            "guest": lambda: at_a_page(server, "/guest/", nickname=f"旅人{time.monotonic_ns() % 10**6}"),
            "sign in": lambda: at_a_page(server, "/accounts/login/", login=str(sleeper.email), password=PASSWORD),
        }

        def timed(act: Callable[[], int]) -> tuple[int, float]:
            began = time.monotonic()
            return act(), time.monotonic() - began

        with ThreadPoolExecutor(len(acts)) as crowd:
            for what, (statement, untouched) in HELD.items():
                with holding(statement):
                    asked = {name: crowd.submit(timed, act) for name, act in acts.items()}
                    for name, answer in asked.items():
                        status, seconds = answer.result()
                        allowed = {200, 302} if name in untouched else {200, 302, 503}
                        if status not in allowed or seconds > SECONDS:
                            faults.append(f"{what}: {name} {status} after {seconds:.1f} s")
                        print(what, name, status, round(seconds, 2))
                seeking.ask("match.cancel")
    assert not faults, "\n".join(faults)
    assert User.objects.filter(pk=seeker.pk).exists()
