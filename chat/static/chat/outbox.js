/**
 * A person's own messages on their way into one room: sending → sent, or failed and ready to try again.
 *
 * Each waits in storage under a key of its own, so that tabs do not overwrite each other and a reload loses nothing.
 * It may be sent more than once; its `client_id` makes the server store it once.
 */

import { PASSING } from "./socket.js";
import { keysUnder, remember } from "./store.js";

/**
 * @typedef {object} Entry
 * @property {string} clientId
 * @property {string} body
 * @property {number|null} replyTo
 * @property {string} at RFC 3339
 * @property {"sending"|"sent"|"failed"} state
 * @property {string} [reason] why it failed, a sentence
 * @property {number} [seq] once sent
 */

/** Unsent for longer than this, a message waits for its author's word instead of going out by surprise. */
const STALE = 60 * 60 * 1000;
/** After an answer that did not come, in milliseconds. A connection that comes up anew does not wait for it. */
const AGAIN = 5000;
/** How often the server may say "not now" before the author is asked. */
const TRIES = 5;

export class Outbox extends EventTarget {
  /** @type {Entry[]} */
  entries = [];
  #prefix;
  #room;
  #storage;
  #send;
  #pause;
  #draining = false;
  #again = false;
  /** @type {number|undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {string} options.user
   * @param {string} options.room
   * @param {import("./store.js").Store} options.storage
   * @param {(frame: object) => Promise<{seq: number}>} options.send rejects with a `code` when refused, without one
   *   when the connection went
   * @param {(seconds: number) => Promise<void>} [options.pause]
   * @param {string} [options.staleReason] what to say of a message that waited too long
   */
  constructor({ user, room, storage, send, pause = sleep, staleReason = "" }) {
    super();
    this.#prefix = `todoke.outbox.${user}.${room}.`;
    this.#room = room;
    this.#storage = storage;
    this.#send = send;
    this.#pause = pause;
    for (const key of keysUnder(storage, this.#prefix)) {
      const entry = parse(storage.getItem(key));
      if (!entry) storage.removeItem(key);
      else
        this.entries.push(
          Date.now() - Date.parse(entry.at) > STALE ? { ...entry, state: "failed", reason: staleReason } : entry,
        );
    }
    this.entries.sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  /**
   * @param {string} body
   * @param {number|null} [replyTo]
   * @returns {Entry}
   */
  add(body, replyTo = null) {
    /** @type {Entry} */
    const entry = { clientId: uuid(), body, replyTo, at: new Date().toISOString(), state: "sending" };
    this.entries.push(entry);
    this.#save(entry);
    this.#changed();
    void this.flush();
    return entry;
  }

  /** @param {string} clientId */
  retry(clientId) {
    const entry = this.#find(clientId);
    if (entry?.state !== "failed") return;
    entry.state = "sending";
    delete entry.reason;
    entry.at = new Date().toISOString();
    this.#save(entry);
    this.#changed();
    void this.flush();
  }

  /** @param {string} clientId */
  discard(clientId) {
    this.entries = this.entries.filter((entry) => entry.clientId !== clientId);
    this.#storage.removeItem(this.#prefix + clientId);
    this.#changed();
  }

  /** Forgets everything, e.g. when a closed talk has ended. */
  clear() {
    for (const key of keysUnder(this.#storage, this.#prefix)) this.#storage.removeItem(key);
    this.entries = [];
    this.#changed();
  }

  /**
   * Lets go of what the log shows.
   * @param {{seq: number, clientId: string|null}[]} messages
   * @param {number|null} head the reader's; a receipt at or below it is in the log already
   */
  settle(messages, head) {
    const shown = new Set(messages.map((message) => message.clientId));
    const left = this.entries.filter((entry) => {
      const done = shown.has(entry.clientId) || (entry.seq !== undefined && head !== null && entry.seq <= head);
      if (done) this.#storage.removeItem(this.#prefix + entry.clientId);
      return !done;
    });
    if (left.length === this.entries.length) return;
    this.entries = left;
    this.#changed();
  }

  /** Sends what waits, in order, one after the other. To be called whenever the connection is up. */
  async flush() {
    if (this.#draining) {
      this.#again = true;
      return;
    }
    this.#draining = true;
    try {
      do {
        this.#again = false;
        await this.#drain();
      } while (this.#again);
    } finally {
      this.#draining = false;
    }
  }

  async #drain() {
    let tries = 0;
    for (let entry; (entry = this.entries.find(({ state }) => state === "sending"));) {
      const { clientId, body, replyTo } = entry;
      /** @type {Record<string, unknown>} */
      const frame = { type: "message.post", room: this.#room, client_id: clientId, body };
      if (replyTo !== null) frame.reply_to = replyTo;
      try {
        const receipt = await this.#send(frame);
        entry.state = "sent";
        entry.seq = receipt.seq;
        this.#storage.removeItem(this.#prefix + clientId);
        tries = 0;
      } catch (error) {
        const { code, reason, retryAfter } = /** @type {{code?: string, reason?: string, retryAfter?: number}} */ (
          error
        );
        // Nobody knows whether it arrived; the next connection asks again under the same client_id.
        if (!code) {
          clearTimeout(this.#timer);
          this.#timer = setTimeout(() => void this.flush(), AGAIN);
          return;
        }
        tries += 1;
        if (PASSING.has(code) && tries < TRIES) {
          await this.#pause(retryAfter ?? 2 ** tries);
          continue;
        }
        entry.state = "failed";
        entry.reason = reason ?? "";
        this.#save(entry);
        tries = 0;
      }
      this.#changed();
    }
  }

  /** @param {string} clientId */
  #find(clientId) {
    return this.entries.find((entry) => entry.clientId === clientId);
  }

  /** @param {Entry} entry */
  #save(entry) {
    remember(this.#storage, this.#prefix + entry.clientId, JSON.stringify(entry));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {string|null} text @returns {Entry|null} */
function parse(text) {
  try {
    const entry = JSON.parse(text ?? "");
    const whole =
      typeof entry.clientId === "string" && typeof entry.body === "string" && !Number.isNaN(Date.parse(entry.at));
    return whole
      ? { ...entry, replyTo: entry.replyTo ?? null, state: entry.state === "failed" ? "failed" : "sending" }
      : null;
  } catch {
    return null;
  }
}

/** @param {number} seconds @returns {Promise<void>} */
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Also where `crypto.randomUUID` is missing: a page over plain HTTP on the local network. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
