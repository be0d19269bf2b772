/** What is in the field, what it is about, and what lies below it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Draft, readDraft } from "../../chat/static/chat/messages/draft.js";

const reply = { kind: "reply", seq: 1, name: "A" };
const edit = { kind: "edit", seq: 2, was: "was" };

/** A draft in which somebody has typed. */
function typed(body, begin = () => {}) {
  const draft = new Draft();
  begin(draft);
  draft.body = body;
  return draft;
}
const replying = (draft) => draft.reply(reply);
const editing = (draft) => draft.edit(2, "was");
/** The draft after a reload. */
const reloaded = (draft) => readDraft(JSON.parse(JSON.stringify(draft)));
const now = ({ body, about }) => [body, about];

for (const [what, draft, about] of [
  ["a new message", typed("words"), null],
  ["a reply", typed("words", replying), reply],
  ["a reply that has no words yet", typed("", replying), reply],
  ["an edit", typed("words", editing), edit],
  ["words that came back", giveBack({ kind: "back", reason: "because", replyTo: null }), { kind: "back", reason: "because", replyTo: null }],
  ["words whose message is gone", giveBack({ kind: "gone" }), { kind: "gone" }],
])
  test(`${what} survives a reload`, () => assert.deepEqual(now(reloaded(draft)), [draft.body, about]));

function giveBack(about) {
  const draft = new Draft();
  draft.giveBack("words", about);
  return draft;
}

test("a blank draft is not kept, and what is not a draft is read as one that is blank", () => {
  assert.equal(new Draft().toJSON(), null);
  for (const kept of [null, "words", [{}], [], { body: "x" }]) assert.ok(readDraft(kept).blank);
});

for (const [what, draft, act] of [
  ["a message", typed("words"), { kind: "post", body: "words", replyTo: null }],
  ["a reply", typed("words", replying), { kind: "post", body: "words", replyTo: { seq: 1, name: "A" } }],
  ["an edit", typed("words", editing), { kind: "edit", body: "words", seq: 2, was: "was" }],
  ["words that came back", giveBack({ kind: "back", reason: "", replyTo: { seq: 1, name: "A" } }), { kind: "post", body: "words", replyTo: { seq: 1, name: "A" } }],
])
  test(`${what} is sent as what it is, and the field is empty then`, () => {
    assert.deepEqual(draft.submit("words"), act);
    assert.ok(draft.blank);
  });

test("an edit that changes nothing sends nothing", () => {
  const draft = typed("was", editing);
  assert.equal(draft.submit("was"), null);
  assert.ok(draft.blank);
});

test("what was begun before an edit comes up again after it, with what it answers", () => {
  for (const end of [(draft) => draft.submit("words"), (draft) => draft.cancel()]) {
    const draft = typed("begun", replying);
    draft.edit(2, "was");
    draft.body = "words";
    end(draft);
    assert.deepEqual(now(draft), ["begun", reply]);
  }
});

test("neither a second edit nor a reply costs the words of the first edit", () => {
  const draft = typed("first", editing);
  draft.edit(3, "other");
  draft.reply(reply);
  draft.body = "answer";
  assert.equal(draft.submit("answer").kind, "post");
  assert.equal(draft.about.seq, 3);
  draft.edit(2, "was");
  assert.deepEqual(now(draft), ["first", edit]);
});

test("the end of a reply leaves its words; the end of an edit throws them away", () => {
  const answer = typed("words", replying);
  answer.cancel();
  assert.deepEqual(now(answer), ["words", null]);
  const changed = typed("words", editing);
  changed.cancel();
  assert.ok(changed.blank);
});

test("the words of an edit whose message is deleted stay, and one more Enter does not publish them", () => {
  const draft = typed("begun");
  draft.edit(2, "was");
  draft.body = "words";
  assert.ok(draft.deleted(2));
  assert.deepEqual(now(reloaded(draft)), ["words", { kind: "gone" }]);
  assert.equal(draft.submit("words"), null);
  assert.equal(draft.body, "words");
  draft.asNew();
  assert.deepEqual(draft.submit("words"), { kind: "post", body: "words", replyTo: null });
  assert.equal(draft.body, "begun");
});

test("an edit that had changed nothing ends with its message; other deletions change nothing", () => {
  const draft = typed("was", editing);
  assert.ok(!draft.deleted(1));
  assert.ok(draft.deleted(2));
  assert.ok(draft.blank);
});

test("words that come back lie above what is written meanwhile", () => {
  const draft = typed("written meanwhile");
  draft.giveBack("words", { kind: "back", reason: "because", replyTo: null });
  assert.equal(draft.body, "words");
  draft.discard();
  assert.deepEqual(now(draft), ["written meanwhile", null]);
});

test("where the log went back, nothing is answered or edited any more, and the words stay", () => {
  const draft = new Draft();
  draft.reply({ seq: 1, name: "A" });
  draft.body = "an answer";
  draft.edit(2, "was");
  draft.body = "changed";
  draft.detach();
  assert.deepEqual([draft.body, draft.about], ["changed", { kind: "gone" }]);
  draft.cancel();
  assert.deepEqual([draft.body, draft.about], ["an answer", null]);
});
