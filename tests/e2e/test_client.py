"""The page's pure modules — log, outbox, back-off, keys, text — each imported by itself into a real browser."""

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, Page

STATIC = Path(__file__).resolve().parents[2] / "chat" / "static"

# What the snippets below have at hand.
PRELUDE = """
  const made = { kind: "message", author: { id: "a", name: "A" }, at: "2026-11-22T00:00:00.000Z" };
  const item = (seq, body = `m${seq}`, more = {}) => ({ seq, id: `i${seq}`, body, ...made, ...more });
  const edit = (seq, target, body) => item(seq, body, { kind: "edit", target });
  const gone = (seq, target) => item(seq, "", { kind: "delete", target });
  const random = (seed) => () => ((seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648);
  const shuffled = (list, rand) => list.map((one) => [rand(), one]).sort(([a], [b]) => a - b).map(([, one]) => one);
  const turn = () => new Promise((resolve) => setTimeout(resolve));
"""


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", "": "text/html"}  # noqa: RUF012 -- the base class has it so

    def do_GET(self) -> None:
        if self.path.endswith(".js"):
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<!doctype html><html lang=ja><title>t</title><textarea></textarea><p></p>")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it
        pass


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """The static files at an address of their own, without the service."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Files, directory=str(STATIC)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def blank(browser: Browser, files: str) -> Iterator[Page]:
    """An empty page beside the modules."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(files)
    yield page
    context.close()


class Run(Protocol):
    """Runs the body of an async function with `names` imported from a module; returns what it returns."""

    def __call__(self, module: str, names: str, body: str) -> Any: ...


@pytest.fixture
def run(blank: Page) -> Run:
    """JavaScript in the browser, as a function of a module."""

    def call(module: str, names: str, body: str) -> Any:
        return blank.evaluate(
            f"async () => {{ const {{ {names} }} = await import('/chat/{module}.js'); {PRELUDE} {body} }}"
        )

    return call


# --- the log ---------------------------------------------------------------------------------------------------


def test_items_are_applied_once_and_in_order_however_they_arrive(run: Run) -> None:
    assert (
        run(
            "log",
            "Log",
            """
            const wrong = [];
            for (let seed = 1; seed <= 200; seed += 1) {
              const rand = random(seed);
              const log = new Log();
              log.reset([item(1), item(2)], { head: 2, more: false });
              const all = Array.from({ length: 30 }, (_, index) => item(index + 3));
              const seen = [1, 2];
              for (const one of shuffled([...all, ...all, item(1)], rand)) {
                seen.push(...log.receive([one]).added.map((message) => message.seq));
              }
              const inOrder = seen.length === 32 && seen.every((seq, index) => seq === index + 1);
              if (!inOrder || log.hole !== null) wrong.push(seed);
            }
            return wrong;
            """,
        )
        == []
    )


def test_a_hole_is_named_and_filled_from_the_log(run: Run) -> None:
    assert run(
        "log",
        "Log",
        """
        const log = new Log();
        log.reset([item(1)], { head: 1, more: false });
        const waiting = log.receive([item(4), item(3)]).added.length;
        const hole = log.hole;
        const filled = log.fill(1, [item(2)]).added.map((message) => message.seq);
        return { waiting, hole, filled, then: log.hole, head: log.head };
        """,
    ) == {"waiting": 0, "hole": 1, "filled": [2, 3, 4], "then": None, "head": 4}


def test_a_seq_that_the_log_does_not_know_is_no_hole_for_ever(run: Run) -> None:
    assert run(
        "log",
        "Log",
        """
        const log = new Log();
        log.reset([item(1)], { head: 1, more: false });
        log.receive([item(3), item(5)]);
        log.fill(1, [item(3)]);
        const hole = log.hole;
        log.skip();
        return { hole, head: log.head, seqs: log.messages.map((message) => message.seq) };
        """,
    ) == {"hole": 3, "head": 5, "seqs": [1, 3, 5]}


