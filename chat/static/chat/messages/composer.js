/**
 * The place where one writes: draft, counter, Enter with and without an input method, answering and editing.
 *
 * Events: `send` (detail: an act of the draft), `typing`, `editlast`.
 */

import { nameOf } from "./names.js";
import { readDraft } from "./draft.js";
import { copy } from "../web/clipboard.js";
import { announce } from "../web/notices.js";
import { Composition, SendKey } from "../web/keys.js";
import { number, t } from "../web/strings.js";
import { direction, length, tidy } from "../web/text.js";

/** @typedef {import("./log.js").Message} Message */

/** Between two typing signals, in milliseconds. */
const TYPING = 3000;
/** Characters left from which on the counter shows. */
const NEAR_LIMIT = 200;
/** The field takes so many times the limit, so that a text that is too long can be shortened there. */
const ROOM = 3;
const DRAFT = "draft";

export class Composer extends EventTarget {
  limit = 2000;
  /** Nothing is sent: the page's person is not the one who is signed in. Event `held` when somebody tries. */
  held = false;
  #form;
  #field;
  #button;
  #count;
  #bar;
  #keys;
  #composition;
  #words;
  #draft;
  /** What is answered to, to be shown above the field. @type {{seq: number, body: string}|null} */
  #quoted = null;
  #typedAt = -Infinity;
  #closed = false;

  /** @param {HTMLFormElement} form @param {import("../web/words.js").Words} words where the draft is kept */
  constructor(form, words) {
    super();
    this.#form = form;
    this.#field = /** @type {HTMLTextAreaElement} */ (form.elements.namedItem("body"));
    this.#button = /** @type {HTMLButtonElement|null} */ (form.querySelector("button[type=submit]"));
    this.#count = /** @type {HTMLElement|null} */ (form.querySelector("[data-count]"));
    this.#bar = /** @type {HTMLElement|null} */ (document.querySelector("[data-reply]"));
    this.#words = words;
    this.#keys = new SendKey(enterMode());
    this.#composition = new Composition(this.#field);
    // A hundred thousand lines would hold up the browser for seconds, and nobody could send it.
    this.#field.maxLength = this.limit * ROOM;
    this.#draft = readDraft(words.read(DRAFT));
    if (this.#draft.blank && this.#field.value !== "") this.#typed(); // before the scripts came
    this.#listen();
    this.#offerChoice();
    this.#show();
  }

  get empty() {
    return this.#field.value === "";
  }

  /** Nothing is being written or edited, and something can be. */
  get free() {
    return this.#draft.blank && !this.#closed;
  }

  focus() {
    this.#field.focus();
  }

  /** @param {Message} message */
  reply({ seq, author, body }) {
    this.#draft.reply({ seq, name: nameOf(author) });
    this.#quoted = { seq, body };
    this.#changed();
  }

  /** @param {Message} message an own one @param {string} [body] its words, where they are changed already */
  edit({ seq, body: was }, body = was) {
    this.#draft.edit(seq, was, body);
    this.#changed();
  }

  /** @param {number} seq of a message that is deleted now */
  deleted(seq) {
    if (!this.#draft.deleted(seq)) return;
    this.#save();
    this.#show();
  }

  /** Puts words that were not stored back into the field. @param {string} body @param {import("./draft.js").About} about */
  giveBack(body, about) {
    this.#draft.giveBack(body, about);
    this.#save();
    this.#show();
  }

  /** Goes on with what a closed tab left, if nothing is written here. @param {import("../web/words.js").Left} left */
  adopt(left) {
    if (left.name !== DRAFT || !this.free) return;
    this.#words.takeOver(left);
    this.#draft = readDraft(left.value);
    this.#show();
  }

  /** Read-only from now on, or no more; what is written stays, to be copied. */
  close(closed = true) {
    this.#closed = closed;
    this.#form.toggleAttribute("data-closed", closed);
    this.#show();
  }

  /** Answers and edits nothing any more: what it pointed at is gone. The words stay. */
  detach() {
    this.#draft.detach();
    this.#changed();
  }

  #listen() {
    const field = this.#field;
    field.addEventListener("keydown", (event) => this.#pressed(event));
    field.addEventListener("keyup", () => this.#keys.keyup());
    field.addEventListener("beforeinput", (event) => {
      if (!this.#keys.sendsInstead(event)) return;
      event.preventDefault();
      this.#submit();
    });
    field.addEventListener("input", (event) => {
      if (event instanceof InputEvent) this.#composition.cameBack(event);
      this.#typed();
      this.#weigh();
      const composing = event instanceof InputEvent && event.isComposing;
      if (!composing && !this.empty && performance.now() - this.#typedAt > TYPING) {
        this.#typedAt = performance.now();
        this.dispatchEvent(new Event("typing"));
      }
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#composition.taken();
      this.#submit();
    });
    this.#bar?.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button) void this.#way(/** @type {BarWay} */ (button.dataset.way));
    });
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (this.#keys.sends(event)) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape" && this.#draft.about && !event.isComposing) {
      event.preventDefault();
      this.#cancel();
    } else if (event.key === "ArrowUp" && this.empty && !event.isComposing && !event.shiftKey) {
      event.preventDefault();
      this.dispatchEvent(new Event("editlast"));
    }
  }

  #submit() {
    const body = tidy(this.#field.value);
    if (this.#closed || body === "" || length(body) > this.limit) {
      this.focus();
      if (length(body) > this.limit) announce(this.#count?.textContent ?? "");
      return;
    }
    if (this.#draft.about?.kind === "gone") {
      this.#bar?.querySelector("button")?.focus();
      return;
    }
    if (this.held) {
      this.dispatchEvent(new Event("held"));
      return;
    }
    const act = this.#draft.submit(body);
    this.#typedAt = -Infinity;
    // Whoever takes the act keeps it first: at no moment it is nowhere.
    if (act) this.dispatchEvent(new CustomEvent("send", { detail: act }));
    this.#changed();
  }

  #cancel() {
    this.#draft.cancel();
    this.#changed();
  }

  /** @param {BarWay} way */
  async #way(way) {
    if (way === "copy") {
      await copy(this.#field);
    } else if (way === "new") {
      this.#draft.asNew();
      this.#submit();
    } else {
      if (way === "discard") this.#draft.discard();
      else this.#draft.cancel();
      this.#changed();
    }
  }

  /** The person has typed. */
  #typed() {
    this.#draft.body = this.#field.value;
    this.#save();
  }

  #changed() {
    this.#save();
    this.#show();
    this.focus();
  }

