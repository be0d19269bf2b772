"""The story that the desk has to stand: a threat in a closed talk, from the report to the ledger and its proof."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from chat import people, rooms
from chat.models import Report, Room, Sanction, User
from compliance.law.powers import Group
from compliance.models import Case, Disclosure, LedgerEntry, Letter
from compliance.records import ledger
from compliance.testing import NOTIFIED
from tests.conftest import MakeStaff, MakeUser, Serve, proven, signed_in
from tests.e2e.people import connected, say
from tests.e2e.test_keeping import picture
from tests.e2e.test_matching import seek
from tests.e2e.test_operators_way import verify
from tests.serving import Server

pytestmark = pytest.mark.django_db(transaction=True)
STEP: Final = 10_000  # milliseconds, for what a process does within a second
GREETING: Final = "はじめまして。藤棚の下でお待ちしています。"
THREAT: Final = "お前の家に火をつけてやる。"
ANSWER: Final = "やめてください。通報します。"
SAID: Final = (GREETING, THREAT, ANSWER)
MUTED: Final = "脅す言葉を送ったため"
WANTED: Final = ["disclosure.requested", "disclosure.approved", "seal.opened", "disclosure.made", "disclosure.opened"]

Cast = dict[str, User]


@pytest.fixture
def evidence(settings: Any, tmp_path: Path) -> str:
    """Where files and extracts are kept, for the server and for this process."""
    settings.EVIDENCE_ROOT = tmp_path / "kept"
    return str(settings.EVIDENCE_ROOT)


@pytest.fixture
def server(serve: Serve, evidence: str, turn_keys: Callable[[], Any], transactional_db: None) -> Server:
    """A server with closed chat on: the notification is done, the checklist is signed. One room is open."""
    turn_keys()
    rooms.create_open_room(actor=None, name="雑談", slug="talk")
    return serve(**NOTIFIED | {"EVIDENCE_ROOT": evidence})


@pytest.fixture
def cast(transactional_db: None, make_member: MakeUser, make_staff: MakeStaff, operator: User) -> Cast:
    """Everybody of the story, and those who must read nothing."""
    return {
        "threatening": make_member("蔦"),
        "threatened": make_member("藤"),
        "moderator": make_staff(Group.MODERATOR, name="当番"),
        "second moderator": make_staff(Group.MODERATOR, name="二番"),
        "compliance": make_staff(Group.COMPLIANCE, name="法務"),
        "second person": make_staff(Group.OPERATOR, name="責任者"),
        "operator": operator,
        "auditor": make_staff(Group.AUDITOR, name="監査"),
        "member": make_member("通りがかり"),
        "guest": people.enter_as_guest(nickname="旅人"),
    }


@pytest.fixture
def later(evidence: str, server: Server) -> Iterator[Callable[[], Server]]:
    """Starts the same service once the month is over."""
    running: list[Server] = []

    def start() -> Server:
        env = NOTIFIED | {"EVIDENCE_ROOT": evidence, "DAYS_AHEAD": "32"}
        running.append(Server("daphne", env, "tests.e2e.later:application").start())
        return running[0]

    yield start
    for each in running:
        each.close()
        print(each.log)


def test_a_threat_from_the_report_to_the_proof(
    visit: Any, server: Server, cast: Cast, later: Callable[[], Server], tmp_path: Path
) -> None:
    muted = visit(cast["threatening"])
    lobby_talk = muted.new_page()
    lobby_talk.goto("/rooms/talk/")
    connected(lobby_talk)
    reporter = visit(cast["threatened"]).new_page()
    talk = they_meet_and_one_threatens(muted.new_page(), reporter)
    the_other_reports_with_three_presses(reporter)
    nobody_else_reads_a_word(cast, talk)

    desk = visit(cast["moderator"]).new_page()
    a_moderator_sees_the_reported_words_and_mutes(desk)
    the_muted_person_reads_why_and_appeals(lobby_talk)
    a_second_moderator_decides(desk, visit(cast["second moderator"]).new_page())
    lobby_talk.reload()
    expect(lobby_talk.get_by_role("main")).to_contain_text("脅しの言葉は残っています")

    a_police_letter_is_answered_with_by_warrant_only(signed_in(cast["compliance"]))
    nobody_else_reads_a_word(cast, talk)
    a_warrant_opens_one_extract_with_two_persons(cast, talk)
    nobody_else_reads_a_word(cast, talk)

    the_ledger_and_its_proof_tell_it(cast, tmp_path)
    page = visit().new_page()
    page.goto(f"{later().url}/legal/transparency/")
    figures = dict(
        zip(
            page.locator("thead th").all_text_contents(),
            page.locator("tbody tr").first.locator("th, td").all_text_contents(),
            strict=True,
        )
    )
    assert {title: count for title, count in figures.items() if "開示" in title or "通報" in title} == {
        "クローズド・チャットの開示（案件の終了後に計上）": "1–4",  # a small number would point to somebody
        "当事者からの通報": "1–4",
    }


# --- the talk ----------------------------------------------------------------------------------------------------


def they_meet_and_one_threatens(threatening: Page, threatened: Page) -> Room:
    """Two strangers are matched; one threatens, takes the words back and leaves."""
    seek(threatening)
    threatened.goto("/match/")
    threatened.get_by_role("button", name="相手をさがす").click()
    for page in (threatening, threatened):
        page.wait_for_url("**/closed/**", timeout=STEP)
        connected(page)
    say(threatening, GREETING)
    expect(threatened.locator(".message-body").last).to_have_text(GREETING)
    say(threatening, THREAT)
    expect(threatened.locator(".message-body").last).to_have_text(THREAT)
    say(threatened, ANSWER)
    expect(threatening.locator(".message-body").last).to_have_text(ANSWER)
    threatening.on("dialog", lambda dialog: dialog.accept())
    threatening.locator("li.message", has_text=THREAT).hover()
    threatening.locator("[data-action=delete]").click()
    expect(threatened.locator("li.message[data-deleted]")).to_have_count(1)
    threatening.locator("button[data-leave]").click()
    expect(threatening.locator("[data-ended]")).to_be_visible()
    expect(threatened.locator("[data-ended]")).to_be_visible(timeout=STEP)
    return Room.objects.get(kind=Room.Kind.CLOSED)


def the_other_reports_with_three_presses(page: Page) -> None:
    """From the ended talk: one press to the form, one on the words, one on what it is."""
    page.locator("[data-ended] a[href$='/report/']").click()
    page.get_by_label(THREAT).click()
    page.get_by_role("button", name="脅し・身の危険").click()
    page.wait_for_url("**/reports/")
    report = Report.objects.get()
    assert (report.reason, report.closed, report.messages.count()) == ("threat", True, 1)


# --- the desk ----------------------------------------------------------------------------------------------------


def a_moderator_sees_the_reported_words_and_mutes(desk: Page) -> None:
    """The desk shows the reported words and no others; a week's mute is three keys away."""
    desk.goto("/desk/reports/")
    reads(desk)
    desk.locator("[data-queue] a").click()
    expect(desk.locator(".copies .words")).to_have_text([THREAT])
    reads(desk, THREAT)
    picture(desk, "desk-report")
    desk.keyboard.press("2")
    expect(desk.locator("#reason")).to_be_focused()
    desk.keyboard.type(MUTED)
    desk.locator("#note").fill("対応しました。")
    desk.get_by_role("button", name="対応しました").click()
    desk.wait_for_url("**/desk/reports/")
    act = Sanction.objects.get()
    assert (act.kind, act.reason, act.rule) == ("mute", MUTED, "threat")
    assert act.until is not None
    assert timedelta(days=6, hours=23) < act.until - timezone.now() <= timedelta(days=7)


