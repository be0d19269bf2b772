"""The proof says what the ledger says, and a third person with plain Python finds whatever was changed in it."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import random
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError
from django.test import Client

from chat.models import User
from compliance import discontinuation, gate
from compliance.gate import refusals
from compliance.law import ITEM, LAW_VERSION, RULES, Cause, Feature, Required, Status, Text
from compliance.models import LedgerEntry
from compliance.records import Event, ledger, proof, replay
from compliance.testing import SignItems, TurnKeys, evidence_for, lift_stop, unguarded
from tests.compliance.records.test_ledger import last_anchor, rewrite
from tests.compliance.test_commands import Done

pytestmark = pytest.mark.slow

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "docs" / "howto" / "verify_bundle.py"
NAMES = ("periods", "stops", "ends", "signatures")
Bundle = dict[str, Any]


@pytest.fixture
def history(request: pytest.FixtureRequest) -> Iterator[time_machine.Traveller]:
    """Day 0: on. Day 1: knocked at while stopped. Day 2: on again, anchored. Day 3: an item withdrawn. It is day 4."""
    refusals._counts.clear()  # of tests before, in this process
    with time_machine.travel(START, tick=False) as clock:
        # Made here, and not before: making the operator is the ledger's first entry.
        operator: User = request.getfixturevalue("operator")
        turn_keys: TurnKeys = request.getfixturevalue("turn_keys")
        turn_keys()
        clock.shift(DAY)
        gate.pull_stop(reason="点検のため", actor=operator)
        for feature, times in ((Feature.MATCH_PAIR, 3), (Feature.INVITE_ONLY, 2)):
            for _ in range(times):
                gate.count_refusal(feature)
        gate.write_refusals()
        clock.shift(DAY)
        lift_stop(reason="終わった", actor=operator)
        ledger.anchor()
        clock.shift(DAY)
        gate.withdraw(item=ITEM["LAW-07"], reason="誓約書を作り直す", actor=operator)
        clock.shift(DAY)
        yield clock


def write(folder: Path, contents: dict[str, bytes]) -> Path:
    """Lay out the files of a bundle."""
    folder.mkdir(exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def plain(given: Path, *anchors: str) -> tuple[int, str]:
    """Hold a bundle against the script as a third person would: no Todoke, no environment, no site-packages."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(given), *anchors],
        cwd=given if given.is_dir() else given.parent,
        env={},
        capture_output=True,
        check=False,
    )
    assert not done.stderr, done.stderr.decode()
    return done.returncode, done.stdout.decode()


def script() -> ModuleType:
    """The document itself, in this process."""
    module = ModuleType("verify_bundle")
    exec(compile(SCRIPT.read_text(encoding="utf-8"), SCRIPT.name, "exec"), vars(module))  # noqa: S102 -- the document's own
    return module


CHECKER = script()


def faults(told: Any, *anchors: str) -> list[str]:
    """Why the script refuses it."""
    reasons, _notes = CHECKER.check(told, "\n".join(anchors))
    return [en for _ja, en in reasons]


def notes(told: Any, *anchors: str) -> list[str]:
    """What it tells besides."""
    return [en for _ja, en in CHECKER.check(told, "\n".join(anchors))[1]]


def test_the_script_is_the_module_that_the_service_writes_proofs_with() -> None:
    assert SCRIPT.read_bytes() == Path(replay.__file__).read_bytes(), (
        "cp compliance/records/replay.py docs/howto/verify_bundle.py"
    )
    imported = set(re.findall(r"^(?:from|import) (\w+)", SCRIPT.read_text(), re.MULTILINE))
    assert imported <= set(sys.stdlib_module_names)


# What it says --------------------------------------------------------------------------------------------------------


def test_the_whole_history_is_told(history: time_machine.Traveller) -> None:
    told = proof.bundle()
    assert (told["format"], told["law_versions"]) == (replay.FORMAT, [LAW_VERSION])
    assert told["basis"] == []
    assert told["after"]["event"] == Event.PROOF_EXPORTED
    before, after = told["states"]
    assert (before["at"], before["closed_chat"], before["signed"]) == (None, False, [])
    assert (after["closed_chat"], after["authorisation"], after["stop"]) == (False, None, None)
    assert "LAW-07" not in after["signed"]
    assert "LAW-01" in after["signed"]
    first, second = told["periods"]
    assert first["began"]["said"]["standing"]["number"] == "A-08-12345"
    assert first["ended"]["said"]["causes"] == [Cause.emergency_stop]
    assert second["began"]["at"] == ledger.stamp(START + 2 * DAY)
    assert second["ended"]["said"]["causes"] == [Cause.checklist]
    assert told["operator"]["operator"] == "届チャット運営"
    assert [stop["began"]["said"]["reason"] for stop in told["stops"]] == ["点検のため"]
    assert told["refusals"] == {"room.invite_only": 2, "room.match_pair": 3}
    [withdrawn] = [one for one in told["signatures"] if one["ended"]]
    assert withdrawn["ended"]["said"]["reason"] == "誓約書を作り直す"
    assert '"evidence":' not in json.dumps([told[name] for name in NAMES])
    assert json.loads(json.dumps(told)) == told
    assert faults(told) == []


def test_each_feature_has_its_own_spans(history: time_machine.Traveller) -> None:
    told = proof.bundle()
    spans = told["features"]["room.match_pair"]
    assert [(span["from"], span["until"]) for span in spans] == [
        (ledger.stamp(START), ledger.stamp(START + DAY)),
        (ledger.stamp(START + 2 * DAY), ledger.stamp(START + 3 * DAY)),
    ]
    assert told["features"].keys() <= {feature.value for feature in RULES}


