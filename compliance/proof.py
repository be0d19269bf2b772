"""The proof for a third person: what was on when and on what basis, retold from the ledger, as JSON and on paper."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from compliance import ledger
from compliance.checklist import ITEM
from compliance.law import NOT_ADVICE, RULES, Feature, say
from compliance.models import Authorisation, LedgerEntry, Signature
from compliance.policy import Cause
from compliance.standing import Status

FORMAT: Final = "todoke-proof/1"
JSON_NAME: Final = "proof.json"
PAGE_NAME: Final = "proof.html"
SUMS_NAME: Final = "SHA256SUMS"

Entry: TypeAlias = Mapping[str, Any]

EVENTS: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        "gate.opened": _("Closed chat opened"),
        "gate.closed": _("Closed chat shut"),
        "gate.refused": _("Attempts refused"),
        "item.signed": _("Item signed"),
        "item.withdrawn": _("Signature withdrawn"),
        "stop.pulled": _("Emergency stop pulled"),
        "stop.lifted": _("Emergency stop lifted"),
        ledger.ANCHORED: _("Ledger anchored"),
        "end.announced": _("End announced"),
        "end.withdrawn": _("Announcement of the end withdrawn"),
        "end.reached": _("Announced end reached"),
        "duty.done": _("Duty done"),
        "duty.reopened": _("Duty opened again"),
        "record.struck": _("Record struck out"),
        "hold.placed": _("Legal hold placed"),
        "hold.lifted": _("Legal hold lifted"),
        "feed.made": _("Calendar feed made"),
        "feed.revoked": _("Calendar feed revoked"),
    }
)
"""The events in words; one that is not here is shown as it is written."""

CAUSES: Final[Mapping[str, Promise]] = MappingProxyType(
    {
        Cause.unreachable: _("the checklist could not be read"),
        Cause.emergency_stop: _("the emergency stop was pulled"),
        Cause.ended: _("the announced day of the end had come"),
        Cause.environment: _("no filing was set in the environment"),
        Cause.environment_incomplete: _("the filing was incomplete in the environment"),
        Cause.drift: _("servers disagreed about the filing"),
        Cause.dating: _("the dating service notification was missing"),
        Cause.unfiled: _("the feature was not on form 4"),
        Cause.consult: _("the verdict was to consult the bureau"),
        Cause.checklist: _("a required signature was missing or had expired"),
        Cause.ground: _("no ground was on record"),
    }
)
_COUNTED: Final = frozenset({"gate.refused", ledger.ANCHORED})
"""Events that the paper counts and does not list: there may be one a minute."""
_DETAILS: Final = frozenset(
    {"evidence", "expires", "law_version", "renewed", "signature", "signatures", "standing", "unsigned"}
)
_SUMMARY_CHARS: Final = 120


# Retold ---------------------------------------------------------------------------------------------------------------


_CHAPTERS: Final = MappingProxyType(
    {
        "gate.opened": ("periods", "authorisation"),
        "gate.closed": ("periods", "authorisation"),
        "item.signed": ("signatures", "item"),
        "item.withdrawn": ("signatures", "item"),
        "stop.pulled": ("stops", ""),
        "stop.lifted": ("stops", ""),
    }
)
"""What an event begins or ends, and by which value of its payload the two belong together."""
_BEGINS: Final = frozenset({"gate.opened", "item.signed", "stop.pulled"})


@dataclass(slots=True)
class Story:
    """What the entries that were told so far amount to: periods, signatures and stops, each begun and perhaps ended."""

    periods: list[dict[str, Any]] = field(default_factory=list)
    signatures: list[dict[str, Any]] = field(default_factory=list)
    stops: list[dict[str, Any]] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)

    def tell(self, entry: Entry) -> None:
        """Go on by one entry. Signing an item anew ends the signature before."""
        if entry["event"] == "gate.refused":
            self.refusals.update(entry["payload"]["counts"])
        if entry["event"] not in _CHAPTERS:
            return
        name, key = _CHAPTERS[entry["event"]]
        told: list[dict[str, Any]] = getattr(self, name)
        said = {about: value for about, value in entry["payload"].items() if about != "evidence"}
        side = {
            "entry": entry["seq"],
            "event": entry["event"],
            "at": entry["at"],
            "by": entry["actor_name"],
            "said": said,
        }
        for one in _running(told):
            if one["began"]["said"].get(key) == said.get(key):
                one["ended"] = side
        if entry["event"] in _BEGINS:
            told.append({"began": side, "ended": None})

    def state(self, at: datetime | None) -> dict[str, Any]:
        """Return what holds at this point of the telling; `at` is None before the first entry."""
        period, stop = (next((one["began"] for one in _running(told)), None) for told in (self.periods, self.stops))
        live = [one["began"]["said"] for one in _running(self.signatures)]
        over = [
            said["item"] for said in live if at and said["expires"] and datetime.fromisoformat(said["expires"]) <= at
        ]
        return {
            "at": ledger.stamp(at) if at else None,
            "closed_chat": period is not None,
            "authorisation": period["said"]["authorisation"] if period else None,
            "stop": {"since": stop["at"], "reason": stop["said"]["reason"]} if stop else None,
            "signed": sorted(said["item"] for said in live if said["item"] not in over),
            "expired": sorted(over),
        }


def _running(told: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in told if one["ended"] is None]


# Bundled --------------------------------------------------------------------------------------------------------------


def bundle(start: datetime | None = None, end: datetime | None = None) -> dict[str, Any]:
    """Return the proof of [start, end) as JSON values; it holds no message body.

    Beside what `ledger.export` gives:

    - `states`: what held at both ends; `periods` (提供可能期間), `signatures` and `stops` that overlap the range, each
      with the numbers of the entries that say so; `refusals` by feature, as counted in the range.
    - `basis`: the entries before the range that these rest on. They are not linked to the range here: an export from
      the first entry links them.
    - `fault`: what a walk along the whole chain found at this moment, or None.
    - `strays`: rows of the database on authorisations and signatures that no entry speaks of. There should be none.
    """
    now = timezone.now()
    exported = ledger.export(start, end)
    first = exported["last"]["seq"] - len(exported["entries"]) + 1
    story = Story()
    for earlier in LedgerEntry.objects.filter(seq__lt=first).exclude(event__in=_COUNTED).order_by("seq").iterator():
        story.tell(ledger.as_dict(earlier))
    states = [story.state(start)]
    for entry in exported["entries"]:
        story.tell(entry)
    states.append(story.state(min(end, now) if end else now))
    told = {
        name: [one for one in getattr(story, name) if one["ended"] is None or one["ended"]["entry"] >= first]
        for name in ("periods", "signatures", "stops")
    }
    numbers = {one["began"]["entry"] for one in chain(*told.values())}
    fault = ledger.verify()
    standing = settings.STANDING
    return {
        "format": FORMAT,
        "exported_at": ledger.stamp(now),
        "from": ledger.stamp(start) if start else None,
        "to": ledger.stamp(end) if end else None,
        "operator": {"name": standing.operator_name, "ja": standing.label("ja"), "en": standing.label("en")},
        "fault": fault.what if fault else None,
        "strays": _strays(),
        "states": states,
        **told,
        "refusals": dict(sorted(story.refusals.items())),
        "basis": [
            {**ledger.as_dict(entry), "hash": entry.hash}
            for entry in LedgerEntry.objects.filter(seq__in=numbers, seq__lt=first).order_by("seq")
        ],
        **exported,
    }


def _strays() -> list[dict[str, Any]]:
    """Rows that somebody stored past the gate: the ledger never heard of them."""
    strays = []
    for name, event, model in (
        ("authorisation", "gate.opened", Authorisation),
        ("signature", "item.signed", Signature),
    ):
        payloads = LedgerEntry.objects.filter(event=event).values_list("payload", flat=True)
        known = {payload.get(name) for payload in payloads.iterator()}
        rows = model._default_manager.values_list("pk", flat=True).order_by("pk")  # noqa: SLF001 -- Django's own name
        strays += [{"table": name, "id": pk} for pk in rows if pk not in known]
    return strays


def files(proof: Mapping[str, Any], language: str) -> dict[str, bytes]:
    """Return the bundle's files by name: JSON for machines, a page of A4 to read, and the SHA-256 sums of both.

    Args:
        proof: from `bundle`.
        language: `ja` or `en`, of the page.
    """
    contents = {
        JSON_NAME: json.dumps(proof, ensure_ascii=False, indent=1).encode() + b"\n",
        PAGE_NAME: page(proof, language).encode(),
    }
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in contents.items())
    return {**contents, SUMS_NAME: sums.encode()}


# On paper -------------------------------------------------------------------------------------------------------------


def page(proof: Mapping[str, Any], language: str) -> str:
    """Return the proof as one HTML file that needs nothing beside it and prints on A4."""
    with translation.override(language):
        listed = [entry for entry in proof["entries"] if entry["event"] not in _COUNTED]
        context = {
            "proof": proof,
            "title": say(_Pair(proof["operator"]), language),
            "exported_at": _moment(proof["exported_at"]),
            "range": [_moment(proof["from"]), _moment(proof["to"])],
            "ends": [_dated(state) for state in proof["states"]],
            "periods": [_period(one, language) for one in proof["periods"]],
            "signatures": [
                {**_dated(one), "title": _title(one["began"]["said"]["item"], language)} for one in proof["signatures"]
            ],
            "stops": [_dated(one) for one in proof["stops"]],
            "refusals": [(name, _feature(name, language), count) for name, count in proof["refusals"].items()],
            "listed": [
                {
                    **entry,
                    "at": _moment(entry["at"]),
                    "what": event(entry["event"]),
                    "summary": summary(entry["payload"]),
                }
                for entry in listed
            ],
            "unlisted": len(proof["entries"]) - len(listed),
            "json_name": JSON_NAME,
            "not_advice": say(NOT_ADVICE, language),
            "language": language,
        }
        return render_to_string("compliance/proof.html", context)


def event(name: str) -> str:
    """Return an event in words."""
    return str(EVENTS.get(name, name))


def summary(payload: Mapping[str, Any]) -> str:
    """Return the plain values of an entry on one line, for lists."""
    return Truncator(", ".join(_plain(payload))).chars(_SUMMARY_CHARS)


def _plain(payload: Mapping[str, Any]) -> list[str]:
    plain = []
    for key, value in payload.items():
        if key in _DETAILS or value in (None, "", False):
            continue
        match key:
            case "counts":
                plain += [f"{feature} × {count}" for feature, count in value.items()]
            case "causes":
                plain += [str(CAUSES.get(cause, cause)) for cause in value]
            case "authorisation":
                plain.append(_("period %(number)s") % {"number": value})
            case "notice":  # of an end, with its day and the operator's reason
                plain += [value["on"], say(_Pair(value["reason"]), (get_language() or "ja")[:2])]
            case "item" | "reason":
                plain.append(str(value))
            case _:
                plain.append(key if value is True else f"{key} {value}")
    return plain


@dataclass(frozen=True, slots=True)
class _Pair:
    """A text in both languages, as JSON has it."""

    text: Mapping[str, str]

    @property
    def ja(self) -> str:
        return self.text["ja"]

    @property
    def en(self) -> str:
        return self.text["en"]


def _moment(text: str | None) -> datetime | None:
    return timezone.localtime(datetime.fromisoformat(text)) if text else None


def _dated(told: Any) -> Any:
    """The same with times instead of texts, however deep."""
    if isinstance(told, Mapping):
        return {
            key: _moment(value) if key in {"at", "since", "expires"} else _dated(value) for key, value in told.items()
        }
    return told


def _period(told: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A period with its filing and the causes of its end in words."""
    status = told["began"]["said"]["standing"]["status"]
    causes = told["ended"]["said"]["causes"] if told["ended"] else ()
    words = {
        "status": say(Status(status), language) if status in list(Status) else status,
        "why": [str(CAUSES.get(cause, cause)) for cause in causes],
    }
    return {**_dated(told), **words}


def _title(item_id: str, language: str) -> str:
    return say(ITEM[item_id], language) if item_id in ITEM else ""


def _feature(name: str, language: str) -> str:
    return say(RULES[Feature(name)].title, language) if name in RULES else ""
