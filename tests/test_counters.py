"""Limits that guard accounts are shared by all processes, survive a restart, and nobody pushes them out."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from chat.models import Counter, User
from tests.conftest import PASSWORD, MakeUser
from tests.serving import manage

TRY = """
import json
from django.conf import settings
from django.test import Client
settings.ALLOWED_HOSTS = ["testserver"]
tried = [Client().post("/accounts/login/", {"login": login, "password": %r}) for login in %r]
print(json.dumps([answer.status_code for answer in tried]))
"""


@pytest.fixture
def accounts(transactional_db: None, make_member: MakeUser) -> list[User]:
    """Two members who may sign in."""
    return [make_member(), make_member()]


@pytest.mark.slow
def test_a_lock_holds_in_another_process_and_after_a_flood_of_resets(accounts: list[User]) -> None:
    locked, free = accounts
    for _ in range(6):
        Client().post("/accounts/login/", {"login": locked.email, "password": "wrong"})
    before = Counter.objects.count()
    for number in range(3):
        Client().post("/accounts/password/reset/", {"email": f"nobody{number}@example.jp"})
    assert Counter.objects.count() > before
    with transaction.atomic():
        for number in range(450):
            cache.set(f"reset of nobody{number}@example.jp", [1.5], 60)
    # A process that has just started: the right password opens the one account, and the other one does not yet.
    tried = manage("shell", "-c", TRY % (PASSWORD, [locked.email, free.email]))
    assert json.loads(tried.stdout.splitlines()[-1]) == [200, 302], tried.stderr


def test_an_entry_ends_by_itself_and_only_one_process_gets_it_first(db: None) -> None:
    assert cache.add("lock", 1, 0.2)
    assert not cache.add("lock", 0, 10)
    time.sleep(0.3)
    assert cache.get("lock", "gone") == "gone"
    assert cache.add("lock", 0, 10)
    assert cache.get("lock", "gone") == 0
    assert cache.touch("lock", 20)
    assert cache.delete("lock")
    assert not cache.delete("lock")
    assert not cache.touch("lock", 20)


def test_what_is_kept_names_nobody(db: None) -> None:
    cache.set("login:hanako@example.jp:203.0.113.9", [1.5], 300)
    row = Counter.objects.get()
    assert len(row.key) == 64
    assert "hanako" not in f"{row.key}{row.value}{row}"


def test_new_secret_forgets_no_entry_and_old_and_new_processes_share_each(db: None, settings: Any) -> None:
    old, new = settings.SECRET_KEY, "the next secret"
    cache.set("failed sign-ins", [1.5], 60)
    for first, other in ((old, new), (new, old), (old, new), (new, old)):  # two processes, in turn
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = first, [other]
        assert not cache.add("failed sign-ins", [], 60)
        cache.set("failed sign-ins", [*cache.get("failed sign-ins"), 2.5], 60)
    settings.SECRET_KEY_FALLBACKS = []
    assert cache.get("failed sign-ins") == [1.5, *[2.5] * 4]
    assert Counter.objects.count() == 1


def test_over_a_rate_of_the_account_pages_there_is_a_page_in_words(db: None, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"reset_password": "1/m/ip"}
    answers = [Client().post("/accounts/password/reset/", {"email": f"a{n}@example.jp"}) for n in range(2)]
    assert answers[-1].status_code == 429
    assert int(answers[-1]["Retry-After"]) > 0
    assert "もう一度" in answers[-1].content.decode()
