"""Finds code that nothing uses: python -m tests.dead_code, part of make check.

The application is searched without the tests: code that only tests call is dead, too. A name in a template and a dotted
path in a string (settings) count as used. What else a framework calls by its name stands in ALLOWED; a line there that
matches nothing is a fault, too.
"""

import keyword
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from vulture import Vulture
from vulture.core import Item

ROOT = Path(__file__).resolve().parent.parent
APPLICATION = [ROOT / name for name in ("manage.py", "config", "chat", "compliance")]
TESTS = ROOT / "tests"
# Their names count as used, but they are not searched: the first are written by Django, the second is read by it.
NOT_SEARCHED = ("*/migrations/*", "config/settings.py", "tests/load/peer/settings.py")
DECORATORS = (
    "@handles*",
    "@every*",
    "@on_join",
    "@on_room_changed",
    "@people.on_block",
    "@on_last_leave",
    "@admin.*",
    "@register*",
    "@receiver",
    "@pytest.fixture*",
    "@rule*",
    "@invariant*",
    "@initialize*",
)

# Where, kind and name (with * and ?): why nothing in Python names it.
ALLOWED: Final[Mapping[str, str]] = {
    "*/checks.py variable app_configs": "Django hands it to every check",
    "*/apps.py class *Config": "Django finds the app by it",
    "*/management/commands/*.py class Command": "Django finds the command by it",
    "*/management/commands/*.py variable *": "Django's BaseCommand reads its options",
    "*/management/commands/*.py method add_arguments": "Django's BaseCommand calls it",
    "*/urls.py variable *": "Django reads app_name and urlpatterns",
    "*/admin*.py * *": "Django's admin reads and calls what is in its classes",
    "*.py attribute current_app": "Django's admin reads it from the request",
    "*/models/*.py variable *": "columns, and options that Django reads",
    "*.py attribute *_by_id": "the column of a foreign key",
    "*.py method clean_*": "Django's forms call it",
    "chat/rooms/forms.py variable understood": "a field of a form: it must be ticked",
    "chat/people/my_data.py variable understood": "a field of a form: it must be ticked",
    "chat/people/wording.py variable ALLAUTH": "the collector of texts reads it",
    "chat/people/forms.py variable field_order": "Django's forms read it",
    "compliance/discontinuation/admin.py variable *_??": "fields of a form, read by their language",
    "compliance/cases/forms.py variable extend_to": "a field of a form, read from what it cleaned",
    "compliance/powers/permissions.py method has_module_perms": "Django's admin calls it",
    "config/static.py variable support_js_module_import_aggregation": "Django's ManifestStaticFilesStorage reads it",
    "config/cache.py method touch": "Django's caches have it",
    "config/cache.py variable location": "Django hands every cache its place",
    "chat/db/executor.py attribute health_check_done": "Django's connections read it",
    "compliance/database/waits.py attribute isolation_level": "psycopg reads it",
    "compliance/database/waits.py method _start_query": "psycopg calls it before each statement",
    "chat/people/accounts.py method *": "allauth calls what is in its adapters",
    "chat/web/middleware.py * *": "Django's handler reads and calls what is in a middleware",
    "chat/people/page_access.py method process_view": "Django's handler calls it",
    "chat/people/preferences.py method process_view": "Django's handler calls it",
    "chat/web/handler.py attribute *": "Django's responses read it",
    "chat/people/session_store.py method get_expiry_age": "Django's session middleware calls it",
    "chat/people/sessions.py attribute cycle_key": "Django's get_user calls it",
    "chat/people/sessions.py attribute session_data": "a column, saved with its row",
    "chat/matching/talks.py function end_pairings": "rooms call it when they end",
    "compliance/checklist/forms.py variable allow_multiple_selected": "Django's file input reads it",
    "chat/matching/queue.py attribute heartbeat_at": "a column, saved with its row",
    "chat/matching/queue.py attribute due_at": "likewise",
    "chat/messages/log.py variable seals": "a field of a row, written out as JSON",
    "chat/messages/fast_path.py attribute seals": "the same field",
    "chat/protocol/re*.py variable *": "fields of frames, written out as JSON",
    "chat/demo/partner.py * *": "Autobahn calls it",
    "chat/*daphne*.py * *": "Daphne, Autobahn and Twisted read it",
    "chat/db/libpq.py attribute nonblocking": "psycopg reads it",
    "compliance/law/procedure.py variable *": "answers to questions, read by the question's name",
    "compliance/testing.py function *": "fixtures and helpers for a deployment's own tests",
    # Tests.
    "tests/* variable *": "pytest and the servers of tests read marks, fixtures and options by name",
    "tests/* attribute *": "set for the code under test",
    "tests/* function pytest_*": "pytest calls it",
    "tests/embedded.py import PostgresServer": "in the text of an annotation",
    "tests/chat/realtime/test_daphne.py method *": "Autobahn calls it",
    "tests/chat/realtime/test_streams.py method admit": "drawn by name",
    "tests/chat/realtime/test_model.py method teardown": "Hypothesis calls it",
    "tests/rights/test_*.py method teardown": "Hypothesis calls it",
    "tests/rights/test_forms.py method handle_*": "Python's HTMLParser calls it",
    "tests/* method do_*": "http.server calls it",
    "tests/* method log_message": "http.server calls it",
    "tests/load/client.py method on_ws_*": "picows calls it",
    "tests/load/peer/asgi.py method *": "Channels calls it",
}


