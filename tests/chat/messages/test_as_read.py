"""How items become the messages of a page."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from chat.messages.queries import as_read
from chat.protocol import Author, Item


def item(seq: int, kind: str, body: str = "", **more: Any) -> Item:
    """An event of a room's log, as readers get it."""
    author = Author("a", "あおい")
    return Item(seq=seq, id=uuid4(), kind=kind, author=author, body=body, at="2026-01-01T00:00:00Z", **more)


def bodies(*items: Item) -> list[str]:
    """What a page shows of them."""
    return [shown["body"] for shown in as_read(items)]


def test_an_edit_gives_a_message_other_words_and_a_deletion_takes_them() -> None:
    first, second = item(1, "message", "one"), item(2, "message", "two")
    assert bodies(first, second, item(3, "edit", "uno", target=1)) == ["uno", "two"]
    assert bodies(first, second, item(3, "delete", target=2)) == ["one", ""]


def test_what_was_deleted_stays_deleted() -> None:
    assert bodies(item(1, "message", "one"), item(2, "delete", target=1), item(3, "edit", "back", target=1)) == [""]


def test_a_change_of_an_earlier_page_shows_nothing() -> None:
    assert bodies(item(7, "edit", "later", target=1), item(8, "delete", target=2)) == []


def test_a_kind_that_nobody_knows_never_replaces_a_message() -> None:
    with pytest.raises(ValueError, match="reaction"):
        as_read([item(1, "message", "one"), item(2, "reaction", "♥", target=1)])
