"""The operator's way through pages alone: must I file, the papers, the signatures, on; each way to shut; the proof."""

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import FilePayload, Locator, Page, expect

from compliance.law import ITEM, Cause
from compliance.models import Approval, LedgerEntry
from compliance.testing import NOTIFIED, agreed, evidence_for, unguarded
from tests.chat.people.test_second_factor import totp
from tests.compliance.records.test_ledger import rewrite
from tests.conftest import PASSWORD
from tests.e2e.test_main_job import code_for
from tests.serving import ROOT, Server, manage

pytestmark = pytest.mark.django_db(transaction=True)

OPERATOR: Final = "operator@example.jp"
FILED: Final = NOTIFIED | {"TELECOM_OPERATOR_ADDRESS": "長野県長野市旭町1108"}
"""Key 1, for the operator whom the draft of the notification names."""
ACTIVATE: Final = "/accounts/2fa/totp/activate/"
CHECKLIST: Final = "/admin/compliance/checklist/"
# A chat on rented servers that strangers pay for in the end; nothing reaches chosen people but what the code has.
ANSWERS: Final = {"N1": "yes", "N2": "yes", "N3": "yes", "N4": "yes", "N5": "no", "N6": "no", "N7": "no", "N8": "no"}
SHUT: Final = {Cause.emergency_stop: "停止しています", Cause.ended: "終了しました"}
RECEIPT: Final = FilePayload(name="届出書の控え.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4")


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    """Where the server puts the mail that it sends."""
    return tmp_path / "letters"


@pytest.fixture
def server(letters: Path, tmp_path: Path, transactional_db: None) -> Iterator[Server]:
    """A server as it is installed: nobody is there, neither key is turned, no room is open."""
    env = {
        **dict.fromkeys(NOTIFIED, ""),
        "EMAIL_URL": f"filemail:///{letters}",
        "EVIDENCE_ROOT": str(tmp_path / "kept"),
    }
    with Server("daphne", env, "tests.e2e.later:application") as running:
        yield running
    print(running.log)


def test_the_operators_way(visit: Any, server: Server, letters: Path, tmp_path: Path) -> None:
    desk, visitor = visit(accept_downloads=True).new_page(), visit().new_page()
    sign_in_for_the_first_time(desk, letters)
    closed_chat_is_off(visitor, Cause.environment, "届出がこのサーバーに設定されていない")

    learn_that_a_notification_is_due(desk)
    draft_the_notification(desk)
    purge(server)
    sign_what_blocks(desk)
    closed_chat_is_off(visitor, Cause.environment, "TELECOM_REGISTRATION")
    restart(server, **FILED)
    sign_what_blocks(desk)
    closed_chat_is_on(visitor)

    withdraw_a_signature_and_sign_again(desk, visitor)
    pull_the_stop_and_lift_it(desk, visitor)
    take_the_environments_key_out_and_put_it_back(server, desk, visitor)
    end_as_announced_and_go_on_after_all(server, desk, visitor)
    let_signatures_run_out_and_sign_anew(server, desk, visitor)

    proof = download_the_proof(desk, tmp_path)
    code, out = verify(proof, tmp_path)
    assert (code, out.splitlines()[-1]) == (0, "The proof holds."), out
    it_tells_what_happened(proof)
    tampering_is_found(desk, tmp_path)


# --- on and off, as anybody sees it ----------------------------------------------------------------------------


def closed_chat_is_on(visitor: Page) -> None:
    """The matching page answers, and the gate says so to machines."""
    answer = visitor.goto("/match/")
    assert answer is not None
    assert answer.status == 200
    said = gate(visitor)
    assert (said["closed_chat"], said["features"]["room.match_pair"]["causes"]) == (True, [])


