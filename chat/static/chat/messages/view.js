/**
 * The messages on the page: a window of rows over a reader's log, that follows the talk or stays where the person
 * reads. While they read far from the end, it is a window over that part of the log (`show`).
 *
 * Rows are keyed and only added, moved or removed where they must be, so that focus, selection and screen readers keep
 * their place; at most `WINDOW` of them exist whatever the room's length.
 */

import { nameOf } from "./names.js";
import { Scroller } from "./scroller.js";
import { announce } from "../web/notices.js";
import { t, number } from "../web/strings.js";
import { dayOf } from "../web/times.js";

/** @typedef {import("./log.js").Message} Message */
/** @typedef {import("./outbox.js").Entry} Entry */

const WINDOW = 160;
/** Rows that come and go at once: what the browser lays out in one task. */
const STEP = 20;
/** Messages that the log keeps while the person reads the end of it. */
const KEEP = 2000;
/** More than this many new messages at once are announced as a count, not read out. */
const BURST = 3;

/**
 * Events: `bottom` when the end of the talk comes into view; `older`, `newer` when the person reads towards messages
 * that are not held yet.
 */
export class LogView extends EventTarget {
  /** Rows in the window are `log.messages[low…high)`. */
  #low = 0;
  #high = 0;
  #list;
  /** The log's latest stretch, and the one that is shown. */
  #live;
  #log;
  /** Whether rows of ours have taken the place of those that came with the document. */
  #ready = false;
  #rows;
  #scroller;
  #older;
  #below;
  #unreadBelow = 0;
  /** @type {number|null} seq that the unread line stands before */
  #unreadFrom = null;
  /** @type {Entry[]} */
  #own = [];
  #waysOf;
  #loading = false;
  /** Whether nothing that is held may be forgotten. */
  #held = false;
  /** The window that was there before `unfold`. @type {{low: number, high: number}|null} */
  #unfolded = null;
  /** The day that goes on paper; `null`: all that is held. @type {string|null} */
  paper = null;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.list
   * @param {import("./log.js").Log} parts.log
   * @param {import("./rows.js").MessageRows} parts.rows
   * @param {HTMLElement|null} parts.older button
   * @param {HTMLElement|null} parts.below button
   * @param {(entry: Entry) => import("./outbox.js").Way[]} parts.waysOf what one can do with an own message on its way
   */
  constructor({ list, log, rows, older, below, waysOf }) {
    super();
    this.#list = list;
    this.#live = log;
    this.#log = log;
    this.#rows = rows;
    this.#older = older;
    this.#below = below;
    this.#waysOf = waysOf;
    this.#scroller = new Scroller(list, () => this.#scrolled());
    addEventListener("beforeprint", () => this.#unfold(true));
    addEventListener("afterprint", () => this.#unfold(false));
    older?.addEventListener("click", (event) => {
      event.preventDefault();
      this.#up();
    });
    below?.addEventListener("click", () => this.toBottom());
  }

  /** Puts what goes on paper on the page: all that is held, or a day; or the window again. @param {boolean} whole */
  #unfold(whole) {
    if (!this.#ready) return;
    const place = this.#unfolded ?? { low: this.#low, high: this.#high };
    const { messages } = this.#log;
    this.#unfolded = whole ? place : null;
    if (!whole) [this.#low, this.#high] = [place.low, place.high];
    else if (this.paper === null) [this.#low, this.#high] = [0, messages.length];
    else {
      this.#low = messages.findIndex(({ at }) => dayOf(at) === this.paper);
      this.#high = messages.findLastIndex(({ at }) => dayOf(at) === this.paper) + 1;
    }
    if (!whole) this.paper = null;
    this.#paint({ silent: true, follow: this.#scroller.wasAtEnd });
  }

  /** The day that the person reads. @returns {string|null} */
  get day() {
    const { messages } = this.#log;
    const message = messages.find(({ seq }) => seq === this.#anchor()?.seq) ?? messages.at(-1);
    return message ? dayOf(message.at) : null;
  }

  /** Keeps all that is read, as for paper. @param {boolean} held */
  hold(held) {
    this.#held = held;
    this.loading = held;
  }

  /** The log that is shown. */
  get log() {
    return this.#log;
  }

  get atBottom() {
    return this.atBottomBefore(0);
  }

  /** Whether the person reads far from the end, apart from the latest messages. */
  get away() {
    return this.#log !== this.#live;
  }

  /** Seq of the first message in view; `null` where the end is in view, or nothing. @returns {number|null} */
  get place() {
    return this.atBottom ? null : (this.#anchor()?.seq ?? null);
  }

  /**
   * Everything is new.
   * @param {number|null} unreadAfter seq last seen
   * @param {Entry[]} [own] messages on their way
   * @param {boolean} [elsewhere] whether another place than the end is on its way to be shown (`show`, or `stay`)
   */
  reset(unreadAfter, own = this.#own, elsewhere = false) {
    if (elsewhere) {
      this.#ready = false;
      this.#own = own;
      return;
    }
    const atBottom = this.#scroller.wasAtEnd;
    this.#ready = true;
    this.#toEnd();
    const { messages } = this.#log;
    this.#own = unsettled(own, messages);
    const unread =
      unreadAfter === null ? [] : messages.filter((message) => message.seq > unreadAfter && !this.#rows.mine(message));
    this.#unreadFrom = unread[0]?.seq ?? null;
    this.#paint({ silent: true, follow: atBottom });
    // Somebody who comes back starts where they left off.
    if (unread.length > 0 && atBottom) this.#rows.get(unread[0].seq)?.scrollIntoView({ block: "center" });
    this.#scroller.wasAtEnd = this.atBottom;
    this.#tellBelow(this.#scroller.wasAtEnd ? 0 : unread.length);
  }

  /**
   * @param {Message[]} added
   * @param {Message[]} changed
   * @param {boolean} live
   */
  change(added, changed, live) {
    const others = added.filter((message) => this.#rows.isNews(message));
    if (!this.#ready) return;
    if (this.away) {
      this.#own = unsettled(this.#own, added);
      for (const message of changed) this.#rows.refresh(message, this.#log);
      if (others.length > 0) announce(t("log.arrived", { n: number(others.length) }));
      this.#tellBelow(this.#unreadBelow + others.length);
      return;
    }
    const follow = this.atBottomBefore(added.length);
    const total = this.#log.messages.length;
    this.#high = follow ? total : Math.max(this.#high, Math.min(total, this.#low + WINDOW));
    if (follow) {
      const forgotten = this.#held || this.#unfolded ? 0 : this.#log.trim(KEEP);
      this.#high -= forgotten;
      this.#low = Math.max(0, this.#high - WINDOW, this.#low - forgotten);
    }
    const burst = !live || others.length > BURST;
    this.#own = unsettled(this.#own, added);
    this.#paint({ silent: burst, follow, changed });
    if (burst && others.length > 0) announce(t("log.arrived", { n: number(others.length) }));
    else if (this.#scroller.hushed) announce(others.map(({ author, body }) => `${nameOf(author)}: ${body}`).join("\n"));
    this.#tellBelow(this.atBottom ? 0 : this.#unreadBelow + others.length);
  }

  /** Whether the reader was at the end before `added` messages came. @param {number} added */
  atBottomBefore(added) {
    if (this.away) return false;
    return this.#high >= this.#log.messages.length - added && this.#scroller.atEnd;
  }

  /** Own messages on their way. @param {Entry[]} entries @param {boolean} jump whether a new one was written */
  own(entries, jump) {
    const follow = jump || this.atBottom;
    this.#own = entries;
    if (!this.#ready && this.#live.head !== null) return; // a message far from the end is on its way to be shown
    if (jump) this.#toEnd();
    if (this.away) return;
    this.#paint({ silent: false, follow });
  }

  /**
   * Takes messages that an older page has put before the first.
   * @param {number} count
   * @param {boolean} [shown] whether the person is on their way to them
   */
  prepended(count, shown = true) {
    this.#low += count;
    this.#high += count;
    this.#rows.requote(this.#log);
    if (shown) this.#slideUp();
  }

  /** @param {number|null} seq the first unread message */
  markUnread(seq) {
    this.#unreadFrom = seq;
  }

  toBottom() {
    const focused = this.#below !== null && this.#below === document.activeElement;
    this.#toEnd();
    this.#rows.mark(null);
    this.#paint({ silent: true, follow: true });
    this.#scroller.wasAtEnd = true;
    this.#tellBelow(0);
    // The button is gone now: the focus goes to what it led to.
    if (focused) this.#scroller.focus();
    this.dispatchEvent(new Event("bottom"));
  }

  /**
   * Shows a message, or the next one where the seq is no message's.
   * @param {import("./log.js").Log} log the stretch in which it stands
   * @param {number} seq
   * @param {boolean} marked whether to mark it, too
   * @returns {boolean} whether there is one
   */
  show(log, seq, marked) {
    const index = log.messages.findIndex((message) => message.seq >= seq);
    if (index < 0) return false;
    const found = log.messages[index].seq;
    // By its row: an older stretch may have joined this one since it was painted, and moved every index.
    if (!this.#ready || log !== this.#log || !this.#rows.get(found)) {
      this.#ready = true;
      this.#log = log;
      this.#low = Math.max(0, index - WINDOW / 2);
      this.#high = Math.min(log.messages.length, this.#low + WINDOW);
      this.#paint({ silent: true, follow: false });
      this.#rows.requote(log);
    }
    this.#rows.mark(marked ? found : null);
    const row = this.#rows.get(found);
    row?.scrollIntoView({ block: "center" });
    row?.focus({ preventScroll: true });
    this.#scroller.wasAtEnd = this.atBottom;
    this.#tellBelow(this.#unreadBelow);
    return true;
  }

  /** The other place is not to be had: what is there goes on, or the end if there is nothing yet. */
  stay() {
    if (!this.#ready) this.reset(null);
  }

  /** Goes on in another stretch, into which the one that is shown has grown. @param {import("./log.js").Log} log */
  continueIn(log) {
    const [first, last] = [this.#log.messages[this.#low]?.seq, this.#log.messages[this.#high - 1]?.seq];
    this.#log = log;
    this.#low = Math.max(0, log.messages.findIndex(({ seq }) => seq === first));
    this.#high = log.messages.findLastIndex(({ seq }) => seq === last) + 1;
    this.#slideDown();
  }

  #toEnd() {
    this.#log = this.#live;
    this.#high = this.#log.messages.length;
    this.#low = Math.max(0, this.#high - WINDOW);
  }

  #scrolled() {
    const { edge } = this.#scroller;
    if (edge === "head") this.#up();
    else if (edge === "foot") this.#down();
    const atBottom = this.atBottom;
    this.#scroller.wasAtEnd = atBottom;
    this.#tellBelow(atBottom ? 0 : this.#unreadBelow);
    if (atBottom) this.dispatchEvent(new Event("bottom"));
  }

  #up() {
    if (this.#low > 0) return this.#slideUp();
    if (!this.#log.more || this.#loading) return;
    this.dispatchEvent(new Event("older"));
  }

  #down() {
    if (this.#high < this.#log.messages.length) return this.#slideDown();
    if (this.away && !this.#loading) this.dispatchEvent(new Event("newer"));
  }

  /** @param {boolean} loading another page */
  set loading(loading) {
    this.#loading = loading;
    this.#scroller.busy = loading;
  }

  #slideUp() {
    this.#low = Math.max(0, this.#low - STEP);
    this.#high = Math.min(this.#high, this.#low + WINDOW);
    this.#paint({ silent: true, follow: false });
  }

  #slideDown() {
    this.#high = Math.min(this.#log.messages.length, this.#high + STEP);
    this.#low = Math.max(this.#low, this.#high - WINDOW);
    this.#paint({ silent: true, follow: false });
  }

  /** @param {number} count */
  #tellBelow(count) {
    this.#unreadBelow = count;
    if (!this.#below) return;
    this.#below.hidden = count === 0 && this.#nearEnd();
    const text = count > 0 ? t("log.below", { n: number(count) }) : t("log.latest");
    if (this.#below.textContent !== text) this.#below.textContent = text;
  }

  #nearEnd() {
    return !this.away && this.#high === this.#log.messages.length && this.#scroller.nearEnd;
  }

  /** @param {{silent: boolean, follow: boolean, changed?: Message[]}} how */
  #paint({ silent, follow, changed = [] }) {
    if (silent) this.#scroller.hush();
    const anchor = follow ? null : this.#anchor();
    for (const message of changed) this.#rows.refresh(message, this.#log);
    this.#reconcile(this.#wanted());
    if (this.#older) this.#older.hidden = this.#low === 0 && !this.#log.more;
    if (follow) this.#scroller.sink();
    else if (anchor) this.#scroller.keep(this.#rows.get(anchor.seq), anchor.top);
  }

  /** The nodes that should stand in the list, in order. */
  #wanted() {
    /** @type {HTMLElement[]} */
    const wanted = [];
    const { messages } = this.#log;
    let previous = messages[this.#low - 1];
    for (const message of messages.slice(this.#low, this.#high)) {
      if (!previous || dayOf(previous.at) !== dayOf(message.at)) wanted.push(this.#rows.day(message.at));
      if (message.seq === this.#unreadFrom) wanted.push(this.#rows.unreadLine());
      wanted.push(this.#rows.row(message, previous, this.#log));
      previous = message;
    }
    if (this.#high === messages.length && !this.away) {
      for (const entry of this.#own) wanted.push(this.#rows.ownRow(entry, this.#log, this.#waysOf(entry)));
    }
    this.#rows.keepOnly(wanted);
    return wanted;
  }

  /** @param {HTMLElement[]} wanted */
  #reconcile(wanted) {
    const staying = new Set(wanted);
    // Until the first page is there, the rows that came with the document stand for it.
    for (const child of [...this.#list.children]) {
      const stands = !this.#ready ? !child.matches("[data-client-id]") : child.querySelector("[data-older]");
      if (!staying.has(/** @type {HTMLElement} */ (child)) && !stands) child.remove();
    }
    /** @type {Element|null} */
    let cursor = this.#list.firstElementChild;
    while (cursor && !staying.has(/** @type {HTMLElement} */ (cursor))) cursor = cursor.nextElementSibling;
    for (const node of wanted) {
      if (node === cursor) cursor = cursor.nextElementSibling;
      else this.#list.insertBefore(node, cursor);
    }
  }

  /** The first message in view, and where its row stands. */
  #anchor() {
    const { messages } = this.#log;
    const first = messages[this.#low]?.seq ?? Infinity;
    const last = messages[this.#high - 1]?.seq ?? -Infinity;
    return this.#scroller.anchor((seq) => seq >= first && seq <= last);
  }
}

/** Own messages that the log does not show yet. @param {Entry[]} own @param {Message[]} messages */
function unsettled(own, messages) {
  if (own.length === 0) return own;
  const shown = new Set(messages.map((message) => message.clientId));
  return own.filter((entry) => !shown.has(entry.clientId));
}
