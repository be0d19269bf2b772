"""A WebSocket client on a bare socket, which reads when told and not before: a slow phone, a hung tab, an attacker."""

from __future__ import annotations

import json
import socket
from collections import deque
from typing import Any, Self

from websockets.client import ClientProtocol
from websockets.frames import Close, Frame, Opcode
from websockets.uri import parse_uri

from tests.serving import Server


class RawPeer:
    """A socket that takes nothing from the wire unless `read` is called. Its receive buffer is small.

    Args:
        server: where to.
        cookie: the header; empty for an anonymous reader.
        buffer: bytes that the kernel may hold for it.
    """

    def __init__(self, server: Server, cookie: str = "", buffer: int = 4096) -> None:
        self._protocol = ClientProtocol(parse_uri(server.ws_url), max_size=None)
        self._frames: deque[dict[str, Any]] = deque()
        self.code: int | None = None
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(20)
        self.socket.connect(("127.0.0.1", server.port))
        request = self._protocol.connect()
        if cookie:
            request.headers["Cookie"] = cookie
        self._protocol.send_request(request)
        self._flush()
        self.expect("welcome")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.socket.sendall(data)

    def say(self, kind: str, **fields: Any) -> None:
        """Sends a frame; reads nothing."""
        self._protocol.send_text(json.dumps({"type": kind, **fields}, ensure_ascii=False).encode())
        self._flush()

    def read(self) -> dict[str, Any] | None:
        """Returns the next frame; None once the other side has closed, with `code`."""
        message = b""
        while not self._frames and self.code is None:
            data = self.socket.recv(65536)
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.CONT):
                    message += bytes(event.data)
                    if event.fin:
                        self._frames.append(json.loads(message))
                        message = b""
                elif isinstance(event, Frame) and event.opcode is Opcode.CLOSE:
                    self.code = int(Close.parse(bytes(event.data)).code)
            self._flush()
            if not data:
                break
        return self._frames.popleft() if self._frames else None

    def expect(self, kind: str) -> dict[str, Any]:
        """Returns the next frame of a type; those before it are dropped.

        Raises:
            AssertionError: the other side closed before.
        """
        while (frame := self.read()) is not None:
            if frame["type"] == kind:
                return frame
        raise AssertionError(f"no {kind}; closed with {self.code}")

    def rest(self) -> list[dict[str, Any]]:
        """Reads to the end; returns the frames."""
        frames = []
        while (frame := self.read()) is not None:
            frames.append(frame)
        return frames
