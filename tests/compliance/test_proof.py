"""The proof says what the ledger says, and a third person with plain Python finds whatever was changed in it."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError
from django.test import Client
from django.utils import translation

from chat.models import User
from compliance import gate, ledger, proof, signing
from compliance.checklist import ITEM
from compliance.law import LAW_VERSION, REVISIONS, Feature
from compliance.models import Authorisation, LedgerEntry
from compliance.policy import Cause
from compliance.testing import SignItems, TurnKeys, evidence_for
from tests.compliance.test_commands import Done
from tests.compliance.test_ledger import rewrite, unguarded

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "howto" / "verify_bundle.py"


@pytest.fixture
def history(turn_keys: TurnKeys, operator: User) -> Iterator[time_machine.Traveller]:
    """Day 0: on. Day 1: knocked at while stopped. Day 2: on again, anchored. Day 3: an item withdrawn. It is day 4."""
    gate._refusals.clear()  # of tests before, in this process
    with time_machine.travel(START, tick=False) as clock:
        turn_keys()
        clock.shift(DAY)
        signing.stop(reason="点検のため", actor=operator)
        for feature, times in ((Feature.MATCH_PAIR, 3), (Feature.INVITE_ONLY, 2)):
            for _ in range(times):
                gate.count_refusal(feature)
        gate.write_refusals()
        clock.shift(DAY)
        signing.lift(reason="終わった", actor=operator)
        ledger.anchor()
        clock.shift(DAY)
        signing.withdraw(item=ITEM["LAW-07"], reason="誓約書を作り直す", actor=operator)
        clock.shift(DAY)
        yield clock


def plain(told: dict[str, Any], *anchors: str, tmp_path: Path) -> tuple[int, str]:
    """Hold a bundle against the script as a third person would: no Todoke, no environment, no site-packages."""
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path), *anchors],
        cwd=tmp_path,
        env={"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout


def faults(told: dict[str, Any], *anchors: str) -> list[str]:
    """What the script finds, in this process."""
    namespace: dict[str, Any] = {"__name__": "verify_bundle"}
    exec(compile(SCRIPT.read_text(encoding="utf-8"), SCRIPT.name, "exec"), namespace)  # noqa: S102 -- the document's own
    return list(namespace["faults"](told, anchors))


# What it says --------------------------------------------------------------------------------------------------------


def test_the_whole_history_is_told(history: time_machine.Traveller) -> None:
    told = proof.bundle()
    assert (told["format"], told["law_version"], told["revisions"]) == (proof.FORMAT, LAW_VERSION, dict(REVISIONS))
    assert (told["fault"], told["strays"], told["basis"]) == (None, [], [])
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
    assert [stop["began"]["said"]["reason"] for stop in told["stops"]] == ["点検のため"]
    assert told["refusals"] == {"room.invite_only": 2, "room.match_pair": 3}
    [withdrawn] = [one for one in told["signatures"] if one["ended"]]
    assert withdrawn["ended"]["said"] | {"signature": 0} == {
        "item": "LAW-07",
        "reason": "誓約書を作り直す",
        "signature": 0,
    }
    assert "evidence" not in json.dumps([told[name] for name in ("periods", "signatures", "stops")])
    assert json.loads(json.dumps(told)) == told


def test_a_range_in_the_middle_carries_what_it_rests_on(history: time_machine.Traveller) -> None:
    told = proof.bundle(START + DAY / 2, START + 3 * DAY / 2)
    assert [entry["event"] for entry in told["entries"]] == ["stop.pulled", "gate.closed", "gate.refused"]
    before = LedgerEntry.objects.get(seq=told["entries"][0]["seq"] - 1)
    assert told["previous_hash"] == before.hash
    assert told["last"]["hash"] == told["entries"][-1]["hash"]
    assert [state["closed_chat"] for state in told["states"]] == [True, False]
    assert told["states"][1]["stop"] == {"since": ledger.stamp(START + DAY), "reason": "点検のため"}
    assert {entry["event"] for entry in told["basis"]} == {"gate.opened", "item.signed"}
    assert len(told["periods"]) == 1
    assert faults(told) == []


def test_what_other_entries_count_is_no_refusal(history: time_machine.Traveller) -> None:
    before = proof.bundle()["refusals"]
    payload = {"counts": {"sessions": 4, "room.match_pair": 1}, "stopped": False, "table": "0"}
    ledger.append("retention.purged", actor=None, payload=payload)
    told = proof.bundle()
    assert told["refusals"] == before
    assert faults(told) == []


def test_a_side_told_twice_is_the_same_both_times(history: time_machine.Traveller, operator: User) -> None:
    signing.sign(item=ITEM["LAW-06"], evidence=evidence_for(ITEM["LAW-06"]), actor=operator)  # ends the one before
    told = proof.bundle()
    assert faults(told) == []
    [renewed] = [one for one in told["signatures"] if one["ended"] and one["ended"]["event"] == "item.signed"]
    renewed["ended"] = renewed["ended"] | {"by": "somebody else"}
    assert faults(told)


def test_a_range_in_which_nothing_happened_still_tells_the_state(history: time_machine.Traveller) -> None:
    told = proof.bundle(START + DAY / 4, START + DAY / 2)
    assert told["entries"] == []
    assert [state["closed_chat"] for state in told["states"]] == [True, True]
    assert len(told["periods"]) == 1
    assert told["last"]["hash"] == told["previous_hash"] != ledger.GENESIS
    assert faults(told) == []


def test_ranges_before_and_after_everything_hold(history: time_machine.Traveller) -> None:
    for start, end in ((None, START - DAY), (START - 2 * DAY, START - DAY), (START + 30 * DAY, None)):
        told = proof.bundle(start, end)
        assert told["entries"] == []
        assert faults(told) == []
    assert proof.bundle(None, START - DAY)["previous_hash"] == ledger.GENESIS


def test_ranges_that_follow_each_other_join(history: time_machine.Traveller) -> None:
    cut = START + 3 * DAY / 2
    first, second = proof.bundle(None, cut), proof.bundle(cut, None)
    assert first["last"]["hash"] == second["previous_hash"]
    assert first["entries"] + second["entries"] == proof.bundle()["entries"]


def test_a_clock_that_was_put_back_leaves_no_hole(db: None) -> None:
    with time_machine.travel(START, tick=False) as clock:
        for step in (0, 10, -5, 3):
            clock.shift(timedelta(seconds=step))
            ledger.append("test.written", actor=None, payload={})
    told = proof.bundle(START + timedelta(seconds=6), START + timedelta(seconds=9))
    assert [entry["seq"] for entry in told["entries"]] == [2, 3, 4]
    assert faults(told) == []


def test_a_renewed_signature_ends_the_one_before(history: time_machine.Traveller, sign_items: SignItems) -> None:
    sign_items("LAW-06")
    both = [one for one in proof.bundle()["signatures"] if one["began"]["said"]["item"] == "LAW-06"]
    assert [one["ended"] and one["ended"]["event"] for one in both] == ["item.signed", None]
    assert both[0]["ended"] == both[1]["began"]
    assert faults(proof.bundle()) == []


def test_an_expired_signature_no_longer_counts_at_the_end(history: time_machine.Traveller) -> None:
    history.shift(400 * DAY)
    gate.settle()
    start, end = proof.bundle(START + DAY / 2)["states"]
    assert "LAW-01" in start["signed"]
    assert "LAW-01" in end["expired"]


def test_a_row_stored_past_the_gate_shows(history: time_machine.Traveller) -> None:
    stray = Authorisation.objects.create(snapshot={}, closed_at=START, closed_because=[])
    assert proof.bundle()["strays"] == [{"table": "authorisation", "id": stray.pk}]
    assert f"authorisation {stray.pk}" in proof.page(proof.bundle(), "en")


# What a third person finds -------------------------------------------------------------------------------------------


def test_the_script_runs_without_todoke(history: time_machine.Traveller, tmp_path: Path) -> None:
    told = proof.bundle()
    line = str(ledger.last_anchor())
    assert plain(told, tmp_path=tmp_path) == (0, "The proof holds.\n")
    assert plain(told, line, tmp_path=tmp_path) == (0, "The proof holds.\n")
    told["entries"][2]["payload"]["item"] = "LAW-99"
    code, found = plain(told, line, tmp_path=tmp_path)
    assert code == 1
    assert "entry 3 was changed" in found


def test_the_script_is_short() -> None:
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip() and not line.lstrip().startswith(("#", '"""'))]) <= 38
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("bounds", [(None, None), (START + DAY / 2, START + 5 * DAY / 2)], ids=["whole", "middle"])
def test_a_change_of_any_value_of_any_entry_is_found(
    bounds: tuple[datetime | None, datetime | None], history: time_machine.Traveller
) -> None:
    told = proof.bundle(*bounds)
    for part in ("entries", "basis"):
        for index, entry in enumerate(told[part]):
            for key, value in entry.items():
                forged = copy.deepcopy(told)
                forged[part][index][key] = (
                    value + 1 if isinstance(value, int) else {"n": 1} if key == "payload" else "0"
                )
                assert faults(forged), (part, index, key)


