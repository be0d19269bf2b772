"""A pytest plugin for tests of a deployment: turn the keys, sign, stop, and hold every door against the law's table.

Load it with `pytest_plugins = ["compliance.testing"]` in the topmost conftest.py or with `-p compliance.testing`; it
needs pytest-django. The service never imports it. How to use it: `docs/howto/test-the-gating.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core.management import get_commands, load_command_class
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from django.utils.html import escape
from django.utils.regex_helper import normalize

from compliance.checklist import ITEMS, Item
from compliance.law import RULES, Feature, Required
from compliance.standing import REQUIRED_PARTS, Standing, Status, read_standing

# What needs the registry of apps is imported where it is used: `-p` loads this module before Django is set up.

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from pytest_django.fixtures import Settings

#: The environment of a deployment whose notification is done: key 1 turned.
NOTIFIED = {
    "TELECOM_REGISTRATION": "notified",
    "TELECOM_REGISTRATION_NUMBER": "A-08-12345",
    "TELECOM_REGISTRATION_DATE": "2026-06-01",
    "TELECOM_OPERATOR_NAME": "届チャット運営",
    "TELECOM_OPERATOR_ADDRESS": "東京都千代田区霞が関2-1-2",
    "TELECOM_OPERATOR_CONTACT": "contact@example.jp",
}
FREE: Final = frozenset({Required.NONE, Required.THIRD_ITEM})
"""What the law lets run without a filing; every other feature is gated."""

_JAPAN: Final = ZoneInfo("Asia/Tokyo")
_FACTS = {"operator_in_japan": "yes", "verdict": "NOTIFY", "paid": "no"}
_BY_KIND = {"date": "2026-06-01", "url": "https://chat.example.jp/", "check": True}


# The keys, without fixtures -------------------------------------------------------------------------------------------


def notified(today: date) -> Standing:
    """Return the standing of `NOTIFIED`."""
    return read_standing(NOTIFIED, today)


def evidence_for(item: Item) -> dict[str, Any]:
    """Return evidence with which an item can be signed, true of a plain notified deployment in Japan."""
    evidence: dict[str, Any] = {}
    for field in item.evidence:
        if field.key in _FACTS:
            evidence[field.key] = _FACTS[field.key]
        elif field.kind == "check":
            evidence[field.key] = field.key not in ("profiles", "scanning")
        elif field.choices:
            evidence[field.key] = field.choices[0].value
        else:
            evidence[field.key] = _BY_KIND.get(field.kind, f"{item.id} {field.key}")
    return evidence


def sign_all(actor: AbstractBaseUser, *, but: Collection[str] = ()) -> None:
    """Sign every item of the catalogue except those named: key 2 turned if none that blocks is left out."""
    from compliance import signing  # noqa: PLC0415 -- see the head of the module

    for item in ITEMS:
        if item.id not in but:
            signing.sign(item=item, evidence=evidence_for(item), actor=actor)


# The keys, as fixtures ------------------------------------------------------------------------------------------------


class TurnEnvironment(Protocol):
    """Turns key 1 as a restart with another environment would; returns the standing that was read from it."""

    def __call__(self, status: str = "notified", **variables: str) -> Standing: ...


class SignItems(Protocol):
    """Turns key 2: signs the items named, or all of them except some."""

    def __call__(self, *item_ids: str, but: Collection[str] = ()) -> None: ...


class TurnKeys(Protocol):
    """Turns both keys, so that closed chat is on; what is given changes the environment."""

    def __call__(self, status: str = "notified", **variables: str) -> Standing: ...


class PullStop(Protocol):
    """Pulls the emergency stop."""

    def __call__(self, reason: str = "点検のため") -> None: ...


@pytest.fixture
def gate_operator(db: None) -> AbstractBaseUser:
    """The staff account that signs and stops. Override it where your user model asks for more than its name field."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 -- see the head of the module

    model = get_user_model()
    user = model(**{model.USERNAME_FIELD: "gate-operator@example.jp"}, is_staff=True)
    user.set_unusable_password()
    user.save()
    return user


