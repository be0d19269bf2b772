"""The operator's checklist: which items apply, which of them block closed chat, and how long a signature holds. Pure.

How long a signature holds (`Item.valid_days`) is this software's own habit; no statute sets it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from compliance.law.facts import Facts
from compliance.law.items import ITEMS, Item, Scope
from compliance.law.procedure import Outcome
from compliance.law.standing import Standing, Status

_SETTLED: Final = frozenset(
    {
        Outcome.NOTIFY,
        Outcome.REGISTER,
        Outcome.THIRD_ITEM,
        Outcome.OUT_NO_SERVICE,
        Outcome.OUT_OWN_DEMAND,
        Outcome.OUT_NOT_BUSINESS,
    }
)
"""Verdicts that need no answer of the bureau beside a filing; every other verdict, and none, needs one."""

OUTSIDE: Final = frozenset(
    {
        Outcome.OUT_OWN_DEMAND,
        Outcome.OUT_NOT_BUSINESS,
        Outcome.OUT_NOT_FOR_GAIN,
        Outcome.EXEMPT_ITEM1,
        Outcome.EXEMPT_ITEM2,
    }
)
"""Verdicts that no filing is due. Closed chat may rest on them only as `exempt`, after the bureau was asked."""

_SUPPORTED_BY: Final[Mapping[Status, frozenset[Outcome]]] = MappingProxyType(
    {
        Status.filed: OUTSIDE | {Outcome.NOTIFY},
        Status.notified: OUTSIDE | {Outcome.NOTIFY},
        Status.registered: OUTSIDE | {Outcome.NOTIFY, Outcome.REGISTER},
        Status.exempt: OUTSIDE,
    }
)
"""The verdicts under which each status may carry closed chat. CONSULT never does; THIRD_ITEM and OUT_NO_SERVICE say
that there is none, which is not true of a server that offers it."""


def verdict_fits(standing: Standing, facts: Facts) -> bool:
    """Whether the verdict recorded with LAW-01 supports closed chat under this standing.

    A missing verdict does not count against it: LAW-01 is then unsigned, or its evidence states it elsewhere.
    While nothing is filed every verdict fits: the assessment comes before the filing.
    """
    if facts.verdict is None or standing.status is Status.none:
        return True
    return facts.verdict in _SUPPORTED_BY[standing.status]


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of an item that does not always apply."""

    ja: str
    en: str
    holds: Callable[[Standing, Facts], bool]


CONDITIONS: Final[Mapping[str, Condition]] = MappingProxyType(
    {
        "LAW-02": Condition(
            "判定が「要相談」・営利でない・適用除外のとき、判定が未記録のとき、または届出を要しないとするとき",
            "the verdict is to consult, not for gain or exempt, or is not recorded, or the status is exempt",
            lambda standing, facts: standing.status is Status.exempt or facts.verdict not in _SETTLED,
        ),
        "LAW-03": Condition(
            "届出を要しないとする場合を除く",
            "unless the status is exempt",
            lambda standing, _: standing.status is not Status.exempt,
        ),
        "LAW-04": Condition(
            "番号の通知を待つ間と、届出を要しないとする場合を除く",
            "unless the number is pending or the status is exempt",
            lambda standing, _: standing.status not in {Status.exempt, Status.filed},
        ),
        "LAW-05": Condition(
            "届出を要しないとする場合を除く",
            "unless the status is exempt",
            lambda standing, _: standing.status is not Status.exempt,
        ),
        "LAW-10": Condition(
            "内容を機械で処理するとき", "content is processed automatically", lambda _, facts: facts.scanning
        ),
        "LAW-20": Condition(
            "性別や交際の希望を載せる公開プロフィールがあるとき",
            "there are public profiles with gender or a wish to date",
            lambda _, facts: facts.profiles,
        ),
        "LAW-24": Condition(
            "運営者が国内にいると確認できないとき",
            "the operator is abroad, or that is not known",
            lambda _, facts: facts.operator_in_japan is not True,
        ),
        "LAW-25": Condition(
            "有料の機能があるとき、または不明のとき",
            "there are paid features, or that is not known",
            lambda _, facts: facts.paid is not False,
        ),
    }
)
"""The items that apply only on a condition."""

IF_CLOSED: Final = Condition(
    "クローズド・チャットを提供するとき",
    "closed chat is offered",
    lambda standing, facts: not open_only(standing, facts),
)
"""When the items on closed chat apply, besides their own condition."""


def open_only(standing: Standing, facts: Facts) -> bool:
    """Whether the deployment runs open rooms and nothing else.

    So it is where no closed feature is offered, or where nothing is filed and the verdict on record is that of a
    third-item business, which mediates nothing. A deployment that has not been assessed is not taken to be one.
    """
    if facts.closed_features_on is not None:
        return not facts.closed_features_on
    return standing.status is Status.none and facts.verdict == Outcome.THIRD_ITEM


def applies(item: Item, standing: Standing, facts: Facts) -> bool:
    """Whether the item concerns this deployment as it is. What is not known counts as if it did."""
    if item.scope is Scope.CLOSED and open_only(standing, facts):
        return False
    return _condition_holds(item, standing, facts)


def blocking(standing: Standing, facts: Facts) -> tuple[Item, ...]:
    """Return the items without which closed chat may not open. Items on closed chat always count here."""
    return tuple(item for item in ITEMS if item.blocks and _condition_holds(item, standing, facts))


def _condition_holds(item: Item, standing: Standing, facts: Facts) -> bool:
    condition = CONDITIONS.get(item.id)
    return condition is None or condition.holds(standing, facts)


WIND_DOWN: Final = timedelta(days=30)
"""How long running rooms go on after a signature expired: as long as the notice of an end to users (TBA 26-5)."""

OPEN_DUTIES: Final = ("LAW-06", "LAW-07", "LAW-11", "LAW-12", "LAW-22")
"""The five duties that bind a service of open rooms from its first day, signed or not."""


@dataclass(frozen=True, slots=True)
class SignatureFact:
    """The signature of an item, and until when it holds. Both times have a time zone."""

    item_id: str
    signed_at: datetime
    expires_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether the signature counts at `now`; one from the future does not."""
        return self.signed_at <= now and (self.expires_at is None or now < self.expires_at)

    def winds_down_until(self, now: datetime) -> datetime | None:
        """Return until when running rooms go on, for a signature that expired; None for any other."""
        if self.expires_at is None or not max(self.signed_at, self.expires_at) <= now:
            return None
        end = self.expires_at + WIND_DOWN
        return end if now < end else None


_NOTHING_KNOWN: Final = Facts()


@dataclass(frozen=True, slots=True)
class Checklist:
    """The signatures that were not withdrawn, and the facts that say which items apply."""

    signatures: Mapping[str, SignatureFact]
    facts: Facts = _NOTHING_KNOWN

    def signed(self, item: Item, now: datetime) -> bool:
        """Whether the item carries a signature that holds at `now`."""
        signature = self.signatures.get(item.id)
        return signature is not None and signature.item_id == item.id and signature.holds(now)

    def open_items(self, standing: Standing, now: datetime) -> tuple[Item, ...]:
        """Return the items that keep closed chat shut: blocking, applying and not signed.

        LAW-01 counts as open, too, while its verdict does not support the standing.
        """
        return tuple(
            item
            for item in blocking(standing, self.facts)
            if not self.signed(item, now) or (item.id == "LAW-01" and not verdict_fits(standing, self.facts))
        )
