"""A deployment is told what it lacks before it serves, and servers that disagree shut closed chat between them."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import time_machine
from django.core import checks
from pytest_django.fixtures import Settings

from chat.operations import checks as chat_checks
from compliance import checks as law_checks
from compliance.law import SEEN_UNTIL
from compliance.law.sources import STALE_AFTER
from compliance.models import Authorisation, LedgerEntry
from compliance.testing import NOTIFIED, SignItems
from tests.conftest import Serve
from tests.serving import Server, manage

pytestmark = pytest.mark.slow  # starts processes

ROOT: Final = Path(__file__).resolve().parents[3]
DEPLOYED: Final = {
    "DEBUG": "",
    "ALLOWED_HOSTS": "chat.example.jp",
    "SECRET_KEY": "for tests only, and as long as one that secrets.token_urlsafe(48) makes",
    "EMAIL_URL": "smtp+tls://todoke:secret@mail.example.jp:587",
    "TRUSTED_PROXIES": "1",
    "CLOSED_CHAT_KEYS": "000102030405060708090a0b0c0d0e0f" * 2,
}
"""The environment of a sound deployment, but for its database and Redis, which are the test's own."""


# Before it serves ----------------------------------------------------------------------------------------------------


def ids(output: str) -> set[str]:
    """The ids of the messages that `check` printed."""
    return set(re.findall(r"\((\w+\.[EWI]\d+)\)", output))


def deploy(**changes: str) -> tuple[int, set[str]]:
    """Run the step of the pipeline in an environment; return its exit code and what it said."""
    done = manage("check", "--deploy", env=DEPLOYED | changes)
    return done.returncode, ids(done.stdout + done.stderr)


