"""A service that is full says so, in words, and is asked again: never by a fault, and never at the others' cost."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import InterfaceError, OperationalError, connection
from django.test import Client, RequestFactory
from django.utils import timezone

from chat import rooms
from chat.models import User
from chat.people.session_store import SessionStore
from chat.web import hashing
from chat.web.middleware import when_full
from tests.conftest import Serve

MIB = 1024 * 1024


def test_only_so_many_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 0.05)
    known = make_password("correct horse battery", hasher="argon2")
    assert isinstance(known, str)
    assert check_password("correct horse battery", known)
    with hashing._place(), hashing._place():
        for call in (lambda: check_password("wrong", known), lambda: make_password("another", hasher="argon2")):
            with pytest.raises(hashing.Busy):
                call()
    assert not check_password("wrong", known)


def test_who_finds_no_place_is_asked_to_try_again(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "WAIT_SECONDS", 0.05)
    with hashing._place(), hashing._place():
        answer = Client().post("/accounts/login/", {"login": "nobody@example.jp", "password": "wrong"})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "混み合って" in answer.content.decode()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_sign_ins_at_once_stay_within_memory(serve: Serve) -> None:
    server = serve(CHAT_RATE_LIMITS="off")
    before = most = server.rss
    done = threading.Event()

    def sign_in(number: int) -> int:
        with httpx.Client(base_url=server.url, timeout=60) as browser:
            browser.get("/accounts/login/")
            data = {"login": f"nobody{number}@example.jp", "password": "wrong"}
            data["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
            return browser.post("/accounts/login/", data=data).status_code

    with ThreadPoolExecutor(16) as crowd:
        asked = [crowd.submit(sign_in, number) for number in range(16)]
        while not all(each.done() for each in asked):
            most = max(most, server.rss)
            done.wait(0.02)
    assert {each.result() for each in asked} <= {200, 503}
    assert most - before < 400 * MIB


@pytest.mark.parametrize("error", [OperationalError("pool timeout"), InterfaceError("closed")])
@pytest.mark.parametrize("where", ["view", "session"])
def test_a_page_without_a_connection_asks_to_try_again(
    db: None, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise error

    browser = Client(raise_request_exception=False)
    if where == "view":
        monkeypatch.setattr(rooms, "open_rooms", fail)
    else:  # as a middleware meets it, before any view
        browser.cookies["sessionid"] = "x" * 32
        monkeypatch.setattr(SessionStore, "load", fail)
    answer = browser.get("/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "混み合って" in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_while_somebody_writes_into_the_file_pages_ask_to_try_again() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("of SQLite's one writer")
    member = User.objects.create_user(name="会員", email="member@example.jp")
    browser, stranger = Client(raise_request_exception=False), Client(raise_request_exception=False)
    browser.force_login(member)
    store = browser.session
    store.save()
    Session.objects.update(expire_date=timezone.now() + timedelta(hours=1))  # the next page prolongs it
    connection.cursor().execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        answers = browser.get("/"), stranger.post("/guest/", {"nickname": "旅人"})
        with pytest.raises(OperationalError):
            SessionStore(store.session_key).save()
        writer.execute("ROLLBACK")
    for answer in answers:
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5")
        assert "混み合って" in answer.content.decode()
    assert browser.get("/").wsgi_request.user == member
    assert stranger.post("/guest/", {"nickname": "旅人"}).status_code == 302


@pytest.mark.django_db
def test_a_session_that_has_gone_is_not_a_database_that_cannot_serve() -> None:
    store = SessionStore()
    store.create()
    store.delete()
    with pytest.raises(UpdateError):
        store.save()


def test_a_fault_of_the_code_stays_a_fault() -> None:
    error = OperationalError("no such table: x")
    error.__cause__ = sqlite3.OperationalError("no such table: x")
    error.__cause__.sqlite_errorname = "SQLITE_ERROR"
    request = RequestFactory().get("/")
    assert when_full(request, error) is None
    assert when_full(request, ValueError()) is None
    assert when_full(request, None) is None


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_with_the_pool_taken_pages_ask_to_try_again(serve: Serve) -> None:
    server = serve(DATABASE_POOL="6", CHAT_RATE_LIMITS="off")
    browser = httpx.Client(base_url=server.url, timeout=60)
    with connection.cursor() as cursor, ThreadPoolExecutor(24) as crowd, browser:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE chat_room IN ACCESS EXCLUSIVE MODE")
        asked = [crowd.submit(browser.get, "/rooms/chat/") for _ in range(24)]
        wait(asked, timeout=30, return_when=FIRST_COMPLETED)
        cursor.execute("COMMIT")
        answers = [each.result() for each in asked]
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {200, 404, 503}, statuses
    assert 503 in statuses
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)
