/** What a browser remembers, also where it refuses to; and what of it is left when somebody has signed out. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { openSealed } from "../../chat/static/chat/web/sealed.js";
import { Device, keysUnder, remember } from "../../chat/static/chat/web/store.js";
import { forget, sweep, Words } from "../../chat/static/chat/web/words.js";
import { emptyStorage } from "./kit.js";

const KEY = btoa("0".repeat(32));
const OTHER = btoa("1".repeat(32));

/** A disk that takes nothing more, as when its quota is spent. */
function full(disk = emptyStorage()) {
  const { getItem, removeItem, key } = disk;
  const setItem = () => {
    throw new Error("QuotaExceededError");
  };
  return Object.defineProperty({ getItem, removeItem, key, setItem }, "length", { get: () => disk.length });
}
const everything = (disk) => keysUnder(disk, "").map((key) => `${key}=${disk.getItem(key)}`).join("\n");
const wordsIn = (storage, { user = "u", room = "r", tab = "t" } = {}) => new Words({ storage, user, room, tab });
const sealedIn = (disk, { user = "u", keys = [KEY] } = {}) =>
  openSealed({ device: new Device(disk), user, keys, clear: `todoke.words.${user}.r.` });

test("the keys under a prefix are found, and no others", () => {
  const storage = emptyStorage();
  for (const key of ["todoke.a.1", "todoke.b.1", "todoke.a.2", "other"]) storage.setItem(key, "x");
  assert.deepEqual(keysUnder(storage, "todoke.a."), ["todoke.a.1", "todoke.a.2"]);
});

test("an empty value is not kept", () => {
  const storage = emptyStorage();
  remember(storage, "draft", "words");
  assert.equal(storage.getItem("draft"), "words");
  remember(storage, "draft", "");
  assert.equal(storage.length, 0);
});

test("a full disk is still read, and what it does not take is in memory and said to be unkept", () => {
  const disk = emptyStorage();
  disk.setItem("draft", "saved before");
  const device = new Device(full(disk));
  const unkept = [];
  device.addEventListener("unkept", ({ detail }) => unkept.push(detail));
  assert.equal(device.getItem("draft"), "saved before");
  assert.ok(!device.unkept("draft"));
  device.setItem("draft", "newer");
  device.setItem("more", "words");
  assert.deepEqual([device.getItem("draft"), device.getItem("more"), device.length], ["newer", "words", 2]);
  assert.deepEqual(unkept, ["draft", "more"]);
  assert.ok(device.unkept("draft"));
  assert.equal(disk.getItem("draft"), "saved before"); // better than nothing, should the page crash
  device.removeItem("draft");
  assert.equal(device.getItem("draft"), null);
  assert.ok(!device.unkept("draft"));
});

test("each tab has its own draft, and a closed tab's is found again", () => {
  const storage = new Device(emptyStorage());
  const [left, right] = [wordsIn(storage, { tab: "left" }), wordsIn(storage, { tab: "right" })];
  left.write("draft", ["left"]);
  right.write("draft", ["right"]);
  right.write("draft", null);
  assert.deepEqual(left.read("draft"), ["left"]);
  assert.deepEqual(right.left(new Set(["left"])), []);
  const [found] = right.left(new Set());
  assert.deepEqual([found.tab, found.name, found.value], ["left", "draft", ["left"]]);
  right.takeOver(found);
  assert.deepEqual(right.read("draft"), ["left"]);
  assert.equal(left.read("draft"), null);
});

test("words of a closed talk lie sealed on the device, and their author reads them again", async () => {
  const disk = emptyStorage();
  const sealed = await sealedIn(disk);
  const words = wordsIn(sealed);
  words.write("draft", ["secret"]);
  words.write("draft", ["secret words"]);
  assert.deepEqual(words.read("draft"), ["secret words"]);
  await sealed.written();
  assert.equal(disk.length, 1);
  assert.doesNotMatch(everything(disk), /secret|draft|\.r\./);
  assert.deepEqual(wordsIn(await sealedIn(disk)).read("draft"), ["secret words"]);
  // After SECRET_KEY was rotated the older key still opens.
  assert.deepEqual(wordsIn(await sealedIn(disk, { keys: [OTHER, KEY] })).read("draft"), ["secret words"]);
  for (const other of [{ keys: [OTHER] }, { user: "another" }])
    assert.equal(wordsIn(await sealedIn(disk, other)).read("draft"), null);
  words.write("draft", null);
  assert.equal(disk.length, 0);
});

test("words written before a room was locked are sealed when its page opens", async () => {
  const disk = emptyStorage();
  wordsIn(new Device(disk)).write("draft", ["begun"]);
  const sealed = await sealedIn(disk);
  assert.deepEqual(wordsIn(sealed).read("draft"), ["begun"]);
  assert.doesNotMatch(everything(disk), /begun|todoke\.words/);
});

test("words that another tab removed are gone here, too; words on a full disk are said to be unkept", async () => {
  const disk = emptyStorage();
  const sealed = await sealedIn(disk);
  wordsIn(sealed).write("draft", ["secret"]);
  await sealed.written();
  disk.removeItem(disk.key(0));
  assert.equal(wordsIn(sealed).read("draft"), null);
  const cramped = await sealedIn(full());
  remember(cramped, "todoke.seen.u.r", "7");
  await cramped.written();
  assert.ok(!cramped.unkept("todoke.words."));
  wordsIn(cramped).write("draft", ["secret"]);
  await cramped.written();
  assert.ok(cramped.unkept("todoke.words."));
});

test("after sign-out nothing of closed talks is left; words for open rooms wait for a member, not for a guest", async () => {
  for (const [guest, left] of [
    [false, ["u", "another"]],
    [true, ["another"]],
  ]) {
    const disk = emptyStorage();
    const device = new Device(disk);
    const sealed = await sealedIn(disk);
    wordsIn(sealed, { room: "closed" }).write("draft", ["secret"]);
    await sealed.written();
    for (const user of ["u", "another"]) wordsIn(device, { user, room: "open" }).write("draft", ["open"]);
    forget(device, "u", guest);
    assert.deepEqual(keysUnder(disk, ""), left.map((user) => `todoke.words.${user}.open.t.draft`));
  }
});

test("what nobody came back for in a month is removed", () => {
  const storage = new Device(emptyStorage());
  const words = wordsIn(storage);
  words.write("draft", ["new"]);
  const old = (days) => JSON.stringify({ at: Date.now() - days * 24 * 3600 * 1000, value: "x" });
  storage.setItem("todoke.words.u.r.t.old", old(31));
  storage.setItem("todoke.sealed.u.old", old(31));
  storage.setItem("todoke.sealed.u.new", old(29));
  storage.setItem("todoke.seen.u.r", "7");
  sweep(storage);
  assert.deepEqual(keysUnder(storage, "").sort(), ["todoke.sealed.u.new", "todoke.seen.u.r", "todoke.words.u.r.t.draft"]);
});
