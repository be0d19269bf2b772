"""Drives the system's Firefox by WebDriver BiDi, which it speaks by itself. Only what the tests need."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Final, Self

from websockets.sync.client import connect

FIREFOX: Final = shutil.which("firefox-esr") or shutil.which("firefox")
START_SECONDS: Final = 60
WAIT_SECONDS: Final = 20
# A visitor in Japanese, no calls to the browser's maker, and nothing that asks or updates.
_SETTINGS: Final = {
    "intl.accept_languages": "ja",
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.provider.mozilla.updateURL": "",
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.server": "http://127.0.0.1:9/",
    "browser.newtabpage.enabled": False,
    "browser.startup.page": 0,
}


class Firefox:
    """One Firefox process with a profile of its own, headless."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="todoke-firefox-", ignore_cleanup_errors=True)
        self._open = contextlib.ExitStack()
        self._ids = 0

    def __enter__(self) -> Self:
        profile = Path(self._home.name)
        lines = (f"user_pref({json.dumps(key)}, {json.dumps(value)});" for key, value in _SETTINGS.items())
        (profile / "user.js").write_text("\n".join(lines))
        log = profile / "log.txt"
        assert FIREFOX
        command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={"HOME": str(profile), "PATH": "/usr/bin"},
            )
        try:
            self._socket = self._open.enter_context(connect(f"{self._address(log)}/session", max_size=None))
            self.ask("session.new", capabilities={})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._home.cleanup()

    def _address(self, log: Path) -> str:
        """Return the address that Firefox says it listens at."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", log.read_text("utf-8", "replace")):
                return found[1]
            time.sleep(0.05)
        raise RuntimeError(f"Firefox does not listen:\n{log.read_text('utf-8', 'replace')}")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result.

        Raises:
            RuntimeError: Firefox answers with an error.
        """
        self._ids += 1
        self._socket.send(json.dumps({"id": self._ids, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=WAIT_SECONDS))
            if answer.get("id") == self._ids:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
                return dict(answer["result"])

    def window(self) -> Window:
        """Open a window of a person of its own: no cookie is shared with another one."""
        person = self.ask("browser.createUserContext")["userContext"]
        context = self.ask("browsingContext.create", type="tab", userContext=person)["context"]
        return Window(self, context)


class Window:
    """A tab, and what a person does in it."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    def goto(self, url: str) -> None:
        """Load a page."""
        self._firefox.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of the page's script: text, a number, a truth value or None.

        Raises:
            RuntimeError: it throws.
        """
        answer = self._firefox.ask(
            "script.evaluate", expression=expression, target={"context": self._context}, awaitPromise=True
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true, and return its value; pages may change meanwhile.

        Raises:
            AssertionError: it never is; with what the page says.
        """
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            try:
                if value := self.evaluate(expression):
                    return value
            except RuntimeError:  # between two pages there is none
                pass
            time.sleep(0.05)
        raise AssertionError(f"never true: {expression}\n{self.evaluate('document.body.innerText')}")

    def click(self, selector: str) -> None:
        """Press the main button of the mouse in the middle of an element."""
        self._act("pointer", [{"type": "pointerMove", "x": 0, "y": 0, "origin": self._element(selector)},
                              {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}])  # fmt: skip

    def type(self, selector: str, text: str) -> None:
        """Click on a field and type; a line end is the Enter key."""
        self.click(selector)
        keys = ["\ue006" if key == "\n" else key for key in text]
        self._act("key", [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")])

    def _element(self, selector: str) -> dict[str, Any]:
        found = self._firefox.ask(
            "browsingContext.locateNodes", context=self._context, locator={"type": "css", "value": selector}
        )["nodes"]
        assert found, selector
        return {"type": "element", "element": {"sharedId": found[0]["sharedId"]}}

    def _act(self, kind: str, actions: list[dict[str, Any]]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self._firefox.ask("input.performActions", context=self._context, actions=[source])
