"""Reads answers from a JSON document. Refuses what it does not understand; guesses nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from compliance.assessment.case import LOCAL_GOVERNMENT, Case, own_key
from compliance.law import NODES, Answer, Feature


class BadAnswers(ValueError):
    """The document cannot be read. The message is one line and names the place."""


STATED_FACTS: Final[Mapping[str, Callable[[object], bool]]] = MappingProxyType(
    {
        "operator_in_japan": lambda value: value in ("yes", "no"),
        "paid": lambda value: value in ("yes", "no"),
        "profiles": lambda value: isinstance(value, bool),
        "scanning": lambda value: isinstance(value, bool),
        "assessed_by": lambda value: isinstance(value, str) and bool(value.strip()),
    }
)
"""The facts that LAW-01 records besides the answers, each with the check of its value."""
_NODE_OF: Final = {node.id: node.id for node in NODES.values()} | {
    node.field: node.id for node in NODES.values() if node.id != "N7"
}


def parse_json(text: str) -> object:
    """Parse JSON that a person wrote; refuse ambiguous documents.

    Raises:
        BadAnswers: it is not JSON, begins with a byte order mark, has a key twice or holds a lone surrogate.
    """
    if text.startswith("\ufeff"):
        raise BadAnswers("the file begins with a byte order mark (BOM): save it as UTF-8 without one")
    try:
        document = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
        json.dumps(document, ensure_ascii=False).encode()
    except RecursionError:
        raise BadAnswers("the answers are nested too deeply") from None
    except UnicodeEncodeError:
        raise BadAnswers("the answers hold half a character (a lone surrogate)") from None
    except BadAnswers:
        raise
    except ValueError as bad:
        raise BadAnswers(f"not JSON: {bad}") from None
    return document


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise BadAnswers(f"{key!r} is said twice: keep one")
        found[key] = value
    return found


def _no_number(word: str) -> object:
    raise BadAnswers(f"{word} is no JSON")


def read_answers(document: object, doors: tuple[Feature, ...]) -> tuple[Case, dict[str, Any]]:
    """Read answers from a JSON document, by node (`"N1": "yes"`) or by fact (`"carries_messages": "yes"`).

    `features` says by name which are offered; `why` gives reasons by node. `operator_and_one_user` lists the features
    (or `N7`, for other software) through which only the operator and one user talk. `local_government` (yes or no)
    says whether the operator is one. The other facts of LAW-01 are optional: `operator_in_japan`, `paid` (yes or no),
    `profiles`, `scanning` (true or false), `assessed_by` (text).

    Args:
        document: parsed JSON, see `parse_json`.
        doors: the features of this deployment.

    Returns:
        the case, and the other facts of LAW-01.

    Raises:
        BadAnswers: a key or a value is unknown.
    """
    if not isinstance(document, dict):
        raise BadAnswers("the answers are not a JSON object")
    given: dict[str, Answer] = {}
    notes: dict[str, str] = {}
    facts: dict[str, Any] = {}
    for key, value in document.items():
        if key in _NODE_OF:
            if _NODE_OF[key] in given:
                raise BadAnswers(f"{key}: {_NODE_OF[key]} is answered twice: keep one")
            given[_NODE_OF[key]] = _word(key, value)
        elif key == "features" and isinstance(value, dict):
            given |= {_one_of(name, doors, key): _word(f"features: {name}", word) for name, word in value.items()}
        elif key == "why" and isinstance(value, dict):
            notes |= {_one_of(node, tuple(NODES), key): _text(f"why: {node}", why) for node, why in value.items()}
        elif key == "operator_and_one_user" and isinstance(value, list):
            given |= {own_key(_one_of(name, (*doors, "N7"), key)): Answer.YES for name in value}
        elif key == LOCAL_GOVERNMENT and value in ("yes", "no"):
            given[LOCAL_GOVERNMENT] = Answer(value)
        elif key in STATED_FACTS and STATED_FACTS[key](value):
            facts[key] = value
        else:
            known_key = key in {"features", "why", "operator_and_one_user", LOCAL_GOVERNMENT, *STATED_FACTS}
            fault = f"{_short(value)} is not what belongs there" if known_key else "there is no such key"
            raise BadAnswers(f"{_short(key)}: {fault}")
    return Case(given=given, notes=notes, doors=doors), facts


def _one_of(name: object, names: tuple[str, ...], key: str) -> str:
    if not isinstance(name, str) or name not in names:
        raise BadAnswers(f"{key}: {_short(name)} is none of {', '.join(names)}")
    return name


def _text(place: str, value: object) -> str:
    if not isinstance(value, str):
        raise BadAnswers(f"{place}: {_short(value)} is no text")
    return value


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"


_SHOWN_CHARS: Final = 80


def _word(key: str, value: object) -> Answer:
    # A lookup by text: neither `true` nor an Answer of another spelling is taken for a word.
    if isinstance(value, str) and value in {answer.value for answer in Answer}:
        return Answer(value)
    raise BadAnswers(f"{key}: {_short(value)} is none of {', '.join(Answer)}")
