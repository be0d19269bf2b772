"""The state of each item of the checklist in this deployment, and the progress of the whole."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import Final

from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from compliance import assessment, gate, law
from compliance.adminkit import articles_by_statute
from compliance.checklist.shown import shown_on
from compliance.language import localized
from compliance.law import (
    CONDITIONS,
    CONSEQUENCES,
    IF_CLOSED,
    ITEMS,
    OPEN_DUTIES,
    Condition,
    Facts,
    Group,
    Item,
    Mode,
    Outcome,
    Scope,
    applies,
    blocking,
    contradictions,
    open_only,
)
from compliance.law.powers import Power
from compliance.models import Signature

SOON: Final = timedelta(days=30)
"""How long before its end a signature counts as ending soon."""


class ItemState(StrEnum):
    """The state of an item."""

    signed = "signed"
    ending = "ending"
    expired = "expired"
    contradicted = "contradicted"
    outdated = "outdated"
    doubtful = "doubtful"
    unsigned = "unsigned"
    idle = "idle"


_STATES: Final[Mapping[ItemState, Promise]] = {
    ItemState.signed: gettext_lazy("Signed"),
    ItemState.ending: gettext_lazy("Signed, ends soon"),
    ItemState.expired: gettext_lazy("Expired"),
    ItemState.contradicted: gettext_lazy("Signed, but contradicts the filing"),
    ItemState.outdated: gettext_lazy("Signed, but form 4 lacks a feature"),
    ItemState.doubtful: gettext_lazy("Signed, but the record shows otherwise"),
    ItemState.unsigned: gettext_lazy("Not signed"),
    ItemState.idle: gettext_lazy("Does not apply"),
}


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """One item of the catalogue with its state now."""

    item: Item
    state: ItemState
    shuts: bool
    """It keeps closed chat off now."""
    signature: Signature | None
    wanted: bool = True
    """Closed chat needs it, whether this deployment offers closed chat or not."""

    @property
    def label(self) -> str:
        """The state in words."""
        return str(_STATES[self.state])

    @property
    def done(self) -> bool:
        """Whether a signature holds."""
        return self.state in {ItemState.signed, ItemState.ending, ItemState.doubtful}

    @property
    def condition(self) -> Condition | None:
        """When the item applies; None where it always does."""
        return CONDITIONS.get(self.item.id) or (IF_CLOSED if self.item.scope is Scope.CLOSED else None)

    @property
    def why(self) -> law.Text:
        """Why the item is on the list."""
        return law.Text(self.item.why_ja, self.item.why_en)

    @property
    def needed(self) -> bool:
        """Whether closed chat needs it, signed or not."""
        return self.item.blocks and self.wanted

    @property
    def articles(self) -> list[tuple[str, str]]:
        """The articles behind it, by statute; see `articles_by_statute`."""
        return articles_by_statute(self.item.articles)

    @property
    def url(self) -> str:
        """The item's page."""
        return reverse("admin:compliance_checklist_change", args=[self.item.id])


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the items that apply are signed."""

    done: int
    of: int

    @classmethod
    def count(cls, rows: Sequence[ItemStatus]) -> Progress:
        """Count the items that apply."""
        counted = [row for row in rows if row.state is not ItemState.idle]
        return cls(sum(row.done for row in counted), len(counted))


@dataclass(frozen=True, slots=True)
class Section:
    """One group of the checklist."""

    group: Group
    rows: list[ItemStatus]
    progress: Progress


@dataclass(frozen=True, slots=True)
class ChecklistStatus:
    """The whole checklist, with the snapshot of the gate that it was read at."""

    snapshot: gate.Snapshot
    rows: list[ItemStatus]

    @classmethod
    def now(cls, powers: Collection[Power] = ()) -> ChecklistStatus:
        """Read the gate, the live signatures, and what the record shows to somebody with these powers."""
        snapshot = gate.reconcile()
        now = timezone.now()
        live = Signature.objects.filter(withdrawn_at__isnull=True).select_related("signed_by")
        signatures = {signature.item_id: signature for signature in live}
        return cls(snapshot, [_row(item, snapshot, signatures.get(item.id), now, powers) for item in ITEMS])

    @property
    def sections(self) -> list[Section]:
        """The groups in the order of `Group`."""
        order = list(Group)
        rows = sorted(self.rows, key=lambda row: order.index(row.item.group))
        grouped = [(group, list(members)) for group, members in groupby(rows, lambda row: row.item.group)]
        return [Section(group, members, Progress.count(members)) for group, members in grouped]

    @property
    def progress(self) -> Progress:
        """All items that apply."""
        return Progress.count(self.rows)

    @property
    def blocking(self) -> Progress:
        """The items that closed chat needs."""
        counted = [row for row in self.rows if row.needed]
        open_items = self.snapshot.open_items()
        return Progress(sum(row.item not in open_items for row in counted), len(counted))

    @property
    def next(self) -> ItemStatus | None:
        """The item to sign next: items that block closed chat come first."""
        waiting = [row for row in self.rows if not row.done and row.state is not ItemState.idle]
        return next((row for row in waiting if row.item.blocks), next(iter(waiting), None))

    def around(self, item: Item) -> tuple[ItemStatus | None, ItemStatus, ItemStatus | None]:
        """Return the item before, the item, and the item after it, in the order of the page."""
        rows = [row for section in self.sections for row in section.rows]
        at = next(index for index, row in enumerate(rows) if row.item is item)
        return (rows[at - 1] if at else None, rows[at], rows[at + 1] if at + 1 < len(rows) else None)

    @property
    def open_only(self) -> bool:
        """Whether the deployment runs open rooms only, by the record."""
        return open_only(self.snapshot.standing, facts_of(self.snapshot))

    @property
    def open_duties(self) -> list[ItemStatus]:
        """The items that bind open rooms from the first day."""
        return [row for row in self.rows if row.item.id in OPEN_DUTIES]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """The facts of LAW-01 and LAW-05 that decide which items apply, with their labels."""
        facts = facts_of(self.snapshot)
        known = {True: _("Yes"), False: _("No"), None: _("Not recorded")}
        verdict = next((CONSEQUENCES[outcome] for outcome in Outcome if outcome == facts.verdict), None)
        filed = [localized(law.RULES[feature].title) for feature in sorted(facts.filed_features or ())]
        return [
            (_("Verdict"), localized(verdict) if verdict else facts.verdict or _("Not recorded")),
            (_("Operator in Japan"), known[facts.operator_in_japan]),
            (_("Paid features"), known[facts.paid]),
            (_("Public profiles with gender or a wish to date"), known[facts.profiles]),
            (_("Automatic processing of closed content"), known[facts.scanning]),
            (_("Features on form 4"), " / ".join(filed) or _("None named: all count as filed once LAW-05 is signed")),
        ]


def facts_of(snapshot: gate.Snapshot) -> Facts:
    """Return the facts that the operator recorded; empty ones if the checklist could not be read."""
    return snapshot.checklist.facts if snapshot.checklist else Facts()


def _contradicted(item: Item, snapshot: gate.Snapshot) -> bool:
    found = contradictions(snapshot.standing, snapshot.checklist) if snapshot.checklist else ()
    return any(each.item == item.id for each in found)


def _row(
    item: Item, snapshot: gate.Snapshot, signature: Signature | None, now: datetime, powers: Collection[Power]
) -> ItemStatus:
    facts = facts_of(snapshot)
    is_open = item in snapshot.open_items()
    ends = signature.expires_at if signature else None
    if not applies(item, snapshot.standing, facts):
        state = ItemState.idle
    elif signature is None:
        state = ItemState.unsigned
    elif ends is not None and ends <= now:
        state = ItemState.expired
    elif is_open or _contradicted(item, snapshot):
        state = ItemState.contradicted
    elif item.id == "LAW-05" and facts.unfiled(assessment.offered_features(snapshot)):
        state = ItemState.outdated
    elif shown_on(item, powers).against:
        state = ItemState.doubtful
    elif ends is not None and ends - now < SOON:
        state = ItemState.ending
    else:
        state = ItemState.signed
    shuts = is_open and snapshot.standing.mode is Mode.enforce
    return ItemStatus(item, state, shuts, signature, wanted=item in blocking(snapshot.standing, facts))
