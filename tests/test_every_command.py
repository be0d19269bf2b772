"""Every command of ours, where something around it is not as it should be: one line, an exit code, no traceback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from django.core.management import get_commands

from tests.serving import ROOT, environment

pytestmark = pytest.mark.slow

#: Those that ask the database, with what makes them ask.
ASKING: Final = (
    ("duties",),
    ("duties", "--mail"),
    ("epoch",),
    ("epoch", "--new", "復元"),
    ("erase", "nobody@example.jp"),
    ("export", "nobody@example.jp", "--out", "/dev/null/x"),
    ("filing",),
    ("gate",),
    ("gate", "--require", "closed"),
    ("ledger", "verify"),
    ("ledger", "export"),
    ("outage", "list"),
    ("outage", "observe"),
    ("outage", "begin"),
    ("purge",),
    ("purge", "--dry-run"),
    ("reseal",),
    ("seed",),
    ("staff", "--list"),
)
TALKING: Final = (*ASKING, ("gate", "--json"), ("outage", "list", "--json"), ("assess",), ("asyncapi",))
SERVING: Final = "demo"  # runs until it is stopped, and brings its own database

#: Runs commands side by side, each in a fork of a process that has imported everything; prints how each ended.
EACH: Final = """
import json, os, sys
import config, django, manage
django.setup()
from django.core.checks import run_checks; run_checks()  # imports what the checks of each import
started = []
for arguments in json.loads(sys.argv[1]):
    (read, write), (unread, out) = os.pipe(), os.pipe()
    os.close(unread)
    if sys.argv[2] == "heard":
        out = os.open(os.devnull, os.O_WRONLY)
    child = os.fork()
    if not child:
        os.dup2(out, 1); os.dup2(write, 2)
        sys.argv = ["manage.py", *arguments]
        sys.exit(manage.main())
    os.close(write); os.close(out)
    started.append((child, read))
ended = []
for child, read in started:
    with open(read) as errors:
        told = errors.read()
    ended.append([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told])
print(json.dumps(ended))
"""


def ends(commands: tuple[tuple[str, ...], ...], *, heard: bool = True, **env: str) -> list[tuple[str, int, str]]:
    """How each command ends: its name, its exit code, and what it says on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", EACH, json.dumps(commands), "heard" if heard else "unread"],
        cwd=ROOT,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    return [(" ".join(command), code, told) for command, (code, told) in zip(commands, ended, strict=True)]


def test_every_command_is_tried_here() -> None:
    ours = {name for name, app in get_commands().items() if app in ("chat", "compliance")}
    assert ours == {command for command, *_ in TALKING} | {SERVING}


@pytest.mark.parametrize(
    ("database", "what"),
    [
        ("sqlite:///{0}/new.sqlite3", "make migrate"),
        ("postgres://todoke@/todoke?host={0}", "DATABASE_URL"),
    ],
)
def test_a_command_without_its_database_ends_in_one_line_that_says_what_to_do(
    tmp_path: Path, database: str, what: str
) -> None:
    for command, code, told in ends(ASKING, DATABASE_URL=database.format(tmp_path)):
        assert (command, code, told.count("\n")) == (command, 1, 1), told
        assert what in told, (command, told)


@pytest.mark.django_db(transaction=True)
def test_a_command_that_nobody_listens_to_ends_without_a_noise() -> None:
    for command, code, told in ends(TALKING, heard=False):
        quiet = {0, 128 + signal.SIGPIPE}
        if command.startswith(("gate --require", "erase ", "export ")):  # they end with 1 by what they are asked
            assert "Traceback" not in told
        else:
            assert (code in quiet, told) == (True, ""), (command, code, told)
