/**
 * What this browser remembers for a person: drafts, unsent messages, choices. Works, forgetfully, where storage is
 * refused.
 */

/** @typedef {Pick<Storage, "getItem"|"setItem"|"removeItem"|"key"|"length">} Store */

/** @implements {Store} */
class Memory {
  /** @type {Map<string, string>} */
  #map = new Map();

  get length() {
    return this.#map.size;
  }

  /** @param {number} index */
  key(index) {
    return [...this.#map.keys()][index] ?? null;
  }

  /** @param {string} name */
  getItem(name) {
    return this.#map.get(name) ?? null;
  }

  /** @param {string} name @param {string} value */
  setItem(name, value) {
    this.#map.set(name, value);
  }

  /** @param {string} name */
  removeItem(name) {
    this.#map.delete(name);
  }
}

/** @returns {Store} */
function open() {
  try {
    localStorage.setItem("todoke", "1");
    localStorage.removeItem("todoke");
    return localStorage;
  } catch {
    return new Memory();
  }
}

export const store = open();

/**
 * @param {Store} storage
 * @param {string} prefix
 * @returns {string[]}
 */
export function keysUnder(storage, prefix) {
  const keys = [];
  for (let index = 0; index < storage.length; index += 1) {
    const key = storage.key(index);
    if (key?.startsWith(prefix)) keys.push(key);
  }
  return keys;
}

/**
 * Writes, or does without where the quota is spent.
 * @param {Store} storage
 * @param {string} key
 * @param {string} value empty removes the entry
 */
export function remember(storage, key, value) {
  try {
    if (value === "") storage.removeItem(key);
    else storage.setItem(key, value);
  } catch {
    // Full: the text is still on the page.
  }
}