@pytest.fixture
def turn_environment(settings: Settings) -> TurnEnvironment:
    """Key 1, the deployer's; see `TurnEnvironment`."""

    def turn(status: str = "notified", **variables: str) -> Standing:
        parts = {name: NOTIFIED[name] for name in REQUIRED_PARTS[Status(status)]}
        given = {**parts, "TELECOM_REGISTRATION": status, **variables}
        standing = read_standing(given, datetime.now(_JAPAN).date())
        settings.STANDING = standing
        return standing

    return turn


@pytest.fixture
def sign_items(gate_operator: AbstractBaseUser) -> SignItems:
    """Key 2, the operator's; see `SignItems`."""
    from compliance import signing  # noqa: PLC0415 -- see the head of the module

    def sign(*item_ids: str, but: Collection[str] = ()) -> None:
        for item in ITEMS:
            if (item.id in item_ids or not item_ids) and item.id not in but:
                signing.sign(item=item, evidence=evidence_for(item), actor=gate_operator)

    return sign


@pytest.fixture
def turn_keys(turn_environment: TurnEnvironment, sign_items: SignItems) -> TurnKeys:
    """Both keys; see `TurnKeys`."""

    def turn(status: str = "notified", **variables: str) -> Standing:
        standing = turn_environment(status, **variables)
        sign_items()
        return standing

    return turn


@pytest.fixture
def pull_stop(gate_operator: AbstractBaseUser) -> PullStop:
    """The emergency stop; see `PullStop`."""
    from compliance import signing  # noqa: PLC0415 -- see the head of the module

    def pull(reason: str = "点検のため") -> None:
        signing.stop(reason=reason, actor=gate_operator)

    return pull


@pytest.fixture(autouse=True, scope="session")
def erasable_ledger() -> None:
    """Lets the flush between transactional tests empty the ledger on SQLite, whose triggers refuse every DELETE.

    PostgreSQL's TRUNCATE passes the triggers by; what they refuse in the service they go on refusing in the tests.
    """
    from django.db import connection  # noqa: PLC0415 -- see the head of the module

    if connection.vendor == "sqlite":
        # On the class: a browser test has a connection of its own, beside that of the session.
        operations: Any = type(connection.ops)
        erase = operations.execute_sql_flush
        name = "ledger_is_append_only_delete"

        def erase_with_ledger(self: Any, sql_list: Iterable[str]) -> None:
            with self.connection.cursor() as cursor:
                cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [name])
                trigger = cursor.fetchone()[0]
                cursor.execute(f"DROP TRIGGER {name}")
                erase(self, sql_list)
                cursor.execute(trigger)

        operations.execute_sql_flush = erase_with_ledger


# What a shut door answers ---------------------------------------------------------------------------------------------


def assert_gated(client: Client, path: str, feature: Feature | None = None, *, method: str = "get") -> dict[str, Any]:
    """Assert that a page is refused by the gate, both as a page to learn from and as JSON.

    Args:
        client: whoever asks; a stranger and a member are answered alike.
        path: the page's address.
        feature: the feature that the refusal must name; None takes any.
        method: of HTTP, in lower case.

    Returns:
        the refusal as JSON: feature, rule, article, reason, causes, next_step.
    """
    ask = getattr(client, method)
    said = assert_refusal(ask(path, headers={"accept": "application/json"}), feature)
    named = Feature(said["feature"])
    assert_refusal(ask(path, headers={"accept": "text/html"}), named)
    return said


def assert_refusal(answer: Any, feature: Feature | None = None) -> dict[str, Any]:
    """Assert that one HTTP answer is the gate's refusal; return it as JSON, or {} for a page."""
    assert answer.status_code == HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS, f"answered {answer.status_code}: not gated"
    assert answer["Link"].endswith('>; rel="blocked-by"')
    assert answer["Cache-Control"] == "no-store"
    if answer["Content-Type"].startswith("application/json"):
        said: dict[str, Any] = json.loads(answer.content)
        rule = RULES[Feature(said["feature"])]
        assert feature in {None, rule.feature}, f"refused for {rule.feature}, not for {feature}"
        assert (said["allowed"], said["rule"], said["article"], said["url"]) == (False, rule.id, rule.article, rule.url)
        assert said["reason"]
        assert said["causes"]
        assert said["next_step"]
        return said
    if answer.content:  # HEAD has none
        text = answer.content.decode()
        assert feature is None or RULES[feature].id in text
        assert feature is None or any(
            escape(cited) in text for cited in (RULES[feature].article_ja, RULES[feature].article_en)
        )
        assert 'href="/"' in text, "a refusal leads back to the open rooms"
    return {}