def closed_chat_is_off(visitor: Page, cause: Cause, *words: str) -> None:
    """The matching page answers 451 with the reason in words, machines get the cause, open rooms are one step away."""
    answer = visitor.goto("/match/")
    assert answer is not None
    assert answer.status == 451
    was_on = LedgerEntry.objects.filter(event="gate.opened").exists()
    how = SHUT.get(cause, "いま開いていません" if was_on else "まだ開いていません")
    expect(visitor.get_by_role("heading", level=1)).to_contain_text(how)
    for word in words:
        expect(visitor.get_by_role("main")).to_contain_text(word)
    said = gate(visitor)
    assert said["closed_chat"] is False
    assert said["features"]["room.match_pair"]["causes"][0] == cause
    visitor.get_by_role("main").get_by_role("link", name="オープンチャットへ").click()
    visitor.wait_for_url("**/")


def gate(visitor: Page) -> dict[str, Any]:
    """What the public API says."""
    said: dict[str, Any] = visitor.request.get("/api/gate/").json()
    return said


# --- coming in -------------------------------------------------------------------------------------------------


def sign_in_for_the_first_time(desk: Page, letters: Path) -> None:
    """The deployer makes the account; the operator confirms its address with the code that comes by mail."""
    env = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD, "DJANGO_SUPERUSER_EMAIL": OPERATOR}
    made = manage("createsuperuser", "--noinput", env=env)
    assert made.returncode == 0, made.stderr
    desk.goto("/admin/")
    sign_in(desk)
    if "confirm-email" in desk.url:
        desk.locator("[name=code]").fill(code_for(OPERATOR, letters))
        with desk.expect_navigation():
            desk.get_by_role("button", name="確認する").click()
    desk.goto("/admin/")
    add_a_second_factor(desk)
    expect(desk.locator(".gate-status")).to_have_attribute("data-on", "no")


def add_a_second_factor(desk: Page) -> None:
    """The admin explains that a password is not enough, leads to the page that adds a factor, and takes one back."""
    expect(desk.get_by_role("heading", level=1)).to_have_text("多要素認証が必要です")
    desk.get_by_role("link", name="多要素認証を設定する").click()
    desk.locator(f"a[href='{ACTIVATE}']").click()
    desk.locator("[name=password]").fill(PASSWORD)
    desk.get_by_role("main").get_by_role("button", name="続ける").click()
    desk.wait_for_url(f"**{ACTIVATE}")
    desk.locator("[name=code]").fill(totp(desk.locator("#authenticator_secret").input_value()))
    desk.get_by_role("main").locator("form [type=submit]").first.click()
    desk.wait_for_url("**/recovery-codes/")
    desk.get_by_role("link", name="続ける").click()
    desk.wait_for_url("**/admin/")


def sign_in(desk: Page, days: int = 0) -> None:
    """Fill in the form of the page that asks who one is, and the code of the app, whose clock is so many days ahead."""
    desk.locator("[name=login]").fill(OPERATOR)
    desk.locator("[name=password]").fill(PASSWORD)
    desk.get_by_role("main").get_by_role("button", name="ログイン", exact=True).click()
    desk.wait_for_url(re.compile("confirm-email|/2fa/authenticate/|/admin/"))
    if "authenticate" in desk.url:
        factor = Authenticator.objects.get(user__email=OPERATOR, type=Authenticator.Type.TOTP)
        desk.locator("[name=code]").fill(totp(factor.data["secret"], days))
        desk.locator("[name=code]").press("Enter")
        desk.wait_for_url("**/admin/**")


def restart(server: Server, **env: str) -> None:
    """What the deployer does: end the process, change the environment, start again."""
    assert server.sigterm() == 0
    server.env |= env
    server.start()


def purge(server: Server) -> None:
    """What the daily timer does, on the server's day: without it LAW-12 has nothing to rest on."""
    run = "from tests.e2e import later; from django.core.management import call_command; call_command('purge')"
    subprocess.run([sys.executable, "-c", run], cwd=ROOT, env=server.env, check=True, capture_output=True)


# --- must I file, and the papers -------------------------------------------------------------------------------