@pytest.mark.django_db(transaction=True)
def test_a_sound_deployment_passes_and_is_told_that_closed_chat_is_off(tmp_path: Path) -> None:
    code, said = deploy(STATIC_ROOT=str(tmp_path))
    assert code == 0
    # The test's own backends, and a law that gets old while the tests stay.
    assert said - {"chat.W001", "chat.W003", "compliance.W002"} == {"compliance.I001", "chat.W002"}  # not collected
    assert manage("collectstatic", "--no-input", "-v0", env=DEPLOYED | {"STATIC_ROOT": str(tmp_path)}).returncode == 0
    assert "chat.W002" not in deploy(STATIC_ROOT=str(tmp_path))[1]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("changes", "expected", "stops"),
    [
        ({"ALLOWED_HOSTS": ""}, "chat.E002", True),
        ({"EMAIL_URL": ""}, "chat.E003", True),
        ({"EMAIL_URL": "consolemail://"}, "chat.E003", True),
        ({"CHAT_RATE_LIMITS": "off"}, "chat.E001", True),
        ({"TRUSTED_PROXIES": ""}, "chat.W004", False),
        ({"REDIS_URL": ""}, "chat.W001", False),
        (NOTIFIED | {"TELECOM_REGISTRATION_NUMBER": ""}, "compliance.E001", True),
        (NOTIFIED | {"CLOSED_CHAT_KEYS": ""}, "compliance.E002", True),
        (NOTIFIED | {"COMPLIANCE_CHECKLIST": "advise"}, "compliance.W001", False),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_a_deployment_lacks_is_named_and_stops_it_where_it_must(
    changes: dict[str, str], expected: str, *, stops: bool
) -> None:
    code, said = deploy(**changes)
    assert expected in said
    assert bool(code) is stops


def test_texts_that_are_not_compiled_stop_a_deployment(settings: Settings, tmp_path: Path) -> None:
    catalogue = tmp_path / "chat/locale/ja/LC_MESSAGES/django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.touch()
    settings.BASE_DIR = tmp_path
    [fault] = chat_checks.texts_are_compiled(None)
    assert (fault.id, fault.level) == ("chat.E004", checks.ERROR)
    catalogue.with_suffix(".mo").touch()
    assert chat_checks.texts_are_compiled(None) == []


def test_a_law_read_long_ago_is_to_be_read_anew() -> None:
    read = date.fromisoformat(SEEN_UNTIL)
    with time_machine.travel(read + STALE_AFTER, tick=False):
        assert law_checks.the_law_was_read_lately(None) == []
    with time_machine.travel(read + STALE_AFTER + timedelta(days=2), tick=False):
        [warning] = law_checks.the_law_was_read_lately(None)
    assert warning.id == "compliance.W002"


def test_every_check_stands_in_the_how_to() -> None:
    text = (ROOT / "docs/howto/deploy-pipeline.md").read_text()
    sources = "".join(path.read_text() for app in ("chat", "compliance") for path in (ROOT / app).rglob("checks.py"))
    assert set(re.findall(r"`((?:chat|compliance)\.[EWI]\d+)`", text)) == set(re.findall(r'id="([\w.]+)"', sources))


# Servers that disagree -----------------------------------------------------------------------------------------------


def gate_of(server: Server) -> dict[str, Any]:
    """What a server's `/readyz` says of the gate; it is ready all the while."""
    answer = httpx.get(f"{server.url}/readyz", timeout=20)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()["gate"]
    return said


def until(server: Server, holds: Callable[[dict[str, Any]], bool], seconds: float) -> None:
    """Wait for a server's gate to be so."""
    end = time.monotonic() + seconds
    while not holds(said := gate_of(server)):
        assert time.monotonic() < end, said
        time.sleep(0.1)


def is_on(gate: dict[str, Any]) -> bool:
    return bool(gate["closed_chat"])


def has_drifted(gate: dict[str, Any]) -> bool:
    return not gate["closed_chat"] and "drift" in gate["causes"]


def require(env: dict[str, str]) -> int:
    """The pipeline's last step, with the environment of the rollout."""
    return manage("gate", "--require", "closed", env=env).returncode


@pytest.mark.django_db(transaction=True)
def test_two_servers_with_different_filings_shut_and_open_when_the_odd_one_ends(
    serve: Serve, sign_items: SignItems
) -> None:
    sign_items()
    sound = serve(**NOTIFIED)
    until(sound, is_on, 10)
    assert require(NOTIFIED) == 0
    odd = serve(**NOTIFIED | {"TELECOM_REGISTRATION_NUMBER": "A-08-54321"})
    until(sound, has_drifted, 10)
    until(odd, has_drifted, 10)
    assert require(NOTIFIED) == 1
    odd.ask_to_end(signal.SIGINT)  # Ctrl+C: it says goodbye, so nobody waits for it
    until(sound, is_on, 10)
    assert require(NOTIFIED) == 0

    odd = serve()  # a server that was started without any filing
    until(sound, has_drifted, 10)
    assert not gate_of(odd)["closed_chat"]
    odd.kill9()  # it says nothing more, and is believed to live for a while
    assert has_drifted(gate_of(sound))
    until(sound, is_on, 40)
    assert manage("ledger", "verify").returncode == 0


@pytest.mark.django_db(transaction=True)
def test_a_server_without_keys_stays_off_by_itself_and_moves_nothing(serve: Serve, sign_items: SignItems) -> None:
    sign_items()
    sound = serve(**NOTIFIED)
    until(sound, is_on, 10)
    before = LedgerEntry.objects.filter(event__startswith="gate.").count()
    keyless = {"DEBUG": "", "ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": DEPLOYED["SECRET_KEY"], "CLOSED_CHAT_KEYS": ""}
    odd = serve(**NOTIFIED | keyless)
    for _ in range(20):  # each answer settles the gate anew, in its own process
        assert is_on(gate_of(sound))
        said = gate_of(odd)
        assert (said["closed_chat"], said["faults"]) == (False, ["CLOSED_CHAT_KEYS"])
        assert said["period"] == gate_of(sound)["period"]
    odd.wait_for_log("gate.refuses_here")
    assert LedgerEntry.objects.filter(event__startswith="gate.").count() == before
    sound.kill9()
    until(odd, lambda gate: gate["period"] is None, 40)  # nobody is left who could run it
    assert LedgerEntry.objects.filter(event__startswith="gate.").count() == before + 1


@pytest.mark.django_db(transaction=True)
def test_a_number_that_arrives_is_put_on_record_by_the_restart(serve: Serve, sign_items: SignItems) -> None:
    sign_items()
    filed = NOTIFIED | {"TELECOM_REGISTRATION": "filed", "TELECOM_REGISTRATION_NUMBER": ""}
    server = serve(**filed)
    until(server, is_on, 10)
    first = gate_of(server)["period"]
    assert server.sigterm() == 0
    server.env |= NOTIFIED
    server.start()
    until(server, is_on, 10)
    period = Authorisation.objects.get(closed_at__isnull=True)
    assert (period.continues_id, period.snapshot["standing"]["number"]) == (first, "A-08-12345")
