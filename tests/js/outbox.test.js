/** A person's own messages and edits on their way. Every `Outbox` here is a tab; `frames` is what the server got. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { emptyStorage, turn } from "./kit.js";
import { Outbox } from "../../chat/static/chat/messages/outbox.js";
import { Device } from "../../chat/static/chat/web/store.js";
import { Words } from "../../chat/static/chat/web/words.js";

const clock = Date.now;
let storage, frames, stored, pauses;

beforeEach(() => {
  storage = new Device(emptyStorage());
  frames = [];
  stored = new Map();
  pauses = [];
});
afterEach(() => {
  Date.now = clock;
});

/** The clock goes on; nothing else happens, as while a laptop sleeps. */
const sleepFor = (minutes) => {
  const now = Date.now();
  Date.now = () => now + minutes * 60_000;
};

const accept = async (frame) => {
  frames.push(frame);
  const key = frame.client_id ?? `edit of ${frame.seq}`;
  if (!stored.has(key)) stored.set(key, stored.size + 1);
  return { seq: stored.get(key) };
};
const down = async () => {
  throw new Error("lost");
};
const refusal = (code, extra = {}) => Object.assign(new Error(code), { code, reason: "because", ...extra });
const refuse = (code) => async () => {
  throw refusal(code);
};
/** A tab; opened again under the same id, it is the tab after a reload. */
const tab = (send, { id = "t", room = "r", user = "u" } = {}) => {
  const words = new Words({ storage, user, room, tab: id });
  const outbox = new Outbox({
    room,
    words,
    send,
    reasons: { stale: "stale", other: "other", over: "over" },
    pause: async (seconds) => void pauses.push(seconds),
  });
  const refused = [];
  outbox.addEventListener("refused", ({ detail }) => refused.push([detail.body, detail.code]));
  /** Takes over what the tabs left that are closed. */
  const inherit = (open = []) => {
    for (const left of words.left(new Set(open))) outbox.adopt(left);
  };
  return Object.assign(outbox, { refused, inherit });
};
const post = (body, replyTo = null) => ({ kind: "post", body, replyTo });
const change = (seq, was, body) => ({ kind: "edit", seq, was, body });
const shown = (seq, body, clientId = null) => ({ seq, body, clientId });
const states = (outbox) => outbox.entries.map((entry) => [entry.body, entry.state]);
const ways = (outbox) => outbox.entries.map((entry) => outbox.ways(entry).join(" "));
const bodies = () => frames.map((frame) => frame.body);

test("a message goes from sending to sent, and leaves when the log shows it", async () => {
  const outbox = tab(accept);
  const entry = outbox.add(post("hello", { seq: 7, name: "A" }));
  assert.equal(entry.state, "sending");
  await turn();
  assert.equal(entry.state, "sent");
  assert.deepEqual(frames, [
    { type: "message.post", room: "r", client_id: entry.clientId, body: "hello", reply_to: 7 },
  ]);
  outbox.settle([shown(1, "hello", entry.clientId)], 1);
  assert.deepEqual(outbox.entries, []);
  assert.equal(storage.length, 0);
});

test("an edit is sent as one, is not shown while it is quick, and leaves when the log shows its words", async () => {
  const outbox = tab(accept);
  outbox.add(change(3, "old", "new"));
  assert.deepEqual(outbox.shown, []);
  await turn();
  assert.deepEqual(frames, [{ type: "message.edit", room: "r", seq: 3, body: "new" }]);
  outbox.settle([shown(3, "new")], 1);
  assert.deepEqual(outbox.entries, []);
});

test("what waits survives a reload and is sent once, in order", async () => {
  const before = tab(down);
  before.add(post("one"));
  await setTimeout(5); // order is by time of writing
  before.add(change(3, "old", "new"));
  await turn();
  const after = tab(accept);
  assert.deepEqual(states(after), [
    ["one", "sending"],
    ["new", "sending"],
  ]);
  assert.equal(after.shown.length, 2);
  await after.flush();
  assert.deepEqual(bodies(), ["one", "new"]);
  assert.deepEqual(states(tab(accept)), []);
});

test("an edit whose receipt was lost is not sent again when the log shows it", async () => {
  const outbox = tab(async (frame) => {
    await accept(frame);
    throw new Error("lost");
  });
  outbox.add(change(3, "old", "new"));
  await turn();
  outbox.settle([shown(3, "new")], 4);
  await outbox.flush();
  assert.deepEqual(bodies(), ["new"]);
});

