"""Writes the documents of the wire, from `chat.protocol` and the routes of `chat.realtime`."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from chat.protocol import PROTOCOL, Reply, replies, tag_of
from chat.realtime import Route, Way, all_routes
from compliance.law import Feature

Frame = type[msgspec.Struct]

DOCS = Path(settings.BASE_DIR) / "docs"
BEGIN, END = "<!-- requests: manage.py asyncapi --write -->", "<!-- end of requests -->"
WAYS = {
    Way.AT_ONCE: "at once",
    Way.QUEUED: "in the order of requests",
    Way.IN_ROOM: "in the order of requests",
    Way.WRITES: "at once in a joined room, else in the order of requests",
    Way.SIGNALS: "at once in a joined room, else in the order of requests",
}

ABOUT = """\
Real-time chat over one WebSocket per tab, for all rooms and for matching. Frames are JSON text; `type` names the frame,
and `ref` in a request is repeated in its answer. Ordering, idempotency, resuming and close codes: docs/protocol.md."""
SOCKET_ABOUT = (
    "One socket per tab. The service closes it with a code of its own, after a `closing` frame that says why."
)
HTTP_ABOUT = (
    "The same frames where WebSocket is blocked: GET gives server-sent events, one frame each, beginning with "
    "`welcome` and `room.joined`; POST takes one client frame and answers with a JSON list of its answers."
)
#: Pages whose frames also travel over HTTP: name, address, whether the address has a room.
STREAMS = (
    ("openRoomEvents", "/rooms/{room}/events", True),
    ("closedTalkEvents", "/closed/{room}/events", True),
    ("matchEvents", "/match/events", False),
)


def document() -> dict[str, Any]:
    """Return the AsyncAPI document as JSON values."""
    routes = all_routes()
    asked: list[Frame] = [route.request for route in routes]
    said: list[Frame] = list(Reply.__subclasses__())
    refs, schemas = msgspec.json.schema_components([*asked, *said], ref_template="#/components/schemas/{name}")
    payloads = dict(zip((frame.__name__ for frame in (*asked, *said)), refs, strict=True))
    streams = {name: _stream(address, [*asked, *said], room=room) for name, address, room in STREAMS}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"Todoke {PROTOCOL}", "version": "1.0.0", "description": ABOUT},
        "defaultContentType": "application/json",
        "servers": {
            "socket": _server("wss", "Behind the deployment's proxy; `ws` on a local service."),
            "pages": _server("https", "The same service; `http` on a local one."),
        },
        "channels": {
            "socket": {
                "address": "/ws/",
                "description": SOCKET_ABOUT,
                "servers": [{"$ref": "#/servers/socket"}],
                "messages": _messages([*asked, *said]),
                "bindings": {"ws": {"method": "GET"}},
            },
            **streams,
        },
        "operations": {
            **{f"receive{route.request.__name__}": _request(route) for route in routes},
            "say": {
                "action": "send",
                "channel": _channel("socket"),
                "summary": "What the service says, asked or not.",
                "messages": _pointers("socket", said),
            },
            **{f"{name}Down": _operation("send", "GET", name, said) for name in streams},
            **{f"{name}Up": _operation("receive", "POST", name, asked) for name in streams},
        },
        "components": {
            "messages": {frame.__name__: _message(frame, payloads[frame.__name__]) for frame in (*asked, *said)},
            "schemas": schemas,
        },
    }


def _server(protocol: str, about: str) -> dict[str, Any]:
    host = {"description": "The deployment's host and port.", "default": "127.0.0.1:8000"}
    return {"host": "{host}", "protocol": protocol, "description": about, "variables": {"host": host}}


def _stream(address: str, frames: Iterable[Frame], *, room: bool) -> dict[str, Any]:
    where = {"parameters": {"room": {"description": "The room's public id, as it stands in its page's address."}}}
    return {
        "address": address,
        "description": HTTP_ABOUT,
        "servers": [{"$ref": "#/servers/pages"}],
        "messages": _messages(frames),
        **(where if room else {}),
    }


def _channel(name: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{name}"}


def _messages(frames: Iterable[Frame]) -> dict[str, Any]:
    return {frame.__name__: {"$ref": f"#/components/messages/{frame.__name__}"} for frame in frames}


def _pointers(channel: str, frames: Iterable[Frame]) -> list[dict[str, str]]:
    return [{"$ref": f"#/channels/{channel}/messages/{frame.__name__}"} for frame in frames]


def _message(frame: Frame, payload: dict[str, Any]) -> dict[str, Any]:
    return {"name": tag_of(frame), "title": tag_of(frame), "summary": inspect.getdoc(frame), "payload": payload}


def _request(route: Route) -> dict[str, Any]:
    answer = route.answer
    return {
        "action": "receive",
        "channel": _channel("socket"),
        "summary": inspect.getdoc(route.request),
        "messages": _pointers("socket", [route.request]),
        "reply": {
            "channel": _channel("socket"),
            "messages": _pointers("socket", [answer or replies.Noted, replies.Refusal]),
        },
        "x-feature": route.feature.value if route.feature else "of the room",
    }


def _operation(action: str, method: str, channel: str, frames: Iterable[Frame]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _channel(channel),
        "messages": _pointers(channel, frames),
        "bindings": {"http": {"method": method}},
    }


def table() -> str:
    """Return the table of requests for docs/protocol.md."""
    rows = ["| request | answer | gate | rate | carried out |", "| --- | --- | --- | --- | --- |"]
    for route in all_routes():
        answer = f"`{tag_of(route.answer)}`" if route.answer else "`noted`, to a `ref`"
        feature = f"`{route.feature.value}`" if route.feature else "of the room"
        rate = f"`{route.rate}`" if route.rate else ""
        rows.append(f"| `{route.name}` | {answer} | {feature} | {rate} | {WAYS[route.way]} |")
    return "\n".join(rows)


def with_table(page: str) -> str:
    """Return docs/protocol.md with its table made anew."""
    before, rest = page.split(BEGIN)
    _old, after = rest.split(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


class Command(BaseCommand):
    help = "Print the wire protocol as AsyncAPI 3.0; with --write, renew docs/asyncapi.json and docs/protocol.md."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="Write both documents.")

    def handle(self, *args: Any, **options: Any) -> None:
        text = json.dumps(document(), ensure_ascii=False, indent=2)
        if not options["write"]:
            self.stdout.write(text)
            return
        (DOCS / "asyncapi.json").write_text(f"{text}\n", encoding="utf-8")
        page = DOCS / "protocol.md"
        page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")
