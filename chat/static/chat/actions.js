/**
 * What one can do with a message: one toolbar that stands in the row that has the pointer or the focus, and the arrow
 * keys from row to row, so that the tab order has one stop for the whole talk.
 *
 * Events: `reply`, `edit`, `delete` (detail: seq).
 */

import { t } from "./strings.js";

const WHAT = /** @type {const} */ (["reply", "edit", "delete"]);

export class MessageActions extends EventTarget {
  #list;
  #bar;

  /** @param {HTMLElement} list */
  constructor(list) {
    super();
    this.#list = list;
    this.#bar = document.createElement("div");
    this.#bar.className = "message-actions";
    this.#bar.setAttribute("role", "group");
    this.#bar.setAttribute("aria-label", t("actions.label"));
    for (const what of WHAT) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.action = what;
      button.textContent = t(`action.${what}`);
      this.#bar.append(button);
    }
    list.tabIndex = 0;
    list.addEventListener("pointerover", (event) => event.pointerType === "mouse" && this.#moveTo(rowOf(event.target)));
    list.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#leave());
    list.addEventListener("focusin", (event) => event.target !== list && this.#moveTo(rowOf(event.target)));
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** No more to do here, e.g. when the talk has ended. */
  close() {
    this.#bar.remove();
    this.#moveTo = () => {};
  }

  // A finger leaves whenever it is lifted, before the click comes: only the mouse takes the toolbar along.
  #leave() {
    if (!this.#bar.contains(document.activeElement)) this.#bar.remove();
  }

  /** @param {HTMLElement|null} row */
  #moveTo = (row) => {
    if (!row || row === this.#bar.parentElement || row.dataset.deleted || row.dataset.notice) return;
    for (const button of this.#bar.querySelectorAll("button"))
      button.hidden = button.dataset.action !== "reply" && !row.dataset.mine;
    row.append(this.#bar);
  };

  /** @param {MouseEvent} event */
  #clicked(event) {
    const row = rowOf(event.target);
    if (!row || !(event.target instanceof Element)) return;
    const button = event.target.closest("[data-action]");
    if (button instanceof HTMLElement)
      this.dispatchEvent(new CustomEvent(button.dataset.action ?? "", { detail: Number(row.dataset.seq) }));
    else this.#moveTo(row); // a tap
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.target instanceof HTMLButtonElement || event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = [.../** @type {NodeListOf<HTMLElement>} */ (this.#list.querySelectorAll("li[data-seq]"))];
    const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const steps = {
      ArrowUp: at < 0 ? rows.length - 1 : at - 1,
      ArrowDown: at < 0 ? rows.length - 1 : at + 1,
      End: rows.length - 1,
      Home: 0,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    rows[steps[/** @type {keyof typeof steps} */ (event.key)]]?.focus();
  }
}

/** @param {EventTarget|null} target @returns {HTMLElement|null} */
function rowOf(target) {
  return target instanceof Element ? target.closest("li[data-seq]") : null;
}
