/**
 * What this browser remembers for a person: words, choices. Where storage is full or refused, what is written stays
 * in memory until the page is closed, and what was saved before is still read.
 */

/** @typedef {Pick<Storage, "getItem"|"setItem"|"removeItem"|"key"|"length">} Store */

/** @implements {Store} */
export class Memory {
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

/**
 * Storage that never fails. Event: `unkept`, when something could be kept in memory only.
 * @implements {Store}
 */
export class Device extends EventTarget {
  #disk;
  /** What the disk did not take. It is newer than what the disk has under the same name. */
  #memory = new Memory();

  /** @param {Store|null} disk `null` where there is none */
  constructor(disk) {
    super();
    this.#disk = disk;
  }

  get length() {
    return this.names().length;
  }

  /** @param {number} index */
  key(index) {
    return this.names()[index] ?? null;
  }

  /** @param {string} name */
  getItem(name) {
    return this.#memory.getItem(name) ?? this.#disk?.getItem(name) ?? null;
  }

  /** @param {string} name @param {string} value */
  setItem(name, value) {
    try {
      if (!this.#disk) throw new Error("no storage");
      this.#disk.setItem(name, value);
      this.#memory.removeItem(name);
    } catch {
      this.#memory.setItem(name, value);
      this.dispatchEvent(new CustomEvent("unkept", { detail: name }));
    }
  }

  /** @param {string} name */
  removeItem(name) {
    this.#memory.removeItem(name);
    this.#disk?.removeItem(name);
  }

  /** Whether something under the prefix is lost when the page is closed. @param {string} prefix */
  unkept(prefix) {
    return keysUnder(this.#memory, prefix).length > 0;
  }

  /** @returns {string[]} */
  names() {
    const names = new Set(this.#disk ? keysUnder(this.#disk, "") : []);
    for (const name of keysUnder(this.#memory, "")) names.add(name);
    return [...names];
  }
}

/** @returns {Store|null} */
function disk() {
  try {
    localStorage.getItem("todoke"); // full storage is still read
    return localStorage;
  } catch {
    return null;
  }
}

export const store = new Device(disk());

/**
 * @param {Store} storage
 * @param {string} prefix
 * @returns {string[]}
 */
export function keysUnder(storage, prefix) {
  if (storage instanceof Device) return storage.names().filter((key) => key.startsWith(prefix));
  const keys = [];
  for (let index = 0; index < storage.length; index += 1) {
    const key = storage.key(index);
    if (key?.startsWith(prefix)) keys.push(key);
  }
  return keys;
}

/**
 * @param {Store} storage
 * @param {string} key
 * @param {string} value empty removes the entry
 */
export function remember(storage, key, value) {
  if (value === "") storage.removeItem(key);
  else storage.setItem(key, value);
}
