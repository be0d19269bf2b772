/**
 * What somebody has written in one room and the server has not stored, as it lies on the device: by person, room and
 * tab. A tab writes under its own id only; what a closed tab has left can be taken over.
 */

import { keysUnder } from "./store.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {{tab: string, name: string, at: number, value: any}} Left */

/** Plain words, of open rooms; sealed ones are of closed talks. */
export const PLAIN = "todoke.words.";
export const SEALED = "todoke.sealed.";
/** After this long nobody comes back for them, in milliseconds. */
const OLD = 30 * 24 * 3600 * 1000;

export class Words {
  #storage;
  #prefix;
  #tab;

  /** @param {{storage: Store, user: string, room: string, tab: string}} place */
  constructor({ storage, user, room, tab }) {
    this.#storage = storage;
    this.#prefix = prefixOf(user, room);
    this.#tab = tab;
  }

  /** @param {string} name @returns {any} what this tab wrote under the name, or `null` */
  read(name) {
    return parse(this.#storage.getItem(this.#key(name)))?.value ?? null;
  }

  /** @param {string} name @param {object|null} value `null` removes it */
  write(name, value) {
    if (value === null) this.#storage.removeItem(this.#key(name));
    else this.#storage.setItem(this.#key(name), JSON.stringify({ at: Date.now(), value }));
  }

  /** @param {string} name */
  has(name) {
    return this.#storage.getItem(this.#key(name)) !== null;
  }

  /** @param {string} prefix @returns {string[]} names that this tab wrote */
  names(prefix) {
    const own = `${this.#prefix}${this.#tab}.`;
    return keysUnder(this.#storage, own + prefix).map((key) => key.slice(own.length));
  }

  /** @param {Set<string>} tabs that are open @returns {Left[]} what the others left, oldest first */
  left(tabs) {
    /** @type {Left[]} */
    const left = [];
    for (const key of keysUnder(this.#storage, this.#prefix)) {
      const [tab, ...name] = key.slice(this.#prefix.length).split(".");
      const kept = parse(this.#storage.getItem(key));
      if (kept && tab !== this.#tab && !tabs.has(tab)) left.push({ tab, name: name.join("."), ...kept });
    }
    return left.sort((a, b) => a.at - b.at);
  }

  /** Makes it this tab's own. @param {Left} left */
  takeOver({ tab, name, value }) {
    this.write(name, value);
    this.#storage.removeItem(`${this.#prefix}${tab}.${name}`);
  }

  /** Hands everything on to the page of the same room under another id. @param {string} user @param {string} room */
  handOn(user, room) {
    for (const key of keysUnder(this.#storage, this.#prefix)) {
      this.#storage.setItem(prefixOf(user, room) + key.slice(this.#prefix.length), this.#storage.getItem(key) ?? "");
      this.#storage.removeItem(key);
    }
  }

  /** @param {string} name */
  #key(name) {
    return `${this.#prefix}${this.#tab}.${name}`;
  }
}

/** @param {string} user @param {string} room */
export const prefixOf = (user, room) => `${PLAIN}${user}.${room}.`;

/**
 * Removes what somebody must not leave behind who signs out: their words of closed talks. A guest never comes back, so
 * all of theirs go.
 * @param {Store} storage
 * @param {string} user
 * @param {boolean} guest
 */
export function forget(storage, user, guest) {
  for (const key of leftBehind(storage, user, guest)) storage.removeItem(key);
}

/** @param {Store} storage @param {string} user @param {boolean} guest @returns {string[]} keys that `forget` removes */
export const leftBehind = (storage, user, guest) =>
  (guest ? [SEALED, PLAIN] : [SEALED]).flatMap((prefix) => keysUnder(storage, `${prefix}${user}.`));

/** Removes what is so old that nobody comes back for it. @param {Store} storage */
export function sweep(storage) {
  for (const prefix of [PLAIN, SEALED])
    for (const key of keysUnder(storage, prefix)) {
      const at = parse(storage.getItem(key))?.at ?? 0;
      if (Date.now() - at > OLD) storage.removeItem(key);
    }
}

/** @param {string|null} text @returns {{at: number, value: any}|null} */
function parse(text) {
  try {
    const kept = JSON.parse(text ?? "");
    return typeof kept.at === "number" ? kept : null;
  } catch {
    return null;
  }
}
