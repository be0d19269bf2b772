"""One person's socket in a test: says frames, waits for answers, and keeps what it heard."""

from __future__ import annotations

import json
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from django.conf import settings
from django.test import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.serving import Server

SECONDS = 10.0


class Peer:
    """A `chat.v1` client that never hides a frame: `heard` has all of them in order."""

    def __init__(self, server: Server, client: Client | None = None, *, language: str = "ja") -> None:
        cookies = {name: morsel.value for name, morsel in client.cookies.items()} if client else {}
        cookies.setdefault(settings.LANGUAGE_COOKIE_NAME, language)
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self.socket: ClientConnection = connect(
            server.ws_url,
            additional_headers={"Cookie": header, "Origin": server.url},
            max_size=None,
            open_timeout=SECONDS,
            legacy=True,
        )
        self.heard: list[dict[str, Any]] = []
        self._unread: deque[dict[str, Any]] = deque()
        self._refs = 0
        self.welcome = self.expect("welcome")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, kind: str, **fields: Any) -> str:
        """Send a frame with a new ref; return the ref."""
        self._refs += 1
        ref = f"r{self._refs}"
        self.raw(json.dumps({"type": kind, "ref": ref, **fields}))
        return ref

    def raw(self, frame: str | bytes) -> None:
        """Send anything as one frame."""
        self.socket.send(frame)

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Send a frame and return its answer."""
        ref = self.say(kind, **fields)
        return self.wait(lambda frame: frame.get("ref") == ref)

    def join(self, room: str, **fields: Any) -> dict[str, Any]:
        """Join a room; return `room.joined` or the refusal."""
        return self.ask("room.join", room=room, **fields)

    def post(self, room: str, body: str, **fields: Any) -> dict[str, Any]:
        """Post a message; return the receipt or the refusal."""
        fields.setdefault("client_id", str(uuid.uuid4()))
        return self.ask("message.post", room=room, body=body, **fields)

    def expect(self, kind: str, seconds: float = SECONDS, **having: Any) -> dict[str, Any]:
        """Return the next unread frame of a type whose fields are as given; frames before it stay unread."""
        return self.wait(
            lambda frame: frame["type"] == kind and all(frame.get(name) == value for name, value in having.items()),
            seconds,
        )

    def wait(self, fits: Callable[[dict[str, Any]], bool], seconds: float = SECONDS) -> dict[str, Any]:
        """Return the next unread frame that fits; frames before it stay unread.

        Raises:
            AssertionError: with all that was heard, when none comes in time or the socket closes.
        """
        for frame in self._unread:
            if fits(frame):
                self._unread.remove(frame)
                return frame
        while True:
            try:
                frame = json.loads(self.socket.recv(timeout=seconds))
            except (TimeoutError, ConnectionClosed) as error:
                raise AssertionError(f"{error!r}; heard: {self.heard[-20:]}") from error
            self.heard.append(frame)
            if fits(frame):
                return dict(frame)
            self._unread.append(frame)

    def silence(self, seconds: float = 0.5) -> list[dict[str, Any]]:
        """Listen for a while; return what was said meanwhile and before, unread."""
        try:
            while True:
                frame = json.loads(self.socket.recv(timeout=seconds))
                self.heard.append(frame)
                self._unread.append(frame)
        except (TimeoutError, ConnectionClosed):
            unread, self._unread = list(self._unread), deque()
            return unread

    def closed(self, seconds: float = SECONDS) -> int:
        """Read until the server closes; return the close code."""
        try:
            while True:
                self.heard.append(json.loads(self.socket.recv(timeout=seconds)))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def items(self, room: str) -> list[dict[str, Any]]:
        """Return every item of a room that was heard, in the order of hearing."""
        frames = [f for f in self.heard if f["type"] in ("messages", "room.joined") and f.get("room") == room]
        return [item for frame in frames for item in frame["items"]]