def entry(event: str, **payload: Any) -> Bundle:
    """An entry as `Replay.apply` takes it."""
    entry.number = getattr(entry, "number", 0) + 1  # type: ignore[attr-defined]
    number = entry.number  # type: ignore[attr-defined]
    return {
        "seq": number,
        "at": f"2026-11-22T03:00:{number % 60:02}.000000+00:00",
        "event": event,
        "actor": None,
        "role": "service",
        "payload": payload,
        "law_version": LAW_VERSION,
        "previous_hash": "",
        "hash": "",
    }


STANDING = {"status": "notified", "number": "A-08-12345", "date": "2026-06-01", "operator": "届チャット運営"}


def opened(authorisation: int, *features: str, continues: int | None = None) -> Bundle:
    return entry(
        "gate.opened",
        authorisation=authorisation,
        continues=continues,
        features=list(features),
        standing=STANDING,
        signatures=[],
        unsigned=[],
        law_version=LAW_VERSION,
    )


def closed(authorisation: int, *, continued: bool = False) -> Bundle:
    return entry("gate.closed", authorisation=authorisation, causes=["drift"], continued=continued)


def test_a_period_that_continues_another_carries_the_spans_of_its_features_on() -> None:
    replayed = replay.Replay()
    moves = [
        opened(1, "dm.text", "room.match_pair"),
        closed(1, continued=True),
        opened(2, "room.match_pair", continues=1),
        closed(2),
        opened(3, "dm.text"),
    ]
    for move in moves:
        replayed.apply(move)
    spans = replay.spans(replayed.intervals["periods"])
    assert [span["periods"] for span in spans["room.match_pair"]] == [[1, 2]]
    assert spans["room.match_pair"][0]["until"] == moves[3]["at"]
    assert [(span["periods"], span["until"]) for span in spans["dm.text"]] == [([1], moves[1]["at"]), ([3], None)]


@pytest.mark.parametrize(
    ("moves", "reason"),
    [
        ([closed(1)], "ends what had not begun"),
        ([opened(1), opened(2)], "begins what already runs"),
        ([opened(1), closed(2)], "ends what had not begun"),
        ([opened(1), closed(1), opened(3, continues=2)], "not the one before"),
        ([entry("stop.lifted", reason="x")], "ends what had not begun"),
        ([entry("stop.pulled", reason="x"), entry("stop.pulled", reason="x")], "begins what already runs"),
        ([entry("item.withdrawn", item="LAW-01", reason="x")], "ends what had not begun"),
        ([entry("end.reached", on="2027-01-10")], "does not say what end.reached must say"),
        ([entry("gate.opened", authorisation=1, standing=STANDING)], "does not say what gate.opened must say"),
        ([entry("gate.refused")], "does not say what gate.refused must say"),
    ],
)
def test_entries_that_contradict_each_other_are_refused(moves: list[Bundle], reason: str) -> None:
    replayed = replay.Replay()
    with pytest.raises(replay.Refused, match=reason):  # noqa: PT012 -- which of the moves it is, is the case's matter
        for move in moves:
            replayed.apply(move)


def test_an_announced_end_is_told(history: time_machine.Traveller, operator: User, sign_items: SignItems) -> None:
    on = (START + 40 * DAY).date()
    announce_end(on, operator)
    told = proof.bundle()
    assert told["states"][1]["end"] == {"on": on.isoformat(), "reached": False}
    history.shift(45 * DAY)
    gate.reconcile()
    [end] = proof.bundle()["ends"]
    assert (end["began"]["event"], end["reached"]["event"]) == ("end.announced", "end.reached")
    assert faults(proof.bundle()) == []


def test_a_range_in_the_middle_rests_on_all_that_came_before(history: time_machine.Traveller) -> None:
    told = proof.bundle(START + DAY / 2, START + 3 * DAY / 2)
    assert [one["event"] for one in told["entries"]] == ["stop.pulled", "gate.closed", "gate.refused"]
    assert told["basis"][0]["previous_hash"] == replay.GENESIS
    assert told["basis"][-1]["hash"] == told["entries"][0]["previous_hash"]
    assert told["after"]["at"] >= told["to"]
    assert [state["closed_chat"] for state in told["states"]] == [True, False]
    assert told["states"][1]["stop"] == {"since": ledger.stamp(START + DAY), "reason": "点検のため"}
    assert len(told["periods"]) == 1
    assert faults(told) == []


def test_a_range_behind_an_anchor_rests_on_the_state_that_it_carries(history: time_machine.Traveller) -> None:
    told = proof.bundle(START + 5 * DAY / 2)
    assert [one["event"] for one in told["basis"]] == ["ledger.anchored"]
    assert told["states"][0]["closed_chat"] is True
    assert told["states"][0]["signed"] == sorted(ITEM)
    assert told["periods"][0]["began"]["at"] == ledger.stamp(START + 2 * DAY)
    assert faults(told) == []
    carried = told["basis"][0]["payload"]
    assert carried["closed_chat"] is True
    assert carried["authorisation"] == told["states"][0]["authorisation"]
    before = LedgerEntry.objects.get(seq=told["basis"][0]["seq"] - 1)
    assert carried["head"] == {"seq": before.seq, "hash": before.hash}


def test_what_other_entries_count_is_no_refusal(history: time_machine.Traveller) -> None:
    before = proof.bundle()["refusals"]
    payload = {"counts": {"sessions": 4, "room.match_pair": 1}, "stopped": False, "table": "0"}
    ledger.append(Event.RETENTION_PURGED, actor=None, payload=payload)
    told = proof.bundle()
    assert told["refusals"] == before
    assert faults(told) == []


def test_a_range_in_which_nothing_happened_still_tells_the_state(history: time_machine.Traveller) -> None:
    told = proof.bundle(START + DAY / 4, START + DAY / 2)
    assert told["entries"] == []
    assert [state["closed_chat"] for state in told["states"]] == [True, True]
    assert len(told["periods"]) == 1
    assert faults(told) == []


