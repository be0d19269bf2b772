/**
 * Keeps one room's log in step with the server: first page, live events, holes, resumption and older pages; and finds
 * messages that stand far from the end.
 *
 * Events: `restored` (detail: the messages shown before; the log went back, `reset` follows), `reset` (everything is new),
 * `change` (detail: `{added, changed, live}`), `frame` (detail: any other frame
 * of the room), `refused` (detail: the refusal).
 */

import { Log } from "./log.js";
import { PASSING, Refused } from "../realtime/socket.js";

/** @typedef {import("../realtime/transport.js").Frame} Frame */

/** Events in one page of the log. */
const PAGE = 100;
/** Behind by more than this, a reader starts anew from the latest page rather than read all it missed. */
const TOO_FAR = 1000;
/** Lets stragglers come by themselves before the log is asked, in milliseconds. */
const GRACE = 150;

export class Feed extends EventTarget {
  log = new Log();
  /** A stretch far before `log`, while somebody reads there; it joins `log` where the two meet. @type {Log|null} */
  past = null;
  /** What `past` was made of. @type {import("./log.js").Item[]} */
  #pastItems = [];
  #connection;
  #room;
  #repairing = false;
  /** Where a repair has to arrive; it may move on while one is under way. */
  #target = 0;
  #scheduled = false;
  /** Whether what the log holds is of a history that is over. */
  #void = false;

  /** @param {import("../realtime/socket.js").Connection} connection @param {string} room */
  constructor(connection, room) {
    super();
    this.#connection = connection;
    this.#room = room;
  }

  start() {
    this.#connection.join(this.#room, this);
  }

  after() {
    return this.#void ? undefined : (this.log.head ?? undefined);
  }

  forget() {
    this.#void = this.log.head !== null;
  }

  /** @param {Frame} frame @param {number|undefined} after */
  async joined(frame, after) {
    // A head below ours is a log that went back, of a server that does not say so.
    this.#void ||= frame.reset === true || (after !== undefined && frame.head < after);
    if (after !== undefined && !this.#void && frame.head - after <= TOO_FAR) {
      this.#tell(this.log.receive(frame.items), false);
      return this.#repair(frame.head);
    }
    const page =
      after === undefined || frame.reset
        ? frame
        : await this.#ask({ type: "room.history", before: frame.head + 1, limit: PAGE });
    if (!page) return;
    this.past = null;
    const before = this.log.messages;
    this.#target = 0;
    this.log.reset(page.items, { head: frame.head, more: page.more ?? true, anew: this.#void });
    if (this.#void) this.dispatchEvent(new CustomEvent("restored", { detail: before }));
    this.#void = false;
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
    const changed = this.past?.amend(frame.items) ?? [];
    const news = this.log.receive(frame.items);
    this.#tell({ added: news.added, changed: [...news.changed, ...changed] }, true);
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
   * Reads the page before the oldest message, of `past` if there is one.
   * @returns {Promise<import("./log.js").Message[]|null>} those added; `null` when the server did not answer
   */
  async older() {
    const log = this.past ?? this.log;
    /** @type {import("./log.js").Message[]} */
    let added = [];
    // A page may hold nothing but edits.
    while (added.length === 0 && log.more) {
      const before = /** @type {number} */ (log.base);
      const page = await this.#ask({ type: "room.history", before, limit: PAGE });
      if (!page) return null;
      if (before !== log.base || log !== (this.past ?? this.log)) return []; // it has started anew meanwhile
      added = log.older(page.items, page.more ?? page.items.length > 0);
      if (log === this.past) this.#pastItems.unshift(...page.items);
    }
    return added;
  }

  /**
   * Finds the stretch in which an event stands; reads around it where neither `past` nor `log` has it.
   * @param {number} seq
   * @returns {Promise<Log|null>} `past` or `log`; `null` when the server did not answer
   */
  async find(seq) {
    if (this.past?.covers(seq)) return this.past;
    if (this.log.base === null || seq >= this.log.base) return this.log;
    const page = await this.#ask({ type: "room.history", before: Math.max(seq + PAGE / 2, PAGE) + 1, limit: PAGE });
    if (!page) return null;
    this.past = new Log();
    this.past.reset(page.items, { head: seq, more: page.more ?? false });
    this.#pastItems = [...page.items];
    return this.#meet(this.past);
  }

  /**
   * Reads the page after `past`.
   * @returns {Promise<Log|null>} `past`, or `log` where the two have met; `null` when the server did not answer
   */
  async newer() {
    const { past } = this;
    if (!past) return this.log;
    const head = /** @type {number} */ (past.head);
    const page = await this.#ask({ type: "room.history", before: head + PAGE + 1, limit: PAGE });
    if (!page) return null;
    if (past !== this.past || head !== past.head) return this.past ?? this.log;
    past.fill(head, page.items);
    this.#pastItems.push(...page.items.filter((/** @type {import("./log.js").Item} */ { seq }) => seq > head));
    return this.#meet(past);
  }

  /** @param {Log} past @returns {Log} where its messages stand now */
  #meet(past) {
    if (/** @type {number} */ (past.head) + 1 < /** @type {number} */ (this.log.base)) return past;
    this.log.older(this.#pastItems, past.more);
    this.past = null;
    return this.log;
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
        if (page.reset) return void this.joined(page, after);
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