test("of two edits of one message the last one is sent", async () => {
  let send = down;
  const outbox = tab((frame) => send(frame));
  outbox.add(change(3, "old", "new"));
  await turn();
  assert.equal(outbox.editOf(3).body, "new");
  outbox.add(change(3, "old", "newer"));
  await turn();
  send = accept;
  await outbox.flush();
  assert.deepEqual(bodies(), ["newer"]);
});

test("a message whose receipt was lost goes out again under the same client_id", async () => {
  let cut = true;
  const outbox = tab(async (frame) => {
    const receipt = await accept(frame);
    if (cut) throw new Error("lost");
    return receipt;
  });
  const entry = outbox.add(post("hello"));
  await turn();
  assert.equal(entry.state, "sending");
  cut = false;
  await outbox.flush();
  assert.deepEqual([entry.state, entry.seq], ["sent", 1]);
  assert.equal(frames.length, 2);
  assert.equal(stored.size, 1);
});

// Refused: what its author can do, and whether the words go back into the field by themselves.
for (const [code, can, back] of [
  ["size", "back discard", true],
  ["protocol", "back discard", true],
  ["forbidden", "back discard", true],
  ["conflict", "back discard", true],
  ["missing", "back discard", true],
  ["gate", "back discard", true],
  ["auth", "back discard", true],
  ["rate", "retry back discard", false],
  ["unavailable", "retry back discard", false],
])
  for (const act of [post("words"), post("words", { seq: 1, name: "A" }), change(1, "was", "words")])
    test(`${act.kind}${act.replyTo ? " in reply" : ""} refused as ${code}: the words wait for their author`, async () => {
      const outbox = tab((frame) => (frame.body === "words" ? refuse(code)() : accept(frame)));
      outbox.add(act);
      outbox.add(post("next"));
      await turn();
      assert.deepEqual(states(outbox), [
        ["words", "failed"],
        ["next", "sent"],
      ]);
      assert.deepEqual(outbox.refused, back ? [["words", code]] : []);
      assert.equal(ways(outbox)[0], can);
      assert.equal(outbox.entries[0].reason, "because");
      const after = tab(accept);
      await after.flush();
      assert.deepEqual([states(after), ways(after)], [[["words", "failed"]], [can]]);
      after.retry(after.entries[0].clientId);
      await turn();
      assert.deepEqual(states(after), [["words", "sent"]]);
    });

test("'not now' is waited for as long as the server says, and keeps the order", async () => {
  let busy = 2;
  const outbox = tab(async (frame) => {
    if (busy > 0) {
      busy -= 1;
      throw refusal("rate", { retryAfter: 3 });
    }
    return accept(frame);
  });
  outbox.add(post("one"));
  outbox.add(post("two"));
  await turn();
  assert.deepEqual(pauses, [3, 3]);
  assert.deepEqual(bodies(), ["one", "two"]);
  assert.deepEqual(states(outbox), [
    ["one", "sent"],
    ["two", "sent"],
  ]);
});

test("a tab sends what is its own, and takes over what a closed tab left", async () => {
  const left = tab(down, { id: "left" });
  left.add(post("left"));
  const right = tab(accept, { id: "right" });
  assert.deepEqual(states(right), []);
  right.inherit(["left"]);
  assert.deepEqual(states(right), []);
  right.inherit();
  await right.flush();
  assert.deepEqual(bodies(), ["left"]);
  // It was frozen and not closed: the words are another tab's by now.
  await left.flush();
  assert.deepEqual(states(left), []);
  assert.deepEqual(bodies(), ["left"]);
  assert.deepEqual(states(tab(accept, { room: "r2" })), []);
  assert.deepEqual(states(tab(accept, { user: "another" })), []);
});

for (const [how, wake] of [
  ["the page was loaded again", () => tab(accept)],
  ["the page slept", (outbox) => outbox],
])
  test(`what was written long ago is not sent by surprise when ${how}`, async () => {
    let send = down;
    const before = tab((frame) => send(frame));
    before.add(post("old"));
    before.add(change(3, "was", "old edit"));
    await turn();
    send = accept;
    sleepFor(11);
    const outbox = wake(before);
    await outbox.flush();
    assert.deepEqual(frames, []);
    assert.deepEqual(ways(outbox), ["now back discard", "now back discard"]);
    assert.equal(outbox.entries[0].reason, "stale");
    Date.now = clock; // entries take their time from Date itself
    outbox.retry(outbox.entries[0].clientId);
    await turn();
    assert.deepEqual(bodies(), ["old"]);
  });