def used_in_templates() -> Iterator[str]:
    """Yields the names in the expressions of the templates, without the names of tags."""
    for template in (ROOT / "templates").rglob("*.*"):
        text = template.read_text(encoding="utf-8")
        for expression in re.findall(r"\{(?:%\s*\w+|\{)(.*?)[%}]\}", text, re.DOTALL):
            yield from re.findall(r"[^\W\d]\w*", expression)


def used_as_paths() -> Iterator[str]:
    """Yields the names of what strings of the application name by its dotted path."""
    dotted = re.compile(r"\"(?:config|chat|compliance)(?:\.\w+)*\.([^\W\d]\w*)\"")
    for source in [file for path in APPLICATION for file in path.rglob("*.py")]:
        yield from dotted.findall(source.read_text(encoding="utf-8"))


def search(paths: Iterable[Path]) -> list[tuple[str, Item]]:
    """Returns what nothing in these paths or in a template uses, each with its place as `path kind name`."""
    vulture = Vulture(ignore_decorators=DECORATORS)
    vulture.scavenge([str(path) for path in paths])
    names = {*used_in_templates(), *used_as_paths()}
    vulture.scan("\n".join(f"_.{name}" for name in sorted(names) if not keyword.iskeyword(name)))
    found = [(Path(item.filename).relative_to(ROOT).as_posix(), item) for item in vulture.get_unused_code()]
    return [
        (f"{path} {item.typ} {item.name}", item)
        for path, item in found
        if not any(fnmatchcase(path, pattern) for pattern in NOT_SEARCHED)
    ]


def faults() -> Iterator[str]:
    """Yields a line for each piece of dead code, and for each line of ALLOWED that allows nothing."""
    found = search(APPLICATION)
    found += [(place, item) for place, item in search([*APPLICATION, TESTS]) if place.startswith("tests/")]
    needed = set()
    for place, item in found:
        allowing = {pattern for pattern in ALLOWED if fnmatchcase(place, pattern)}
        needed |= allowing
        if not allowing:
            yield f"{place.split()[0]}:{item.first_lineno}: {item.message}"
    for pattern in ALLOWED:
        if pattern not in needed:
            yield f"{Path(__file__).name}: {pattern!r} allows nothing any more"


if __name__ == "__main__":
    dead = list(faults())
    for line in dead:
        print(line)
    sys.exit(bool(dead))
