"""Draws the network diagram of form 3 as SVG, and describes it in words."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as ET

from compliance.filing.network import Machine, Network
from compliance.law import Answer

_WIDTH: Final = 720
_INK: Final = "#1d1a16"
_QUIET: Final = "#5c5348"
_BOX: Final = 328
_STEP: Final = 21
_GAP: Final = 40
_CHARS: Final = 44
"""Half-width characters that fit on a line of a box."""


def draw_diagram(network: Network) -> str:
    """Return the network as SVG: the equipment, its places, and the lines between.

    It uses presentation attributes only: it needs no style sheet and no exception from the content security policy.
    """
    proxy, server = network.machine("proxy"), network.machine("server")
    stores = [machine for machine in network.machines if machine.key in {"database", "redis"}]
    rows = [[machine] for machine in (proxy, server) if machine] + ([stores] if stores else [])
    texts = [[_wrapped(_lines_of(machine, network)) for machine in row] for row in rows]
    tall = [_STEP * max(map(len, boxes)) + 18 for boxes in texts]
    top = 176
    height = top + 40 + sum(tall) + _GAP * len(rows)
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {_WIDTH} {height}",
            "role": "img",
            "font-family": "'Hiragino Sans', 'Noto Sans JP', 'Noto Sans CJK JP', Meiryo, sans-serif",
            "font-size": "13",
            "fill": _INK,
        },
    )
    ET.SubElement(root, "title").text = "ネットワーク構成図"
    ET.SubElement(root, "desc").text = " / ".join(filter(None, describe_network(network)))
    ET.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    middle = _WIDTH // 2
    _line(root, middle, 76, middle, top + 40)
    _box(root, middle, 12, ["利用者の端末", "ブラウザー"], height=64)
    scheme = "HTTPS・WebSocket (TLS)" if network.https else "HTTP・WebSocket"
    lines = {
        Answer.NO: "他者の回線を利用（自ら設置する回線設備なし）",
        Answer.YES: "自ら設置する回線設備あり（概要：要記入）",
        Answer.UNKNOWN: "回線設備の設置の有無：要記入",
    }[network.own_lines]
    _words(root, middle + 16, 112, f"インターネット（{scheme}）", anchor="start")
    _words(root, middle + 16, 132, lines, anchor="start", fill=_QUIET)
    if network.site:
        _words(root, middle - 16, 112, _fit(network.site, _CHARS), anchor="end")
    frame = {"x": "8", "y": str(top), "width": str(_WIDTH - 16), "height": str(height - top - 8)}
    ET.SubElement(root, "rect", frame | {"fill": "none", "stroke": _INK, "stroke-dasharray": "6 5"})
    _words(root, 20, top + 20, "届出者が用いる設備（借りたものを含む）", anchor="start", fill=_QUIET)
    above: list[int] = []
    y = top + 40
    for boxes, high in zip(texts, tall, strict=True):
        centres = [_WIDTH * (2 * place + 1) // (2 * len(boxes)) for place in range(len(boxes))]
        for centre, box in zip(centres, boxes, strict=True):
            for start in above:
                _line(root, start, y - _GAP, centre, y)
            _box(root, centre, y, box, height=high)
        above, y = centres, y + high + _GAP
    return ET.tostring(root, encoding="unicode")


def describe_network(network: Network) -> tuple[str, ...]:
    """Return the diagram in Japanese words, one line for each piece of equipment."""
    return tuple("、".join(filter(None, _lines_of(machine, network))) for machine in network.machines)


def _lines_of(machine: Machine, network: Network) -> tuple[str, ...]:
    name = machine.name.ja
    if machine.key == "server":
        name += f" × {network.processes}（稼働中）" if network.processes else "（数：要記入）"
    return (name, machine.role.ja, machine.where, f"設置場所：{machine.place or '要記入'}")


def _box(parent: ET.Element, centre: int, y: int, lines: list[str], *, height: int) -> None:
    place = {"x": str(centre - _BOX // 2), "y": str(y), "width": str(_BOX), "height": str(height)}
    ET.SubElement(parent, "rect", place | {"fill": "#ffffff", "stroke": _INK, "stroke-width": "1.5"})
    first, *rest = lines
    start = y + (height - _STEP * len(lines)) // 2 + 15
    _words(parent, centre, start, first, weight="bold", size="15")
    for number, line in enumerate(rest, start=1):
        _words(parent, centre, start + number * _STEP, line)


def _words(
    parent: ET.Element,
    x: int,
    y: int,
    text: str,
    *,
    anchor: str = "middle",
    weight: str = "",
    size: str = "",
    fill: str = "",
) -> None:
    given = {"font-weight": weight, "font-size": size, "fill": fill}
    place = {"x": str(x), "y": str(y), "text-anchor": anchor}
    ET.SubElement(parent, "text", place | {key: value for key, value in given.items() if value}).text = text


def _line(parent: ET.Element, x1: int, y1: int, x2: int, y2: int) -> None:
    ends = {"x1": str(x1), "y1": str(y1), "x2": str(x2), "y2": str(y2)}
    ET.SubElement(parent, "line", ends | {"stroke": _INK, "stroke-width": "1.5"})


def _fit(text: str, units: int) -> str:
    """Cut a text to a width in half-width units; a full-width character takes two."""
    head = _split(text, units)[0]
    return text if head == text else head[:-1] + "…"


def _wrapped(lines: Iterable[str]) -> list[str]:
    """Break the lines of a box at its width; cut its name, the first line, instead."""
    first, *rest = filter(None, lines)
    return [_fit(first, _CHARS - 6), *(part for line in rest for part in _split(line, _CHARS))]


def _split(text: str, units: int) -> list[str]:
    parts, used = [""], 0
    for sign in text:
        wide = 2 if unicodedata.east_asian_width(sign) in "FWA" else 1
        if used + wide > units:
            parts.append("")
            used = 0
        parts[-1] += sign
        used += wide
    return parts
