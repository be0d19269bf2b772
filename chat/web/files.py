"""Serves static files in front of Django. A page finds its files at every process, whichever version made the page."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import MissingFileError, StaticFile

from chat.web.threads import in_thread

_HASHED: Final = re.compile(r"(?P<stem>.+)\.(?P<hash>[0-9a-f]{12})(?P<extension>(\.\w+)?)")
_ASKED: Final = {
    b"accept-encoding": "HTTP_ACCEPT_ENCODING",
    b"if-modified-since": "HTTP_IF_MODIFIED_SINCE",
    b"if-none-match": "HTTP_IF_NONE_MATCH",
    b"range": "HTTP_RANGE",
}
_MISSING: Final = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


class Files:
    """Answers below STATIC_URL (ASGI).

    A name with a hash that this process has no file for belongs to a page of another version, which a process of that
    version served. It gets this version's file of the plain name, to be asked for again soon.

    Args:
        application: takes all else.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._store = _Store()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        """Serve one request."""
        path = scope["path"]
        if scope["type"] != "http" or not path.startswith(self._store.static_prefix):
            return await self._application(scope, receive, send)
        asked = {_ASKED[name]: value.decode("latin1") for name, value in scope["headers"] if name in _ASKED}
        file = self._store.files.get(path)
        if file is not None and (scope["method"] != "GET" or _is_known(file, asked)):
            response = file.get_response(scope["method"], asked)  # opens nothing
            status, headers, content = response.status, response.headers, b""
        else:
            status, headers, content = await in_thread(self._store.answer, path, scope["method"], asked)
        lines = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in headers]
        await send({"type": "http.response.start", "status": int(status), "headers": lines})
        return await send({"type": "http.response.body", "body": content})


def _is_known(file: StaticFile, asked: dict[str, str]) -> bool:
    """Return whether the client has the file. Of the tags that it names (RFC 9110, 13.1.2), the file's own is left."""
    named = asked.get("HTTP_IF_NONE_MATCH")
    if named is not None and (named == "*" or file.etag in re.findall(r'"[^"]*"', named)):
        asked["HTTP_IF_NONE_MATCH"] = file.etag
    return bool(file.is_not_modified(asked))


def _short(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out the date of a file that never changes: its tag is enough."""
    found = list(headers)
    if "immutable" not in dict(found).get("Cache-Control", ""):
        return found
    return [line for line in found if line[0] != "Last-Modified"]


class _Store(WhiteNoiseMiddleware):  # type: ignore[misc]  # published without types
    """The files by their URLs: WhiteNoise's table, which grows by what is collected while the process runs."""

    def answer(self, url: str, method: str, asked: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
        """Return status, headers and content. Reads the disk."""
        for _ in range(2):
            file = self._find(url)
            if file is None:
                break
            _is_known(file, asked)
            try:
                response = file.get_response(method, asked)
                content = b""
                if response.file is not None:
                    with response.file:
                        content = response.file.read()
            except OSError:
                self.files.pop(url, None)  # it was there when the process started
                continue
            length = dict(response.headers).get("Content-Length")
            if response.file is None or length == str(len(content)):
                return response.status, _short(response.headers), content
            self.files.pop(url, None)  # another one came in its place
        return HTTPStatus.NOT_FOUND, list(_MISSING.items()), b"There is no such file.\n"

    def _find(self, url: str) -> StaticFile | None:
        """Return the file of a URL; of a hashed name that is not there, this version's file of the plain name."""
        file = self.files.get(url) if not self.autorefresh else self.find_file(url)
        if file is None and not self.autorefresh:
            file = self._collected(url)
        if file is None and (match := _HASHED.fullmatch(url)) is not None:
            plain = match["stem"] + match["extension"]
            file = self.find_file(plain) if self.autorefresh else self.files.get(plain) or self._collected(plain)
        return file

    def _collected(self, url: str) -> StaticFile | None:
        """Return a file that was collected after the process had started, and keep it in the table."""
        path = os.path.join(settings.STATIC_ROOT, url[len(self.static_prefix) :])  # noqa: PTH118 -- as WhiteNoise's own
        root = os.path.join(os.path.abspath(settings.STATIC_ROOT), "")  # noqa: PTH100, PTH118
        if not self.url_is_canonical(url) or "\0" in url or not self.path_is_child_of(os.path.abspath(path), root):  # noqa: PTH100
            return None
        try:
            file = self.find_file_at_path(path, url)
        except (MissingFileError, OSError):
            return None
        self.files[url] = file
        return file

    def add_cache_headers(self, headers: Any, path: str, url: str) -> None:
        """Say how long a file may be kept, and what `SecurityMiddleware` says with each page."""
        super().add_cache_headers(headers, path, url)
        headers["X-Content-Type-Options"] = "nosniff"
        if self.immutable_file_test(path, url):
            return  # a page loads more than forty of these; nothing in them is secret
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        headers["Referrer-Policy"] = settings.SECURE_REFERRER_POLICY
        if settings.SECURE_HSTS_SECONDS:
            headers["Strict-Transport-Security"] = _hsts()

    def immutable_file_test(self, path: str, url: str) -> bool:
        """Return whether the name has the hash of this very content, so that it stands for nothing else ever."""
        match = _HASHED.fullmatch(url)
        if match is None or self.autorefresh:
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            return (
                hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()[:12] == match["hash"]
            )


def _hsts() -> str:
    value = f"max-age={settings.SECURE_HSTS_SECONDS}"
    value += "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    return value + ("; preload" if settings.SECURE_HSTS_PRELOAD else "")
