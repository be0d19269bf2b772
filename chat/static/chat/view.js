/**
 * The messages on the page: a window of rows over a reader's log, that follows the talk or stays where the person
 * reads.
 *
 * Rows are keyed and only added, moved or removed where they must be, so that focus, selection and screen readers keep
 * their place; at most `WINDOW` of them exist whatever the room's length.
 */

import { announce } from "./notices.js";
import { dayOf } from "./rows.js";
import { t, number } from "./strings.js";

/** @typedef {import("./log.js").Message} Message */
/** @typedef {import("./outbox.js").Entry} Entry */

const WINDOW = 200;
const STEP = 40;
/** Messages that the log keeps while the person reads the end of it. */
const KEEP = 2000;
/** In pixels. */
const AT_BOTTOM = 48;
const NEAR_EDGE = 600;
/** More than this many new messages at once are announced as a count, not read out. */
const BURST = 3;

export class LogView extends EventTarget {
  /** Rows in the window are `log.messages[low…high)`. */
  #low = 0;
  #high = 0;
  #list;
  #log;
  #rows;
  #scroller;
  #older;
  #below;
  #unreadBelow = 0;
  /** @type {number|null} seq that the unread line stands before */
  #unreadFrom = null;
  /** @type {Entry[]} */
  #own = [];
  /** @type {number|undefined} */
  #quiet;
  #loading = false;
  /** Whether the end was in view when the page last stood still. */
  #wasAtBottom = true;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.list
   * @param {import("./log.js").Log} parts.log
   * @param {import("./rows.js").MessageRows} parts.rows
   * @param {HTMLElement|null} parts.older button
   * @param {HTMLElement|null} parts.below button
   */
  constructor({ list, log, rows, older, below }) {
    super();
    this.#list = list;
    this.#log = log;
    this.#rows = rows;
    this.#older = older;
    this.#below = below;
    this.#scroller = scrollerOf(list);
    list.style.overflowAnchor = "none";
    let waiting = false;
    const target = this.#scroller === document.scrollingElement ? window : this.#scroller;
    target.addEventListener(
      "scroll",
      () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          this.#scrolled();
        });
      },
      { passive: true },
    );
    // A banner, a keyboard, a growing composer: who read the end goes on reading the end.
    this.#sink();
    new ResizeObserver(() => this.#wasAtBottom && this.#sink()).observe(list);
    older?.addEventListener("click", () => this.#up());
    below?.addEventListener("click", () => this.toBottom());
  }

  get atBottom() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return this.#high === this.#log.messages.length && scrollHeight - scrollTop - clientHeight < AT_BOTTOM;
  }

  /**
   * Everything is new.
   * @param {number|null} unreadAfter seq last seen
   * @param {Entry[]} [own] messages on their way
   */
  reset(unreadAfter, own = this.#own) {
    const atBottom = this.#wasAtBottom;
    const { messages } = this.#log;
    this.#high = messages.length;
    this.#low = Math.max(0, this.#high - WINDOW);
    this.#own = unsettled(own, messages);
    const unread =
      unreadAfter === null ? [] : messages.filter((message) => message.seq > unreadAfter && !this.#rows.mine(message));
    this.#unreadFrom = unread[0]?.seq ?? null;
    this.#paint({ silent: true, follow: atBottom });
    // Somebody who comes back starts where they left off.
    if (unread.length > 0 && atBottom) this.#rows.get(unread[0].seq)?.scrollIntoView({ block: "center" });
    this.#wasAtBottom = this.atBottom;
    this.#tellBelow(this.#wasAtBottom ? 0 : unread.length);
  }

  /**
   * @param {Message[]} added
   * @param {Message[]} changed
   * @param {boolean} live
   */
  change(added, changed, live) {
    const follow = this.atBottomBefore(added.length);
    const total = this.#log.messages.length;
    this.#high = follow ? total : Math.max(this.#high, Math.min(total, this.#low + WINDOW));
    if (follow) {
      const forgotten = this.#log.trim(KEEP);
      this.#high -= forgotten;
      this.#low = Math.max(0, this.#high - WINDOW, this.#low - forgotten);
    }
    const others = added.filter((message) => !this.#rows.mine(message));
    const burst = !live || others.length > BURST;
    this.#own = unsettled(this.#own, added);
    this.#paint({ silent: burst, follow, changed });
    if (burst && others.length > 0) announce(t("log.arrived", { n: number(others.length) }));
    this.#tellBelow(this.atBottom ? 0 : this.#unreadBelow + others.length);
  }

  /** Whether the reader was at the end before `added` messages came. @param {number} added */
  atBottomBefore(added) {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return this.#high >= this.#log.messages.length - added && scrollHeight - scrollTop - clientHeight < AT_BOTTOM;
  }

  /** Own messages on their way. @param {Entry[]} entries @param {boolean} jump whether a new one was written */
  own(entries, jump) {
    const follow = jump || this.atBottom;
    this.#own = entries;
    if (jump) this.#toEnd();
    this.#paint({ silent: false, follow });
  }

  /** Takes messages that an older page has put before the first. @param {number} count */
  prepended(count) {
    this.#low += count;
    this.#high += count;
    this.#rows.requote(this.#log);
    this.#slideUp();
  }

  /** @param {number|null} seq the first unread message */
  markUnread(seq) {
    this.#unreadFrom = seq;
  }

  toBottom() {
    this.#toEnd();
    this.#paint({ silent: true, follow: true });
    this.#tellBelow(0);
    this.dispatchEvent(new Event("bottom"));
  }

  #sink() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** Shows a message if it is held. @param {number} seq */
  jumpTo(seq) {
    const index = this.#log.messages.findIndex((message) => message.seq === seq);
    if (index < 0) return;
    if (index < this.#low || index >= this.#high) {
      this.#low = Math.max(0, index - WINDOW / 2);
      this.#high = Math.min(this.#log.messages.length, this.#low + WINDOW);
      this.#paint({ silent: true, follow: false });
    }
    const row = this.#rows.get(seq);
    row?.scrollIntoView({ block: "center" });
    row?.focus({ preventScroll: true });
  }

  #toEnd() {
    this.#high = this.#log.messages.length;
    this.#low = Math.max(0, this.#high - WINDOW);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollTop < NEAR_EDGE) this.#up();
    else if (scrollHeight - scrollTop - clientHeight < NEAR_EDGE && this.#high < this.#log.messages.length)
      this.#slideDown();
    const atBottom = this.atBottom;
    this.#wasAtBottom = atBottom;
    this.#tellBelow(atBottom ? 0 : this.#unreadBelow);
    if (atBottom) this.dispatchEvent(new Event("bottom"));
  }

  #up() {
    if (this.#low > 0) return this.#slideUp();
    if (!this.#log.more || this.#loading) return;
    this.dispatchEvent(new Event("older"));
  }

  /** @param {boolean} loading an older page */
  set loading(loading) {
    this.#loading = loading;
    this.#list.setAttribute("aria-busy", String(loading));
    if (this.#older instanceof HTMLButtonElement) this.#older.disabled = loading;
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
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return this.#high === this.#log.messages.length && scrollHeight - scrollTop - clientHeight < clientHeight;
  }

  /** @param {{silent: boolean, follow: boolean, changed?: Message[]}} how */
  #paint({ silent, follow, changed = [] }) {
    if (silent) this.#hush();
    const anchor = follow ? null : this.#anchor();
    for (const message of changed) this.#rows.refresh(message, this.#log);
    this.#reconcile(this.#wanted());
    if (this.#older) this.#older.hidden = this.#low === 0 && !this.#log.more;
    if (follow) this.#sink();
    else if (anchor) this.#scroller.scrollTop += anchor.node.getBoundingClientRect().top - anchor.top;
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
    if (this.#high === messages.length) {
      for (const entry of this.#own) wanted.push(this.#rows.ownRow(entry, this.#log));
    }
    this.#rows.keepOnly(wanted);
    return wanted;
  }

  /** @param {HTMLElement[]} wanted */
  #reconcile(wanted) {
    const staying = new Set(wanted);
    // Until the first page is there, the rows that came with the document stand for it.
    const standing = this.#log.head === null ? ":not([data-client-id])" : ":has([data-older])";
    for (const child of [...this.#list.children]) {
      if (!staying.has(/** @type {HTMLElement} */ (child)) && !child.matches(standing)) child.remove();
    }
    /** @type {Element|null} */
    let cursor = this.#list.firstElementChild;
    while (cursor && !staying.has(/** @type {HTMLElement} */ (cursor))) cursor = cursor.nextElementSibling;
    for (const node of wanted) {
      if (node === cursor) cursor = cursor.nextElementSibling;
      else this.#list.insertBefore(node, cursor);
    }
  }

  /** The first row in view, and where it stands. */
  #anchor() {
    const top = this.#scroller === document.scrollingElement ? 0 : this.#scroller.getBoundingClientRect().top;
    for (const node of this.#list.children) {
      if (!(node instanceof HTMLElement) || !node.dataset.seq || !this.#rows.holds(node)) continue;
      const box = node.getBoundingClientRect();
      if (box.bottom > top && this.#inWindow(Number(node.dataset.seq))) return { node, top: box.top };
    }
    return null;
  }

  /** @param {number} seq */
  #inWindow(seq) {
    const { messages } = this.#log;
    return seq >= (messages[this.#low]?.seq ?? Infinity) && seq <= (messages[this.#high - 1]?.seq ?? -Infinity);
  }

  /** What is not news is not read out. */
  #hush() {
    this.#list.setAttribute("aria-live", "off");
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#list.setAttribute("aria-live", "polite"), 1000);
  }
}

/** Own messages that the log does not show yet. @param {Entry[]} own @param {Message[]} messages */
function unsettled(own, messages) {
  if (own.length === 0) return own;
  const shown = new Set(messages.map((message) => message.clientId));
  return own.filter((entry) => !shown.has(entry.clientId));
}

/** What scrolls the list: itself, something around it, or the page. @param {HTMLElement} list */
function scrollerOf(list) {
  for (let node = /** @type {HTMLElement|null} */ (list); node && node !== document.body; node = node.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(node).overflowY)) return node;
  }
  return /** @type {HTMLElement} */ (document.scrollingElement ?? document.documentElement);
}
