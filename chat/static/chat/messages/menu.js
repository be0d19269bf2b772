/**
 * The menu of a message: by the right button, a long press, the Menu key, Shift+F10, or "…" of the toolbar.
 *
 * It lies over the page, so no message moves for it. The focus goes into it, and back to the message when it closes.
 * Where a link or selected words are pressed, the browser's own menu comes, as it does with Shift held.
 *
 * Whoever keeps the room removes what others wrote here, and restores it; staff restore what keepers removed, too.
 *
 * Events: `reply` (detail: seq); `failed` (detail: the error of a request).
 */

import { copy, copyText } from "../web/clipboard.js";
import { t } from "../web/strings.js";
import { excerpt } from "../web/text.js";

/** @typedef {{x: number, y: number}} Point */
/** @typedef {"reply"|"copy"|"link"|"report"|"block"|"unblock"|"remove"|"restore"} What */
/** @typedef {import("../realtime/transport.js").Frame} Frame */

/** A finger that rests this long opens the menu, in milliseconds: iOS says nothing of it by itself. */
const LONG = 500;
/** A finger that moved this far does not rest, in pixels. */
const MOVED = 10;
const EXCERPT = 60;
const GAP = 8;

export class MessageMenu extends EventTarget {
  #log;
  #can;
  /** As what the person keeps the room. */
  #keeps = document.querySelector("main")?.dataset.keeps;
  #dialog = document.createElement("dialog");
  #about = document.createElement("p");
  #menu = document.createElement("div");
  /** The message that it is about. @type {HTMLElement|null} */
  #row = null;
  /** @type {number|undefined} */
  #timer;
  /** @type {Point} */
  #pressed = { x: 0, y: 0 };
  /** The click that ends the long press is no click. */
  #swallow = false;

