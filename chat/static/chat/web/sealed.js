/**
 * Storage for words of closed talks: on the device they lie encrypted, under a key that the server gives only to pages
 * of their author. Once the session has ended they cannot be read there; when its author signs in again, they can.
 *
 * Reads and writes answer at once, from a copy in memory; the encrypted form follows a moment later.
 */

import { Device, keysUnder } from "./store.js";
import { SEALED } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/** Bytes of an AES-GCM nonce. */
const NONCE = 12;

/** @implements {Store} */
export class Sealed extends EventTarget {
  #device;
  #prefix;
  /** The first seals, all of them open. @type {CryptoKey[]} */
  #keys;
  /** @type {Map<string, {at: string, value: string, kept: boolean}>} by name; `at` is the key in the device */
  #items = new Map();
  #work = Promise.resolve();

  /** @param {Device} device @param {string} user @param {CryptoKey[]} keys */
  constructor(device, user, keys) {
    super();
    this.#device = device;
    this.#prefix = `${SEALED}${user}.`;
    this.#keys = keys;
    device.addEventListener("unkept", (event) =>
      this.dispatchEvent(new CustomEvent("unkept", { detail: /** @type {CustomEvent} */ (event).detail })),
    );
  }

  /** Reads what lies on the device. What no key opens is another's, or was written under a key that is gone. */
  async read() {
    for (const at of keysUnder(this.#device, this.#prefix)) {
      const item = await this.#open(this.#device.getItem(at) ?? "", at);
      if (item) this.#items.set(item.name, { at, value: item.value, kept: true });
    }
  }

  get length() {
    return this.#items.size;
  }

  /** @param {number} index */
  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }

  /** @param {string} name */
  getItem(name) {
    const item = this.#items.get(name);
    if (item?.kept && this.#device.getItem(item.at) === null) this.#items.delete(name); // another tab removed it
    return this.#items.get(name)?.value ?? null;
  }

  /** @param {string} name @param {string} value */
  setItem(name, value) {
    const known = this.#items.get(name);
    const item = { at: known?.at ?? this.#prefix + random(), value, kept: false };
    this.#items.set(name, item);
    this.#work = this.#work.then(async () => {
      if (this.#items.get(name) !== item) return; // written anew or removed meanwhile
      const sealed = await this.#seal(JSON.stringify({ name, value }), item.at);
      if (this.#items.get(name) !== item) return;
      this.#device.setItem(item.at, JSON.stringify({ at: Date.now(), value: sealed }));
      item.kept = true;
    });
  }

  /** @param {string} name */
  removeItem(name) {
    const item = this.#items.get(name);
    this.#items.delete(name);
    if (item) this.#device.removeItem(item.at);
  }

  /** Resolves when the device has everything. */
  written() {
    return this.#work;
  }

  /** Whether something under the prefix is lost when the page is closed. @param {string} prefix */
  unkept(prefix) {
    return keysUnder(this, prefix).some((name) => this.#device.unkept(this.#items.get(name)?.at ?? ""));
  }

  /** @param {string} text @param {string} at @returns {Promise<string>} */
  async #seal(text, at) {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
    const sealed = await crypto.subtle.encrypt(parameters(nonce, at), this.#keys[0], new TextEncoder().encode(text));
    return encode(nonce) + encode(new Uint8Array(sealed)); // twelve bytes need no padding
  }

  /** @param {string} kept @param {string} at @returns {Promise<{name: string, value: string}|null>} */
  async #open(kept, at) {
    try {
      const bytes = decode(JSON.parse(kept).value);
      for (const key of this.#keys) {
        const text = await crypto.subtle
          .decrypt(parameters(bytes.slice(0, NONCE), at), key, bytes.slice(NONCE))
          .catch(() => null);
        if (text) return JSON.parse(new TextDecoder().decode(text));
      }
    } catch {
      // Not written by this page: left where it is, until it is swept.
    }
    return null;
  }
}

/**
 * @param {object} place
 * @param {Device} place.device
 * @param {string} place.user
 * @param {string[]} place.keys base64, the newest first
 * @param {string} place.clear prefix of what may lie on the device in clear, as after a room was locked; it is taken over
 * @returns {Promise<Sealed|Device>} in memory only where the browser does not encrypt: on a page over plain HTTP
 */
export async function openSealed({ device, user, keys, clear }) {
  const storage = crypto.subtle ? new Sealed(device, user, await Promise.all(keys.map(imported))) : new Device(null);
  if (storage instanceof Sealed) await storage.read();
  for (const name of keysUnder(device, clear)) storage.setItem(name, device.getItem(name) ?? "");
  if (storage instanceof Sealed) await storage.written();
  for (const name of keysUnder(device, clear)) device.removeItem(name);
  return storage;
}

/** @param {string} key @returns {Promise<CryptoKey>} */
const imported = (key) => crypto.subtle.importKey("raw", decode(key), "AES-GCM", false, ["encrypt", "decrypt"]);

// What is moved to another place does not open there.
/** @param {Uint8Array<ArrayBuffer>} iv @param {string} at */
const parameters = (iv, at) => ({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(at) });

const random = () => encode(crypto.getRandomValues(new Uint8Array(NONCE)));

/** @param {Uint8Array} bytes */
function encode(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** @param {string} text */
const decode = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
