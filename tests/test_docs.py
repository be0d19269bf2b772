"""What is written for people agrees with what the code does."""

import ast
import io
import json
import re
import shlex
from argparse import ArgumentError
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union

import msgspec
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands, load_command_class
from django.urls import resolve

from chat.management.commands import asyncapi
from chat.protocol import Close, Code, Reply, Request, decode, replies, tag_of
from chat.realtime import all_routes
from compliance import law_docs
from compliance.law.variables import VARIABLES
from tests import decisions, modules

ROOT = Path(__file__).resolve().parent.parent
READERS = {"text", "choice", "number", "words"}


def variables_read_by_settings() -> set[str]:
    """The variables that config/settings.py asks its readers for."""
    tree = ast.parse((ROOT / "config/settings.py").read_text())
    return {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in READERS
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    } | set(VARIABLES)


def test_every_variable_stands_in_the_example() -> None:
    written = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert written == variables_read_by_settings()


def test_every_command_of_the_makefile_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    explained = set(re.findall(r"^([a-z-]+):[^#\n]*## .+ \| .+$", makefile, re.MULTILINE))
    assert set(phony) - explained == {"browser"}


def test_law_tables_in_step() -> None:
    assert law_docs.DOCUMENT.read_text(encoding="utf-8") == law_docs.render(), "run python -m compliance.law_docs"


# --- documents ---------------------------------------------------------------------------------------------------


DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DECISIONS = decisions.records()
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def prose(document: Path) -> str:
    """The text without code, in which a link is a link."""
    return re.sub(r"`[^`\n]+`", "", FENCE.sub("", document.read_text()))


def code(document: Path) -> Iterator[str]:
    """The lines of code: those of blocks for a terminal, and what stands in backticks."""
    text = document.read_text()
    for language, block in FENCE.findall(text):
        if language == "sh":
            yield from block.replace("\\\n", " ").splitlines()
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


