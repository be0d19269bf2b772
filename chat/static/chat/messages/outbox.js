/**
 * A person's own messages and edits on their way into one room: sending → sent, or failed and waiting for their author.
 *
 * Each waits on the device under a key of its own until the server has it or its author throws it away. A message may
 * be sent more than once; its `client_id` makes the server store it once.
 */

import { PASSING } from "../realtime/socket.js";

/** @typedef {import("./draft.js").Act} Act */
/**
 * @typedef {object} Entry
 * @property {string} clientId
 * @property {string} body
 * @property {number|null} replyTo
 * @property {string} [name] whose message it answers
 * @property {number} [target] the message that it edits
 * @property {string} [was] the words of that message
 * @property {string} at RFC 3339
 * @property {"sending"|"sent"|"failed"} state
 * @property {string} [code] why it failed: of the server, or `stale`, `other`, `over`, `lost`
 * @property {string} [reason] why it failed, a sentence
 * @property {number} [seq] once sent
 * @property {boolean} [late] an edit that takes long enough to be shown
 */
/** @typedef {"retry"|"now"|"back"|"copy"|"discard"} Way what its author can do with an entry that failed */

/** Written longer ago than this, it waits for its author's word instead of going out by surprise. */
const STALE = 10 * 60 * 1000;
/** After an answer that did not come, in milliseconds. A connection that comes up anew does not wait for it. */
const AGAIN = 5000;
/** How often the server may say "not now" before the author is asked. */
const TRIES = 5;
/** An edit is shown on its way after this, in milliseconds; most have arrived by then. */
const LATE = 1000;
/** Failures after which the same words can be sent again. */
const AGAIN_LATER = new Set([...PASSING, "stale", "other", "over", "lost"]);
const NAME = "out.";

/** Event `refused` (detail: the entry): the server will not take it as it is. */
export class Outbox extends EventTarget {
  /** @type {Entry[]} */
  entries = [];
  #room;
  #words;
  #send;
  #pause;
  #reasons;
  #over = false;
  #draining = false;
  #again = false;
  /** The one that is on the line. @type {Entry|undefined} */
  #flying;
  /** @type {number|undefined} */
  #timer;

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {import("../web/words.js").Words} options.words where they wait
   * @param {(frame: object) => Promise<{seq: number}>} options.send rejects with a `code` when refused, without one
   *   when the connection went
   * @param {(seconds: number) => Promise<void>} [options.pause]
   * @param {{stale: string, other: string, over: string}} options.reasons what to say of a message that waited too
   *   long, of one whose author is signed in no more, and of one that came too late
   */
  constructor({ room, words, send, pause = sleep, reasons }) {
    super();
    this.#room = room;
    this.#words = words;
    this.#send = send;
    this.#pause = pause;
    this.#reasons = reasons;
    for (const name of words.names(NAME)) this.#load(words.read(name), name);
  }

  /** Those to be shown. */
  get shown() {
    return this.entries.filter(({ target, state, late }) => target === undefined || late || state === "failed");
  }