def the_muted_person_reads_why_and_appeals(page: Page) -> None:
    """At once, where they would write: why, until when, and the way to appeal."""
    silent, act = page.locator("[data-silent]"), Sanction.objects.get()
    expect(silent).to_contain_text(MUTED, timeout=STEP)
    assert act.until is not None
    expect(silent).to_contain_text(timezone.localtime(act.until).strftime("%Y年%-m月%-d日"))
    expect(page.locator("form[data-composer]")).to_be_hidden()
    silent.get_by_role("link").click()
    page.wait_for_url("**/appeals/")
    page.locator("summary").click()
    page.locator("textarea[name=words]").fill("冗談のつもりでした。")
    page.get_by_role("button", name="不服申立てを送る").click()
    expect(page.get_by_role("main")).to_contain_text("まだ決定していません")


def a_second_moderator_decides(first: Page, second: Page) -> None:
    """Whoever acted does not decide; the second one does, without a word of the talk."""
    first.goto("/desk/appeals/")
    expect(first.get_by_role("main")).to_contain_text("別のモデレーターが")
    expect(first.locator("[name=outcome]")).to_have_count(0)
    second.goto("/desk/appeals/")
    reads(second)
    second.locator("[name=outcome][value=upheld]").check()
    second.locator("[name=note]").fill("脅しの言葉は残っています。")
    second.locator("form:has([name=outcome]) button").click()
    expect(second.get_by_role("main")).not_to_contain_text("冗談のつもり")


# --- papers ------------------------------------------------------------------------------------------------------


def a_police_letter_is_answered_with_by_warrant_only(desk: Client) -> None:
    """The letter becomes a case with its clock; the answer names neither words nor whether there was a talk."""
    today = timezone.localdate().isoformat()
    paper = {"kind": "police_inquiry", "variant": "ordinary", "sender": "霞が関警察署長", "reference": "捜査第12号"}
    page = desk.post("/desk/cases/new/", {**paper, "received_on": today})["Location"]
    assert desk.post(page, {"act": "letter:warrant_only"}).status_code == 302
    letter = Letter.objects.get().text
    assert "令状" in letter
    assert not any(words in letter for words in SAID)
    assert desk.post(page, {"act": "close", "outcome": "declined", "reason": "令状によるよう回答"}).status_code == 302