def test_a_range_before_everything_holds_and_one_ahead_is_refused(history: time_machine.Traveller) -> None:
    for start, end in ((None, START - DAY), (START - 2 * DAY, START - DAY)):
        told = proof.bundle(start, end)
        assert (told["basis"], told["entries"], told["after"]["seq"]) == ([], [], 1)
        assert faults(told) == []
    with pytest.raises(ValueError, match="has not begun"):
        proof.bundle(START + 30 * DAY)


def test_ranges_that_follow_each_other_join(history: time_machine.Traveller) -> None:
    cut = START + 3 * DAY / 2
    first, second = proof.bundle(None, cut), proof.bundle(cut, None)
    assert first["entries"][-1]["hash"] == second["entries"][0]["previous_hash"]
    assert first["states"][1] == second["states"][0]


def test_an_end_that_has_not_come_ends_with_what_is_written_now(history: time_machine.Traveller) -> None:
    told = proof.bundle(None, START + 30 * DAY)
    assert (told["to"], told["after"]["event"]) == (None, Event.PROOF_EXPORTED)
    assert faults(told) == []


def test_an_entry_is_never_dated_before_the_one_before_it_and_a_proof_in_which_one_is_is_refused(db: None) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for step in (0, 10, -5, 3):
            clock.shift(timedelta(seconds=step))
            ledger.append(Event.FEED_MADE, actor=None, payload={})
        clock.shift(timedelta(minutes=1))
        told = proof.bundle(START + timedelta(seconds=6), START + timedelta(seconds=9))
    whole = proof.bundle()
    assert [one["at"] for one in whole["entries"]][1:4] == [ledger.stamp(START + timedelta(seconds=10))] * 3
    assert told["entries"] == []
    assert faults(told) == []
    told["after"]["at"] = ledger.stamp(START - timedelta(seconds=1))
    assert any("is dated before the one before it" in fault for fault in faults(told))


def test_a_renewed_signature_ends_the_one_before(history: time_machine.Traveller, sign_items: SignItems) -> None:
    sign_items("LAW-06")
    both = [one for one in proof.bundle()["signatures"] if one["began"]["said"]["item"] == "LAW-06"]
    assert [one["ended"] and one["ended"]["event"] for one in both] == ["item.signed", None]
    assert both[0]["ended"] == both[1]["began"]
    assert faults(proof.bundle()) == []


def test_an_expired_signature_no_longer_counts_at_the_end(history: time_machine.Traveller) -> None:
    history.shift(400 * DAY)
    gate.reconcile()
    start, end = proof.bundle(START + DAY / 2)["states"]
    assert "LAW-01" in start["signed"]
    assert "LAW-01" in end["expired"]


def announce_end(on: date, actor: User) -> None:
    """Announce that closed chat ends for good."""
    text = Text("人手が足りないため", "too few people")
    notice = discontinuation.Notice(
        service=text,
        on=on,
        until=None,
        reason=text,
        contact=text,
        alternatives=text,
        protection=text,
        suspension=False,
        whole=True,
    )
    discontinuation.announce(notice, actor=actor)


# Who it names --------------------------------------------------------------------------------------------------------


def test_no_address_stands_in_a_bundle_and_two_people_are_told_apart(
    history: time_machine.Traveller, operator: User, make_user: Any
) -> None:
    second = make_user("二人目", is_staff=True)
    gate.pull_stop(reason=f"{second.email} に聞いた（＠も）", actor=second)
    evidence = evidence_for(ITEM["LAW-06"]) | {"note": "ask desk@example.jp"}
    gate.sign(item=ITEM["LAW-06"], evidence=evidence, actor=operator)
    told = proof.bundle(actor=operator)
    for content in proof.files(told, "ja").values():
        assert not re.search(rb"[\w.]+(@|\xef\xbc\xa0)[\w-]+\.", content)
    by = {one["began"]["by"] for one in told["stops"]}
    assert len(by) == 2
    assert {one["began"]["role"] for one in told["stops"]} == {"superuser", "staff"}
    assert told["after"]["actor"] in by
    assert faults(told) == []


def test_the_admin_names_the_account_to_those_who_may_see_accounts_only(
    history: time_machine.Traveller, desk: Client, operator: User, make_user: Any
) -> None:
    from django.contrib.auth.models import Permission  # noqa: PLC0415 -- where it is used

    ref = ledger.actor_of(operator).ref
    whole = desk.get("/admin/compliance/ledgerentry/").content.decode()
    assert f'<td class="field-account">{operator.email}' in whole
    auditor = make_user(is_staff=True)
    auditor.user_permissions.add(Permission.objects.get(codename="view_ledgerentry"))
    client = Client()
    client.force_login(auditor)
    seq = LedgerEntry.objects.filter(event="stop.pulled").get().seq
    for path in ("", f"{seq}/change/"):
        shown = client.get(f"/admin/compliance/ledgerentry/{path}").content.decode()
        assert ref in shown
        assert str(operator) not in shown


@pytest.mark.parametrize("text", ["a@b.jp", "mailto:x.y+z@例え.jp、", "<a@b.co>", "a＠b.jp", "見て:a@b.jp。"])
def test_an_address_that_somebody_wrote_is_left_out(text: str) -> None:
    left = ledger.without_addresses({"reason": [text, 3, None], text: True})
    assert "@" not in json.dumps(left)
    assert "＠" not in json.dumps(left, ensure_ascii=False)
    assert "[e-mail]" in left["reason"][0]


# What a third person finds -------------------------------------------------------------------------------------------