  /** @param {Act} act @returns {Entry} */
  add(act) {
    /** @type {Entry} */
    const entry = { clientId: uuid(), body: act.body, replyTo: null, at: new Date().toISOString(), state: "sending" };
    if (act.kind === "edit") {
      for (const { clientId } of this.entries.filter((other) => other.target === act.seq && other !== this.#flying))
        this.#remove(clientId);
      entry.target = act.seq;
      entry.was = act.was;
      setTimeout(() => {
        entry.late = true;
        if (entry.state === "sending") this.#changed();
      }, LATE);
    } else if (act.replyTo !== null) {
      entry.replyTo = act.replyTo.seq;
      entry.name = act.replyTo.name;
    }
    this.entries.push(entry);
    this.#save(entry);
    this.#changed();
    void this.flush();
    return entry;
  }

  /** Takes over what a closed tab left. @param {import("../web/words.js").Left} left */
  adopt(left) {
    if (!left.name.startsWith(NAME)) return;
    this.#words.takeOver(left);
    this.#load(left.value, left.name);
    this.#changed();
  }

  /** @param {number} seq @returns {Entry|undefined} the edit of a message that is not stored yet */
  editOf(seq) {
    return this.entries.findLast((entry) => entry.target === seq && entry.state !== "sent");
  }

  /** @param {string} clientId */
  get(clientId) {
    return this.entries.find((entry) => entry.clientId === clientId);
  }

  /** @param {Entry} entry @returns {Way[]} */
  ways({ state, code = "" }) {
    if (state !== "failed") return [];
    if (this.#over) return ["copy", "discard"];
    if (!AGAIN_LATER.has(code)) return ["back", "discard"];
    return [code === "stale" ? "now" : "retry", "back", "discard"];
  }

  /** @param {string} clientId */
  retry(clientId) {
    const entry = this.get(clientId);
    if (entry?.state !== "failed") return;
    entry.state = "sending";
    delete entry.code;
    delete entry.reason;
    entry.at = new Date().toISOString();
    this.#save(entry);
    this.#changed();
    void this.flush();
  }

  /** @param {string} clientId */
  discard(clientId) {
    this.#remove(clientId);
    this.#changed();
  }

  /** Sends nothing more by itself: its author is not the one who is signed in. */
  hold() {
    this.#stop("other", this.#reasons.other);
  }

  /** Sends nothing more: nobody can write here any more. */
  close() {
    this.#over = true;
    this.#stop("over", this.#reasons.over);
  }

  /**
   * Lets go of what the log shows.
   * @param {import("./log.js").Message[]} messages that came or changed
   * @param {number|null} head the reader's; a receipt at or below it is in the log already
   */
  settle(messages, head) {
    const shown = new Set(messages.map((message) => message.clientId));
    const bodies = new Map(messages.map((message) => [message.seq, message.body]));
    const done = this.entries.filter(
      ({ clientId, seq, target, body }) =>
        (seq !== undefined && head !== null && seq <= head) ||
        (target === undefined ? shown.has(clientId) : bodies.get(target) === body),
    );
    for (const { clientId } of done) this.#remove(clientId);
    if (done.length > 0) this.#changed();
  }

  /**
   * Offers words again that the service has lost: it went back to an earlier state.
   * @param {{body: string, clientId: string|null, at: string}[]} lost own messages that were in the log
   * @param {{clientId: string|null}[]} messages those in the log now
   * @param {string} reason a sentence
   */
  restored(lost, messages, reason) {
    const shown = new Set(messages.map((message) => message.clientId));
    for (const { body, clientId, at } of lost)
      if (clientId && !this.get(clientId)) this.entries.push({ clientId, body, replyTo: null, at, state: "sent" });
    for (const entry of this.entries) {
      entry.replyTo = null; // what it points at has another seq, or is gone
      delete entry.seq;
      if (entry.target !== undefined) this.#fail(entry, "missing", reason);
      else if (entry.state === "sent" && !shown.has(entry.clientId)) this.#fail(entry, "lost", reason);
      else if (entry.state !== "sent") this.#save(entry);
    }
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
      // Taken over by another tab, or thrown away there.
      if (!this.#words.has(NAME + entry.clientId)) this.#remove(entry.clientId);
      else if (isStale(entry)) this.#fail(entry, "stale", this.#reasons.stale);
      else {
        try {
          this.#flying = entry;
          const receipt = await this.#send(this.#frame(entry));
          entry.state = "sent";
          entry.seq = receipt.seq;
          this.#words.write(NAME + entry.clientId, null);
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
          this.#fail(entry, code, reason ?? "");
          if (!AGAIN_LATER.has(code)) this.dispatchEvent(new CustomEvent("refused", { detail: entry }));
          tries = 0;
        } finally {
          this.#flying = undefined;
        }
      }
      this.#changed();
    }
  }

  /** @param {Entry} entry */
  #frame({ clientId, body, replyTo, target }) {
    if (target !== undefined) return { type: "message.edit", room: this.#room, seq: target, body };
    const frame = { type: "message.post", room: this.#room, client_id: clientId, body };
    return replyTo === null ? frame : { ...frame, reply_to: replyTo };
  }

  /** @param {unknown} kept @param {string} name */
  #load(kept, name) {
    const entry = whole(kept);
    if (!entry) return this.#words.write(name, null);
    if (entry.state === "sending" && isStale(entry)) this.#fail(entry, "stale", this.#reasons.stale);
    this.entries.push(entry);
    this.entries.sort((a, b) => (a.at < b.at ? -1 : 1));
  }

  /** @param {string} code @param {string} reason */
  #stop(code, reason) {
    for (const entry of this.entries) if (entry.state === "sending") this.#fail(entry, code, reason);
    this.#changed();
  }

  /** @param {Entry} entry @param {string} code @param {string} reason */
  #fail(entry, code, reason) {
    Object.assign(entry, { state: "failed", code, reason });
    this.#save(entry);
  }

  /** @param {string} clientId */
  #remove(clientId) {
    this.entries = this.entries.filter((entry) => entry.clientId !== clientId);
    this.#words.write(NAME + clientId, null);
  }

  /** @param {Entry} entry */
  #save(entry) {
    this.#words.write(NAME + entry.clientId, entry);
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {Entry} entry */
const isStale = ({ at }) => Date.now() - Date.parse(at) > STALE;

/** @param {any} kept @returns {Entry|null} */
function whole(kept) {
  const known =
    typeof kept?.clientId === "string" && typeof kept.body === "string" && !Number.isNaN(Date.parse(kept.at));
  return known
    ? { ...kept, replyTo: kept.replyTo ?? null, state: kept.state === "failed" ? "failed" : "sending", late: true }
    : null;
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
