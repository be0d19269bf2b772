/**
 * What one can do with a message: one toolbar, over the row that has the pointer or the focus, or that was tapped.
 *
 * It stands beside the log and not in it: what is put into a log is read out as news, and no word moves for it.
 *
 * Events: `reply`, `edit`, `delete`, `more`, and for those who keep the room `remove` (detail: seq).
 */

import { t } from "../web/strings.js";

const WHAT = /** @type {const} */ (["reply", "edit", "delete", "remove", "more"]);

export class MessageActions extends EventTarget {
  #log;
  #bar = document.createElement("div");
  /** The row that the toolbar is about. @type {HTMLElement|null} */
  #row = null;
  /** The row whose toolbar the touch that goes on, or the Escape key, has just closed. @type {HTMLElement|null} */
  #closed = null;
  /** Whether the page was last touched with a finger or a pen. */
  #touch = matchMedia("(pointer: coarse)").matches;
  #over = false;
  /** Whether the person keeps the room: they may remove what others wrote. */
  #keeps = document.querySelector("main[data-keeps]") !== null;

  #writes;

  /** @param {HTMLElement} log what scrolls the rows @param {() => boolean} writes whether one may write here now */
  constructor(log, writes) {
    super();
    this.#log = log;
    this.#writes = writes;
    const bar = this.#bar;
    bar.className = "message-actions";
    bar.hidden = true;
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", t("actions.label"));
    for (const what of WHAT) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.action = what;
      button.textContent = what === "more" ? "…" : t(`action.${what}`);
      if (what === "more") {
        button.setAttribute("aria-label", t("action.more"));
        button.setAttribute("aria-haspopup", "menu");
      }
      bar.append(button);
    }
    log.after(bar);
    log.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.#moveTo(rowOf(event.target)));
    for (const part of [log, bar]) {
      // A finger leaves whenever it is lifted, before the click comes: only the mouse takes the toolbar along.
      part.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#left(event));
      part.addEventListener("focusout", (event) => this.#left(event));
    }
    log.addEventListener("focusin", (event) => this.#open(rowOf(event.target)));
    log.addEventListener("click", (event) => this.#pressed(event));
    log.addEventListener("scroll", () => (this.#touch ? this.#moveTo(null) : this.#place()), { passive: true });
    // A keyboard on the screen, a growing field, a line that goes: the row is elsewhere without anybody scrolling.
    const moved = new ResizeObserver(() => this.#place());
    for (const part of [log, ...log.children]) moved.observe(part);
    bar.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("pointerdown", (event) => this.#touched(event));
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.#escape());
    // The page may be in use already.
    this.#open(rowOf(document.activeElement) ?? log.querySelector("li[data-seq]:hover"));
  }

  /** No more to do here, e.g. when the talk has ended. */
  close() {
    this.#moveTo(null);
    this.#over = true;
  }

  /** The rows have changed: the toolbar follows its own. */
  follow() {
    this.#moveTo(this.#row?.isConnected ? this.#row : null);
  }

  /** A tap anywhere but on the toolbar closes it. @param {PointerEvent} event */
  #touched({ pointerType, target }) {
    this.#touch = pointerType !== "mouse";
    this.#closed = null;
    if (!this.#touch || (target instanceof Node && this.#bar.contains(target))) return;
    this.#closed = this.#row;
    this.#moveTo(null);
  }

  /** A click, or the end of a tap, which opens the toolbar unless it has just closed it. @param {MouseEvent} event */
  #pressed({ target }) {
    const isControl = target instanceof Element && target.closest("a, button");
    if (!isControl || !this.#touch) this.#open(rowOf(target));
  }

  #escape() {
    if (!this.#row) return;
    this.#closed = this.#row;
    if (this.#bar.contains(document.activeElement)) this.#row.focus({ preventScroll: true });
    this.#moveTo(null);
  }

  /** @param {HTMLElement|null} row */
  #open(row) {
    if (row && row === this.#closed) return;
    this.#closed = null;
    this.#moveTo(row);
  }

  /** @param {PointerEvent|FocusEvent} event */
  #left({ relatedTarget }) {
    const to = relatedTarget instanceof Node ? relatedTarget : null;
    if (this.#log.contains(to) || this.#bar.contains(to) || this.#bar.contains(document.activeElement)) return;
    if (this.#row?.matches(":hover")) return;
    this.#moveTo(null);
  }

  /** @param {HTMLElement|null} row */
  #moveTo(row) {
    const able = row && !this.#over && !row.dataset.deleted && !row.dataset.notice;
    this.#row = able ? row : null;
    this.#bar.hidden = !able;
    if (!able) return;
    for (const button of this.#bar.querySelectorAll("button")) {
      const { action } = button.dataset;
      const { mine } = row.dataset;
      if (action === "remove") button.hidden = !this.#keeps || mine !== undefined;
      else if (action === "reply") button.hidden = !this.#writes();
      else if (action === "edit") button.hidden = !mine || !this.#writes();
      else button.hidden = action === "delete" && !mine;
    }
    this.#place();
  }

  /** Over the row's upper edge; for a finger below its words, or above them, so that it hides none of them. */
  #place() {
    if (!this.#row) return;
    const page = this.#log.getBoundingClientRect();
    const row = this.#row.getBoundingClientRect();
    const { offsetHeight: height } = this.#bar;
    const lowest = page.bottom - height;
    let top = row.top - height / 2;
    if (this.#touch) top = row.bottom <= lowest ? row.bottom : row.top - height;
    // Of a message taller than the page there is no edge in sight.
    if (this.#touch && top < page.top) top = lowest;
    this.#bar.style.insetBlockStart = `${Math.max(0, top - page.top)}px`;
    this.#bar.style.visibility = row.bottom < page.top || row.top > page.bottom ? "hidden" : "";
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const button = event.target instanceof Element ? event.target.closest("[data-action]") : null;
    const row = this.#row;
    if (!(button instanceof HTMLElement) || !row) return;
    const what = button.dataset.action ?? "";
    this.dispatchEvent(new CustomEvent(what, { detail: Number(row.dataset.seq) }));
    // Answering and editing take the focus to the field. What is deleted has no toolbar, and the focus must not fall.
    if (what === "delete" || what === "remove") row.focus({ preventScroll: true });
    else if (what !== "more" || this.#touch) this.#moveTo(null);
  }
}

/** @param {EventTarget|null} target @returns {HTMLElement|null} */
function rowOf(target) {
  return target instanceof Element ? target.closest("li[data-seq]") : null;
}