def learn_that_a_notification_is_due(desk: Page) -> None:
    """One question after the other, to a verdict with articles and penalties; it becomes LAW-01."""
    desk.get_by_role("link", name="チェックリストを開く").first.click()
    desk.get_by_role("link", name="届出は必要？").first.click()
    desk.get_by_role("link", name="最初の質問から始める").click()
    for node, answer in ANSWERS.items():
        expect(desk.get_by_role("heading", level=1)).to_contain_text(node)
        desk.locator(f"[name={node}][value={answer}]").check()
        desk.locator(".question [type=submit]").click()
    verdict = desk.locator(".verdict")
    expect(verdict).to_have_attribute("data-outcome", "NOTIFY")
    expect(desk.get_by_role("main")).to_contain_text("電気通信事業法185条1号")
    fill(desk.locator(".record"), "LAW-01")
    desk.locator(".record [type=submit]").click()
    expect(desk.locator(".messagelist")).to_contain_text("LAW-01")


def draft_the_notification(desk: Page) -> None:
    """The forms come out filled in, as sheets and as text, with the bureau that the address belongs to."""
    desk.goto("/operator/filing/")
    expect(desk.locator(".stages [aria-current=step]")).to_contain_text("TELECOM_REGISTRATION=none")
    desk.locator("[name=kind][value=person]").check()
    desk.locator("[name=abroad][value=no]").check()
    for name, value in {
        "name": "届チャット運営",
        "address": "長野県長野市旭町1108",
        "phone": "026-000-0000",
        "email": OPERATOR,
    }.items():
        desk.locator(f"[name={name}]").fill(value)
    desk.get_by_role("button", name="保存").click()
    expect(desk.get_by_role("complementary")).to_contain_text("信越総合通信局")
    desk.get_by_role("link", name="A4").click()
    for words in ("様式第8", "様式第3", "様式第4", "届チャット運営", "下書き"):
        expect(desk.locator("body")).to_contain_text(words)
    desk.locator("img.diagram").evaluate("(image) => image.decode()")  # rejects what is no picture
    text = desk.request.get("/operator/filing/draft.txt").text()
    assert "長野県長野市旭町1108" in text


# --- signatures ------------------------------------------------------------------------------------------------


def fill(form: Locator, item_id: str) -> None:
    """Put evidence into the fields that a form has for an item."""
    for key, value in evidence_for(ITEM[item_id]).items():
        field = form.locator(f"[name='{key}']")
        if not field.count():
            continue
        match field.first.get_attribute("type"):
            case "checkbox":
                field.set_checked(value)
            case "radio":
                form.locator(f"[name='{key}'][value='{value}']").check()
            case _ if field.evaluate("(control) => control.tagName") == "SELECT":
                field.select_option(value)
            case _:
                field.fill(value)


def sign(desk: Page, item_id: str) -> None:
    """Sign the item whose page this is, with a file if it is the one on the filing; check what was kept of it."""
    expect(desk.get_by_role("heading", level=1)).to_contain_text(item_id)
    if desk.locator("details:has(.evidence) > summary").count():
        desk.locator("details:has(.evidence) > summary").click()
    fill(desk.locator(".evidence"), item_id)
    if item_id == "LAW-03":
        desk.locator("[name=added]").set_input_files(RECEIPT)
    desk.locator(".evidence [name=_sign]").click()
    expect(desk.locator(".messagelist")).to_contain_text(f"{item_id} に署名しました")
    if item_id == "LAW-03":
        desk.goto(f"{CHECKLIST}LAW-03/")
        expect(desk.get_by_role("main")).to_contain_text(hashlib.sha256(RECEIPT["buffer"]).hexdigest())
        with desk.expect_download() as download:
            desk.get_by_role("link", name=RECEIPT["name"]).click()
        assert Path(download.value.path()).read_bytes() == RECEIPT["buffer"]