  /**
   * @param {HTMLElement} log what scrolls the rows
   * @param {object} can
   * @param {() => boolean} can.reply
   * @param {boolean} can.block
   * @param {boolean} can.paired whether a block ends the talk
   * @param {string} can.room
   * @param {(frame: Frame) => Promise<Frame>} can.ask
   */
  constructor(log, can) {
    super();
    this.#log = log;
    this.#can = can;
    const dialog = this.#dialog;
    dialog.className = "message-menu";
    dialog.setAttribute("aria-label", t("actions.label"));
    this.#about.className = "message-menu-about";
    this.#about.dir = "auto";
    this.#menu.setAttribute("role", "menu");
    this.#menu.setAttribute("aria-label", t("actions.label"));
    dialog.append(this.#about, this.#menu);
    document.body.append(dialog);
    log.dataset.menu = "true";
    log.addEventListener("contextmenu", (event) => this.#asked(event));
    log.addEventListener("pointerdown", (event) => this.#down(event));
    for (const end of /** @type {const} */ (["pointerup", "pointercancel", "scroll"]))
      log.addEventListener(end, () => clearTimeout(this.#timer), { passive: true });
    log.addEventListener("pointermove", (event) => this.#moved(event), { passive: true });
    log.addEventListener("click", (event) => this.#clicked(event), { capture: true });
    dialog.addEventListener("click", (event) => this.#chosen(event));
    dialog.addEventListener("keydown", (event) => this.#key(event));
    dialog.addEventListener("contextmenu", (event) => event.preventDefault());
    dialog.addEventListener("close", () => this.#row && this.#close()); // by the Escape key
  }

  /** @param {HTMLElement} row @param {Point|null} [at] where; else below the message */
  open(row, at = null) {
    const ways = this.#ways(row);
    if (ways.length === 0 || this.#dialog.open) return false;
    this.#row = row;
    const words = row.dataset.deleted ? "" : excerpt(row.querySelector(".message-body")?.textContent ?? "", EXCERPT);
    const name = document.createElement("bdi");
    name.textContent = row.querySelector(".message-author")?.textContent ?? "";
    this.#about.replaceChildren(name, " ", words);
    this.#menu.replaceChildren(...ways.map((what) => this.#item(what, row)));
    this.#dialog.showModal();
    this.#place(row, at);
    this.#items[0]?.focus();
    return true;
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#menu.children]);
  }

  /** @param {HTMLElement} row @returns {What[]} what can be done with a message */
  #ways(row) {
    const { notice, deleted, removed, unreadable, mine, seq, author, blocked } = row.dataset;
    if (!seq || notice) return [];
    /** @type {What[]} */
    const ways = [];
    if (!deleted && this.#can.reply()) ways.push("reply");
    if (!deleted && !unreadable) ways.push("copy");
    if (!deleted) ways.push("link");
    if (!mine) ways.push("report");
    if (!mine && author && this.#can.block) ways.push(blocked ? "unblock" : "block");
    if (!mine && !deleted && this.#keeps) ways.push("remove");
    if (removed && (this.#keeps === "staff" || this.#keeps === removed)) ways.push("restore");
    return ways;
  }

  /** @param {What} what @param {HTMLElement} row */
  #item(what, row) {
    const item = document.createElement(what === "report" ? "a" : "button");
    if (item instanceof HTMLAnchorElement) item.href = `${location.pathname}report/?seq=${row.dataset.seq}`;
    else item.type = "button";
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    item.dataset.menu = what;
    item.textContent = t(`menu.${what}`);
    return item;
  }

  /** At the pointer, or below the message, and whole in sight. On a narrow page the style lays it at the foot. */
  #place(/** @type {HTMLElement} */ row, /** @type {Point|null} */ at) {
    const { offsetWidth: width, offsetHeight: height } = this.#dialog;
    const { left, bottom } = row.getBoundingClientRect();
    const x = at?.x ?? left + GAP;
    const y = at?.y ?? bottom;
    this.#dialog.style.setProperty("--x", `${Math.max(GAP, Math.min(x, innerWidth - width - GAP))}px`);
    this.#dialog.style.setProperty("--y", `${Math.max(GAP, Math.min(y, innerHeight - height - GAP))}px`);
  }

  /** The right button, a long press as Android says it, or a key. @param {MouseEvent} event */
  #asked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const row = /** @type {HTMLElement|null} */ (target?.closest("li[data-seq]"));
    if (!row || event.shiftKey && event.button === 2) return;
    const byKey = event.button !== 2 && this.#timer === undefined && event.detail === 0 && isKeyboard(event);
    if (!byKey && (target?.closest("a") || !getSelection()?.isCollapsed)) return;
    clearTimeout(this.#timer);
    if (this.open(row, byKey ? null : { x: event.clientX, y: event.clientY }) || this.#dialog.open) event.preventDefault();
  }

  /** @param {PointerEvent} event */
  #down(event) {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#swallow = false;
    const target = event.target instanceof Element ? event.target : null;
    const row = /** @type {HTMLElement|null} */ (target?.closest("li[data-seq]"));
    if (event.pointerType === "mouse" || !row || target?.closest("a, button")) return;
    this.#pressed = { x: event.clientX, y: event.clientY };
    this.#timer = setTimeout(() => {
      this.#swallow = this.open(row, this.#pressed);
    }, LONG);
  }

  /** @param {PointerEvent} event */
  #moved({ clientX, clientY }) {
    if (Math.hypot(clientX - this.#pressed.x, clientY - this.#pressed.y) > MOVED) clearTimeout(this.#timer);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    if (!this.#swallow) return;
    this.#swallow = false;
    event.stopPropagation();
    event.preventDefault();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 };
    if (event.key === "Tab") this.#close();
    else if (!(event.key in steps)) return;
    else items[steps[/** @type {keyof typeof steps} */ (event.key)] % items.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {MouseEvent} event */
  #chosen(event) {
    if (event.target === this.#dialog) this.#close(); // beside the menu
    const item = event.target instanceof Element ? event.target.closest("[data-menu]") : null;
    const row = this.#row;
    if (!(item instanceof HTMLElement) || !row) return;
    const what = /** @type {What} */ (item.dataset.menu);
    const seq = Number(row.dataset.seq);
    if (what === "report") return; // a link: the page of the form comes
    this.#close();
    const body = /** @type {HTMLElement|null} */ (row.querySelector(".message-body"));
    if (what === "copy" && body) void copy(body);
    if (what === "link") void copyText(`${location.origin}${location.pathname}?at=${seq}#m${seq}`, t("copied.link"));
    const about = this.#can.paired ? "confirm.block.paired" : "confirm.block";
    if (what === "unblock" || (what === "block" && confirm(t(about))))
      void this.#ask({ type: `person.${what}`, user: row.dataset.author });
    if (what === "reply") this.dispatchEvent(new CustomEvent("reply", { detail: seq }));
    if (what === "remove") void this.remove(seq);
    if (what === "restore") void this.#ask({ type: "message.restore", room: this.#can.room, seq });
  }

  /** Asks why, then removes somebody else's message. @param {number} seq */
  async remove(seq) {
    const row = document.getElementById(`m${seq}`);
    if (!row) return;
    const { askWhy } = await import("./removing.js");
    const why = await askWhy(row);
    (row.isConnected ? row : this.#log).focus({ preventScroll: true });
    if (why) await this.#ask({ type: "message.delete", room: this.#can.room, seq, body: why.reason, rule: why.rule });
  }

  /** @param {Frame} frame */
  async #ask(frame) {
    try {
      await this.#can.ask(frame);
    } catch (error) {
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
    }
  }

  /** Closes it; the focus goes back to the message, or where that is gone to the log. */
  #close() {
    const row = this.#row?.isConnected ? this.#row : this.#log;
    this.#row = null;
    if (this.#dialog.open) this.#dialog.close();
    row.focus({ preventScroll: true });
  }
}

/** Whether a key asked for the menu: then no pointer did. @param {MouseEvent} event */
const isKeyboard = (event) => !("pointerType" in event) || event.pointerType === "";
