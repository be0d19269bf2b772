"""Health is answered in front of Django; a page changes threads once; a proxy that says too little is named."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest
from django.conf import settings as deployed
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.utils.module_loading import import_string
from pytest_django.fixtures import Settings

from chat.operations.probes import Probes
from chat.web import handler
from config.asgi import pages
from tests.serving import Server


async def ask(application: Any, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """What the application answers to a probe that asks by address."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url="http://10.1.2.3") as probe:
        return await probe.request(method, path, headers=headers)


@pytest.mark.parametrize("host", ["10.1.2.3", "anything.example", "届け.example.jp".encode("idna").decode()])
async def test_health_is_told_under_any_name(host: str) -> None:
    answer = await ask(pages, "/healthz", host=host)
    assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, "ok\n", "no-store")
    head = await ask(pages, "/healthz", "HEAD", host=host)
    assert (head.status_code, head.content) == (200, b"")
    post = await ask(pages, "/healthz", "POST", host=host)
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")


async def test_health_needs_neither_database_nor_pages() -> None:
    async def nobody(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("asked")

    assert (await ask(Probes(nobody), "/healthz")).status_code == 200


def test_daphne_answers_a_probe_of_life_by_itself_as_the_application_does(server: Server) -> None:
    with httpx.Client(base_url=server.url) as probe:
        for method, status, content in (("GET", 200, "ok\n"), ("HEAD", 200, ""), ("POST", 405, "")):
            own = probe.request(method, "/healthz?why", headers={"Host": "10.1.2.3"})
            asked = probe.request(method, "/health%7a", headers={"Host": "10.1.2.3"})  # it knows the plain name only
            assert (own.status_code, own.text) == (asked.status_code, asked.text) == (status, content)
            assert dict(own.headers) == dict(asked.headers)


@pytest.mark.django_db(transaction=True)
async def test_readiness_is_told_under_any_name() -> None:
    answer = await ask(pages, "/readyz", host="10.1.2.3")
    assert (answer.status_code, answer.json()["database"]) == (200, True)


def test_every_middleware_runs_on_the_thread_of_the_view() -> None:
    made = [import_string(name) for name in deployed.MIDDLEWARE]
    assert [each for each in made if not getattr(each, "sync_capable", True)] == []


@pytest.mark.django_db(transaction=True)  # a thread that stays may have a connection of before to close
async def test_middleware_view_and_the_end_of_the_answer_run_on_one_thread(settings: Settings) -> None:
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = __name__
    seen.clear()
    answer = await ask(handler.OneHop(), "/plain", host="localhost")
    assert (answer.status_code, answer.text) == (200, "words")
    assert len({*seen}) == 1
    assert seen[0] != threading.get_ident()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/sync", "/async"])
async def test_stream_arrives_piece_by_piece_and_is_closed(settings: Settings, path: str) -> None:
    settings.MIDDLEWARE = []
    settings.ROOT_URLCONF = __name__
    seen.clear()
    answer = await ask(handler.OneHop(), path, host="localhost")
    assert answer.text == "one two three "
    assert seen == ["closed"]


seen: list[Any] = []


class _Noted(HttpResponse):
    def close(self) -> None:
        seen.append(threading.get_ident())
        super().close()


def _plain(_request: HttpRequest) -> HttpResponse:
    seen.append(threading.get_ident())
    return _Noted("words")


class _Stream(StreamingHttpResponse):
    def close(self) -> None:
        seen.append("closed")
        super().close()


def _sync(_request: HttpRequest) -> StreamingHttpResponse:
    return _Stream(f"{word} " for word in ("one", "two", "three"))


def _async(_request: HttpRequest) -> StreamingHttpResponse:
    async def words() -> Any:
        for word in ("one", "two", "three"):
            yield f"{word} "

    return _Stream(words())


from django.urls import path  # noqa: E402 -- after the views that it names

urlpatterns = [path("plain", _plain), path("sync", _sync), path("async", _async)]


@pytest.fixture
def behind_proxy(settings: Settings) -> None:
    """HTTPS ends at a proxy of our own."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.TRUSTED_PROXIES = 1
    settings.ALLOWED_HOSTS = ["chat.example.jp"]


@pytest.mark.django_db
@pytest.mark.usefixtures("behind_proxy")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Forwarded-Proto": "https"}, 200),
        ({"X-Forwarded-Proto": "http"}, 301),
        ({}, 500),
        ({"X-Forwarded-Proto": "http", "Sec-Fetch-Site": "none"}, 500),  # overwritten behind the proxy that ended TLS
    ],
)
def test_proxy_that_does_not_tell_the_scheme_is_named_and_nobody_is_sent_round(
    headers: dict[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    browser = Client(headers={"Host": "chat.example.jp", **headers})
    answers = [browser.get("/") for _ in range(3)]
    assert {answer.status_code for answer in answers} == {status}
    named = [record for record in caplog.records if "X-Forwarded-Proto" in record.getMessage()]
    assert len(named) == (status == 500)
    if status == 500:
        assert b"X-Forwarded-Proto" in answers[0].content
        assert "プロキシ" in answers[0].content.decode()