def test_what_comes_before_the_first_page_waits_for_it(run: Run) -> None:
    assert run(
        "log",
        "Log",
        """
        const log = new Log();
        const early = log.receive([item(8), item(9)]).added.length;
        const { added } = log.reset([item(6), item(7)], { head: 7, more: true });
        const { head, base, more } = log;
        return { early, seqs: log.messages.map((message) => message.seq), head, base, more, added: added.length };
        """,
    ) == {"early": 0, "seqs": [6, 7, 8, 9], "head": 9, "base": 6, "more": True, "added": 4}


def test_edits_and_deletions_reach_their_target_also_when_it_comes_later_with_an_older_page(run: Run) -> None:
    assert run(
        "log",
        "Log",
        """
        const log = new Log();
        const page = [item(10), edit(11, 10, "ten"), edit(12, 3, "three"), gone(13, 4), edit(14, 3, "three again")];
        log.reset(page, { head: 14, more: true });
        const edited = log.get(10).body;
        const live = log.receive([gone(15, 10)]).changed.map((message) => [message.seq, message.body, message.deleted]);
        log.older([item(3), item(4, ""), edit(5, 3, "old word")], true);
        return { edited, live,
                 older: [log.get(3), log.get(4)].map(({ body, edited, deleted }) => [body, edited, deleted]) };
        """,
    ) == {"edited": "ten", "live": [[10, "", True]], "older": [["three again", True, False], ["", False, True]]}


def test_a_reader_who_lost_edited_and_reconnected_holds_what_a_fresh_reader_holds(run: Run) -> None:
    assert (
        run(
            "log",
            "Log",
            """
            const wrong = [];
            const row = ({ seq, body, edited, deleted }) => [seq, body, edited, deleted];
            const state = (log) => JSON.stringify(log.messages.map(row));
            for (let seed = 1; seed <= 150; seed += 1) {
              const rand = random(seed);
              const pick = (n) => Math.floor(rand() * n);
              const room = [];
              for (let seq = 1; seq <= 120; seq += 1) {
                const targets = room.filter((one) => one.kind === "message" && one.body !== "");
                const target = targets[pick(targets.length)];
                const choice = rand();
                if (target && choice < 0.2) room.push(edit(seq, target.seq, `edit ${seq}`));
                else if (target && choice < 0.3) room.push(gone(seq, target.seq));
                else room.push(item(seq));
              }
              // As the server has it: a deleted message's own body is gone from the log.
              const emptied = new Set(room.filter((one) => one.kind === "delete").map((one) => one.target));
              const stored = room.map((one) => (emptied.has(one.seq) ? { ...one, body: "" } : one));
              const start = 20 + pick(60);
              const log = new Log();
              log.reset(stored.slice(start - 10, start), { head: start, more: true });
              for (let at = start; at < 120; ) {
                const step = 1 + pick(8);
                const choice = rand();
                if (choice < 0.5) log.receive(shuffled(stored.slice(at, at + step), rand));
                else if (choice < 0.8) log.receive(stored.slice(at - pick(5), at + step));
                at += step;
                if (log.head < at) log.fill(log.head, stored.slice(log.head, at));
                if (rand() < 0.1) log.trim(5);
              }
              while (log.more) log.older(stored.slice(Math.max(0, log.base - 1 - 7), log.base - 1), log.base - 1 > 7);
              const fresh = new Log();
              fresh.reset(stored, { head: 120, more: false });
              if (state(log) !== state(fresh)) wrong.push(seed);
            }
            return wrong;
            """,
        )
        == []
    )


# --- the outbox ------------------------------------------------------------------------------------------------

# Every `Outbox` of these tests is a tab; `frames` is what the server got.
TAB = """
  const frames = [];
  let seq = 0;
  const stored = new Map();
  const accept = async (frame) => {
    frames.push(frame);
    if (!stored.has(frame.client_id)) stored.set(frame.client_id, (seq += 1));
    return { seq: stored.get(frame.client_id) };
  };
  const refuse = (code, extra = {}) => Object.assign(new Error(code), { code, reason: "because", ...extra });
  const pauses = [];
  const tab = (send) => new Outbox({ user: "u", room: "r", storage: localStorage, send, staleReason: "stale",
                                     pause: async (seconds) => void pauses.push(seconds) });
  const states = (outbox) => outbox.entries.map((entry) => [entry.body, entry.state]);
"""