def without(index: int) -> Callable[[list[Any]], None]:
    """Take an entry out."""
    return lambda entries: entries.__delitem__(index)


def swapped(entries: list[Any]) -> None:
    entries[3], entries[4] = entries[4], entries[3]


def doubled(entries: list[Any]) -> None:
    entries.insert(3, entries[3])


@pytest.mark.parametrize("change", [*(without(index) for index in (0, 1, -2, -1)), swapped, doubled, list.clear])
def test_a_change_of_order_or_number_is_found(
    change: Callable[[list[Any]], None], history: time_machine.Traveller
) -> None:
    for bounds in ((None, None), (START - DAY, START + 5 * DAY / 2)):
        told = proof.bundle(*bounds)
        change(told["entries"])
        assert faults(told)


SUMMARY: list[Callable[[dict[str, Any]], Any]] = [
    lambda told: told["periods"].pop(),
    lambda told: told["periods"][0].update(ended=None),
    lambda told: told["periods"][0]["began"].update(at=ledger.stamp(START + DAY)),
    lambda told: told["periods"][0]["began"]["said"]["standing"].update(number="A-08-99999"),
    lambda told: told["periods"][0]["ended"]["said"].update(causes=[]),
    lambda told: told["signatures"][0]["began"].update(by="somebody else"),
    lambda told: told["stops"].clear(),
    lambda told: told["refusals"].update({"room.match_pair": 0}),
    lambda told: told["refusals"].clear(),
    lambda told: told["states"][1].update(closed_chat=True),
    lambda told: told["states"][0].update(closed_chat=True),
    lambda told: told.update(previous_hash="1" * 64),
    lambda told: told["last"].update(hash="1" * 64),
    lambda told: told["head"].update(seq=99),
]