def a_warrant_opens_one_extract_with_two_persons(cast: Cast, talk: Room) -> None:
    """No word before the second person agreed; then the record as it stands, once."""
    clerk, second = proven(cast["compliance"]), proven(cast["second person"])
    now = timezone.localtime()
    paper = {"kind": "warrant", "variant": "ordinary", "sender": "地方裁判所", "received_on": now.date().isoformat()}
    case = clerk.post("/desk/cases/new/", paper)["Location"]
    upload = SimpleUploadedFile("令状.pdf", b"%PDF-1.7 warrant")
    assert clerk.post(case, {"act": "paper", "file": upload}).status_code == 302
    scope = {
        "ground": "order",
        "reason": "令状に記された会話の記録",
        "rooms": str(talk.pk),
        "since": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
        "until": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
    }
    page = clerk.post(f"/desk/disclosures/new/?case={Case.objects.latest('opened_at').pk}", scope)["Location"]
    assert "鍵" not in clerk.post(page, {"act": "make"}, follow=True).content.decode()
    assert Disclosure.objects.get().made_at is None
    assert not any(words in second.get(page).content.decode() for words in SAID)
    assert second.post(page, {"act": "approve"}).status_code == 302
    shown = clerk.post(page, {"act": "make"}).content.decode()
    key = re.search(r"<code>([0-9a-f]{64})</code>", shown)
    assert key is not None
    assert not any(words in shown for words in SAID)
    opened = clerk.post(page, {"act": "open", "key": key[1]})
    with zipfile.ZipFile(io.BytesIO(opened.content)) as archive:
        records = json.loads(archive.read("records.json"))["records"]
    assert [record["body"] for record in records if record["body"]] == [GREETING, ANSWER]  # the threat was taken back
    again = clerk.post(page, {"act": "open", "key": key[1]})
    assert again["Content-Type"].startswith("text/html")
    assert clerk.post(case, {"act": "close", "outcome": "given", "reason": "命令のとおり提出"}).status_code == 302


# --- what is left on record --------------------------------------------------------------------------------------


def the_ledger_and_its_proof_tell_it(cast: Cast, tmp_path: Path) -> None:
    """Each act of a person with power is an entry, no entry has a word, and the proof verifies without Todoke."""
    told = list(LedgerEntry.objects.order_by("seq").values_list("event", flat=True))
    happened = ["report.filed", "report.opened", "person.muted", "report.answered", "appeal.decided", "case.opened"]
    happened += ["letter.issued", "case.closed", "case.opened", *WANTED, "case.closed"]
    rest = iter(told)
    assert all(event in rest for event in happened), told
    assert ledger.verify() is None
    payloads = str(list(LedgerEntry.objects.values_list("payload", flat=True)))
    assert not any(words in payloads for words in SAID)
    answer = proven(cast["operator"]).post("/admin/compliance/ledgerentry/proof/", {"start": "", "end": ""})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    code, out = verify(tmp_path / "proof.json", tmp_path)
    assert (code, out.splitlines()[-1]) == (0, "The proof holds."), out
    proof = (tmp_path / "proof.json").read_text()
    assert all(event in proof for event in happened)
    assert not any(words in json.dumps(json.loads(proof), ensure_ascii=False) for words in SAID)


# --- nobody else read a word -------------------------------------------------------------------------------------


def reads(page: Page, *known: str) -> None:
    """The page holds these words of the talk and no others."""
    held = page.content()
    assert [words for words in SAID if words in held] == list(known)


def nobody_else_reads_a_word(cast: Cast, talk: Room) -> None:
    """Whatever page of the walk somebody else opens: without a name, as a guest, a member, or as staff."""
    report = Report.objects.get()
    doors = ["/", "/rooms/talk/", f"/closed/{talk.pk}/", f"/closed/{talk.pk}/report/"]
    doors += ["/match/", "/reports/", "/appeals/", "/account/", "/legal/", "/legal/transparency/", "/api/gate/"]
    doors += ["/desk/", "/desk/reports/", "/desk/reports/?state=answered", "/desk/people/?q=蔦", "/desk/appeals/"]
    doors += [f"/desk/people/{cast[who].public_id}/" for who in ("threatening", "threatened")]
    doors += ["/desk/log/", "/desk/cases/", "/desk/disclosures/", "/admin/compliance/ledgerentry/"]
    doors += [f"/desk/cases/{case.pk}/" for case in Case.objects.all()]
    doors += [f"/desk/disclosures/{row.pk}/" for row in Disclosure.objects.all()]
    # Moderators, compliance and operators may open the report, on record: then they see what was handed over.
    readers = ("second moderator", "compliance", "second person", "operator")
    outsiders: dict[str | None, Client] = {None: Client()}
    outsiders |= {who: signed_in(cast[who]) for who in ("guest", "member", "auditor", *readers)}
    for who, browser in outsiders.items():
        for door in doors if who in readers else [*doors, f"/desk/reports/{report.pk}/"]:
            answer = browser.get(door)
            assert not any(words in answer.content.decode() for words in SAID), (who, urlsplit(door).path)