def test_a_message_goes_from_sending_to_sent_and_leaves_when_the_log_shows_it(run: Run) -> None:
    assert run(
        "outbox",
        "Outbox",
        TAB
        + """
        const outbox = tab(accept);
        const entry = outbox.add("hello", 7);
        const first = entry.state;
        await turn();
        const second = entry.state;
        outbox.settle([{ seq: 1, clientId: entry.clientId }], 1);
        const frame = { ...frames[0], client_id: typeof frames[0].client_id };
        return { first, second, left: outbox.entries.length, kept: localStorage.length, frame };
        """,
    ) == {
        "first": "sending",
        "second": "sent",
        "left": 0,
        "kept": 0,
        "frame": {"type": "message.post", "room": "r", "client_id": "string", "body": "hello", "reply_to": 7},
    }


def test_unsent_messages_survive_a_reload_and_are_sent_once_in_order(run: Run) -> None:
    assert run(
        "outbox",
        "Outbox",
        TAB
        + """
        const down = async () => { throw new Error("lost"); };
        const before = tab(down);
        const clientIds = [before.add("one").clientId];
        await new Promise((resolve) => setTimeout(resolve, 5));
        clientIds.push(before.add("two").clientId);
        await turn();
        const after = tab(accept);
        const waiting = states(after);
        await after.flush();
        const same = frames.map((frame) => frame.client_id).join() === clientIds.join();
        return { waiting, same, bodies: frames.map((frame) => frame.body), again: states(tab(accept)) };
        """,
    ) == {"waiting": [["one", "sending"], ["two", "sending"]], "same": True, "bodies": ["one", "two"], "again": []}


def test_a_message_whose_receipt_was_lost_goes_out_again_under_the_same_client_id(run: Run) -> None:
    assert run(
        "outbox",
        "Outbox",
        TAB
        + """
        let cut = true;
        const outbox = tab(async (frame) => {
          const receipt = await accept(frame);
          if (cut) throw new Error("lost");
          return receipt;
        });
        const entry = outbox.add("hello");
        await turn();
        const between = entry.state;
        cut = false;
        await outbox.flush();
        return { between, now: [entry.state, entry.seq], sent: frames.length, stored: stored.size };
        """,
    ) == {"between": "sending", "now": ["sent", 1], "sent": 2, "stored": 1}


def test_a_refused_message_waits_for_its_author_and_the_next_one_goes_on(run: Run) -> None:
    assert run(
        "outbox",
        "Outbox",
        TAB
        + """
        let answer = async () => { throw refuse("forbidden"); };
        const outbox = tab((frame) => (frame.body === "bad" ? answer(frame) : accept(frame)));
        const bad = outbox.add("bad");
        outbox.add("good");
        await turn();
        const refused = [states(outbox), bad.reason, states(tab(accept))];
        answer = accept;
        outbox.retry(bad.clientId);
        await turn();
        return { refused, then: states(outbox), bodies: frames.map((frame) => frame.body) };
        """,
    ) == {
        "refused": [[["bad", "failed"], ["good", "sent"]], "because", [["bad", "failed"]]],
        "then": [["bad", "sent"], ["good", "sent"]],
        "bodies": ["good", "bad"],
    }


def test_not_now_is_waited_for_as_long_as_the_server_says_and_keeps_the_order(run: Run) -> None:
    assert run(
        "outbox",
        "Outbox",
        TAB
        + """
        let busy = 2;
        const outbox = tab(async (frame) => {
          if (busy > 0) { busy -= 1; throw refuse("rate", { retryAfter: 3 }); }
          return accept(frame);
        });
        outbox.add("one");
        outbox.add("two");
        await turn();
        return { pauses, bodies: frames.map((frame) => frame.body), states: states(outbox) };
        """,
    ) == {"pauses": [3, 3], "bodies": ["one", "two"], "states": [["one", "sent"], ["two", "sent"]]}