@pytest.mark.parametrize("forge", SUMMARY, ids=map(str, range(len(SUMMARY))))
def test_a_summary_that_says_something_else_is_found(
    forge: Callable[[dict[str, Any]], Any], history: time_machine.Traveller
) -> None:
    told = proof.bundle()
    forge(told)
    assert faults(told)


def rewritten(told: dict[str, Any], entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A proof made anew around other entries, each hash of it right: what the owner of the database can do."""
    previous, forged = ledger.GENESIS, copy.deepcopy(told)
    forged["entries"] = []
    story = proof.Story()
    for number, entry in enumerate(copy.deepcopy(entries), start=1):
        entry.pop("hash")
        entry |= {"seq": number, "previous_hash": previous}
        previous = hashlib.sha256(ledger.canonical(entry)).hexdigest()
        forged["entries"].append({**entry, "hash": previous})
        story.tell(entry)
    last = {"seq": len(entries), "hash": previous}
    states = [told["states"][0], story.state(None)]
    return forged | {
        "last": last,
        "head": last,
        "states": states,
        "refusals": dict(story.refusals),
        **{name: getattr(story, name) for name in ("periods", "signatures", "stops")},
    }


def test_only_an_anchor_finds_a_tail_that_was_cut_and_a_chain_that_was_written_anew(
    history: time_machine.Traveller,
) -> None:
    told, line = proof.bundle(), str(ledger.last_anchor())
    seq = int(line.split()[2])
    cut = rewritten(told, told["entries"][: seq - 1])
    anew = rewritten(told, [entry for entry in told["entries"] if entry["event"] != "gate.refused"])
    for forged in (cut, anew):
        assert faults(forged) == []
        assert faults(forged, line)
    assert faults(rewritten(told, told["entries"]), line) == []
    assert faults(proof.bundle(), "> todoke-anchor 1\n" + line.split("1 ", 1)[1]) == []  # as a mail quotes and wraps


def test_an_anchor_that_a_proof_does_not_reach_is_not_taken_for_checked(history: time_machine.Traveller) -> None:
    [found] = faults(proof.bundle(None, START + DAY), str(ledger.last_anchor()))
    assert "does not reach it" in found


# Anchors -------------------------------------------------------------------------------------------------------------


def test_an_anchor_is_one_line_and_is_itself_on_record(history: time_machine.Traveller, tmp_path: Path) -> None:
    kept = tmp_path / "anchors.txt"
    lines = [Done("ledger", "anchor", "--append", str(kept)).out, Done("ledger", "anchor", "--append", str(kept)).out]
    assert kept.read_text() == "".join(lines)
    assert re.fullmatch(r"todoke-anchor 1 \d+ [0-9a-f]{64} 2026-11-26T03:00:00\.000000\+00:00\n", lines[0])
    head = LedgerEntry.objects.latest("seq")
    assert (head.event, head.hash) == (ledger.ANCHORED, lines[1].split()[3])
    assert str(ledger.last_anchor()) == lines[1].strip()
    held = Done("ledger", "verify", "--anchor", str(kept), "--anchor", lines[0].strip())
    assert (held.code, held.err) == (0, "")
    assert "3 anchors" in held.out


def test_a_cut_end_is_found_by_an_anchor(history: time_machine.Traveller) -> None:
    line = Done("ledger", "anchor").out.strip()
    with unguarded():
        rewrite("DELETE FROM compliance_ledgerentry WHERE seq = %s", int(line.split()[2]))
    assert Done("ledger", "verify").code == 0
    broken = Done("ledger", "verify", "--anchor", line)
    assert broken.code == 1
    assert "cut off" in broken.err
    ledger.append("test.written", actor=None, payload={})  # the number is taken again, by something else
    assert "rewritten" in Done("ledger", "verify", "--anchor", line).err


def test_a_chain_that_does_not_hold_is_not_anchored(history: time_machine.Traveller, tmp_path: Path) -> None:
    with unguarded():
        rewrite("UPDATE compliance_ledgerentry SET event = 'test.read' WHERE seq = %s", 2)
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
    page = (out / "proof.html").read_text()
    assert f'<html lang="{language}">' in page
    assert not re.search(r"<script|<link|<img|src=|url\(|http", page)
    for word in (
        "A-08-12345",
        "点検のため",
        "room.match_pair",
        told["previous_hash"],
        told["last"]["hash"],
        "2026-11-23 12:00:00",
    ):
        assert word in page
    assert ("クローズド・チャット" in page) is (language == "ja")


def test_a_broken_chain_is_exported_and_says_so(history: time_machine.Traveller, tmp_path: Path) -> None:
    with unguarded():
        rewrite("UPDATE compliance_ledgerentry SET event = 'test.read' WHERE seq = %s", 2)
    done = Done("ledger", "export", "--out", str(tmp_path))
    assert done.code == 1
    assert "entry 2 was changed" in done.err
    assert "entry 2 was changed" in (tmp_path / "proof.html").read_text()


def test_what_people_wrote_is_text_on_the_page(history: time_machine.Traveller, operator: User) -> None:
    signing.stop(reason="<b>太字</b>", actor=operator)
    assert "<b>太字</b>" not in proof.page(proof.bundle(), "ja")


@pytest.mark.parametrize(
    ("payload", "ja", "en"),
    [
        ({"authorisation": 3, "causes": ["checklist", "new"]}, "提供可能期間 3", "period 3"),
        (
            {"causes": ["checklist"]},
            "必須項目の署名がない、または期限切れだった",
            "a required signature was missing or had expired",
        ),
        (
            {"notice": {"on": "2027-01-10", "reason": {"ja": "人手", "en": "staff"}}},
            "2027-01-10, 人手",
            "2027-01-10, staff",
        ),
        ({"counts": {"room.match_pair": 3}}, "room.match_pair × 3", "room.match_pair × 3"),
        ({"on": "2027-01-10", "reached": True, "reason": "続ける"}, "on 2027-01-10, reached, 続ける", "reached"),
        ({"item": "LAW-07", "expires": "x", "note": ""}, "LAW-07", "LAW-07"),
    ],
)
def test_an_entry_is_summed_up_in_words(payload: dict[str, Any], ja: str, en: str) -> None:
    for language, words in (("ja", ja), ("en", en)):
        with translation.override(language):
            assert words in proof.summary(payload)
            assert "{" not in proof.summary(payload)


def test_a_period_that_ends_before_it_begins_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="before"):
        Done("ledger", "export", "--from", "2026-11-25", "--to", "2026-11-23")


def test_the_operator_downloads_the_proof_of_days_in_japan(history: time_machine.Traveller, desk: Client) -> None:
    page = desk.get("/admin/compliance/ledgerentry/proof/")
    assert page.status_code == 200
    answer = desk.get("/admin/compliance/ledgerentry/proof/", {"start": "2026-11-23", "end": "2026-11-23"})
    assert answer["Content-Disposition"] == 'attachment; filename="todoke-proof.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        told = json.loads(archive.read("proof.json"))
    assert (told["from"], told["to"]) == ("2026-11-22T15:00:00.000000+00:00", "2026-11-23T15:00:00.000000+00:00")
    assert [entry["event"] for entry in told["entries"]] == ["stop.pulled", "gate.closed", "gate.refused"]
    wrong = desk.get("/admin/compliance/ledgerentry/proof/", {"start": "2026-11-23", "end": "2026-11-22"})
    assert wrong["Content-Type"].startswith("text/html")


def test_the_ledgers_page_shows_the_last_anchor(history: time_machine.Traveller, desk: Client) -> None:
    seq = LedgerEntry.objects.get(event=ledger.ANCHORED).seq
    page = desk.get("/admin/compliance/ledgerentry/", headers={"accept-language": "en"}).content.decode()
    assert f"at entry {seq}" in page
    assert "/admin/compliance/ledgerentry/proof/" in page


def test_only_who_may_see_the_ledger_gets_the_proof(history: time_machine.Traveller, make_user: Any) -> None:
    client = Client()
    client.force_login(make_user(is_staff=True))
    assert client.get("/admin/compliance/ledgerentry/proof/", {"start": "", "end": ""}).status_code == 403
