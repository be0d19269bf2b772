"""The steps that open a feature: what to do, who does it, by which article, and whether it is done. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from compliance.law import (
    ITEM,
    OPEN_ROOM_ITEMS,
    REQUIRED_PARTS,
    Cause,
    Checklist,
    Decision,
    Facts,
    Feature,
    Item,
    Mode,
    Reason,
    Required,
    Standing,
    Status,
    Text,
    blocking,
    cite_all,
)
from compliance.law.variables import DATING, REGISTRATION


class Who(StrEnum):
    """The role that takes a step."""

    operator = "operator"
    deployer = "deployer"

    @property
    def ja(self) -> str:
        return _WHO[self].ja

    @property
    def en(self) -> str:
        return _WHO[self].en


_WHO: Final = MappingProxyType(
    {Who.operator: Text("運営者", "operator"), Who.deployer: Text("サーバーの担当者", "deployer")}
)
_DEPLOYERS: Final = frozenset({Cause.environment_incomplete, Cause.drift, Cause.unreachable, Cause.not_offered})
_HAVE_STEPS: Final = frozenset(
    {Cause.environment, Cause.dating, Cause.checklist, Cause.aged, Cause.consult, Cause.ground}
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what to do and how, and whether it is done."""

    who: Who
    what: Text
    how: Text
    articles: tuple[str, ...] = ()
    done: bool = False
    shuts: bool = True
    """Whether the feature stays off until it is done; some duties keep nothing off."""

    @property
    def cited(self) -> Text:
        """The articles in words, in both languages."""
        return Text(cite_all(self.articles, "ja"), cite_all(self.articles, "en"))


def steps_to_open(
    decision: Decision, standing: Standing, checklist: Checklist | None, now: datetime
) -> tuple[Step, ...]:
    """Return the steps that open a feature, in the order in which people take them, with those already done.

    The feature is allowed if and only if each step that shuts is done. Some features have no last step: an unsettled
    question, or a ban by secrecy, is opened by no step of its own.

    Args:
        decision: the policy's decision on the feature, at `now`.
        standing: the environment's key.
        checklist: the operator's key; None if it could not be read.
        now: the time to judge at, with a time zone.
    """
    match decision.rule.required:
        case Required.NONE:
            steps: list[Step] = []
        case Required.THIRD_ITEM:
            steps = [_sign(ITEM[item_id], standing, checklist, now, shuts=False) for item_id in OPEN_ROOM_ITEMS]
        case Required.CONSULT:
            steps = [_sign(ITEM["LAW-02"], standing, checklist, now, shuts=False)]
        case Required.GROUND:
            item = ITEM["LAW-10" if decision.feature is Feature.SCAN_CLOSED else "LAW-08"]
            steps = [_sign(item, standing, checklist, now, shuts=False)]
        case Required.NOTIFIED | Required.DATING:
            steps = list(_keys(decision, standing, checklist, now))
    # Requirements of the dating law on other features have no step of their own.
    have = _HAVE_STEPS if decision.rule.required is Required.DATING else _HAVE_STEPS - {Cause.dating}
    steps += [_of(reason) for reason in decision.reasons if reason.cause not in have | _DEPLOYERS]
    if decision.allowed:
        return tuple(replace(step, shuts=step.done and step.shuts) for step in steps)
    if all(step.done or not step.shuts for step in steps):  # the policy has reasons that no step covers
        steps += [_of(reason) for reason in decision.reasons]
    return tuple(steps)


def _keys(decision: Decision, standing: Standing, checklist: Checklist | None, now: datetime) -> Iterator[Step]:
    facts = checklist.facts if checklist else Facts()
    enforced = standing.mode is not Mode.advise
    yield _sign(ITEM["LAW-01"], standing, checklist, now, shuts=enforced)
    yield Step(
        Who.operator,
        Text(
            "要否を総合通信局に確かめ、届け出る（様式第8・第3・第4）",
            "Ask the bureau whether to file, and file forms 8, 3 and 4",
        ),
        Text(
            "下書きは python manage.py filing で作れます。不要と分かったときは、その根拠を記録します（exempt）。",
            "python manage.py filing drafts them. Where no filing is due, record the basis for that (exempt).",
        ),
        ("TBA 16(1)", "REG 9(1)"),
        done=standing.status is not Status.none,
    )
    status = standing.status if standing.status is not Status.none else Status.notified
    variables = ", ".join((REGISTRATION, *REQUIRED_PARTS[status]))
    yield Step(
        Who.deployer,
        Text("届出の状況をサーバーに設定する", "Set the filing on the servers"),
        Text(
            f"{variables} を設定し、すべてのサーバーを同じ値で起動し直します。",
            f"Set {variables}, and restart every server with the same values.",
        ),
        done=standing.status is not Status.none,
    )
    yield from (_of(reason) for reason in decision.reasons if reason.cause in _DEPLOYERS)
    if decision.rule.required is Required.DATING:
        yield Step(
            Who.operator,
            Text(
                "公安委員会に届け出る（管轄の警察署へ）", "Notify the Public Safety Commission, at the police station"
            ),
            Text(
                "始める日の前日までに届け出ます。電気通信事業の届出とは別です。",
                "By the day before the start; it is apart from the telecom filing.",
            ),
            ("DSA 7(1)",),
            done=bool(standing.dating_number),
        )
        yield Step(
            Who.deployer,
            Text("その番号をサーバーに設定する", "Set its number on the servers"),
            Text(f"{DATING} を設定し、起動し直します。", f"Set {DATING} and restart."),
            done=bool(standing.dating_number),
        )
        yield _sign(ITEM["LAW-20"], standing, checklist, now, shuts=True)
    for item in blocking(standing, facts):
        if item.id not in {"LAW-01", "LAW-20"} or (
            item.id == "LAW-20" and decision.rule.required is not Required.DATING
        ):
            yield _sign(item, standing, checklist, now, shuts=enforced)


def _sign(item: Item, standing: Standing, checklist: Checklist | None, now: datetime, *, shuts: bool) -> Step:
    done = checklist is not None and checklist.signed(item, now) and item not in checklist.open_items(standing, now)
    page = f"/admin/compliance/checklist/{item.id}/"
    first = Text("python manage.py assess で判定し、", "Assess with python manage.py assess. ")
    if item.id != "LAW-01":
        first = Text("", "")
    return Step(
        Who.operator,
        Text(f"{item.id} {item.ja}", f"{item.id} {item.en}"),
        Text(
            f"{first.ja}管理画面で署名：{page}",
            f"{first.en}Sign in the admin: {page}",
        ),
        item.articles,
        done=done,
        shuts=shuts,
    )


def _of(reason: Reason) -> Step:
    return Step(Who.deployer if reason.cause in _DEPLOYERS else Who.operator, Text(reason.ja, reason.en), reason.step)
