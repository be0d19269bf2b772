"""The partner of a demo: a client of chat.v1 that looks for somebody when somebody looks alone, and answers kindly.

It is a process of its own and uses the public doors only: `python -m chat.demo.partner URL COOKIE SESSION …`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import urllib.request
import uuid
from collections.abc import Sequence
from itertools import cycle
from typing import Any, Final
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

LOOK_SECONDS: Final = 1.0
SEEK_SECONDS: Final = 4.0  # after which another of the partners tries: these two may have met already
THINK_SECONDS: Final = 1.2  # before an answer
_JAPANESE: Final = re.compile(r"[぀-ヿ㐀-鿿]")

GREETING: Final = {
    "ja": "こんにちは。見本の相手です。プログラムが返事をしています。何か書いてみてください。",
    "en": "Hello. I am the partner of this demo: a program answers you. Write something if you like.",
}
ANSWERS: Final = {
    "ja": (
        "読みました。この会話を読めるのは、あなたと私だけです。保存されるときは暗号になります。",
        "そうなんですね。もう一つの窓で「運営者」になって緊急停止を押すと、二人ともここから出されます。",
        "ありがとうございます。退出するときは、右上の「退出する」を押してください。",
        "私の返事はこのくらいです。ほかの部屋ものぞいてみてください。よい一日を。",
    ),
    "en": (
        "I have read that. Only you and I can read this talk, and it is stored encrypted.",
        "I see. If you pull the stop as an operator in another window, both of us are put out of here.",
        "Thank you. To end this talk, press “Leave” at the top right.",
        "That is all I can say. Have a look at the other rooms, and have a good day.",
    ),
}


class Partner(WebSocketClientProtocol):
    """One connection of one partner, from seeking to the end of the talk."""

    factory: Any
    done: asyncio.Future[None]
    language: str

    def onOpen(self) -> None:  # noqa: N802 -- Autobahn's name
        self.room, self.me, self.answered = "", "", 0
        self.say("match.seek")
        self.factory.loop.call_later(SEEK_SECONDS, self.give_up)

    def say(self, kind: str, **fields: Any) -> None:
        """Send a frame."""
        self.sendMessage(json.dumps({"type": kind, "ref": uuid.uuid4().hex, **fields}).encode())

    def give_up(self) -> None:
        """Stop looking, unless somebody was found."""
        if not self.room and self.state == self.STATE_OPEN:
            self.say("match.cancel")

    def post(self, text: str) -> None:
        """Say something in the talk."""
        if self.room and self.state == self.STATE_OPEN:
            self.say("message.post", room=self.room, client_id=str(uuid.uuid4()), body=text)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:  # noqa: N802, N803, FBT001 -- Autobahn's names
        frame = json.loads(payload)
        match frame["type"]:
            case "welcome":
                self.me = (frame["user"] or {}).get("id", "")
            case "match.made" if not self.room:
                self.room = frame["room"]
                self.say("room.join", room=self.room)
                self.later(GREETING[self.language])
            case "messages" if frame["room"] == self.room:
                for item in frame["items"]:
                    if item["kind"] == "message" and item["author"]["id"] != self.me:
                        self.answer(item["body"] or "")
            case "match.left" | "match.cancelled" | "closing" | "refused":
                self.sendClose()
            case _:  # a partner needs no more of the protocol
                pass

    def answer(self, said: str) -> None:
        """Answer in the language in which the other person wrote; after the last answer, say nothing more."""
        if _JAPANESE.search(said):
            self.language = "ja"
        elif re.search(r"[A-Za-z]{2}", said):
            self.language = "en"
        if self.answered < len(ANSWERS[self.language]):
            self.later(ANSWERS[self.language][self.answered])
            self.answered += 1

    def later(self, text: str) -> None:
        """Say something after a moment, as a person would."""
        self.factory.loop.call_later(THINK_SECONDS, self.post, text)

    def onClose(self, wasClean: bool, code: int, reason: str) -> None:  # noqa: N802, N803, FBT001 -- Autobahn's names
        if not self.done.done():
            self.done.set_result(None)


def alone(url: str, cookie: str) -> str | None:
    """Return the language of somebody who looks for a partner alone; None if nobody does."""
    request = urllib.request.Request(f"{url}/demo/alone/", headers={"Cookie": cookie})  # noqa: S310 -- our own address
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 -- our own address
        found: str | None = json.load(answer)["language"]
        return found


async def talk(url: str, cookie: str, language: str) -> None:
    """Be one partner: look for somebody, and talk until the end."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    factory = WebSocketClientFactory(f"ws://{parts.netloc}/ws/", origin=url, headers={"Cookie": cookie}, loop=loop)
    factory.protocol = Partner
    _transport, partner = await loop.create_connection(factory, parts.hostname or "", parts.port or 80)
    partner.language, partner.done = language, loop.create_future()
    await partner.done


async def live(url: str, cookies: Sequence[str]) -> None:
    """Look again and again whether somebody is alone; the partners take turns."""
    loop = asyncio.get_running_loop()
    turns = cycle(cookies)
    while True:
        try:
            language = await loop.run_in_executor(None, alone, url, cookies[0])
            if language is not None:
                await talk(url, next(turns), language)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"partner: {error!r}\n")
        await asyncio.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    address, name, *sessions = sys.argv[1:]
    try:
        asyncio.run(live(address, [f"{name}={key}" for key in sessions]))
    except KeyboardInterrupt:
        sys.exit(0)
