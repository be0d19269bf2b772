"""The plugin for others' tests says yes and no where it should, and its how-to works as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, re_path

from chat.models import User
from compliance import gate
from compliance.law import ITEM, RULES, Feature, Status
from compliance.models import Signature
from compliance.testing import (
    Door,
    PullStop,
    SignItems,
    TurnEnvironment,
    TurnKeys,
    assert_gated,
    assert_gated_frame,
    assert_not_gated,
    walk_doors,
)

ROOT: Final = Path(__file__).resolve().parents[2]
HOWTO: Final = ROOT / "docs/howto/test-the-gating.md"


def forgotten(request: HttpRequest, **parameters: object) -> HttpResponse:
    """A view whose author forgot the gate."""
    return HttpResponse("here")


urlpatterns = [
    path("forgotten/<uuid:number>/", forgotten),
    re_path(r"^odd/(?P<letters>[A-Z]{3})/$", gate.door(Feature.DM_TEXT)(forgotten)),
    path("", include("config.urls")),
]


# The keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_the_environment_is_turned_to_any_status(status: Status, turn_environment: TurnEnvironment, db: None) -> None:
    standing = turn_environment(status)
    assert (standing.status, standing.problems) == (status, ())
    assert gate.current().standing == standing
    assert not gate.current().closed_chat().allowed


def test_the_environment_takes_changes(turn_environment: TurnEnvironment) -> None:
    assert turn_environment(TELECOM_REGISTRATION_NUMBER="").problems
    assert turn_environment(DATING_NOTIFICATION_NUMBER="30123456789").dating_number


def test_items_are_signed_by_name_or_all_but_some(sign_items: SignItems, operator: User) -> None:
    sign_items("LAW-06")
    assert set(Signature.objects.values_list("item_id", "signed_by")) == {("LAW-06", operator.pk)}
    sign_items(but=["LAW-07"])
    assert set(ITEM) - set(Signature.objects.values_list("item_id", flat=True)) == {"LAW-07"}


def test_both_keys_open_and_the_stop_shuts(turn_keys: TurnKeys, pull_stop: PullStop, client: Client) -> None:
    turn_keys()
    assert_not_gated(client, "/match/")
    pull_stop()
    assert assert_gated(client, "/match/", Feature.MATCH_PAIR)["causes"] == ["emergency_stop"]


# What it asserts -----------------------------------------------------------------------------------------------------


def test_a_page_that_is_open_is_not_taken_for_gated(turn_keys: TurnKeys, client: Client) -> None:
    turn_keys()
    with pytest.raises(AssertionError, match="not gated"):
        assert_gated(client, "/match/")


def test_a_page_that_is_shut_is_not_taken_for_open(client: Client, db: None) -> None:
    with pytest.raises(AssertionError, match="is gated"):
        assert_not_gated(client, "/match/")


def test_a_refusal_for_something_else_is_told_apart(client: Client, db: None) -> None:
    with pytest.raises(AssertionError, match=r"room\.match_pair, not for dm\.text"):
        assert_gated(client, "/match/", Feature.DM_TEXT)


def test_a_451_that_is_not_the_gates_is_told_apart(client: Client) -> None:
    class Impostor:
        def get(self, *_args: object, **_options: object) -> HttpResponse:
            return HttpResponse("no", status=451)

    with pytest.raises((AssertionError, KeyError)):
        assert_gated(Impostor(), "/")  # type: ignore[arg-type]


REFUSED: Final = {
    "type": "refused",
    "code": "gate",
    "rule": RULES[Feature.MATCH_PAIR].id,
    "reason": "「マッチング（二人だけの会話）」は停止",
}


def test_frames_are_told_apart() -> None:
    assert_gated_frame(REFUSED, Feature.MATCH_PAIR)
    for other in (None, {"type": "match.waiting"}, REFUSED | {"code": "rate"}, REFUSED | {"reason": "no"}):
        with pytest.raises(AssertionError):
            assert_gated_frame(other, Feature.MATCH_PAIR)
    with pytest.raises(AssertionError):
        assert_gated_frame(REFUSED, Feature.INVITE_ONLY)


# Every door ----------------------------------------------------------------------------------------------------------


def test_a_forgotten_view_is_found() -> None:
    doors = walk_doors("tests.compliance.test_testing", {"letters": "ABC"})
    [found] = [door for door in doors if door.feature is None]
    assert found == Door("page", "/forgotten/<uuid:number>/", None, "/forgotten/00000000-0000-0000-0000-000000000001/")
    assert not found.gated


def test_a_parameter_that_nothing_fits_asks_for_a_sample() -> None:
    with pytest.raises(AssertionError, match=r"give samples of \['letters'\]"):
        walk_doors("tests.compliance.test_testing")


def test_pages_actions_and_commands_are_walked() -> None:
    doors = walk_doors()
    assert {door.kind for door in doors} == {"page", "action", "command"}
    assert {door.path for door in doors} >= {"/", "/match/", "/api/gate/"}
    assert {door.name for door in doors} >= {"gate", "ledger", "reseal"}
    assert not {door.name for door in doors} & {"migrate", "runserver"}


# The how-to ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_worked_example_works_as_it_stands(tmp_path: Path) -> None:
    """As in a project of its own: the plugin loaded with -p, Todoke beside it, a database of its own."""
    blocks = re.findall(r"^```python\n# (booth/\w+\.py)\n(.*?)^```$", HOWTO.read_text(), re.MULTILINE | re.DOTALL)
    assert {name for name, _ in blocks} == {"booth/views.py", "booth/urls.py", "booth/test_gating.py"}
    (tmp_path / "booth").mkdir()
    (tmp_path / "booth/__init__.py").touch()
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = config.settings\n")
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "compliance.testing", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=inherited
        | {
            "PYTHONPATH": f"{tmp_path}:{ROOT}",
            "ENV_FILE": os.devnull,
            "DEBUG": "true",
            "DATABASE_URL": f"sqlite:///{tmp_path}/booth.sqlite3",
        },
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 passed" in done.stdout


def test_the_how_to_names_what_there_is() -> None:
    import compliance.testing as plugin  # noqa: PLC0415 -- by its name

    for name in re.findall(r"^\| `(\w+)[(`]", HOWTO.read_text(), re.MULTILINE):
        assert hasattr(plugin, name), name
