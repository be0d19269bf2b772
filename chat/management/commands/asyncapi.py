"""Prints the wire as an AsyncAPI 3.0 document, from the structs in chat/wire.py; docs/asyncapi.json holds it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from typing import Any, get_args

import msgspec
from django.core.management.base import BaseCommand

from chat import wire
from compliance.law import Feature

Frame = type[msgspec.Struct]

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
    asked: list[Frame] = list(get_args(wire.ClientFrame))
    said: list[Frame] = list(get_args(wire.ServerFrame))
    refs, schemas = msgspec.json.schema_components([*asked, *said], ref_template="#/components/schemas/{name}")
    payloads = dict(zip((frame.__name__ for frame in (*asked, *said)), refs, strict=True))
    streams = {name: _stream(address, [*asked, *said], room=room) for name, address, room in STREAMS}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"Todoke {wire.PROTOCOL}", "version": "1.0.0", "description": ABOUT},
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
            **{f"receive{frame.__name__}": _request(frame) for frame in asked},
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


def _tag(frame: Frame) -> str:
    return str(frame.__struct_config__.tag)


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
    return {"name": _tag(frame), "title": _tag(frame), "summary": inspect.getdoc(frame), "payload": payload}


def _request(frame: Any) -> dict[str, Any]:
    answer = wire.ANSWERS[frame]
    feature: Feature | None = frame.feature
    return {
        "action": "receive",
        "channel": _channel("socket"),
        "summary": inspect.getdoc(frame),
        "messages": _pointers("socket", [frame]),
        "reply": {
            "channel": _channel("socket"),
            "messages": _pointers("socket", [answer, wire.Refusal] if answer else [wire.Refusal]),
        },
        "x-feature": feature.value if feature else "of the room",
    }


def _operation(action: str, method: str, channel: str, frames: Iterable[Frame]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": _channel(channel),
        "messages": _pointers(channel, frames),
        "bindings": {"http": {"method": method}},
    }


class Command(BaseCommand):
    help = "Print the wire protocol as AsyncAPI 3.0 (docs/asyncapi.json)."
    requires_system_checks = ()
    feature = Feature.OPERATOR

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(json.dumps(document(), ensure_ascii=False, indent=2))
