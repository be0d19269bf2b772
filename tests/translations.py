"""Finds every text that is to be translated, and holds the Japanese catalogues against them (``make messages``).

Works without gettext's programs: Babel reads the Python, Django itself turns templates into something it can read.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parent.parent
KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
PLACEHOLDER: Final = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")


@dataclass(frozen=True)
class Domain:
    """One catalogue and the folders whose texts it holds."""

    app: str
    folders: tuple[str, ...]
    without: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the Japanese catalogue stands."""
        return ROOT / self.app / "locale/ja/LC_MESSAGES/django.po"

    def sources(self) -> Iterator[Path]:
        """The Python files and templates, in a fixed order."""
        for folder in self.folders:
            for path in sorted((ROOT / folder).rglob("*")):
                name = path.relative_to(ROOT).as_posix()
                if path.suffix in (".py", ".html", ".txt") and not name.startswith(self.without):
                    yield path

    def used(self) -> Catalog:
        """The texts that the sources use."""
        catalog = Catalog(locale="ja", project="Todoke", fuzzy=False)
        for path in self.sources():
            source = path.read_bytes()
            method = "python"
            if path.suffix != ".py":
                source, method = templatize(source.decode()).encode(), "javascript"  # calls amid anything else
            name = path.relative_to(ROOT).as_posix()
            for line, texts, comments, context in extract(
                method, BytesIO(source), KEYWORDS, options={"encoding": "utf-8"}
            ):
                catalog.add(texts, locations=[(name, line)], auto_comments=comments, context=context)
        return catalog

    def translated(self) -> Catalog:
        """The Japanese catalogue as it stands; empty where there is none."""
        if not self.path.exists():
            return Catalog(locale="ja", fuzzy=False)
        with self.path.open("rb") as file:
            return read_po(file, locale="ja")

    def faults(self) -> Iterator[str]:
        """What is missing, unfinished, out of use or loses a placeholder; one line each."""
        used, translated = self.used(), self.translated()
        for message in used:
            if not message.id:
                continue
            found = translated.get(message.id, message.context)
            if found is None:
                yield f"{self.app}: missing: {message.id!r} ({message.locations[0][0]})"
            elif found.fuzzy or not forms(found) or not all(forms(found)):
                yield f"{self.app}: not translated: {message.id!r}"
            elif any(placeholders(form) != placeholders(source(message)) for form in forms(found)):
                yield f"{self.app}: placeholders differ: {message.id!r}"
        for message in translated:
            if message.id and used.get(message.id, message.context) is None:
                yield f"{self.app}: no longer used: {message.id!r}"

    def update(self) -> None:
        """Writes new texts into the catalogue and takes out those no longer used."""
        catalog = self.translated()
        catalog.header_comment = "# Japanese texts of Todoke."
        catalog.project, catalog.version, catalog.msgid_bugs_address = "Todoke", "1", ""
        catalog.last_translator, catalog.language_team = "Todoke", "Todoke"
        catalog.revision_date = catalog.creation_date
        catalog.update(self.used(), no_fuzzy_matching=True, update_creation_date=False)
        catalog.obsolete.clear()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("wb") as file:
            write_po(file, catalog, width=110, include_lineno=False, sort_by_file=True)


DOMAINS: Final = (
    Domain(
        "chat",
        ("chat", "templates"),
        without=("templates/compliance/", "templates/admin/compliance/", "templates/desk/"),
    ),
    Domain("compliance", ("compliance", "templates/compliance", "templates/admin/compliance", "templates/desk")),
)


def forms(message: Message) -> tuple[str, ...]:
    """The translation, or its plural forms."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def source(message: Message) -> str:
    """The English text; of two forms the plural, as Japanese has no singular."""
    return message.id if isinstance(message.id, str) else message.id[-1]


def placeholders(text: str) -> Counter[str]:
    """The places into which values go, with how often each stands there."""
    return Counter(PLACEHOLDER.findall(text))


if __name__ == "__main__":
    for domain in DOMAINS:
        domain.update()
        print(f"{domain.path.relative_to(ROOT)}: {sum(1 for fault in domain.faults())} to do")