def test_the_script_runs_without_todoke_and_tells_the_story_in_both_languages(
    history: time_machine.Traveller, tmp_path: Path
) -> None:
    folder = write(tmp_path / "proof", proof.files(proof.bundle(), "ja"))
    line = str(last_anchor())
    for given in (folder, folder / "proof.json"):
        for kept in ((), (line,)):
            code, out = plain(given, *kept)
            assert code == 0, out
            assert out.endswith("証明は成り立ちます。\nThe proof holds.\n")
    for word in ("点検のため", "緊急停止があった", "the emergency stop was pulled", "What this alone does not prove"):
        assert word in out
    assert "it agrees with the anchors kept elsewhere" in out
    told = json.loads((folder / "proof.json").read_text())
    told["entries"][2]["payload"]["item"] = "LAW-99"
    (folder / "proof.json").write_text(json.dumps(told))
    code, out = plain(folder, line)
    assert code == 1
    assert f"entry {told['entries'][2]['seq']} was changed" in out
    assert "holds" not in out


def chained(bundle: Bundle, chain: list[Bundle], *, previous: str | None = None) -> list[Bundle]:
    """The entries with numbers and hashes made anew: what the owner of the database can do."""
    before, made = chain[0]["previous_hash"] if previous is None else previous, []
    for number, one in enumerate(chain, start=chain[0]["seq"]):
        bare = {key: value for key, value in one.items() if key != "hash"} | {"seq": number, "previous_hash": before}
        before = replay.digest(bare)
        made.append({**bare, "hash": before})
    return made


def forged_event(told: Bundle, name: str) -> None:
    """Rename an event of an entry that no anchor's state rests on, hash it and what follows anew, and claim all."""
    index = next(i for i, one in enumerate(told["entries"]) if one["event"] == "gate.refused")
    told["entries"][index]["event"] = name
    made = chained(told, [*told["entries"], told["after"]])
    told["entries"], told["after"] = made[:-1], made[-1]


def false_anchor(told: Bundle) -> None:
    anchored = next(one for one in told["entries"] if one["event"] == "ledger.anchored")
    anchored["payload"]["running"]["periods"] = []
    made = chained(told, [*told["entries"], told["after"]])
    told["entries"], told["after"] = made[:-1], made[-1]


def invented_basis(told: Bundle) -> None:
    """A self-hashed anchor before the range that says that everything was off."""
    invented = copy.deepcopy(told["entries"][0]) | {"event": "ledger.anchored", "actor": None, "role": "service"}
    invented |= {"seq": told["entries"][0]["seq"] - 1, "at": ledger.stamp(START - DAY)}
    invented["payload"] = {"head": None, "running": replay.Replay().running()}
    told["basis"] = chained(told, [invented])


def moved_entry(told: Bundle) -> None:
    told["basis"].append(told["entries"].pop(0))


def cut_end(told: Bundle) -> None:
    told["after"] = told["entries"].pop()


def smuggled(place: Callable[[Bundle], Bundle]) -> Callable[[Bundle], None]:
    return lambda told: place(told).update(closed_chat_was_off=True)


