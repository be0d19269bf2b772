"""Marks: the same for a person everywhere, told apart at a glance, legible in both themes, and never vermilion."""

from __future__ import annotations

import colorsys
import re
import uuid
from collections import Counter
from itertools import combinations
from typing import Final

import pytest

from chat.protocol import Author
from chat.text.marks import FORMS, INKS, Mark, mark, mark_of
from tests.serving import ROOT

TOKENS: Final = (ROOT / "chat/static/chat/web/tokens.css").read_text(encoding="utf-8")
BASE: Final = (ROOT / "chat/static/chat/web/base.css").read_text(encoding="utf-8")


@pytest.mark.parametrize(  # as in tests/js/mark.test.js
    ("public_id", "name", "drawn"),
    [
        ("00000000-0000-4000-8000-000000000000", "夜更かし", Mark(0, 0, is_cut=False, letter="夜")),
        ("00000000-0000-4000-8000-00000000002f", "anna", Mark(5, 7, is_cut=False, letter="A")),
        ("00000000-0000-4000-8000-000000000030", "👩‍👩‍👧家族", Mark(0, 0, is_cut=True, letter="👩‍👩‍👧")),
        ("5f0c2d6e-92f5-4d4e-a9b0-0e5b8a3d7c21", "か\u3099く", Mark(5, 2, is_cut=True, letter="か\u3099")),
    ],
)
def test_the_server_draws_the_mark_that_the_page_draws(public_id: str, name: str, drawn: Mark) -> None:
    assert mark_of(public_id, name) == drawn


def test_two_people_side_by_side_differ() -> None:
    drawn = [mark_of(str(uuid.UUID(int=number * 0x9E3779B97F4A7C15, version=4)), "山") for number in range(300)]
    pairs = list(combinations(drawn, 2))
    assert sum(one == other for one, other in pairs) < len(pairs) * 0.02
    for values in ({each.form for each in drawn}, {each.ink for each in drawn}, {each.is_cut for each in drawn}):
        assert len(values) > 1
    assert {each.form for each in drawn} == set(range(FORMS))
    assert {each.ink for each in drawn} == set(range(INKS))
    assert max(Counter(drawn).values()) <= 12


def test_a_mark_is_decoration_and_its_letter_is_no_markup() -> None:
    drawn = str(mark(Author("00000000-0000-4000-8000-00000000002f", '"><b>')))
    assert 'aria-hidden="true"' in drawn
    assert 'data-letter="&quot;"' in drawn
    assert mark(Author(None, "退会した人")) == ""


def themes() -> dict[str, dict[str, str]]:
    """The colours of the house by theme, as the style sheet names them."""
    light, dark = TOKENS.partition("/* Night paper")[::2]
    blocks = {"light": light, "by the device": dark.partition('[data-theme="dark"]')[0]}
    blocks["chosen"] = dark.partition('[data-theme="dark"]')[2].partition("@media")[0]
    return {name: dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block)) for name, block in blocks.items()}


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def hue(colour: str) -> float:
    return colorsys.rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))[0] * 360


@pytest.mark.parametrize("theme", ["light", "by the device", "chosen"])
def test_each_ink_is_legible_and_none_is_the_seals(theme: str) -> None:
    colours = themes()[theme]
    inks = [colours[f"mark-{number}"] for number in range(INKS)]
    assert len(set(inks)) == INKS
    paper = luminance(colours["paper-sheet"])
    for ink in inks:
        light, dark = sorted((luminance(ink), paper), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, ink
        apart = abs(hue(ink) - hue(colours["seal"])) % 360
        assert min(apart, 360 - apart) >= 15, ink


def test_night_paper_is_the_same_by_device_and_by_choice() -> None:
    found = themes()
    assert found["by the device"] == found["chosen"]


def test_every_form_and_ink_has_its_rule() -> None:
    assert set(re.findall(r'\.mark\[data-form="(\d)"\]', BASE)) == {str(form) for form in range(1, FORMS)}  # 0: round
    assert set(re.findall(r'\.mark\[data-ink="(\d)"\] \{', BASE)) == {str(ink) for ink in range(INKS)}