  #save() {
    this.#words.write(DRAFT, this.#draft.toJSON());
  }

  /** Field and bar follow the draft. */
  #show() {
    if (this.#field.value !== this.#draft.body) this.#field.value = this.#draft.body;
    // Words in a field that is disabled could not be selected.
    this.#field.disabled = this.#closed && this.empty;
    this.#field.readOnly = this.#closed;
    this.#form.toggleAttribute("data-unsent", this.#closed && !this.empty);
    this.#showAbout();
    this.#weigh();
  }

  #showAbout() {
    if (!this.#bar) return;
    const { text, ways } = this.#closed ? (this.empty ? NOTHING : UNSENT) : aboutOf(this.#draft.about);
    this.#bar.hidden = ways.length === 0;
    const words = document.createElement("span");
    words.textContent = text();
    const { about } = this.#draft;
    if (about?.kind === "reply" && about.seq === this.#quoted?.seq) words.append(" ", quoted(this.#quoted.body));
    this.#bar.replaceChildren(words, ...ways.map(button));
    const { kind = "" } = this.#draft.about ?? {};
    this.#bar.dataset.kind = ["reply", "edit"].includes(kind) && !this.#closed ? kind : "words";
  }

  /** Counter, button and height follow the text. */
  #weigh() {
    const { value } = this.#field;
    const size = length(tidy(value));
    // The browser would look for it in each line.
    this.#field.dir = direction(value);
    const over = size > this.limit;
    if (this.#button) this.#button.disabled = this.#closed || size === 0 || over;
    this.#field.setAttribute("aria-invalid", String(over));
    if (this.#count) {
      this.#count.hidden = size < this.limit - NEAR_LIMIT;
      const cut = value.length >= this.limit * ROOM ? ` ${t("composer.cut")}` : "";
      const words = over
        ? t("composer.over", { n: number(size - this.limit), limit: number(this.limit) })
        : t("composer.count", { n: number(size), limit: number(this.limit) });
      this.#count.textContent = words + cut;
      this.#count.dataset.over = String(over);
    }
    if (!CSS.supports("field-sizing", "content")) {
      this.#field.style.height = "auto";
      this.#field.style.height = `${this.#field.scrollHeight + this.#field.offsetHeight - this.#field.clientHeight}px`;
    }
  }

  /** Enter sends, or makes a new line: the person's choice. */
  #offerChoice() {
    const box = document.createElement("input");
    box.type = "checkbox";
    box.addEventListener("change", () => {
      void import("../web/look.js").then(({ choose }) => choose("enter", box.checked ? "newline" : "send"));
    });
    const follow = () => {
      this.#keys.mode = enterMode();
      box.checked = this.#keys.mode === "newline";
      this.#field.enterKeyHint = box.checked ? "enter" : "send";
    };
    document.documentElement.addEventListener("look", follow);
    follow();
    const label = document.createElement("label");
    label.className = "enter-choice";
    label.append(box, ` ${t("composer.enter")}`);
    (document.getElementById("about") ?? this.#form).append(label);
  }
}

/** A phone's keyboard has no Shift+Enter: there Enter makes a new line unless the person chose otherwise. */
function enterMode() {
  const chosen = document.documentElement.dataset.enter;
  if (chosen === "send" || chosen === "newline") return chosen;
  return matchMedia("(pointer: coarse)").matches ? "newline" : "send";
}

/** @typedef {"cancel"|"copy"|"new"|"discard"} BarWay */
/** @typedef {{text: () => string, ways: BarWay[]}} Bar */

/** @type {Bar} */
const UNSENT = { text: () => t("composer.unsent"), ways: ["copy", "discard"] };

/** @type {Bar} */
const NOTHING = { text: () => "", ways: [] };

/** What the bar above the field says. @param {import("./draft.js").About|null} about @returns {Bar} */
function aboutOf(about) {
  switch (about?.kind) {
    case "reply":
      return { text: () => t("composer.replying", { name: about.name }), ways: ["cancel"] };
    case "edit":
      return { text: () => `${t("composer.editing")} ${refusal(about.reason)}`.trim(), ways: ["cancel"] };
    case "back":
      return { text: () => refusal(about.reason), ways: ["discard"] };
    case "gone":
      return { text: () => t("composer.gone"), ways: ["new", "copy", "discard"] };
    default:
      return NOTHING;
  }
}

/** @param {string} [reason] */
const refusal = (reason) => (reason === undefined ? "" : `${t("message.failed")} ${reason}`.trim());

/** @param {string} body what is answered to */
function quoted(body) {
  const words = document.createElement("q");
  words.textContent = body.replace(/\s+/g, " ").slice(0, 200);
  return words;
}

/** @param {BarWay} way */
function button(way) {
  const element = document.createElement("button");
  element.type = "button";
  element.dataset.way = way;
  element.textContent = t(`action.${way}`);
  return element;
}
