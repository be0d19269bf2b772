"""The version before this one, as files: `previous.tar.xz`. Tests run its code beside today's; none needs the history.

`python -m tests.upgrade COMMIT` makes the archive anew: the commit's code with its compiled texts, its collected static
files (without the admin's), and `schema.sql`, what its migrations make of an empty PostgreSQL.
"""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Final

ARCHIVE: Final = Path(__file__).resolve().parent / "previous.tar.xz"
PARTS: Final = ("chat", "compliance", "config", "templates", "manage.py", "pyproject.toml")
STATIC: Final = "static"
SCHEMA: Final = "schema.sql"


def unpack(folder: Path) -> Path:
    """Unpacks the previous version into a folder; returns the folder."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder
