/** A reader's log: what arrives, in which order, and what it makes of it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Log } from "../../chat/static/chat/messages/log.js";
import { edit, gone, item, random, shuffled } from "./kit.js";

const seqs = (messages) => messages.map((message) => message.seq);

test("items are applied once and in order, however they arrive", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const rand = random(seed);
    const log = new Log();
    log.reset([item(1), item(2)], { head: 2, more: false });
    const all = Array.from({ length: 30 }, (_, index) => item(index + 3));
    const seen = [1, 2];
    for (const one of shuffled([...all, ...all, item(1)], rand)) seen.push(...seqs(log.receive([one]).added));
    assert.deepEqual(
      seen,
      Array.from({ length: 32 }, (_, index) => index + 1),
      `seed ${seed}`,
    );
    assert.equal(log.hole, null, `seed ${seed}`);
  }
});

test("a hole is named and filled from the log", () => {
  const log = new Log();
  log.reset([item(1)], { head: 1, more: false });
  assert.deepEqual(log.receive([item(4), item(3)]).added, []);
  assert.equal(log.hole, 1);
  assert.deepEqual(seqs(log.fill(1, [item(2)]).added), [2, 3, 4]);
  assert.equal(log.hole, null);
  assert.equal(log.head, 4);
});

test("a seq that the log does not have does not stay a hole", () => {
  const log = new Log();
  log.reset([item(1)], { head: 1, more: false });
  log.receive([item(3), item(5)]);
  log.fill(1, [item(3)]);
  assert.equal(log.hole, 3);
  log.skip();
  assert.equal(log.head, 5);
  assert.deepEqual(seqs(log.messages), [1, 3, 5]);
});

test("what comes before the first page waits for it", () => {
  const log = new Log();
  assert.deepEqual(log.receive([item(8), item(9)]).added, []);
  const { added } = log.reset([item(6), item(7)], { head: 7, more: true });
  assert.equal(added.length, 4);
  assert.deepEqual(seqs(log.messages), [6, 7, 8, 9]);
  assert.deepEqual([log.base, log.head, log.more], [6, 9, true]);
});

test("edits and deletions reach their target, also when it comes later with an older page", () => {
  const log = new Log();
  const page = [item(10), edit(11, 10, "ten"), edit(12, 3, "three"), gone(13, 4), edit(14, 3, "three again")];
  log.reset(page, { head: 14, more: true });
  assert.equal(log.get(10)?.body, "ten");
  const { changed } = log.receive([gone(15, 10)]);
  assert.deepEqual(
    changed.map((message) => [message.seq, message.body, message.deleted]),
    [[10, "", true]],
  );
  log.older([item(3), item(4, ""), edit(5, 3, "old word")], true);
  assert.deepEqual(
    [log.get(3), log.get(4)].map((message) => [message?.body, message?.edited, message?.deleted]),
    [
      ["three again", true, false],
      ["", false, true],
    ],
  );
});

test("a reader who lost, edited and reconnected holds what a fresh reader holds", () => {
  const row = ({ seq, body, edited, deleted }) => [seq, body, edited, deleted];
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
    assert.deepEqual(log.messages.map(row), fresh.messages.map(row), `seed ${seed}`);
  }
});