def sign_what_blocks(desk: Page) -> None:
    """Follow "next" from item to item until none blocks any more."""
    for _ in ITEM:
        desk.goto(CHECKLIST)
        onward = desk.locator(".gate-keys").get_by_role("link", name=re.compile("LAW-"))
        item_id = re.findall(r"LAW-\d\d", onward.inner_text())[0] if onward.count() else ""
        if not item_id or not ITEM[item_id].blocks:
            return
        onward.click()
        sign(desk, item_id)
    pytest.fail("every item is signed, and one still blocks")


# --- each way to shut ------------------------------------------------------------------------------------------


def withdraw_a_signature_and_sign_again(desk: Page, visitor: Page) -> None:
    """A signature taken back shuts the gate by itself; a new one opens it."""
    desk.goto(f"{CHECKLIST}LAW-07/")
    desk.locator("summary", has_text="署名を取り下げる").click()
    desk.locator("form:has([name=_withdraw]) [name=reason]").fill("誓約書を作り直すため")
    desk.locator("[name=_withdraw]").click()
    expect(desk.locator(".messagelist")).to_contain_text("クローズド・チャットは停止中")
    closed_chat_is_off(visitor, Cause.checklist, "LAW-07", "従事者の守秘誓約")
    sign_what_blocks(desk)
    closed_chat_is_on(visitor)


def pull_the_stop_and_lift_it(desk: Page, visitor: Page) -> None:
    """The stop takes one person, is shown to users with its reason, and takes a second person to lift."""
    ask_at_the_stop(desk, "不具合の点検のため", "緊急停止")
    closed_chat_is_off(visitor, Cause.emergency_stop, "不具合の点検のため")
    ask_at_the_stop(desk, "点検が終わったため", "二人目に同意を依頼しました")
    closed_chat_is_off(visitor, Cause.emergency_stop, "不具合の点検のため")
    agreed(Approval.objects.get())
    desk.goto("/desk/approvals/")
    with desk.expect_navigation():
        desk.get_by_role("button", name="実行する").click()
    closed_chat_is_on(visitor)


def ask_at_the_stop(desk: Page, reason: str, said: str) -> None:
    """Fill in the page of the stop and confirm; the next page says what came of it."""
    desk.goto("/admin/compliance/stop/")
    desk.locator("[name=reason]").fill(reason)
    desk.locator(".submit-row input").first.click()
    desk.locator("[name=_confirm]").click()
    expect(desk.locator(".messagelist")).to_contain_text(said)


def take_the_environments_key_out_and_put_it_back(server: Server, desk: Page, visitor: Page) -> None:
    """Without the deployer's key the signatures do nothing; the calendar says what follows from a lapse."""
    restart(server, **dict.fromkeys(NOTIFIED, ""))
    closed_chat_is_off(visitor, Cause.environment, "TELECOM_REGISTRATION")
    desk.goto(CHECKLIST)
    desk.locator(".object-tools").get_by_role("link", name="届出・報告の予定表").click()
    expect(desk.get_by_role("main")).to_contain_text("予告なく止まっていることの周知")
    restart(server, **FILED)
    closed_chat_is_on(visitor)
    desk.reload()
    expect(desk.get_by_role("main")).not_to_contain_text("予告なく止まっていることの周知")


