/**
 * Keeps one room's log in step with the server: first page, live events, holes, resumption and older pages.
 *
 * Events: `reset` (everything is new), `change` (detail: `{added, changed, live}`), `frame` (detail: any other frame
 * of the room), `refused` (detail: the refusal).
 */

import { Log } from "./log.js";
import { PASSING, Refused } from "./socket.js";

/** @typedef {import("./transport.js").Frame} Frame */

/** Events in one page of the log. */
const PAGE = 100;
/** Behind by more than this, a reader starts anew from the latest page rather than read all it missed. */
const TOO_FAR = 1000;
/** Lets stragglers come by themselves before the log is asked, in milliseconds. */
const GRACE = 150;

export class Feed extends EventTarget {
  log = new Log();
  #connection;
  #room;
  #repairing = false;
  /** Where a repair has to arrive; it may move on while one is under way. */
  #target = 0;
  #scheduled = false;

  /** @param {import("./socket.js").Connection} connection @param {string} room */
  constructor(connection, room) {
    super();
    this.#connection = connection;
    this.#room = room;
  }

  start() {
    this.#connection.join(this.#room, this);
  }

  after() {
    return this.log.head ?? undefined;
  }

  /** @param {Frame} frame @param {number|undefined} after */
  async joined(frame, after) {
    // A head below ours is a log that was put back from a copy: start anew, too.
    if (after !== undefined && frame.head >= after && frame.head - after <= TOO_FAR) {
      this.#tell(this.log.receive(frame.items), false);
      return this.#repair(frame.head);
    }
    const page =
      after === undefined ? frame : await this.#ask({ type: "room.history", before: frame.head + 1, limit: PAGE });
    if (!page) return;
    this.log.reset(page.items, { head: frame.head, more: page.more ?? true });
    this.dispatchEvent(new Event("reset"));
    return this.#repair(frame.head);
  }

  /** @param {Frame} frame */
  frame(frame) {
    if (frame.type !== "messages") {
      this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
      return;
    }
    // An answer to a question of ours is taken by the one who asked.
    if (frame.ref !== undefined) return;
    this.#tell(this.log.receive(frame.items), true);
    if (this.log.hole !== null && !this.#scheduled) {
      this.#scheduled = true;
      setTimeout(() => {
        this.#scheduled = false;
        if (this.log.hole !== null) void this.#repair(0);
      }, GRACE);
    }
  }

  resync() {
    if (this.log.head !== null) void this.#repair(this.log.head + 1);
  }

  /** @param {Refused} refused */
  refused(refused) {
    this.dispatchEvent(new CustomEvent("refused", { detail: refused }));
  }

  /**
   * Reads the page before the oldest message.
   * @returns {Promise<import("./log.js").Message[]|null>} those added; `null` when the server did not answer
   */
  async older() {
    /** @type {import("./log.js").Message[]} */
    let added = [];
    // A page may hold nothing but edits.
    while (added.length === 0 && this.log.more) {
      const before = /** @type {number} */ (this.log.base);
      const page = await this.#ask({ type: "room.history", before, limit: PAGE });
      if (!page) return null;
      if (before !== this.log.base) return []; // it has started anew meanwhile
      added = this.log.older(page.items, page.more ?? page.items.length > 0);
    }
    return added;
  }

  /** Reads the log until the reader is at `head` and without a hole. @param {number} head */
  async #repair(head) {
    this.#target = Math.max(this.#target, head);
    if (this.#repairing) return;
    this.#repairing = true;
    try {
      for (let empty = 0; empty < 3;) {
        const after = /** @type {number} */ (this.log.head);
        if (this.log.hole === null && after >= this.#target) return;
        const page = await this.#ask({ type: "room.sync", after, limit: PAGE });
        if (!page) return;
        this.#tell(this.log.fill(after, page.items), false);
        if (page.items.length > 0) continue;
        if (this.log.hole === null) {
          this.#target = after;
          return;
        }
        // The log says that there is nothing, yet something later has come: ask again, then believe it.
        empty += 1;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      this.#tell(this.log.skip(), false);
    } finally {
      this.#repairing = false;
    }
  }

  /**
   * @param {Frame} frame
   * @returns {Promise<Frame|null>} `null` when refused or lost: the next connection starts the repair again
   */
  async #ask(frame) {
    for (let tries = 0; tries < 5; tries += 1) {
      try {
        return await this.#connection.request({ ...frame, room: this.#room });
      } catch (error) {
        if (!(error instanceof Refused) || !PASSING.has(error.code)) return null;
        const seconds = error.retryAfter ?? 2 ** tries;
        await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      }
    }
    return null;
  }

  /** @param {import("./log.js").Change} change @param {boolean} live */
  #tell({ added, changed }, live) {
    if (added.length + changed.length > 0)
      this.dispatchEvent(new CustomEvent("change", { detail: { added, changed, live } }));
  }
}
