/** What the tests of the page's scripts have in common: items of a log, storage, chance that repeats, and turns of the loop. */

import { webcrypto } from "node:crypto";
import { setImmediate } from "node:timers/promises";

// Node 18 has these, but not as globals.
globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class extends Event {
  constructor(type, { detail = null, ...options } = {}) {
    super(type, options);
    this.detail = detail;
  }
};

// A timer that a module leaves behind must not hold up the end of the run.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = (...args) => setTimer(...args).unref();

const made = { kind: "message", author: { id: "a", name: "A" }, at: "2026-11-22T00:00:00.000Z" };

/** A message of a log. */
export const item = (seq, body = `m${seq}`, more = {}) => ({ seq, id: `i${seq}`, body, ...made, ...more });

/** An edit of the message `target`. */
export const edit = (seq, target, body) => item(seq, body, { kind: "edit", target });

/** A deletion of the message `target`. */
export const gone = (seq, target) => item(seq, "", { kind: "delete", target });

/** Numbers in [0, 1) that are the same for the same seed. */
export const random = (seed) => () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};

/** The list in an order that `rand` draws. */
export const shuffled = (list, rand) =>
  list
    .map((one) => [rand(), one])
    .sort(([a], [b]) => a - b)
    .map(([, one]) => one);

/** Lets everything run that is ready to. */
export const turn = () => setImmediate();

/** A browser's storage, empty. */
export function emptyStorage() {
  const map = new Map();
  return {
    get length() {
      return map.size;
    },
    key: (index) => [...map.keys()][index] ?? null,
    getItem: (name) => map.get(name) ?? null,
    setItem: (name, value) => void map.set(name, value),
    removeItem: (name) => void map.delete(name),
  };
}