def end_as_announced_and_go_on_after_all(server: Server, desk: Page, visitor: Page) -> None:
    """From the announcement nothing new, from the day nothing at all; withdrawn, closed chat comes back."""
    desk.goto("/admin/compliance/closing/")
    on = date.fromisoformat(desk.locator("[name=on]").input_value())
    desk.locator("[name=reason_ja]").fill("人手が足りないため")
    desk.get_by_role("button", name="利用者に見える形で確かめる").click()
    desk.locator("[name=_confirm]").click()
    expect(desk.locator(".messagelist")).to_contain_text("予告")
    told = gate(visitor)
    assert (told["closed_chat"], told["planned_end"]["on"]) == (True, on.isoformat())
    assert told["planned_end"]["cause"] == Cause.winding_down
    visitor.goto("/legal/closing/")
    expect(visitor.get_by_role("main")).to_contain_text("人手が足りないため")

    days = (on - today(desk)).days
    restart(server, DAYS_AHEAD=str(days))
    closed_chat_is_off(visitor, Cause.ended, f"{on.month}月{on.day}日")
    assert gate(visitor)["planned_end"]["cause"] == Cause.ended
    desk.goto("/admin/compliance/closing/")
    sign_in(desk, days)
    desk.locator("summary", has_text="予告を取り下げる").click()
    desk.locator("[name=reason]").fill("人手が見つかったため")
    desk.locator("[name=_withdraw]").click()
    sign_what_blocks(desk)
    closed_chat_is_on(visitor)
    assert gate(visitor)["planned_end"] is None


def today(page: Page) -> date:
    """The day in Japan, where the browser of these people is."""
    return date.fromisoformat(page.evaluate("new Date(Date.now() + 9 * 3600e3).toISOString().slice(0, 10)"))


def let_signatures_run_out_and_sign_anew(server: Server, desk: Page, visitor: Page) -> None:
    """Two years later every signature that ends has ended; the gate shut by itself, and signing anew opens it."""
    restart(server, DAYS_AHEAD="800")
    closed_chat_is_off(visitor, Cause.checklist, "期限切れ")
    purge(server)
    desk.goto(CHECKLIST)
    sign_in(desk, 800)
    sign_what_blocks(desk)
    closed_chat_is_on(visitor)


# --- the proof -------------------------------------------------------------------------------------------------


def download_the_proof(desk: Page, folder: Path) -> Path:
    """The archive that the ledger's page gives; its sums are right. Returns its JSON."""
    desk.goto("/admin/compliance/ledgerentry/")
    desk.get_by_role("link", name="証明").first.click()
    with desk.expect_download() as download:
        desk.get_by_role("button", name="証明書類をダウンロード").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        archive.extractall(folder)
    for line in (folder / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    return folder / "proof.json"


def verify(proof: Path, folder: Path) -> tuple[int, str]:
    """Run the script of the how-to as a third person would: plain Python, no Todoke on the path."""
    script = folder / "verify_bundle.py"
    script.write_bytes((ROOT / "docs/howto/verify_bundle.py").read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(script), str(proof)],
        cwd=folder,
        env={"PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def it_tells_what_happened(proof: Path) -> None:
    """Each period ended by the cause that the operator brought about, and the last one runs."""
    told = json.loads(proof.read_text(encoding="utf-8"))
    ends = [period["ended"]["said"]["causes"][0] if period["ended"] else None for period in told["periods"]]
    assert ends == [Cause.checklist, Cause.emergency_stop, Cause.environment, Cause.ended, Cause.checklist, None]
    assert told["refusals"]["room.match_pair"] >= 1
    assert RECEIPT["name"] in json.dumps(told, ensure_ascii=False)  # evidence names its file and hash, not its bytes


def tampering_is_found(desk: Page, folder: Path) -> None:
    """Whoever owns the database changes one row behind the triggers: the page says so, and the script refuses it."""
    entry = LedgerEntry.objects.filter(event="item.withdrawn", payload__item="LAW-07").first()
    assert entry is not None
    change_behind_the_triggers(entry.seq)
    desk.goto("/admin/compliance/ledgerentry/")
    expect(desk.get_by_role("main")).to_contain_text(str(entry.seq))
    forged = folder / "forged"
    forged.mkdir()
    code, found = verify(download_the_proof(desk, forged), forged)
    assert code == 1
    assert f"entry {entry.seq} was changed" in found


def change_behind_the_triggers(seq: int) -> None:
    """Give an entry of the ledger to somebody else."""
    with unguarded("ledger_update"):
        rewrite("UPDATE compliance_ledgerentry SET role = 'auditor' WHERE seq = %s", seq)