def test_tabs_do_not_overwrite_each_other_and_rooms_stay_apart(run: Run) -> None:
    assert run(
        "outbox",
        "Outbox",
        TAB
        + """
        const down = async () => { throw new Error("lost"); };
        const [left, right] = [tab(down), tab(down)];
        left.add("left");
        await new Promise((resolve) => setTimeout(resolve, 5));
        right.add("right");
        const other = new Outbox({ user: "u", room: "r2", storage: localStorage, send: accept });
        return { both: states(tab(down)), other: other.entries.length };
        """,
    ) == {"both": [["left", "sending"], ["right", "sending"]], "other": 0}


def test_a_message_that_waited_for_hours_is_not_sent_by_surprise(run: Run) -> None:
    assert run(
        "outbox",
        "Outbox",
        TAB
        + """
        tab(async () => { throw new Error("lost"); }).add("old");
        const key = localStorage.key(0);
        const entry = JSON.parse(localStorage.getItem(key));
        const at = new Date(Date.now() - 2 * 3600 * 1000).toISOString();
        localStorage.setItem(key, JSON.stringify({ ...entry, at }));
        localStorage.setItem("todoke.outbox.u.r.broken", "{");
        const outbox = tab(accept);
        await outbox.flush();
        const broken = localStorage.getItem("todoke.outbox.u.r.broken");
        return { states: states(outbox), reason: outbox.entries[0].reason, sent: frames.length, broken };
        """,
    ) == {"states": [["old", "failed"]], "reason": "stale", "sent": 0, "broken": None}


# --- back-off --------------------------------------------------------------------------------------------------


def test_waits_double_from_half_a_second_to_thirty_and_are_fully_jittered(run: Run) -> None:
    assert run(
        "backoff",
        "delay",
        """
        const ceilings = Array.from({ length: 9 }, (_, attempt) => delay(attempt, () => 0.9999999));
        const drawn = Array.from({ length: 500 }, () => delay(20));
        return { ceilings: ceilings.map((seconds) => Math.round(seconds * 10) / 10), floor: delay(5, () => 0),
                 within: drawn.every((seconds) => seconds >= 0 && seconds <= 30),
                 low: drawn.some((seconds) => seconds < 5), high: drawn.some((seconds) => seconds > 25) };
        """,
    ) == {
        "ceilings": [0.5, 1, 2, 4, 8, 16, 30, 30, 30],
        "floor": 0,
        "within": True,
        "low": True,
        "high": True,
    }


def test_each_close_code_is_answered_as_the_protocol_has_it(run: Run) -> None:
    codes = run(
        "backoff",
        "afterClose",
        """
        const all = [4400, 4401, 4403, 4408, 4429, 4451, 4503, 4504, 1006, 1012];
        return all.map((code) => [code, afterClose(code).then, afterClose(code, { random: () => 0.5 }).seconds,
                                  afterClose(code, { retryAfter: 20, random: () => 0 }).seconds]);
        """,
    )
    then = {code: what for code, what, *_ in codes}
    assert then == {
        4400: "stop",
        4401: "signin",
        4403: "stop",
        4408: "retry",
        4429: "retry",
        4451: "gate",
        4503: "retry",
        4504: "retry",
        1006: "retry",
        1012: "retry",
    }
    wait = {code: seconds for code, _, seconds, _ in codes}
    assert wait[4408] < 1
    assert wait[4504] < 1
    assert wait[4429] >= 5
    assert all(honoured == 20 for _, what, _, honoured in codes if what == "retry")


# --- Enter and the input method ----------------------------------------------------------------------------------

KEYS = """
  const up = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };
  const press = (keys, timeStamp, more = {}) =>
    keys.sends({ key: "Enter", keyCode: 13, isComposing: false, ...up, timeStamp, ...more });
"""


def test_the_enter_that_ends_a_composition_does_not_send_in_chromiums_and_firefoxs_order(run: Run) -> None:
    assert run(
        "keys",
        "SendKey",
        KEYS
        + """
        const keys = new SendKey("send");
        keys.compositionstart();
        const confirming = press(keys, 1000, { isComposing: true, keyCode: 229 });
        keys.compositionend({ timeStamp: 1001 });
        return [confirming, press(keys, 1400)];
        """,
    ) == [False, True]


