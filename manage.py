#!/usr/bin/env python
"""Runs Django's and this project's commands, in the project's own environment where this Python has no packages."""

import logging
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent / ".venv"
PACKAGES = ("django", "environ", "channels")


def use_own_environment() -> None:
    """Starts again with the Python in .venv if packages are missing here; without it, ends with one line."""
    if all(find_spec(name) for name in PACKAGES):
        return
    python = ENVIRONMENT / "bin" / "python"
    if python.exists() and Path(sys.prefix).resolve() != ENVIRONMENT.resolve():
        os.execv(python, [str(python), *sys.argv])  # noqa: S606 -- the project's own interpreter
    sys.exit("Packages are missing: `make run` installs them | パッケージがありません。`make run` で入ります")


def main() -> None:
    """Runs the command. What the database refuses is said in one line, and a reader that has enough ends it quietly."""
    # ruff: noqa: PLC0415 -- only now it is known that the packages are there
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError, InterfaceError

    # Imported for its effect: it names the settings module, so that no other file touches the environment.
    import config  # noqa: F401

    logging.getLogger("psycopg.pool").setLevel(
        logging.ERROR
    )  # it would log each attempt; one line at the end is enough
    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # As `| head` leaves it: what is still in the buffer goes nowhere (Python's manual, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)
    except (DatabaseError, InterfaceError) as error:
        from compliance.database import explain

        text = explain(error)
        if text is None:
            raise
        sys.exit(f"{text.en} | {text.ja}")


if __name__ == "__main__":
    use_own_environment()
    main()
