/** A room kept in step with the server. The server here is a list of items, and a connection that answers from it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";

import { Feed } from "../../chat/static/chat/messages/feed.js";
import { Refused } from "../../chat/static/chat/realtime/socket.js";
import { item } from "./kit.js";

/** A room whose log has `head` items, and the questions that it was asked. */
class Room {
  asked = [];
  refusal = null;

  constructor(head) {
    this.items = Array.from({ length: head }, (_, index) => item(index + 1));
  }

  join() {}

  async request({ type, after = 0, before = Number.POSITIVE_INFINITY, limit }) {
    this.asked.push(type);
    if (this.refusal) throw this.refusal;
    const found = this.items.filter(({ seq }) => seq > after && seq < before);
    const page = type === "room.history" ? found.slice(-limit) : found.slice(0, limit);
    return { type: "messages", items: page, more: found.length > page.length };
  }

  /** The answer to a join. */
  joined(after) {
    const items = after === undefined ? this.items.slice(-100) : this.items.filter(({ seq }) => seq > after);
    return { type: "room.joined", head: this.items.length, items, more: items.length < this.items.length };
  }
}

/** A feed that has the room's first page. */
async function reading(room) {
  const feed = new Feed(room, "room");
  await feed.joined(room.joined(), undefined);
  return feed;
}

const seqs = (feed) => feed.log.messages.map(({ seq }) => seq);
const upTo = (head, from = 1) => Array.from({ length: head - from + 1 }, (_, index) => from + index);
const heard = (items) => ({ type: "messages", room: "room", items });

test("the first page is the latest one, and older pages come before it", async () => {
  const feed = await reading(new Room(250));
  assert.deepEqual(seqs(feed), upTo(250, 151));
  assert.deepEqual((await feed.older())?.length, 100);
  await feed.older();
  assert.deepEqual(seqs(feed), upTo(250));
  assert.equal(feed.log.more, false);
});

test("a hole is filled from the server after a moment, and told once", async () => {
  const room = new Room(5);
  const feed = await reading(room);
  const added = [];
  feed.addEventListener("change", ({ detail }) => added.push(...detail.added.map(({ seq }) => seq)));
  room.items.push(item(6), item(7), item(8));
  feed.frame(heard([item(8)]));
  feed.frame(heard([item(7)]));
  assert.deepEqual(added, []);
  await setTimeout(250);
  assert.deepEqual(added, [6, 7, 8]);
  assert.deepEqual(room.asked, ["room.sync"]);
});

test("who comes back reads on where they were", async () => {
  const room = new Room(5);
  const feed = await reading(room);
  room.items.push(item(6), item(7));
  assert.equal(feed.after(), 5);
  await feed.joined(room.joined(5), 5);
  assert.deepEqual(seqs(feed), upTo(7));
  assert.deepEqual(room.asked, []);
});

test("who was away for too long starts anew from the latest page", async () => {
  const room = new Room(5);
  const feed = await reading(room);
  let resets = 0;
  feed.addEventListener("reset", () => {
    resets += 1;
  });
  for (const seq of upTo(1200, 6)) room.items.push(item(seq));
  await feed.joined({ ...room.joined(5), items: [] }, 5);
  assert.equal(resets, 1);
  assert.deepEqual(seqs(feed), upTo(1200, 1101));
});

test("an older page that is refused leaves the log as it is", async () => {
  const room = new Room(150);
  const feed = await reading(room);
  room.refusal = new Refused({ type: "refused", code: "forbidden", reason: "no" });
  assert.equal(await feed.older(), null);
  assert.deepEqual(seqs(feed), upTo(150, 51));
  assert.equal(feed.log.more, true);
});

test("what is no message is handed on, and an answer to a question is not taken twice", async () => {
  const feed = await reading(new Room(1));
  const frames = [];
  feed.addEventListener("frame", ({ detail }) => frames.push(detail.type));
  feed.frame({ type: "presence", room: "room", count: 2 });
  feed.frame({ ...heard([item(2)]), ref: "r1" });
  assert.deepEqual(frames, ["presence"]);
  assert.deepEqual(seqs(feed), [1]);
});

