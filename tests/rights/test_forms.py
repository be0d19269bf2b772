"""Enter, pressed in a field of any page of staff, does nothing that cannot be taken back.

A browser presses the first button of a form then. A form that ends something for good therefore begins with another
button, has no field in which Enter sends it, or asks for a tick first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

import pytest

from tests.rights.conftest import World, doors

pytestmark = pytest.mark.django_db

FINAL: Final = frozenset({"leave", "_end", "withdraw", "close", "make", "delete", "anew"})
"""Names or values of buttons that end something for good, or hand something out once."""
TYPED: Final = frozenset({"text", "email", "number", "search", "url", "tel", "date", "datetime-local", "password", ""})
"""Kinds of fields in which Enter sends the form."""


@dataclass
class Form:
    """A form as a browser has it."""

    action: str
    buttons: list[tuple[str, str]] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    typed: bool = False
    ticked: bool = False

    @property
    def does(self) -> set[str]:
        """What pressing Enter says: the first button, what the form hides, and where it goes."""
        if not self.buttons:
            return set()
        return {*self.buttons[0], *self.hidden.values(), self.action.rstrip("/").rpartition("/")[2]}


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.current: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of what a form has."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.current = Form(given.get("action", ""))
            self.found.append(self.current)
        elif self.current is None or tag not in {"input", "button"}:
            return
        elif tag == "button" or given.get("type") in {"submit", "image"}:
            if given.get("type", "submit") in {"submit", "image"} and "disabled" not in given:
                self.current.buttons.append((given.get("name", ""), given.get("value", "")))
        elif given.get("type") == "hidden":
            self.current.hidden[given.get("name", "")] = given.get("value", "")
        elif given.get("type", "") in TYPED:
            self.current.typed = True
        elif given.get("type") == "checkbox" and "required" in given:
            self.current.ticked = True

    def handle_endtag(self, tag: str) -> None:
        """Leave a form."""
        if tag == "form":
            self.current = None


def test_enter_never_ends_anything_for_good(world: World) -> None:
    browsers = [world.browser(role) for role in ("superuser", "compliance", "operator", "moderator")]
    read, wrong = 0, []
    for _pattern, path in doors(world):
        if not path.startswith(("/desk/", "/admin/", "/operator/", "/account", "/rooms/", "/closed/")):
            continue
        for browser in browsers:
            answer = browser.get(path)
            if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
                continue
            forms = Forms()
            forms.feed(answer.content.decode())
            read += len(forms.found)
            wrong += [
                f"{path}: {form.does & FINAL}"
                for form in forms.found
                if form.typed and not form.ticked and form.does & FINAL
            ]
    assert sorted(set(wrong)) == []
    assert read > 200