def anchors(document: Path) -> set[str]:
    """The names under which a document's headings can be linked to."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
        if link.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_document
def test_every_file_that_is_named_exists(document: Path) -> None:
    for span in re.findall(r"`([\w./-]+(?:\.(?:py|md|js|css|toml|json)|/))`", FENCE.sub("", document.read_text())):
        if span.startswith("/"):
            continue  # an address
        places = [ROOT / span, document.parent / span, ROOT / "chat" / span, ROOT / "compliance" / span]
        assert any(place.exists() for place in places), span


@each_document
def test_every_command_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in code(document):
        for target in re.findall(r"(?:^|\s)make ([a-z][a-z-]*)", line):
            assert target in targets, line
        for name, arguments in re.findall(r"manage\.py ([a-z_]+)([^|>#;…]*)", line):
            assert name in get_commands(), line
            parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
            try:
                parser.parse_args(shlex.split(arguments))
            except (ArgumentError, CommandError) as error:
                raise AssertionError(line) from error


@each_document
def test_every_variable_that_is_named_exists(document: Path) -> None:
    given = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    given |= set(re.findall(r"^([A-Z]+) \?=", (ROOT / "Makefile").read_text(), re.MULTILINE)) | {"TODOKE_TEST_BACKEND"}
    sources = "".join(
        path.read_text() for app in ("chat", "compliance", "config") for path in (ROOT / app).rglob("*.py")
    )
    in_code = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", sources))
    for line in code(document):
        assert set(re.findall(r"(?:^|\s)([A-Z][A-Z0-9_]+)=", line)) <= given, line
        assert set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", line)) <= given | in_code, line


@each_document
def test_every_test_that_is_named_exists(document: Path) -> None:
    for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)", document.read_text()):
        assert (ROOT / path).exists(), path
        parts = ast.parse((ROOT / path).read_text()).body
        assert name in {part.name for part in parts if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)}, name


@each_document
def test_every_tool_that_is_named_takes_these_options(document: Path) -> None:
    for line in code(document):
        for module, arguments in re.findall(r"python -m (tests(?:\.\w+)+)([^|>#;…]*)", line):
            source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
            for option in re.findall(r"(--[a-z-]+|(?<= )[a-z]+(?:-[a-z]+)+(?= |$))", arguments):
                assert f'"{option}"' in source, line


def test_each_known_fault_has_its_row_and_each_row_its_proof() -> None:
    text = (ROOT / "docs/reliability.md").read_text()
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, 30))
    for number, *_, proof in rows:
        assert re.search(r"`tests/[\w/]+\.py::test_\w+`|`python -m tests\.", proof), number


def test_every_module_stands_in_the_architecture() -> None:
    written = modules.DOCUMENT.read_text(encoding="utf-8")
    assert written == modules.render(written), "run python -m tests.modules"
    code = [
        path
        for app in modules.APPS
        for path in (ROOT / app).rglob("*.py")
        if "migrations" not in path.parts and path.read_text(encoding="utf-8").strip()
    ]
    assert [path for path in code if not modules.first_line(path)] == [], "say in the first line what it is for"


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_says_why_what_and_what_follows_in_under_a_page(decision: Path) -> None:
    text = decision.read_text()
    number = int(decision.name[:4])
    assert text.startswith(f"# {number}. ")
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [part for part in parts if part != "Alternatives"] == ["Context", "Decision", "Consequences"]
    assert len(text.split()) < 460


def test_every_word_of_the_glossary_is_explained_in_both_languages() -> None:
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    words = [row for row in rows if row[0] not in ("word", "---")]
    assert words
    for row in words:
        assert len(row) == 4, row
        assert row[1].endswith(".")
        assert row[3].endswith("。")


def test_no_two_decisions_have_one_number() -> None:
    numbers = [decision.name[:4] for decision in DECISIONS]
    assert len(numbers) == len(set(numbers))


def test_the_index_lists_every_decision() -> None:
    assert decisions.INDEX.read_text() == decisions.index(), "run python -m tests.decisions"


# --- the wire ----------------------------------------------------------------------------------------------------


PROTOCOL = (ROOT / "docs/protocol.md").read_text()
SAID: dict[str, Any] = {tag_of(frame): frame for frame in Reply.__subclasses__()}
ROUTES = {route.name: route for route in all_routes()}
reply = msgspec.json.Decoder(Union[tuple(Reply.__subclasses__())])  # noqa: UP007


def part(heading: str) -> str:
    """What stands in the protocol's document under a heading."""
    return PROTOCOL.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def frames(heading: str) -> dict[str, str]:
    """The frames under a heading, with what is written about each."""
    pieces = re.split(r"^### `([a-z.]+)`.*$", part(heading), flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def table(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a text, by their first cell, without backticks."""
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {first: rest for first, *rest in rows}


def test_every_frame_stands_in_the_protocol_and_no_other() -> None:
    assert set(frames("What a client says")) == set(ROUTES)
    assert set(frames("What the service says")) == set(SAID)


@pytest.mark.parametrize("name", ROUTES)
def test_what_a_client_says_is_shown_as_it_is_decoded_and_answered(name: str) -> None:
    text = frames("What a client says")[name]
    [(_, example)] = FENCE.findall(text)
    assert type(decode(example)) is ROUTES[name].request
    answer = ROUTES[name].answer
    said = re.findall(r"Answer:\s+`([a-z.]+)`", text)
    assert said == [tag_of(answer or replies.Noted)]
    assert bool(answer) is ("nothing without one" not in " ".join(text.split()))


@pytest.mark.parametrize("name", SAID)
def test_what_the_service_says_is_shown_as_it_is_typed(name: str) -> None:
    [(_, example)] = FENCE.findall(frames("What the service says")[name])
    assert type(reply.decode(example)) is SAID[name]


def dictionaries() -> Iterator[tuple[str, str]]:
    """Each dictionary that the code writes with a `type` of its own: the type, and where."""
    for path in sorted((ROOT / "chat").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Dict(keys=[ast.Constant(value="type"), *_], values=[ast.Constant(value=str(kind)), *_]):
                    yield kind, f"{path.relative_to(ROOT)}:{node.lineno}"
                case _:
                    pass


def test_the_service_says_nothing_that_is_not_typed() -> None:
    elsewhere = ("websocket.", "http.", "lifespan.", "hint")  # of servers, and of the channel layer
    found = [(kind, where) for kind, where in dictionaries() if not kind.startswith(elsewhere)]
    assert found == []


def test_codes_and_limits_are_those_of_the_code() -> None:
    closing = {row[0]: number for number, row in table(part("Close codes")).items() if number.isdigit()}
    assert closing == {close.name: str(close.value) for close in Close}
    refusing = table(frames("What the service says")["refused"])
    assert set(refusing) - {"code", "---"} == {code.value for code in Code}
    limits = table(part("Limits"))
    sizes = {name: int(limits[name][0]) for name in settings.CHAT_LIMITS}
    assert sizes == settings.CHAT_LIMITS
    rates = {name: (int(limits[name][0]), float(limits[name][1])) for name in settings.CHAT_RATES}
    assert rates == settings.CHAT_RATES


def test_asyncapi_in_step() -> None:
    out = io.StringIO()
    call_command("asyncapi", stdout=out)
    assert (ROOT / "docs/asyncapi.json").read_text() == out.getvalue(), "run python manage.py asyncapi --write"


def test_the_table_of_requests_in_step() -> None:
    assert asyncapi.with_table(PROTOCOL) == PROTOCOL, "run python manage.py asyncapi --write"


def test_every_reference_in_asyncapi_leads_somewhere() -> None:
    document = asyncapi.document()
    for pointer in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        found: Any = document
        for step in pointer.split("/"):
            found = found[step]
    assert set(document["components"]["messages"]) == {
        frame.__name__ for frame in (*Request.__subclasses__(), *Reply.__subclasses__())
    }


def test_every_address_in_asyncapi_is_one_of_the_service() -> None:
    for channel in asyncapi.document()["channels"].values():
        if channel["address"] != "/ws/":
            uuid = "0b6e7a52-6f0c-4f0e-8b0d-2f2f0a4f9c11"
            resolve(channel["address"].replace("{room}", uuid))