test("a message far from the end is read with what stands around it, apart from the latest ones", async () => {
  const room = new Room(500);
  const feed = await reading(room);
  assert.equal(await feed.find(450), feed.log);
  assert.deepEqual(room.asked, []);
  const past = await feed.find(200);
  assert.equal(past, feed.past);
  assert.deepEqual([past.base, past.head], [151, 250]);
  assert.deepEqual(seqs(feed), upTo(500, 401));
  room.items.push(item(501, "", { kind: "edit", body: "changed", target: 210 }));
  const changed = [];
  feed.addEventListener("change", ({ detail }) => changed.push(...detail.changed.map(({ body }) => body)));
  feed.frame(heard([room.items[500]]));
  assert.deepEqual(changed, ["changed"]);
  assert.equal((await feed.older())?.length, 100);
  assert.equal(past.base, 51);
});

test("who reads on from there comes to the latest messages without a break", async () => {
  const feed = await reading(new Room(500));
  await feed.find(200);
  assert.equal(await feed.newer(), feed.past);
  assert.equal(await feed.newer(), feed.log);
  assert.equal(feed.past, null);
  assert.deepEqual(seqs(feed), upTo(500, 151));
  assert.equal((await feed.older())?.length, 100);
});

test("a message a little before the latest ones joins them at once", async () => {
  const feed = await reading(new Room(500));
  assert.equal(await feed.find(380), feed.log);
  assert.equal(feed.log.get(380)?.body, "m380");
  assert.equal((await feed.find(1))?.base, 1);
});

// --- the log went back --------------------------------------------------------------------------------------------

/** An own message that was acknowledged under a seq. */
const own = (seq, clientId) => ({ ...item(seq), client_id: clientId, at: `2026-11-30T00:00:${10 + seq}.000Z` });

/** A feed that was told of two messages which the log then lost, and what it says of that. */
async function wentBack(join) {
  const room = new Room(0);
  room.items = [own(1, "a"), own(2, "b"), own(3, "c")];
  const feed = await reading(room);
  feed.frame(heard([item(9)])); // of the history that is over, and early
  const told = [];
  for (const type of ["restored", "reset"]) feed.addEventListener(type, ({ detail }) => told.push([type, detail]));
  room.items = [own(1, "a"), own(2, "x"), own(3, "y"), own(4, "z")];
  await join(feed, room);
  return { feed, told, room };
}

test("where another history begins, the page is new, and what was shown before is told", async () => {
  const { feed, told } = await wentBack((feed, room) => {
    feed.forget();
    assert.equal(feed.after(), undefined);
    return feed.joined(room.joined(), feed.after());
  });
  assert.deepEqual(
    told.map(([type]) => type),
    ["restored", "reset"],
  );
  assert.deepEqual(
    feed.log.messages.map(({ clientId }) => clientId),
    ["a", "x", "y", "z"],
  );
  assert.deepEqual(
    feed.log.lacks(told[0][1]).map(({ clientId }) => clientId),
    ["b", "c"],
  );
  assert.equal(feed.after(), 4);
});

test("what came early of a history that is over is never shown", async () => {
  const { feed, room } = await wentBack((feed, room) => {
    feed.forget();
    return feed.joined(room.joined(), feed.after());
  });
  room.items = [...room.items, ...upTo(8, 5).map((seq) => item(seq))];
  feed.frame(heard(room.items.slice(4)));
  assert.deepEqual(seqs(feed), upTo(8));
  assert.equal(feed.log.hole, null);
});

test("a server that says reset is believed, also in the answer to a repair", async () => {
  const { feed, told } = await wentBack((feed, room) => feed.joined({ ...room.joined(), reset: true }, 3));
  assert.equal(told[0][0], "restored");
  assert.deepEqual(seqs(feed), [1, 2, 3, 4]);
  const room = new Room(5);
  const late = await reading(room);
  room.items = [item(1), item(2)];
  room.request = async () => ({ type: "messages", items: room.items, head: 2, more: false, reset: true });
  late.resync();
  await setTimeout(0);
  assert.deepEqual(seqs(late), [1, 2]);
});