def test_the_enter_that_ends_a_composition_does_not_send_in_safaris_order(run: Run) -> None:
    assert run(
        "keys",
        "SendKey",
        KEYS
        + """
        const answers = [];
        for (const keyCode of [229, 13]) {
          const keys = new SendKey("send");
          keys.compositionstart();
          keys.compositionend({ timeStamp: 1000 });
          answers.push(press(keys, 1000.4, { keyCode }), press(keys, 1400));
        }
        return answers;
        """,
    ) == [False, True, False, True]


def test_enter_alone_sends_or_breaks_the_line_as_the_person_chose(run: Run) -> None:
    assert run(
        "keys",
        "SendKey",
        KEYS
        + """
        const [send, newline] = [new SendKey("send"), new SendKey("newline")];
        const combinations = [{}, { shiftKey: true }, { ctrlKey: true }, { metaKey: true }, { key: "a", keyCode: 65 }];
        return [send, newline].map((keys) => combinations.map((more) => press(keys, 5000, more)));
        """,
    ) == [[True, False, True, True, False], [False, False, True, True, False]]


def test_a_real_composition_in_the_browser_sends_nothing_until_the_next_enter(blank: Page) -> None:
    blank.evaluate(
        """async () => {
          const { SendKey } = await import("/chat/keys.js");
          const [field, keys] = [document.querySelector("textarea"), new SendKey("send")];
          window.sent = [];
          field.addEventListener("compositionstart", () => keys.compositionstart());
          field.addEventListener("compositionend", (event) => keys.compositionend(event));
          field.addEventListener("keydown", (event) => {
            if (keys.sends(event)) { event.preventDefault(); window.sent.push(field.value); }
          });
          field.focus();
        }"""
    )
    keyboard = blank.context.new_cdp_session(blank)
    keyboard.send("Input.imeSetComposition", {"text": "とどけ", "selectionStart": 3, "selectionEnd": 3})
    confirm = {"type": "rawKeyDown", "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 229}
    keyboard.send("Input.dispatchKeyEvent", confirm)
    keyboard.send("Input.insertText", {"text": "届け"})
    assert blank.evaluate("window.sent") == []
    blank.wait_for_timeout(150)
    blank.keyboard.press("Enter")
    assert blank.evaluate("window.sent") == ["届け"]


# --- text --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)><script>alert(2)</script>",
        "javascript:alert(1) data:text/html,x vbscript:x ftp://example.com",
        "&amp; &lt;b&gt; \u202e<i>right to left</i>",
        "😀" * 2000,
    ],
)
def test_markup_and_odd_schemes_show_as_text(blank: Page, text: str) -> None:
    shown = blank.evaluate(
        """async (text) => {
          const { writeText } = await import("/chat/text.js");
          const place = document.querySelector("p");
          writeText(place, text);
          return [place.textContent, place.childElementCount];
        }""",
        text,
    )
    assert shown == [text, 0]


def test_web_addresses_become_links_that_tell_the_target_nothing(blank: Page) -> None:
    text = "見て「https://example.jp/a?b=1&c=（x）」と http://example.com/path_(wiki). HTTPS://EXAMPLE.NET、終わり https://"
    links = blank.evaluate(
        """async (text) => {
          const { writeText } = await import("/chat/text.js");
          const place = document.querySelector("p");
          writeText(place, text);
          const links = [...place.querySelectorAll("a")].map((a) => [a.textContent, a.rel, a.target]);
          return [place.textContent === text, links];
        }""",
        text,
    )
    safe = ["noopener nofollow ugc", "_blank"]
    assert links == [
        True,
        [
            ["https://example.jp/a?b=1&c=", *safe],
            ["http://example.com/path_(wiki)", *safe],
            ["HTTPS://EXAMPLE.NET", *safe],
        ],
    ]


def test_length_counts_what_a_person_counts_as_the_server_does(run: Run) -> None:
    assert run("text", "length", "return [length('日本語'), length('😀😀'), length('')];") == [3, 2, 0]
    assert run("text", "tidy", r"return [tidy(' \n\u3000'), tidy('\n a\r\nb \n\n'), tidy('x\uD83Dy')];") == [
        "",
        " a\nb",
        "x\ufffdy",
    ]
