"""What the database does for each statement of a piece of work: its plans, executed, with rows and buffers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

_EXPLAINED: Final = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", re.IGNORECASE)
_CALL: Final = re.compile(r"SELECT .* FROM (?P<name>chat_\w+)\((?P<values>.*)\)\s*", re.DOTALL)
Node = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """How one statement was executed."""

    statement: str
    root: Node

    def nodes(self) -> Iterator[Node]:
        """Every step."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.get("Plans", ())

    def scanned(self) -> set[str]:
        """The tables that were read from end to end."""
        return {node["Relation Name"] for node in self.nodes() if node["Node Type"].endswith("Seq Scan") and ran(node)}

    @property
    def rows(self) -> int:
        """How many rows the busiest step looked at, those included that it threw away."""
        return max(touched(node) for node in self.nodes())

    @property
    def buffers(self) -> int:
        """How many pages were asked for, wherever they were."""
        return int(self.root["Shared Hit Blocks"] + self.root["Shared Read Blocks"])

    def __str__(self) -> str:
        steps = ", ".join(
            f"{node['Node Type']} {node.get('Index Name', node.get('Relation Name', ''))}".strip()
            + f" ({touched(node)} rows)"
            for node in self.nodes()
            if ran(node)
        )
        return f"{self.statement[:400]}\n  {self.buffers} buffers; {steps}"

    __repr__ = __str__  # what a test shows that fails


def ran(node: Node) -> bool:
    """Whether a step was executed at all."""
    return bool(node["Actual Loops"])


def touched(node: Node) -> int:
    """How many rows a step looked at."""
    removed = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")
    each = node["Actual Rows"] + sum(node.get(name, 0) for name in removed)
    return int(each * node["Actual Loops"])


@contextmanager
def explained() -> Iterator[list[Plan]]:
    """Collect the plans of all statements within, and of those that a function of ours consists of.

    Each is executed twice: explained and undone, then for good. Must be within a transaction.
    """
    plans: list[Plan] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001
        assert not many
        written = context["cursor"].cursor.mogrify(sql, params) if params else sql
        if call := _CALL.fullmatch(written):
            plans.extend(_inside(call["name"], call["values"]))
            return execute(sql, params, many, context)
        statements = filter(_EXPLAINED.match, written.split(";"))  # the tests' own words have no semicolon
        plans.extend(Plan(" ".join(statement.split()), _execute(statement)) for statement in statements)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def _inside(function: str, values: str) -> Iterator[Plan]:
    """Explain what a function does, with the values of a call: as planned for them, and as planned once for all."""
    with connection.connection.cursor() as cursor:
        cursor.execute(
            "SELECT prosrc, oidvectortypes(proargtypes) FROM pg_proc WHERE oid = %s::regproc::oid", [function]
        )
        [(body, types)] = cursor.fetchall()
        statements = [found[1] for found in re.finditer(r"(?:RETURN QUERY|PERFORM)\b(.*?);", body, re.DOTALL)]
        assert statements
        for text in statements:
            statement = text if _EXPLAINED.match(text) else f"SELECT {text}"
            cursor.execute(f"PREPARE inside ({', '.join(types.split(', '))}) AS {statement}")
            for mode in ("force_custom_plan", "force_generic_plan"):
                cursor.execute(f"SET LOCAL plan_cache_mode = {mode}")
                yield Plan(f"{mode}: {' '.join(statement.split())}", _execute(f"EXECUTE inside ({values})"))
            cursor.execute("RESET plan_cache_mode; DEALLOCATE inside")


def _execute(statement: str) -> Node:
    with connection.connection.cursor() as cursor:
        cursor.execute("SAVEPOINT explained")
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement)
        [(told,)] = cursor.fetchall()
        cursor.execute("ROLLBACK TO SAVEPOINT explained; RELEASE SAVEPOINT explained")
    [answer] = json.loads(told) if isinstance(told, str) else told
    plan: Node = answer["Plan"]
    return plan