def assert_not_gated(client: Client, path: str, *, method: str = "get") -> Any:
    """Assert that the gate lets a page through, whatever the page itself then answers; return the answer."""
    answer = getattr(client, method)(path)
    assert answer.status_code != HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS, f"{path} is gated: {answer.content[:200]!r}"
    return answer


def assert_gated_frame(frame: Mapping[str, Any] | None, feature: Feature) -> None:
    """Assert that a socket's answer is the gate's refusal for this feature, with its rule and a reason."""
    assert frame is not None, "the frame stayed without an answer"
    assert (frame["type"], frame.get("code"), frame.get("rule")) == ("refused", "gate", RULES[feature].id), frame
    assert any(title in frame["reason"] for title in (RULES[feature].title_ja, RULES[feature].title_en)), frame


# Every door -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Door:
    """A page, an admin action or a command, and the feature that it says it serves (None: it does not say)."""

    kind: Literal["page", "action", "command"]
    name: str
    """The URL pattern, the action's or the command's name."""
    feature: Feature | None
    path: str = ""
    """Of a page: an address at which it answers."""

    @property
    def gated(self) -> bool:
        """Whether the law asks for a filing before it may open."""
        return self.feature is not None and RULES[self.feature].required not in FREE


def walk_doors(urlconf: str | None = None, samples: Mapping[str, str] | None = None) -> list[Door]:
    """Return every page, admin action and command of the project, so that none goes without a feature.

    Args:
        urlconf: the module of addresses; None takes the project's.
        samples: a value by the name of a URL's parameter, where the made-up one would not match.

    Raises:
        AssertionError: a parameter needs a sample.
    """
    return [*_pages(get_resolver(urlconf), "/", "/", samples or {}), *_actions(), *_commands()]


_BY_CONVERTER: Final = {"int": "1", "uuid": str(UUID(int=1)), "slug": "sample", "str": "sample", "path": "sample/"}
_CHOICE: Final = re.compile(r"\(\?P<(\w+)>(\w+)\|")
_PARAMETER: Final = re.compile(r"<(?:(\w+):)?(\w+)>")


def _pages(resolver: URLResolver, pattern: str, path: str, samples: Mapping[str, str]) -> Iterator[Door]:
    for child in resolver.url_patterns:
        piece = _filled(child.pattern, samples)
        here, there = pattern + str(child.pattern), path + piece
        if isinstance(child, URLResolver):
            yield from _pages(child, here, there, samples)
        else:
            yield Door("page", here, _declared(child.callback), there)


def _filled(pattern: Any, samples: Mapping[str, str]) -> str:
    if isinstance(pattern, LocalePrefixPattern):
        return str(pattern)
    if isinstance(pattern, RegexPattern):
        template, names = normalize(pattern.regex.pattern)[0]
        choices = dict(_CHOICE.findall(pattern.regex.pattern))
        values = {name: samples.get(name, choices.get(name, "1")) for name in names}
    else:
        found = _PARAMETER.findall(str(pattern))
        template = _PARAMETER.sub(r"%(\2)s", str(pattern).replace("%", "%%"))
        values = {name: samples.get(name, _BY_CONVERTER.get(kind or "str", "1")) for kind, name in found}
    piece = str(template) % values
    assert pattern.match(piece) is not None, f"{pattern}: give samples of {sorted(values)}; {piece!r} does not match"
    return piece


def _actions() -> Iterator[Door]:
    from django.contrib import admin  # noqa: PLC0415 -- see the head of the module

    for model_admin in admin.site._registry.values():  # noqa: SLF001 -- Django has no other way to all of them
        for action, name, _title in model_admin._get_base_actions():  # type: ignore[attr-defined]  # noqa: SLF001 -- untyped
            yield Door("action", f"{model_admin.opts.label_lower} {name}", _declared(action))


def _commands() -> Iterator[Door]:
    ours = {config.name for config in apps.get_app_configs() if "site-packages" not in config.path}
    for name, app in sorted(get_commands().items()):
        if app in ours:
            yield Door("command", name, _declared(load_command_class(app, name)))


def _declared(door: object) -> Feature | None:
    feature = getattr(door, "feature", None)
    return feature if isinstance(feature, Feature) else None
