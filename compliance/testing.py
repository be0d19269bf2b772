"""A pytest plugin for tests of a deployment: turn the keys, sign, stop, and hold every door against the law's table.

Load it with `pytest_plugins = ["compliance.testing"]` in the topmost conftest.py or with `-p compliance.testing`; it
needs pytest-django. The service never imports it. How to use it: `docs/howto/test-the-gating.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.urls.resolvers import LocalePrefixPattern, RegexPattern
from django.utils.html import escape
from django.utils.regex_helper import normalize

from compliance.law import (
    ITEMS,
    REQUIRED_PARTS,
    RULES,
    Feature,
    Item,
    Required,
    Standing,
    Status,
    read_standing,
    retention,
    sample_evidence,
)

# What needs the registry of apps is imported where it is used: `-p` loads this module before Django is set up.

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from pytest_django.fixtures import Settings

    from compliance.models import Approval, Hold

#: The environment of a deployment whose notification is done: key 1 turned.
NOTIFIED = {
    "TELECOM_REGISTRATION": "notified",
    "TELECOM_REGISTRATION_NUMBER": "A-08-12345",
    "TELECOM_REGISTRATION_DATE": "2026-05-18",
    "TELECOM_OPERATOR_NAME": "届チャット運営",
    "TELECOM_OPERATOR_ADDRESS": "東京都千代田区霞が関2-1-2",
    "TELECOM_OPERATOR_CONTACT": "contact@example.jp",
}
FREE: Final = frozenset({Required.NONE, Required.THIRD_ITEM})
"""What the law lets run without a filing; every other feature is gated."""

_JAPAN: Final = ZoneInfo("Asia/Tokyo")


# The keys, without fixtures -------------------------------------------------------------------------------------------


def notified(today: date) -> Standing:
    """Return the standing of `NOTIFIED`."""
    return read_standing(NOTIFIED, today)


def evidence_for(item: Item) -> dict[str, Any]:
    """Return evidence with which an item can be signed, true of a plain notified deployment in Japan.

    Numbers and days are those of `settings.STANDING`, where it has them.
    """
    return sample_evidence(item, settings.STANDING, lambda field: f"{item.id} {field.key}")


def sign_all(actor: AbstractBaseUser, *, but: Collection[str] = ()) -> None:
    """Sign every item of the catalogue except those named: key 2 turned if none that blocks is left out.

    A run of the purge is recorded first, since LAW-12 says that the signer saw one.
    """
    _sign([item for item in ITEMS if item.id not in but], actor)


def _sign(items: Iterable[Item], actor: AbstractBaseUser) -> None:
    from compliance import gate  # noqa: PLC0415 -- see the head of the module
    from compliance.records import Event, ledger  # noqa: PLC0415 -- see the head of the module

    for item in items:
        if item.id == "LAW-12":
            payload = {"counts": {}, "stopped": False, "table": retention.version()}
            ledger.append(Event.RETENTION_PURGED, actor=None, payload=payload)
        gate.sign(item=item, evidence=evidence_for(item), actor=actor)


def agreed(approval: Approval) -> Approval:
    """Have another member of staff agree to a request, as the second person does at the desk."""
    from django.contrib.auth import get_user_model, models  # noqa: PLC0415 -- see the head of the module

    from compliance.law.powers import Group  # noqa: PLC0415 -- see the head of the module
    from compliance.records import approvals  # noqa: PLC0415 -- see the head of the module

    model = get_user_model()
    name = {model.USERNAME_FIELD: "second-person@example.jp"}
    second = model._default_manager.filter(**name).first()  # noqa: SLF001 -- Django's own name
    if second is None:
        second = model(**name, is_staff=True)
        second.set_unusable_password()
        second.save()
        second.groups.add(models.Group.objects.get(name=Group.COMPLIANCE))
    approvals.approve(approval=approval, actor=second)
    return approval


def make_operator(actor: AbstractBaseUser) -> None:
    """Put an account into the group of operators, if it is not an operator yet."""
    from django.contrib.auth import models  # noqa: PLC0415 -- see the head of the module

    from compliance.law.powers import Group, Power  # noqa: PLC0415 -- see the head of the module
    from compliance.records import may  # noqa: PLC0415 -- see the head of the module

    if not may(actor, Power.RUN):
        getattr(actor, "groups").add(models.Group.objects.get(name=Group.OPERATOR))  # noqa: B009 -- the abstract account has none


def lift_stop(*, reason: str, actor: AbstractBaseUser) -> None:
    """Lift the emergency stop as two persons do: one asks, another one agrees."""
    from compliance import gate  # noqa: PLC0415 -- see the head of the module

    make_operator(actor)
    gate.lift_stop(approval=agreed(gate.ask_to_lift_stop(reason=reason, actor=actor)), actor=actor)


def lift_hold(*, hold: Hold, reason: str, actor: AbstractBaseUser) -> None:
    """Lift a legal hold as two persons do: one asks, another one agrees."""
    from compliance.records import holds  # noqa: PLC0415 -- see the head of the module

    make_operator(actor)
    holds.lift(hold=hold, approval=agreed(holds.ask_to_lift(hold=hold, reason=reason, actor=actor)), actor=actor)


# The keys, as fixtures ------------------------------------------------------------------------------------------------


class TurnEnvironment(Protocol):
    """Turns key 1 as a restart with another environment would; returns the standing that was read from it."""

    def __call__(self, status: str = "notified", **variables: str) -> Standing: ...


class SignItems(Protocol):
    """Turns key 2: signs the items named, or all of them except some."""

    def __call__(self, *item_ids: str, but: Collection[str] = ()) -> None: ...


class TurnKeys(Protocol):
    """Turns both keys, so that closed chat is on; the arguments change the environment."""

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

    def sign(*item_ids: str, but: Collection[str] = ()) -> None:
        named = [item for item in ITEMS if (item.id in item_ids or not item_ids) and item.id not in but]
        _sign(named, gate_operator)

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
    from compliance import gate  # noqa: PLC0415 -- see the head of the module

    def pull(reason: str = "点検のため") -> None:
        gate.pull_stop(reason=reason, actor=gate_operator)

    return pull


@contextmanager
def unguarded(*names: str) -> Iterator[None]:
    """Disable the database's guards while a test changes records directly, then enable them again.

    Only the owner of the tables can do that; nothing in the service does.

    Args:
        names: of guards, as `compliance.records.guards` and `chat.models.guards` declare them; none means all.
    """
    from django.db import connection  # noqa: PLC0415 -- see the head of the module

    from compliance.models import guards  # noqa: PLC0415 -- see the head of the module

    known = guards.triggers(connection.vendor)
    off = [known[f"{guards.PREFIX}{name}"] for name in names]
    off = off or [trigger for name, trigger in known.items() if name.startswith(guards.PREFIX)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SET CONSTRAINTS ALL IMMEDIATE"
            )  # PostgreSQL alters no table while deferred checks are pending
            for trigger in off:
                cursor.execute(f"ALTER TABLE {trigger.table} DISABLE TRIGGER {trigger.name}")
        else:
            for trigger in off:
                cursor.execute(f"DROP TRIGGER {trigger.name}")
    yield
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for trigger in off:
                cursor.execute(f"ALTER TABLE {trigger.table} ENABLE TRIGGER {trigger.name}")
        else:
            for trigger in off:
                cursor.execute(trigger.program)


@pytest.fixture(autouse=True, scope="session")
def erasable_records() -> None:
    """Let the flush between transactional tests, and nothing else, empty the guarded tables.

    `manage.py flush` of a deployment does not load this module and is refused.
    """
    from django.db import connection, transaction  # noqa: PLC0415 -- see the head of the module

    # On the class: a browser test has a connection of its own, beside that of the session.
    operations: Any = type(connection.ops)
    flush = operations.execute_sql_flush

    def flush_with_records(self: Any, statements: Iterable[str]) -> None:
        from compliance.database import COMMAND, bounded  # noqa: PLC0415 -- see the head of the module
        from compliance.models import guards  # noqa: PLC0415 -- see the head of the module

        known = guards.triggers(self.connection.vendor).values()
        # As a command it may wait: what the test started may still be at its last statement.
        with (
            bounded(COMMAND),
            transaction.atomic(using=self.connection.alias),
            self.connection.cursor() as cursor,
        ):
            if self.connection.vendor == "postgresql":
                off = [trigger for trigger in known if trigger.name.endswith(guards.TRUNCATE)]
                for trigger in off:
                    cursor.execute(f"ALTER TABLE {trigger.table} DISABLE TRIGGER {trigger.name}")
                flush(self, statements)
                for trigger in off:
                    cursor.execute(f"ALTER TABLE {trigger.table} ENABLE TRIGGER {trigger.name}")
            else:
                for trigger in known:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name}")
                flush(self, statements)
                for trigger in known:
                    cursor.execute(trigger.program)

    operations.execute_sql_flush = flush_with_records


# The answers of a closed gate ----------------------------------------------------------------------------------------


def assert_gated(client: Client, path: str, feature: Feature | None = None, *, method: str = "get") -> dict[str, Any]:
    """Assert that a page is refused by the gate, both as a page to learn from and as JSON.

    Args:
        client: of any user; a stranger and a member get the same answer.
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
    """Assert that the gate does not refuse a page, and return the answer, whatever it is."""
    answer = getattr(client, method)(path)
    assert answer.status_code != HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS, f"{path} is gated: {answer.content[:200]!r}"
    return answer


def assert_gated_frame(frame: Mapping[str, Any] | None, feature: Feature) -> None:
    """Assert that a socket's answer is the gate's refusal for this feature, with its rule and a reason."""
    assert frame is not None, "the frame got no answer"
    assert (frame["type"], frame.get("code"), frame.get("rule")) == ("refused", "gate", RULES[feature].id), frame
    assert any(title in frame["reason"] for title in (RULES[feature].title_ja, RULES[feature].title_en)), frame


# Every door -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Door:
    """A page, an admin action or a command, and the feature that it declares (None: it declares none)."""

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
    """Return every page, admin action and command of the project, so that a test can check that each has a feature.

    Args:
        urlconf: the module of addresses; None takes the project's.
        samples: values by the name of a URL's parameter, for parameters that the default value does not match.

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