test("what was written a moment ago is sent when the line comes back", async () => {
  let send = down;
  const outbox = tab((frame) => send(frame));
  outbox.add(post("new"));
  await turn();
  send = accept;
  sleepFor(9);
  await outbox.flush();
  assert.deepEqual(bodies(), ["new"]);
});

for (const [why, stop, can] of [
  ["somebody else is signed in", (outbox) => outbox.hold(), "retry back discard"],
  ["nobody can write here any more", (outbox) => outbox.close(), "copy discard"],
])
  test(`nothing more goes out when ${why}, and nothing is lost`, async () => {
    let send = down;
    const outbox = tab((frame) => send(frame));
    outbox.add(post("words"));
    await turn();
    stop(outbox);
    send = accept;
    await outbox.flush();
    assert.deepEqual(frames, []);
    assert.deepEqual([states(outbox), ways(outbox)], [[["words", "failed"]], [can]]);
    assert.deepEqual(states(tab(accept)), [["words", "failed"]]);
  });

test("what cannot be read is removed", () => {
  storage.setItem("todoke.words.u.r.t.out.broken", "{");
  storage.setItem("todoke.words.u.r.t.out.odd", JSON.stringify({ at: 1, value: { body: 5 } }));
  assert.deepEqual(tab(accept).entries, []);
  assert.equal(storage.length, 0);
});

test("a discarded message is gone from storage, too", async () => {
  const outbox = tab(down);
  const { clientId } = outbox.add(post("never mind"));
  outbox.discard(clientId);
  assert.deepEqual(outbox.entries, []);
  assert.equal(storage.length, 0);
});

test("where the device keeps nothing, words are sent all the same", async () => {
  storage = new Device(null);
  let send = down;
  const outbox = tab((frame) => send(frame));
  outbox.add(post("words"));
  await turn();
  assert.ok(storage.unkept("todoke.words."));
  send = accept;
  await outbox.flush();
  assert.deepEqual(bodies(), ["words"]);
  assert.ok(!storage.unkept("todoke.words."));
});

test("what waits goes on under the room's new id, once", async () => {
  const before = tab(down, { room: "talk" });
  const other = tab(down, { room: "talk-2" });
  const { clientId } = before.add(post("one"));
  other.add(post("elsewhere"));
  await turn();
  new Words({ storage, user: "u", room: "talk", tab: "t" }).handOn("u", "closed");
  assert.deepEqual(states(tab(down, { room: "talk" })), []);
  assert.deepEqual(states(tab(down, { room: "talk-2" })), [["elsewhere", "sending"]]);
  const after = tab(accept, { room: "closed" });
  await after.flush();
  assert.deepEqual(frames, [{ type: "message.post", room: "closed", client_id: clientId, body: "one" }]);
});

test("words that the service lost are offered again, and only those; an edit goes to no other message", async () => {
  const outbox = tab(accept);
  const kept = outbox.add({ kind: "post", body: "kept", replyTo: null });
  const lost = outbox.add({ kind: "post", body: "sent and lost", replyTo: { seq: 3, name: "A" } });
  await turn();
  const edit = outbox.add({ kind: "edit", body: "changed", seq: 2, was: "was" });
  edit.state = "sending";
  const shown = { body: "shown and lost", clientId: "s", at: "2026-11-30T00:00:00.000Z" };
  outbox.restored([shown, { body: "kept", clientId: kept.clientId, at: kept.at }], [{ clientId: kept.clientId }], "because");
  outbox.settle([{ seq: 1, clientId: kept.clientId }], 9);
  assert.deepEqual(
    outbox.entries.map(({ body, state, code }) => [body, state, code]).sort(),
    [
      ["changed", "failed", "missing"],
      ["sent and lost", "failed", "lost"],
      ["shown and lost", "failed", "lost"],
    ],
  );
  assert.deepEqual([outbox.ways(edit), outbox.ways(lost)], [
    ["back", "discard"],
    ["retry", "back", "discard"],
  ]);
  assert.deepEqual(
    tab(down)
      .entries.map(({ body }) => body)
      .sort(),
    ["changed", "sent and lost", "shown and lost"],
  );
  outbox.retry("s");
  await turn();
  assert.deepEqual(frames.at(-1), { type: "message.post", room: "r", client_id: "s", body: "shown and lost" });
  assert.equal(lost.replyTo, null);
});
