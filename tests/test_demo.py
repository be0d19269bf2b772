"""A demo takes no setting of a deployment, and no process opens the database of the other kind."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse
from pytest_django.fixtures import Settings

from compliance import gate
from compliance.models import GateState, Instance, LedgerEntry
from compliance.records import ledger, proof
from compliance.records.events import Event
from config import demo
from tests.compliance.records.test_proof import plain, write
from tests.serving import ROOT
from tests.test_settings import start

EXAMPLE = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

ACCEPTED = {"DEMO", "HOST", "PORT", "LANGUAGE_CODE", "ENV_FILE", "LOG_LEVEL"}


def test_each_variable_of_a_deployment_is_refused_or_accepted() -> None:
    assert set(demo.REFUSED) >= EXAMPLE - ACCEPTED
    assert not set(demo.REFUSED) & ACCEPTED


@pytest.mark.parametrize("variable", demo.REFUSED)
def test_a_demo_with_a_setting_of_a_deployment_does_not_start(variable: str) -> None:
    with pytest.raises(demo.RefusedStart, match=variable):
        demo.environment({"DEMO": "on", variable: "x"}, Path("/var"))


def test_an_empty_variable_counts_as_absent_in_a_demo() -> None:
    given = dict.fromkeys(demo.REFUSED, "") | {"LANGUAGE_CODE": "en", "HOST": "127.0.0.1", "PORT": "8001"}
    assert demo.environment(given, Path("/var"))["TELECOM_REGISTRATION"] == "notified"


@pytest.mark.slow
def test_a_refused_start_is_one_line_without_the_value() -> None:
    result = start(DEMO="on", SECRET_KEY="a secret that no terminal shows")
    assert result.returncode == 1
    assert result.stderr.startswith("DEMO: SECRET_KEY is set")
    assert "no terminal" not in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    """The database of a demo, somewhere else."""
    path = tmp_path / "copy.sqlite3"
    with closing(sqlite3.connect(path)) as made:
        made.execute(f"PRAGMA application_id = {demo.APPLICATION_ID}")
        made.execute("CREATE TABLE something (id)")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "production", [{}, {"DEBUG": "true"}, {"ALLOWED_HOSTS": "chat.example.jp", "SECRET_KEY": "x" * 40}]
)
def test_nothing_but_a_demo_opens_the_database_of_a_demo(marked: Path, production: dict[str, str]) -> None:
    result = start(DATABASE_URL=f"sqlite:///{marked}", **production)
    assert result.returncode == 1
    assert "the database of a demo" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_copy_of_a_demos_database_stays_a_demos(marked: Path, tmp_path: Path) -> None:
    copy = tmp_path / "backup.sqlite3"
    with closing(sqlite3.connect(marked)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with pytest.raises(demo.RefusedStart, match="demo"):
        demo.check_database(copy, demo=False)


def test_a_demo_does_not_open_a_real_database(tmp_path: Path) -> None:
    path = tmp_path / "real.sqlite3"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE something (id)")
    with pytest.raises(demo.RefusedStart, match="not the database of a demo"):
        demo.check_database(path, demo=True)
    demo.check_database(path, demo=False)
    demo.check_database(tmp_path / "absent.sqlite3", demo=True)


@pytest.mark.parametrize("content", ["a note", "a longer note. " * 20])
def test_a_demo_names_the_file_that_is_no_database(tmp_path: Path, content: str) -> None:
    path = tmp_path / "todoke.sqlite3"
    path.write_text(content)
    with pytest.raises(demo.RefusedStart, match=f"{path} is not an SQLite database"):
        demo.check_database(path, demo=True)
    path.write_text("")  # as SQLite itself makes it
    demo.check_database(path, demo=True)


@pytest.mark.slow
def test_a_demo_that_is_kept_names_its_file_where_it_is_broken(tmp_path: Path) -> None:
    for part in ("chat", "compliance"):
        (tmp_path / part).symlink_to(ROOT / part)
    # The project's folder is where its settings and its command are.
    for part in ("manage.py", "pyproject.toml"):
        shutil.copy(ROOT / part, tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("__pycache__"))
    path = demo.database(tmp_path / "var")
    path.parent.mkdir(parents=True)
    header = bytearray(b"SQLite format 3\0" + bytes(4080))
    header[68:72] = demo.APPLICATION_ID.to_bytes(4, "big")
    path.write_bytes(header)
    given = {name: value for name, value in os.environ.items() if name not in demo.REFUSED}
    done = subprocess.run(
        [sys.executable, "manage.py", "demo", "--keep", "--port", "1"],
        cwd=tmp_path, env=given | {"DEMO": "on"}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert "DATABASE_URL" not in done.stderr
    assert "Traceback" not in done.stderr


def test_no_page_of_a_demo_exists_elsewhere(db: None) -> None:
    with pytest.raises(NoReverseMatch):
        reverse("chat:demo")
    client = Client()
    assert {client.get(f"/demo/{page}").status_code for page in ("", "as/", "steps/", "alone/")} == {404}
    assert client.post("/demo/as/", {"role": "operator-a"}).status_code == 404
    assert b"demo-band" not in client.get("/").content
    assert client.get("/api/gate/").json()["demo"] is False


@pytest.mark.slow
def test_a_database_is_named_by_a_path_and_not_by_an_address_of_sqlites(marked: Path) -> None:
    result = start(DATABASE_URL=f"sqlite:///file:{marked}")
    assert result.returncode == 1
    assert result.stderr.startswith("DATABASE_URL=")


def test_no_service_goes_on_with_the_ledger_of_a_demo(specimen: dict[str, Any], settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(ledger.SpecimenLedger):
        ledger.append(Event.RETENTION_PURGED, actor=None, payload={})
    fault = ledger.verify()
    assert fault is not None
    assert "specimen" in fault.what
    gate.advance_revision(GateState.objects.get_or_create(id=1)[0])
    assert [problem.variable for problem in gate.current().faults] == ["DATABASE_URL"]
    assert not gate.current().closed_chat().allowed


@pytest.mark.usefixtures("specimen")
def test_a_process_whose_database_became_that_of_a_demo_says_so_and_writes_nothing_there(settings: Settings) -> None:
    settings.DEMO = False
    GateState.objects.get_or_create(id=1)
    process, memory = uuid.uuid4(), gate.Memory(epoch="a" * 32, beat=3)  # of the database that was there before
    before = LedgerEntry.objects.count()
    for _ in range(2):
        with pytest.raises(gate.WentBack):
            gate.heartbeat(process, memory)
        with pytest.raises(gate.SpecimenLedger):
            gate.move_epoch(process, memory, "epoch")
        snapshot = gate.unreachable()
        assert [problem.variable for problem in snapshot.faults] == ["DATABASE_URL"]
        assert any("begun in a demo" in reason.en for reason in snapshot.closed_chat().reasons)
    assert (LedgerEntry.objects.count(), Instance.objects.count()) == (before, 0)


@pytest.fixture
def specimen(db: None, settings: Settings) -> dict[str, Any]:
    """The proof of a demo."""
    settings.DEMO = True
    ledger.append(Event.RETENTION_PURGED, actor=None, payload={"counts": {}, "stopped": False, "table": "x"})
    return proof.bundle()


def test_each_entry_and_each_proof_of_a_demo_says_so(specimen: dict[str, Any]) -> None:
    assert specimen["demo"] is True
    assert all(entry["payload"]["demo"] is True for entry in [*specimen["entries"], specimen["after"]])


def test_the_script_calls_the_proof_of_a_demo_a_specimen(specimen: dict[str, Any], tmp_path: Path) -> None:
    code, said = plain(write(tmp_path, proof.files(specimen, "ja")))
    assert code == 3
    assert said.startswith("SPECIMEN")
    assert "The proof holds" not in said


def test_a_specimen_without_its_mark_is_refused(specimen: dict[str, Any], tmp_path: Path) -> None:
    del specimen["demo"]
    code, said = plain(write(tmp_path, proof.files(specimen, "ja")))
    assert code == 1
    assert said.startswith("SPECIMEN")


def test_a_real_proof_that_claims_to_be_a_specimen_is_refused(db: None, tmp_path: Path) -> None:
    ledger.append(Event.RETENTION_PURGED, actor=None, payload={"counts": {}, "stopped": False, "table": "x"})
    code, said = plain(write(tmp_path, proof.files(proof.bundle() | {"demo": True}, "ja")))
    assert code == 1
    assert "The proof is refused" in said
