/** What a page was told of matching, and the cancel that is owed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { emptyStorage, turn } from "./kit.js";
import { doingKey, owedKey, Seeking } from "../../chat/static/chat/matching/seeking.js";

const ME = "me";
const TALK = { room: "r1", partner: { id: "b", name: "B" } };
const since = "2026-11-30T03:00:00Z";

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** A line that a test brings up and down, and that answers as the test says. */
class Line extends EventTarget {
  welcome = null;
  up = false;
  said = [];
  answers = {
    "match.seek": () => ({ type: "match.waiting" }),
    "match.cancel": () => ({ type: "match.cancelled" }),
    "match.leave": () => ({ type: "match.left" }),
  };

  async request(frame) {
    if (!this.up) throw new Error("not connected");
    this.said.push(frame);
    const answer = this.answers[frame.type](frame);
    if (answer instanceof Error) throw answer;
    return answer;
  }

  come({ waiting = null, talks = [], user = ME, now = since } = {}) {
    this.up = true;
    this.welcome = { type: "welcome", user: { id: user }, waiting, talks, now };
    this.dispatchEvent(new Event("welcome"));
  }

  say(frame) {
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  get types() {
    return this.said.map((frame) => frame.type);
  }
}

function page(storage = emptyStorage(), line = new Line()) {
  const clock = { now: 5000 };
  const seeking = new Seeking(line, ME, storage, () => clock.now);
  const reasons = [];
  seeking.addEventListener("change", ({ detail }) => reasons.push(detail.reason));
  return { storage, line, clock, seeking, reasons };
}

test("the time of waiting is the service's, and goes on by a clock that only goes forward", () => {
  const { line, clock, seeking } = page();
  line.come({ waiting: { since }, now: "2026-11-30T03:01:05Z" });
  assert.equal(seeking.seconds, 65);
  clock.now += 2500;
  assert.equal(seeking.seconds, 67);
  line.say({ type: "match.waiting", since, now: "2026-11-30T02:59:00Z" });
  assert.equal(seeking.seconds, 0);
  line.say({ type: "match.waiting", since });
  assert.equal(seeking.seconds, 0);
});

test("a page that is loaded anew shows what the service says", () => {
  assert.equal(page().seeking.state, "idle");
  for (const [told, state] of [
    [{}, "idle"],
    [{ waiting: { since } }, "waiting"],
    [{ talks: [TALK] }, "found"],
  ]) {
    const { line, seeking } = page();
    line.come(told);
    assert.equal(seeking.state, state);
  }
});

test("a page knows what is looked for, and whether it asked for it itself", async () => {
  const { line, seeking } = page();
  line.come({ waiting: { since, topic: "night" } });
  assert.deepEqual([seeking.isOwn, seeking.wish], [false, { topic: "night", language: "" }]);
  await seeking.seek({ language: "en" });
  line.say({ type: "match.waiting", since, now: since });
  assert.deepEqual([seeking.isOwn, seeking.wish], [true, { language: "en" }]);
});

test("what ends on another page ends here", () => {
  const { line, seeking, reasons } = page();
  line.come({ waiting: { since } });
  line.say({ type: "match.cancelled", reason: "gate" });
  assert.equal(seeking.state, "idle");
  line.say({ type: "match.made", ...TALK });
  assert.equal(seeking.talk.room, "r1");
  line.say({ type: "match.left", room: "another", reason: "left" });
  assert.equal(seeking.state, "found");
  line.say({ type: "match.left", room: "r1", reason: "partner_absent" });
  line.say({ type: "match.waiting", since, now: since });
  assert.equal(seeking.state, "waiting");
  assert.deepEqual(reasons, [undefined, "gate", undefined, "partner_absent", undefined]);
});

test("a wish that never arrived is said when the line is up, and one that ended elsewhere is not said again", async () => {
  const { line, seeking } = page();
  await seeking.seek({ topic: "night" });
  assert.equal(seeking.state, "waiting");
  line.come();
  await turn();
  assert.deepEqual(line.said, [{ type: "match.seek", topic: "night" }]);
  line.come({ waiting: { since } });
  line.come();
  await turn();
  assert.equal(seeking.state, "idle");
  assert.deepEqual(line.types, ["match.seek"]);
});

test("a refused wish is told, and the page waits no more", async () => {
  const { line, seeking } = page();
  line.come();
  line.answers["match.seek"] = () => new Refusal("forbidden");
  await assert.rejects(seeking.seek({}), /forbidden/);
  assert.equal(seeking.state, "idle");
});

test("a cancel while the line is down is said first when it is up, and nothing leads into a talk before", async () => {
  const { line, seeking, storage } = page();
  line.come({ waiting: { since } });
  line.up = false;
  seeking.cancel();
  await turn();
  assert.ok(seeking.owes);
  line.come({ waiting: { since } });
  assert.equal(seeking.state, "idle");
  line.say({ type: "match.waiting", since, now: since });
  line.say({ type: "match.made", ...TALK });
  assert.equal(seeking.state, "idle");
  await turn();
  assert.deepEqual(line.types, ["match.cancel"]);
  assert.equal(storage.getItem(owedKey(ME)), null);
});

test("a cancel on one page ends the waiting on another that hears of it before the first has its answer", () => {
  const { line, seeking, storage } = page();
  line.come({ waiting: { since } });
  storage.setItem(owedKey(ME), "1");
  line.say({ type: "match.cancelled", reason: "cancelled" });
  assert.equal(seeking.state, "idle");
});

test("an owed cancel outlives a reload, and is said in nobody else's name", async () => {
  const { storage, seeking } = page();
  seeking.cancel();
  const other = page(storage);
  other.line.come({ user: "somebody else", talks: [TALK] });
  await turn();
  assert.deepEqual(other.line.types, []);
  assert.equal(other.seeking.state, "idle");
  const again = page(storage);
  again.line.come({ waiting: { since } });
  await turn();
  assert.deepEqual(again.line.types, ["match.cancel"]);
  assert.equal(again.seeking.owes, false);
});

test("a match that was made before the cancel was heard is left", async () => {
  const { line, seeking } = page();
  line.answers["match.cancel"] = () => ({ type: "match.made", ...TALK });
  seeking.cancel();
  line.come({ talks: [TALK] });
  await turn();
  assert.deepEqual(line.said, [{ type: "match.cancel" }, { type: "match.leave", room: "r1" }]);
  assert.equal(seeking.state, "idle");
  assert.equal(seeking.owes, false);
});

test("a talk that the person has been in on another page is not left by an old cancel", async () => {
  const { line, seeking } = page();
  line.answers["match.cancel"] = () => ({ type: "match.made", ...TALK, entered: true });
  seeking.cancel();
  line.come({ talks: [{ ...TALK, entered: true }] });
  await turn();
  assert.deepEqual(line.types, ["match.cancel"]);
  assert.equal(seeking.state, "found");
});

test("a line that goes before the talk is left leaves it the next time", async () => {
  const { line, seeking } = page();
  line.answers["match.cancel"] = () => ({ type: "match.made", ...TALK });
  const leave = line.answers["match.leave"];
  line.answers["match.leave"] = () => new Error("lost");
  seeking.cancel();
  line.come();
  await turn();
  assert.ok(seeking.owes);
  line.answers["match.leave"] = leave;
  line.come({ talks: [TALK] });
  await turn();
  assert.deepEqual(line.types, ["match.cancel", "match.leave", "match.cancel", "match.leave"]);
  assert.equal(seeking.owes, false);
});

test("who looks again owes nothing", async () => {
  const { line, seeking } = page();
  seeking.cancel();
  await seeking.seek({});
  line.come();
  await turn();
  assert.deepEqual(line.types, ["match.seek"]);
});

test("other pages of the browser see that something begins or ends", () => {
  const { line, storage } = page();
  line.come({ waiting: { since } });
  assert.match(storage.getItem(doingKey(ME)), /^waiting /);
  line.say({ type: "match.cancelled", reason: "cancelled" });
  assert.match(storage.getItem(doingKey(ME)), /^idle /);
});

test("a full storage stops nobody from stopping", async () => {
  const storage = emptyStorage();
  storage.setItem = () => {
    throw new Error("full");
  };
  const { line, seeking } = page(storage);
  line.come({ waiting: { since } });
  seeking.cancel();
  await turn();
  assert.deepEqual(line.types, ["match.cancel"]);
});
