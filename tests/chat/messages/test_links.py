"""Web addresses in messages, as the server finds and writes them. The page's scripts are held to the same table."""

import html
import json
import re
import time
from pathlib import Path

import pytest

from chat.text.links import addresses, linked

CASES: list[tuple[str, list[str]]] = json.loads((Path(__file__).parents[2] / "links.json").read_text("utf-8"))


@pytest.mark.parametrize(("text", "links"), CASES)
def test_an_address_ends_where_people_mean_it(text: str, links: list[str]) -> None:
    assert [address.shown for address in addresses(text)] == links


@pytest.mark.parametrize(("text", "links"), CASES)
def test_the_page_says_what_was_written_and_links_it(text: str, links: list[str]) -> None:
    shown = linked(text)
    assert [html.unescape(href) for href in re.findall(r'<a href="([^"]*)"', shown)] == links
    words = html.unescape(re.sub(r"</?a\b[^>]*>", "", shown))
    assert words == text or "xn--" in words


def test_markup_is_text_in_and_around_a_link() -> None:
    shown = linked('<b>https://example.jp/?a=1&b="><script>alert(1)</script>')
    assert "<b>" not in shown
    assert "<script>" not in shown
    assert 'href="https://example.jp/?a=1&amp;b="' in shown
    assert 'rel="noopener nofollow ugc" target="_blank"' in shown


@pytest.mark.parametrize(
    "hostile",
    ["https://" + "a." * 1000, "https://a/" + "(" * 1990, "https://a/" + "日" * 1990, "https://" * 250,
     "https://a/" + "_(" * 990, "https://日本" * 200, "https://a" + "-" * 1990],
)  # fmt: skip
def test_no_message_takes_long(hostile: str) -> None:
    start = time.process_time()
    list(addresses(hostile))
    assert time.process_time() - start < 0.5
