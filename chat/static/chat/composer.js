/**
 * The place where one writes: draft, counter, Enter with and without an input method, answering and editing.
 *
 * Events: `send` (detail: `{body, replyTo}`), `edit` (detail: `{seq, body}`), `typing`, `editlast`.
 */

import { SendKey } from "./keys.js";
import { remember, store } from "./store.js";
import { number, t } from "./strings.js";
import { length, tidy } from "./text.js";

/** @typedef {import("./log.js").Message} Message */

/** Between two typing signals, in milliseconds. */
const TYPING = 3000;
/** Characters left from which on the counter shows. */
const NEAR_LIMIT = 200;
const ENTER = "todoke.enter";

export class Composer extends EventTarget {
  limit = 2000;
  #form;
  #field;
  #button;
  #count;
  #bar;
  #keys;
  #draftKey;
  /** @type {{kind: "reply"|"edit", message: Message}|null} */
  #about = null;
  /** What stood in the field before an edit began. */
  #aside = "";
  #typedAt = -Infinity;

  /** @param {HTMLFormElement} form @param {string} draftKey */
  constructor(form, draftKey) {
    super();
    this.#form = form;
    this.#field = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("body"));
    this.#button = /** @type {HTMLButtonElement|null} */ (form.querySelector("button[type=submit]"));
    this.#count = /** @type {HTMLElement|null} */ (form.querySelector("[data-count]"));
    this.#bar = /** @type {HTMLElement|null} */ (document.querySelector("[data-reply]"));
    this.#draftKey = draftKey;
    this.#keys = new SendKey(enterMode());
    // It counts half characters; the limit counts whole ones.
    this.#field.removeAttribute("maxlength");
    if (this.#field.value === "") this.#field.value = store.getItem(draftKey) ?? "";
    this.#listen();
    this.#offerChoice();
    this.#weigh();
  }

  get empty() {
    return this.#field.value === "";
  }

  focus() {
    this.#field.focus();
  }

  /** @param {Message} message */
  reply(message) {
    this.#leave();
    this.#about = { kind: "reply", message };
    this.#showAbout(t("composer.replying", { name: message.author.name }));
    this.focus();
  }

  /** @param {Message} message an own one */
  edit(message) {
    this.#leave();
    this.#aside = this.#field.value;
    this.#about = { kind: "edit", message };
    this.#field.value = message.body;
    this.#showAbout(t("composer.editing"));
    this.#weigh();
    this.focus();
  }

  /** Read-only from now on. */
  close() {
    this.#leave();
    for (const control of this.#form.elements) {
      if (control instanceof HTMLTextAreaElement || control instanceof HTMLButtonElement) control.disabled = true;
    }
    this.#form.setAttribute("aria-disabled", "true");
    this.#form.dataset.closed = "true";
  }

  /** Forgets the draft on this device. */
  forget() {
    remember(store, this.#draftKey, "");
  }

  #listen() {
    const field = this.#field;
    field.addEventListener("compositionstart", () => this.#keys.compositionstart());
    field.addEventListener("compositionend", (event) => this.#keys.compositionend(event));
    field.addEventListener("blur", () => this.#keys.reset());
    field.addEventListener("keydown", (event) => this.#pressed(event));
    field.addEventListener("input", (event) => {
      this.#weigh();
      if (this.#about?.kind !== "edit") remember(store, this.#draftKey, field.value);
      const composing = event instanceof InputEvent && event.isComposing;
      if (!composing && !this.empty && performance.now() - this.#typedAt > TYPING) {
        this.#typedAt = performance.now();
        this.dispatchEvent(new Event("typing"));
      }
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#bar?.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("[data-reply-cancel]")) this.#cancel();
    });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (this.#keys.sends(event)) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && this.#about && !event.isComposing) {
      event.preventDefault();
      this.#cancel();
    } else if (event.key === "ArrowUp" && this.empty && !event.isComposing && !event.shiftKey) {
      event.preventDefault();
      this.dispatchEvent(new Event("editlast"));
    }
  }

  #submit() {
    const body = tidy(this.#field.value);
    if (body === "" || length(body) > this.limit) {
      this.focus();
      return;
    }
    const about = this.#about;
    if (about?.kind === "edit") {
      if (body !== about.message.body)
        this.dispatchEvent(new CustomEvent("edit", { detail: { seq: about.message.seq, body } }));
      this.#cancel();
      return;
    }
    this.#field.value = "";
    this.#typedAt = -Infinity;
    this.forget();
    this.#leave();
    this.#weigh();
    this.focus();
    this.dispatchEvent(new CustomEvent("send", { detail: { body, replyTo: about?.message.seq ?? null } }));
  }

  #cancel() {
    this.#leave();
    this.#weigh();
    this.focus();
  }

  /** Ends answering or editing; what stood there before comes back. */
  #leave() {
    if (this.#about?.kind === "edit") this.#field.value = this.#aside;
    this.#about = null;
    this.#aside = "";
    if (!this.#bar) return;
    this.#bar.hidden = true;
    this.#bar.replaceChildren();
  }

  /** @param {string} text */
  #showAbout(text) {
    if (!this.#bar) return;
    const words = document.createElement("span");
    words.textContent = text;
    const cancel = document.createElement("button");
    cancel.type = "button";
    cancel.dataset.replyCancel = "";
    cancel.textContent = t("action.cancel");
    this.#bar.replaceChildren(words, cancel);
    this.#bar.hidden = false;
  }

  /** Counter, button and height follow the text. */
  #weigh() {
    const size = length(tidy(this.#field.value));
    const over = size > this.limit;
    if (this.#button) this.#button.disabled = size === 0 || over;
    this.#field.setAttribute("aria-invalid", String(over));
    if (this.#count) {
      this.#count.hidden = size < this.limit - NEAR_LIMIT;
      this.#count.textContent = t("composer.count", { n: number(size), limit: number(this.limit) });
      this.#count.dataset.over = String(over);
    }
    if (!CSS.supports("field-sizing", "content")) {
      this.#field.style.height = "auto";
      this.#field.style.height = `${this.#field.scrollHeight + this.#field.offsetHeight - this.#field.clientHeight}px`;
    }
  }

  /** Enter sends, or makes a new line: the person's choice on this device. */
  #offerChoice() {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = this.#keys.mode === "newline";
    box.addEventListener("change", () => {
      this.#keys.mode = box.checked ? "newline" : "send";
      this.#field.enterKeyHint = box.checked ? "enter" : "send";
      remember(store, ENTER, this.#keys.mode);
    });
    this.#field.enterKeyHint = box.checked ? "enter" : "send";
    const label = document.createElement("label");
    label.className = "enter-choice";
    label.append(box, ` ${t("composer.enter")}`);
    (document.getElementById("about") ?? this.#form).append(label);
  }
}

/** A phone's keyboard has no Shift+Enter: there Enter makes a new line unless the person chose otherwise. */
function enterMode() {
  const chosen = store.getItem(ENTER);
  if (chosen === "send" || chosen === "newline") return chosen;
  return matchMedia("(pointer: coarse)").matches ? "newline" : "send";
}