MIDDLE = (START + DAY / 2, START + 5 * DAY / 2)
WHOLE = (None, None)
Forgery = Callable[[Bundle], Any]
FORGED: dict[str, tuple[tuple[datetime | None, datetime | None], Forgery, str]] = {
    "periods emptied": (WHOLE, lambda told: told["periods"].clear(), "under periods"),
    "a period told as a stop": (WHOLE, lambda told: told["stops"].append(told["periods"].pop()), "under periods"),
    "a stop hidden in a signature": (
        WHOLE,
        lambda t: t["signatures"][0].update(stop=t["stops"].pop()),
        "under signatures",
    ),
    "an extra key": (WHOLE, smuggled(lambda told: told), "'closed_chat_was_off' does not belong"),
    "an extra key of a state": (WHOLE, smuggled(lambda told: told["states"][0]), "under states"),
    "an extra key of a period": (WHOLE, smuggled(lambda told: told["periods"][0]), "under periods"),
    "an extra key of an entry": (WHOLE, smuggled(lambda told: told["entries"][0]), "missing or extra keys"),
    "an extra key of a payload": (WHOLE, smuggled(lambda told: told["entries"][0]["payload"]), "was changed"),
    "the basis left out": (MIDDLE, lambda told: told["basis"].clear(), "the beginning was cut off"),
    "the basis key left out": (MIDDLE, lambda told: told.pop("basis"), "basis is missing"),
    "the basis cut short": (MIDDLE, lambda told: told["basis"].pop(0), "the beginning was cut off"),
    "a hole in the basis": (MIDDLE, lambda told: told["basis"].pop(3), "is missing, was moved"),
    "the basis invented": (MIDDLE, invented_basis, "does not follow the one before"),
    "from moved": (MIDDLE, lambda t: t.update({"from": ledger.stamp(START + 3 * DAY / 2)}), "wrong side of the period"),
    "from moved back": (MIDDLE, lambda t: t.update({"from": ledger.stamp(START - DAY)}), "wrong side of the period"),
    "to moved": (MIDDLE, lambda t: t.update({"to": ledger.stamp(START + 30 * DAY)}), "the end was cut off"),
    "to moved back": (MIDDLE, lambda t: t.update({"to": ledger.stamp(START + DAY)}), "wrong side of the period"),
    "to left open": (MIDDLE, lambda told: told.update(to=None), "the end was cut off"),
    "from left open": (MIDDLE, lambda told: told.update({"from": None}), "the beginning was cut off"),
    "from behind to": (MIDDLE, lambda t: t.update({"from": t["to"], "to": t["from"]}), "ends before it begins"),
    "no time": (MIDDLE, lambda told: told.update(to="2026-11-25"), "to is no time"),
    "the end cut": (WHOLE, cut_end, "the end was cut off"),
    "the end cut though to is set": (MIDDLE, cut_end, "the end was cut off"),
    "the neighbour left out": (MIDDLE, lambda told: told.update(after=None), "no entries"),
    "the neighbour of another chain": (MIDDLE, lambda t: t["after"].update(previous_hash="a" * 64), "does not follow"),
    "an entry in the wrong part": (MIDDLE, moved_entry, "wrong side of the period"),
    "no entries": (WHOLE, lambda t: t.update(basis=[], entries=[], after=None), "no entries, so it proves nothing"),
    "an emptied range": (MIDDLE, lambda told: told["entries"].clear(), "is missing, was moved"),
    "an unknown event": (WHOLE, lambda told: forged_event(told, "gate.ajar"), "the event 'gate.ajar' is unknown"),
    "a confusable event": (
        WHOLE,
        lambda t: forged_event(t, "g\u0430te.closed"),
        r"the event 'g\u0430te.closed' is unknown",
    ),
    "an event in capitals": (
        WHOLE,
        lambda told: forged_event(told, "Gate.closed"),
        "the event 'Gate.closed' is unknown",
    ),
    "an anchor that lies": (WHOLE, false_anchor, "states what the entries before it do not"),
    "another operator": (WHOLE, lambda told: told["operator"].update(operator="他社"), "under operator"),
    "another law version": (WHOLE, lambda told: told.update(law_versions=["2030-01-01"]), "under law_versions"),
    "another state": (WHOLE, lambda told: told["states"][1].update(closed_chat=True), "under states"),
    "another state before": (MIDDLE, lambda told: told["states"][0].update(closed_chat=False), "under states"),
    "one is true": (WHOLE, lambda told: told["states"][0].update(closed_chat=0), "under states"),
    "refusals lessened": (WHOLE, lambda told: told["refusals"].update({"room.match_pair": 0}), "under refusals"),
    "a feature's span shortened": (WHOLE, lambda t: t["features"]["room.match_pair"].pop(), "under features"),
    "another format": (WHOLE, lambda told: told.update(format="todoke-proof/9"), "no proof of the format"),
    "entries of text": (WHOLE, lambda told: told.update(entries=["x"]), "missing or extra keys"),
    "numbers of text": (WHOLE, lambda told: told["entries"][0].update(seq="1"), "of another type"),
    "somebody else": (WHOLE, lambda told: told["entries"][5].update(actor="p-000000000000"), "was changed"),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_bundle_is_refused_for_its_reason(name: str, history: time_machine.Traveller, tmp_path: Path) -> None:
    bounds, forge, reason = FORGED[name]
    told = proof.bundle(*bounds)
    assert faults(told) == []
    told = copy.deepcopy(told)
    forge(told)
    found = faults(told)
    assert any(reason in why for why in found), found


def test_forged_claims_are_refused_though_page_and_sums_are_made_anew(
    history: time_machine.Traveller, tmp_path: Path
) -> None:
    told = proof.bundle()
    told["periods"] = []
    told["states"][1]["closed_chat"] = False
    code, out = plain(write(tmp_path / "proof", proof.files(told, "ja")))
    assert code == 1
    assert "what it claims under periods is not what its entries say" in out
    assert "The proof holds." not in out


RAW: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a key twice": (lambda raw: raw.replace(b'"periods":', b'"periods": [],\n "periods":', 1), "stands twice"),
    "a key twice, deep": (lambda raw: raw.replace(b'"role":', b'"role": "auditor", "role":', 1), "stands twice"),
    "a lone surrogate": (lambda raw: raw.replace("点検のため".encode(), rb"\ud800", 1), "half of a character"),
    "not UTF-8": (lambda raw: raw.replace("点検".encode(), b"\xff\xfe", 1), "not JSON in UTF-8"),
    "a byte order mark": (lambda raw: b"\xef\xbb\xbf" + raw, "not JSON in UTF-8"),
    "a fraction": (lambda raw: raw.replace(b'"seq": 1\n', b'"seq": 1.0\n', 1), "a form that no entry has"),
    "no number": (lambda raw: raw.replace(b'"seq": 1\n', b'"seq": NaN\n', 1), "a form that no entry has"),
    "a huge number": (lambda raw: raw.replace(b'"seq": 1\n', b'"seq": ' + b"9" * 9000 + b"\n", 1), "not JSON"),
    "deep lists": (lambda _: b"[" * 100_000, "not JSON"),
    "nothing": (lambda _: b"", "not JSON"),
    "a list": (lambda _: b"[]", "no proof of the format"),
    "null": (lambda _: b"null", "no proof of the format"),
    "cut in two": (lambda raw: raw[: len(raw) // 2], "not JSON"),
}


@pytest.mark.parametrize("name", RAW)
def test_a_file_that_is_no_proof_is_refused_in_words(
    name: str, history: time_machine.Traveller, tmp_path: Path
) -> None:
    change, reason = RAW[name]
    raw = replay.written(proof.bundle())
    assert change(raw) != raw
    (tmp_path / "proof.json").write_bytes(change(raw))
    code, out = plain(tmp_path)
    assert code == 1
    assert reason in out
    assert "The proof holds." not in out


def test_what_is_not_there_is_refused_in_words(tmp_path: Path) -> None:
    for given in (tmp_path, tmp_path / "nothing.json"):
        code, out = plain(given)
        assert code == 1
        assert "a file cannot be read" in out


BESIDE: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "the page says something else": (
        "proof.html",
        lambda page: page.replace("緊急停止があった".encode(), "点検があった".encode()),
        "proof.html is not the page that the entries yield",
    ),
    "the page has a line more": ("proof.html", lambda page: page + b"<p>off throughout</p>", "is not the page"),
    "the page is empty": ("proof.html", lambda _: b"", "is not the page"),
    "a sum differs": ("SHA256SUMS", lambda sums: sums.replace(sums[:4], b"0000", 1), "not the file of which"),
    "a sum is left out": ("SHA256SUMS", lambda sums: sums.splitlines(keepends=True)[0], "does not list proof.html"),
    "no sums at all": ("SHA256SUMS", lambda _: b"", "does not list proof.json"),
    "a line that is no sum": ("SHA256SUMS", lambda sums: sums + b"all is well\n", "not a list of sums"),
    "a path in the sums": ("SHA256SUMS", lambda sums: sums + b"0" * 64 + b"  ../x\n", "not a list of sums"),
    "a file that is not there": ("SHA256SUMS", lambda sums: sums + b"0" * 64 + b"  more.txt\n", "more.txt is not the"),
    "a name twice": ("SHA256SUMS", lambda sums: sums + sums.splitlines(keepends=True)[0], "not a list of sums"),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_page_or_a_sum_that_differs_is_refused(name: str, history: time_machine.Traveller, tmp_path: Path) -> None:
    which, change, reason = BESIDE[name]
    contents = proof.files(proof.bundle(), "ja")
    changed = change(contents[which])
    assert changed != contents[which]
    contents[which] = changed
    if which == "proof.html":  # whoever changes the page can make its sum anew
        contents["SHA256SUMS"] = sums(contents)
    code, out = plain(write(tmp_path / "proof", contents))
    assert code == 1
    assert reason in out
    assert "The proof holds." not in out


def sums(contents: dict[str, bytes]) -> bytes:
    """The sums made anew."""
    kept = {name: content for name, content in contents.items() if name != "SHA256SUMS"}
    return "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in kept.items()).encode()


def test_a_page_or_sums_that_are_not_there_are_told(history: time_machine.Traveller, tmp_path: Path) -> None:
    contents = proof.files(proof.bundle(), "en")
    (tmp_path / "bundle.json").write_bytes(contents["proof.json"])
    code, out = plain(tmp_path / "bundle.json")
    assert code == 0
    assert "no page lies beside it" in out
    assert "no SHA256SUMS lies beside it" in out


def test_a_file_beside_that_no_sum_covers_is_told(history: time_machine.Traveller, tmp_path: Path) -> None:
    folder = write(tmp_path / "proof", {**proof.files(proof.bundle(), "en"), "summary.html": b"off"})
    code, out = plain(folder)
    assert code == 0
    assert "in no sum: 'summary.html'" in out


@pytest.mark.parametrize("seed", range(4))
def test_any_change_of_any_byte_is_refused_or_told(
    seed: int, history: time_machine.Traveller, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    contents = proof.files(proof.bundle(*(MIDDLE if seed % 2 else WHOLE)), "ja" if seed % 3 else "en")
    folder = write(tmp_path / "proof", contents)
    chance = random.Random(seed)  # noqa: S311 -- the same examples each time
    for _ in range(60):
        name = chance.choice(sorted(contents))
        raw = bytearray(contents[name])
        place = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0:
                raw[place] ^= 1 << chance.randrange(8)
            case 1:
                del raw[place]
            case 2:
                raw.insert(place, chance.choice(b' \n\t"{}[]:,0a\x00\xff\\'))
            case _:
                other = chance.randrange(len(raw))
                raw[place : place + 40], raw[other : other + 40] = raw[other : other + 40], raw[place : place + 40]
        if bytes(raw) == contents[name]:
            continue
        (folder / name).write_bytes(raw)
        code = CHECKER.main([str(folder)])
        out = capfdbinary.readouterr().out
        assert code == 1, (name, place, out[-400:])
        assert b"refused: " in out
        (folder / name).write_bytes(contents[name])
    assert CHECKER.main([str(folder)]) == 0


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in inner:
        yield (*path, key)
        yield from places(child, (*path, key))


@pytest.mark.parametrize("seed", range(4))
def test_any_change_of_any_value_key_or_order_is_refused(seed: int, history: time_machine.Traveller) -> None:
    genuine = proof.bundle(*(MIDDLE if seed % 2 else WHOLE))
    chance = random.Random(seed)  # noqa: S311 -- the same examples each time
    everywhere = list(places(genuine))
    odd: list[Any] = [None, True, 0, 1, -1, 10**30, "", "x", "\x00", "\u202e", [], {}, [[]], {"x": 1}, "2026-11-22"]
    for _ in range(250):
        told = copy.deepcopy(genuine)
        *way, last = chance.choice(everywhere)
        holder: Any = told
        for key in way:
            holder = holder[key]
        match chance.randrange(4):
            case 0:
                holder[last] = chance.choice(odd)
            case 1:
                del holder[last]
            case 2 if isinstance(holder, dict):
                holder[chance.choice(["x", "", "Periods", "\u0455tates"])] = holder.pop(last)
            case 3 if isinstance(holder, list):
                chance.shuffle(holder)
            case _:
                holder_of = holder if isinstance(holder, list) else [*holder]
                if isinstance(holder, list):
                    holder.append(chance.choice(holder_of))
                else:
                    holder["more"] = holder[last]
        if replay.canonical(told) == replay.canonical(genuine):
            continue
        assert faults(told), (way, last)


def test_only_an_anchor_finds_a_tail_that_was_cut_and_a_chain_that_was_written_anew(
    history: time_machine.Traveller,
) -> None:
    told, line = proof.bundle(), str(last_anchor())
    seq = int(line.split()[2])

    def made(entries: list[Bundle]) -> Bundle:
        chain = chained(told, [*copy.deepcopy(entries), copy.deepcopy(told["after"])], previous=replay.GENESIS)
        replayed = replay.Replay()
        for index, one in enumerate(chain):
            replayed.apply(one)
            if one["event"] == "ledger.anchored":
                head = {"seq": chain[index - 1]["seq"], "hash": chain[index - 1]["hash"]}
                one["payload"] |= {"head": head, "running": replayed.running()}
                chain[index:] = chained(told, chain[index:])
        forged = {key: told[key] for key in replay.GIVEN} | {"entries": chain[:-1], "after": chain[-1]}
        return forged | replay.claims(forged)

    cut = made(told["entries"][: seq - 1])
    anew = made([one for one in told["entries"] if one["event"] != "gate.refused"])
    for forged in (cut, anew):
        assert faults(forged) == []
        assert any("could have written all of it anew" in note for note in notes(forged))
        assert faults(forged, line)
    assert faults(made(told["entries"]), line) == []
    assert faults(told, "> todoke-anchor 1\n" + line.split("1 ", 1)[1]) == []  # as a mail quotes and wraps


def test_an_anchor_that_a_proof_does_not_reach_is_not_taken_for_checked(history: time_machine.Traveller) -> None:
    line = str(last_anchor())
    early = proof.bundle(None, START + DAY)
    [found] = faults(early, line)
    assert "does not reach it" in found
    inside = str(ledger.Anchor.of(LedgerEntry.objects.get(seq=2)))
    assert faults(early, inside, line) == []
    assert any(f"anchor {line.split()[2]} was not checked" in note for note in notes(early, inside, line))
    assert "holds none" in faults(early, "no anchor at all")[0]


def test_an_anchor_of_the_period_whose_entry_is_not_there_shows_a_cut(history: time_machine.Traveller) -> None:
    told = proof.bundle()
    missing = f"todoke-anchor 1 {told['after']['seq'] + 5} {'a' * 64} {ledger.stamp(START + 3 * DAY)}"
    assert any("but its entry is missing" in why for why in faults(told, missing))


# Anchors -------------------------------------------------------------------------------------------------------------


def test_an_anchor_is_one_line_and_is_itself_on_record(history: time_machine.Traveller, tmp_path: Path) -> None:
    kept = tmp_path / "anchors.txt"
    lines = [Done("ledger", "anchor", "--append", str(kept)).out, Done("ledger", "anchor", "--append", str(kept)).out]
    assert kept.read_text() == "".join(lines)
    assert re.fullmatch(r"todoke-anchor 1 \d+ [0-9a-f]{64} 2026-11-26T03:00:00\.000000\+00:00\n", lines[0])
    head = LedgerEntry.objects.latest("seq")
    assert (head.event, head.hash) == (Event.LEDGER_ANCHORED, lines[1].split()[3])
    assert str(last_anchor()) == lines[1].strip()
    held = Done("ledger", "verify", "--anchor", str(kept), "--anchor", lines[0].strip())
    assert (held.code, held.err) == (0, "")
    assert "3 anchors" in held.out


def test_a_cut_end_is_found_by_an_anchor(history: time_machine.Traveller) -> None:
    line = Done("ledger", "anchor").out.strip()
    with unguarded():
        rewrite("DELETE FROM compliance_ledgerentry WHERE seq = %s", int(line.split()[2]))
    assert "the head knows" in Done("ledger", "verify").err
    broken = Done("ledger", "verify", "--anchor", line)
    assert broken.code == 1
    assert "cut off" in broken.err
    ledger.append(Event.FEED_MADE, actor=None, payload={})  # the number is taken again, by something else
    assert "rewritten" in Done("ledger", "verify", "--anchor", line).err


def test_a_chain_that_does_not_hold_is_not_anchored(history: time_machine.Traveller, tmp_path: Path) -> None:
    with unguarded():
        rewrite("UPDATE compliance_ledgerentry SET event = 'feed.revoked' WHERE seq = %s", 2)
    count = LedgerEntry.objects.count()
    kept = tmp_path / "anchors.txt"
    done = Done("ledger", "anchor", "--append", str(kept))
    assert (done.code, done.out) == (1, "")
    assert "entry 2 was changed" in done.err
    assert LedgerEntry.objects.count() == count
    assert not kept.exists()


@pytest.mark.parametrize("given", ["todoke-anchor 1 3 short now", "no/such/file"])
def test_what_is_no_anchor_is_not_taken_for_one(given: str, db: None) -> None:
    with pytest.raises(CommandError, match=r"anchor|No such file"):
        Done("ledger", "verify", "--anchor", given)


# Files ---------------------------------------------------------------------------------------------------------------
# Files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["ja", "en"])
def test_export_writes_json_a_page_and_their_hashes(
    language: str, history: time_machine.Traveller, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    bounds = ("--from", "2026-11-23", "--to", "2026-11-25")
    done = Done("ledger", "export", *bounds, "--out", str(out), "--language", language)
    assert (done.code, done.err) == (0, "")
    assert {path.name for path in out.iterdir()} == {"proof.json", "proof.html", "SHA256SUMS"}
    for line in (out / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    told = json.loads((out / "proof.json").read_text())
    assert told == json.loads(Done("ledger", "export", *bounds).out)
    assert replay.written(told) == (out / "proof.json").read_bytes()
    page = (out / "proof.html").read_text()
    assert f'<html lang="{language}">' in page
    assert not re.search(r"<script|<link|<img|src=|url\(|http", page)
    for word in (
        "A-08-12345",
        "点検のため",
        "room.match_pair",
        told["entries"][0]["previous_hash"],
        told["entries"][-1]["hash"],
        "2026-11-23 12:00:00",
    ):
        assert word in page
    assert ("クローズド・チャット" in page) is (language == "ja")


def test_a_broken_chain_is_exported_and_says_so(history: time_machine.Traveller, tmp_path: Path) -> None:
    with unguarded():
        rewrite("UPDATE compliance_ledgerentry SET event = 'feed.revoked' WHERE seq = %s", 2)
    done = Done("ledger", "export", "--out", str(tmp_path))
    assert done.code == 1
    assert "entry 2 was changed" in done.err
    assert "記録 2 は書き換えられています" in (tmp_path / "proof.html").read_text()


def test_what_people_wrote_is_text_on_the_page(history: time_machine.Traveller, operator: User) -> None:
    gate.pull_stop(reason="<b>太字</b>\u202e", actor=operator)
    page = replay.page(proof.bundle(), "ja")
    assert "<b>太字</b>" not in page
    assert r"&lt;b&gt;太字&lt;/b&gt;\u202e" in page


@pytest.mark.parametrize(
    ("payload", "ja", "en"),
    [
        ({"authorisation": 3, "causes": ["checklist"]}, "提供可能期間 3, 必須項目の署名がない", "period 3, a required"),
        (
            {"notice": {"on": "2027-01-10", "reason": {"ja": "人手", "en": "staff"}}},
            "2027-01-10, 人手",
            "2027-01-10, staff",
        ),
        ({"counts": {"room.match_pair": 3}}, "二人のマッチング × 3", "talk of a matched pair × 3"),
        (
            {"on": "2027-01-10", "reached": True, "reason": "続ける"},
            "日付 2027-01-10, 終了日の到来後, 続ける",
            "after its day",
        ),
        ({"item": "LAW-07", "expires": "x", "note": ""}, "LAW-07", "LAW-07"),
        (
            {"account": "p-1", "powers": ["superuser"]},
            "アカウント p-1, 権限 superuser",
            "account p-1, powers superuser",
        ),
    ],
)
def test_an_entry_is_summed_up_in_words(payload: dict[str, Any], ja: str, en: str) -> None:
    assert replay.summary(payload, "ja").startswith(ja)
    assert en in replay.summary(payload, "en")


def test_every_event_cause_status_and_role_has_words_in_both_languages() -> None:
    assert {event.value for event in Event} == set(replay.EVENTS)
    assert set(Cause) == set(replay.CAUSES)
    assert set(Status) == set(replay.STATUSES)
    gated = {feature.value for feature, rule in RULES.items() if rule.required in (Required.NOTIFIED, Required.DATING)}
    assert gated <= set(replay.FEATURES)
    assert {*ledger.ROLES, "superuser", "staff", "member", "service"} == set(replay.ROLES)
    for table in (replay.EVENTS, replay.CAUSES, replay.STATUSES, replay.ROLES, replay.FEATURES, replay.KEYS):
        for ja, en in table.values():
            assert re.search(r"[ぁ-んァ-ヶ一-龠]", ja)
            assert en.isascii()
    assert (Event.OUTAGE_RECORDED.ja, Event.OUTAGE_RECORDED.en) == ("障害を記録", "Outage recorded")


def test_nothing_is_appended_under_another_name(db: None) -> None:
    with pytest.raises(ValueError, match=r"gate[.]ajar"):
        ledger.append("gate.ajar", actor=None, payload={})  # type: ignore[arg-type]


def test_the_ledgers_list_and_filter_name_every_event_in_words(desk: Client) -> None:
    for event in Event:
        ledger.append(event, actor=None, payload={})
    for language, which in (("ja", 0), ("en", 1)):
        shown = desk.get("/admin/compliance/ledgerentry/", headers={"accept-language": language}).content.decode()
        for name, pair in replay.EVENTS.items():
            assert shown.count(pair[which]) >= 2, name
            assert f">{name}<" not in shown


def test_a_period_that_ends_before_it_begins_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="before"):
        Done("ledger", "export", "--from", "2026-11-25", "--to", "2026-11-23")


def test_the_operator_downloads_the_proof_of_days_in_japan(
    history: time_machine.Traveller, desk: Client, operator: User
) -> None:
    page = desk.get("/admin/compliance/ledgerentry/proof/")
    assert page.status_code == 200
    count = LedgerEntry.objects.count()
    assert desk.get("/admin/compliance/ledgerentry/proof/", {"start": "2026-11-23"}).status_code == 200
    assert LedgerEntry.objects.count() == count  # looking at the form is no export
    answer = desk.post("/admin/compliance/ledgerentry/proof/", {"start": "2026-11-23", "end": "2026-11-23"})
    assert answer["Content-Disposition"] == 'attachment; filename="todoke-proof.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        told = json.loads(archive.read("proof.json"))
    assert (told["from"], told["to"]) == ("2026-11-22T15:00:00.000000+00:00", "2026-11-23T15:00:00.000000+00:00")
    assert [entry["event"] for entry in told["entries"]] == ["stop.pulled", "gate.closed", "gate.refused"]
    exported = LedgerEntry.objects.latest("seq")
    assert (exported.event, exported.actor) == (Event.PROOF_EXPORTED, ledger.actor_of(operator))
    assert exported.payload == {"from": told["from"], "to": told["to"]}
    for start, end in (("2026-11-23", "2026-11-22"), ("2027-11-23", "")):
        wrong = desk.post("/admin/compliance/ledgerentry/proof/", {"start": start, "end": end})
        assert wrong["Content-Type"].startswith("text/html")


def test_the_ledgers_page_shows_the_last_anchor(history: time_machine.Traveller, desk: Client) -> None:
    seq = LedgerEntry.objects.get(event=Event.LEDGER_ANCHORED).seq
    page = desk.get("/admin/compliance/ledgerentry/", headers={"accept-language": "en"}).content.decode()
    assert f"at entry {seq}" in page
    assert "/admin/compliance/ledgerentry/proof/" in page


def test_only_who_may_see_the_ledger_gets_the_proof(history: time_machine.Traveller, make_user: Any) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True))
    assert client.get("/admin/compliance/ledgerentry/proof/", {"start": "", "end": ""}).status_code == 403


@pytest.mark.parametrize("language", ["ja", "en"])
def test_page_1_says_what_is_proved_and_numbers_stay_on_one_line(
    language: str, history: time_machine.Traveller
) -> None:
    page = replay.page(proof.bundle(), language)
    heads = re.findall(r"<h2>(.*?)</h2>", page)
    first = {
        "ja": ["この証明が示すこと", "この証明だけではわからないこと"],
        "en": ["What this proves", "What this alone does not prove"],
    }[language]
    assert heads[:2] == first
    assert "td:first-child{white-space:nowrap;overflow-wrap:normal}" in page
    assert re.search(r"<tr><td>10</td>", page)
