/** The matching page: idle, waiting, found or refused, and from there into the talk. */

import { entersTalk } from "../web/focus.js";
import { announce, banner, clearBanner, showConnection, isOn, showStanding, showStopped } from "../web/notices.js";
import { Connection } from "../realtime/socket.js";
import { store } from "../web/store.js";
import { reasonText, t, number } from "../web/strings.js";
import { Seeking } from "./seeking.js";

/** @typedef {import("../realtime/transport.js").Frame} Frame */
/** @typedef {"idle"|"waiting"|"found"|"refused"|"needed"} State */
/**
 * @typedef {object} Boot
 * @property {{id: string}|null} me
 * @property {string} ws
 * @property {string|null} events
 * @property {string} closed_url under which talks stand
 * @property {string} lobby_url
 */

const FEATURE = "room.match_pair";
/** Long enough to read "found", in milliseconds. */
const MOMENT = 900;

class MatchPage {
  #boot;
  #place;
  #connection;
  #seeking;
  /** @type {number|undefined} */
  #clock;
  /** Goes into the talk. @type {number|undefined} */
  #entering;
  /** Whether the person has pressed "stop": then the page says nothing more of it. */
  #stopped = false;

  /** @param {Boot} boot @param {HTMLElement} place */
  constructor(boot, place) {
    this.#boot = boot;
    this.#place = place;
    this.#connection = new Connection(boot.ws, boot.events ? { room: "", events: boot.events } : null);
    this.#seeking = new Seeking(this.#connection, boot.me?.id ?? "", store);
    this.#seeking.addEventListener("change", (event) => this.#changed(/** @type {CustomEvent} */ (event).detail));
    this.#connection.addEventListener("frame", (event) => {
      const frame = /** @type {CustomEvent<Frame>} */ (event).detail;
      if (frame.type === "gate.changed") this.#gate(frame.features);
    });
    this.#connection.addEventListener("welcome", () => this.#gate(this.#connection.welcome?.features));
    this.#connection.addEventListener("stopped", (event) => {
      const stop = /** @type {CustomEvent} */ (event).detail;
      if (stop.then === "gate") this.#refuse(stop.reason || t("stopped.gate"));
      else showStopped(stop);
    });
    const form = place.querySelector("form[data-seek]");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      clearBanner();
      if ("needsAccount" in place.dataset) {
        this.#show("needed"); // the server would refuse it, and trying again would not help
        /** @type {HTMLElement|null} */ (place.querySelector("[data-state=needed] h2"))?.focus();
        return;
      }
      this.#stopped = false;
      this.#seeking.seek(wishOf(/** @type {HTMLFormElement} */ (form))).catch((refused) => this.#refuse(refused.reason));
    });
    const submit = form?.querySelector("button[type=submit]");
    if (submit instanceof HTMLButtonElement) submit.disabled = false;
    place.querySelector("[data-again]")?.addEventListener("click", () => this.#show("idle"));
    // A clock that is read out every second helps nobody.
    place.querySelector("[data-elapsed]")?.setAttribute("aria-live", "off");
    place.querySelector("[data-cancel]")?.addEventListener("click", () => {
      this.#stopped = true;
      this.#seeking.cancel();
      announce(t("match.cancelled.self"));
    });
    showConnection(this.#connection);
    this.#connection.start();
  }

  /** @param {{reason?: string}} end */
  #changed({ reason }) {
    const { state, talk } = this.#seeking;
    clearTimeout(this.#entering);
    if (state === "waiting") {
      this.#stopped = false;
      this.#wait();
    } else if (talk) {
      this.#found(talk);
    } else {
      this.#show("idle");
      const words = reason && (this.#isOver(reason) ? reasonText("match.left", reason) : reasonText("match.cancelled", reason));
      if (words && !this.#stopped) banner(words, { text: t("action.lobby"), href: this.#boot.lobby_url });
    }
    if (state !== "waiting") {
      clearInterval(this.#clock);
      this.#clock = undefined;
    }
  }

  /** Whether it is a talk that ended, and no search. @param {string} reason */
  #isOver(reason) {
    return reason !== "cancelled" && reason !== "gate";
  }

  /** @param {import("./seeking.js").Talk} talk */
  #found(talk) {
    this.#show("found");
    const target = new URL(`${encodeURIComponent(talk.room)}/`, new URL(this.#boot.closed_url, location.href));
    const way = this.#place.querySelector("a[data-enter]");
    if (way instanceof HTMLAnchorElement) way.href = target.href;
    const words = /** @type {NodeListOf<HTMLElement>} */ (this.#place.querySelectorAll("[data-entered]"));
    for (const part of words) part.hidden = (part.dataset.entered === "yes") !== Boolean(talk.entered);
    if (talk.entered) return; // they have left the page of their talk, and came here of their own will
    announce(t("match.found.with", { name: talk.partner.name }));
    const enter = () => {
      entersTalk();
      location.assign(target);
    };
    this.#entering = setTimeout(enter, matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : MOMENT);
  }

  /** @param {Record<string, {allowed: boolean, reason?: string, new?: string}>|undefined} features */
  #gate(features) {
    const feature = features?.[FEATURE];
    if (!features || !feature) return;
    showStanding(isOn(features));
    if (!feature.allowed) this.#refuse(feature.reason || t("stopped.gate"));
    else if (feature.new && this.#seeking.state !== "found") this.#refuse(feature.new); // it winds down: nothing new is begun
    else if (this.#shown === "refused") this.#show("idle");
  }

  /** @param {string} reason */
  #refuse(reason) {
    this.#stopped = true;
    this.#seeking.stop();
    this.#show("refused");
    const words = this.#place.querySelector("[data-reason]");
    if (words) words.textContent = reason;
  }

  // --- waiting ----------------------------------------------------------------------------------------------

  #wait() {
    this.#show("waiting");
    this.#offerOther();
    this.#tick();
    this.#clock ??= setInterval(() => this.#tick(), 1000);
    const { estimate } = this.#seeking;
    const place = this.#place.querySelector("[data-estimate]");
    if (place && typeof estimate === "number") {
      place.textContent =
        estimate < 60 ? t("match.estimate.soon") : t("match.estimate", { n: number(Math.ceil(estimate / 60)) });
    }
  }

  /** Where another page asked, the form stays, with what is looked for: this one can ask for something else. */
  #offerOther() {
    const { isOwn, wish } = this.#seeking;
    if (isOwn) return;
    const form = /** @type {HTMLFormElement|null} */ (this.#place.querySelector("form[data-seek]"));
    const idle = /** @type {HTMLElement|null} */ (this.#place.querySelector("[data-state=idle]"));
    if (!form || !idle) return;
    for (const field of form.querySelectorAll("select")) {
      field.value = wish[/** @type {keyof typeof wish} */ (field.name)] ?? "";
      if (field.selectedIndex < 0) field.selectedIndex = 0; // a wish that this page does not offer
    }
    idle.hidden = false;
    this.#nameButton(true);
  }

  /** @param {boolean} isLooking */
  #nameButton(isLooking) {
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (this.#place.querySelectorAll("[data-looking]"))) {
      part.hidden = (part.dataset.looking === "yes") !== isLooking;
    }
  }

  #tick() {
    const place = this.#place.querySelector("[data-elapsed]");
    if (!(place instanceof HTMLTimeElement)) return;
    const { seconds } = this.#seeking;
    place.dateTime = `PT${seconds}S`;
    place.textContent = `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")}`;
  }

  get #shown() {
    const states = /** @type {NodeListOf<HTMLElement>} */ (this.#place.querySelectorAll("[data-state]"));
    return [...states].find((element) => !element.hidden)?.dataset.state;
  }

  /** @param {State} state */
  #show(state) {
    this.#nameButton(false);
    const focused = this.#place.contains(document.activeElement);
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (this.#place.querySelectorAll("[data-state]"))) {
      element.hidden = element.dataset.state !== state;
      // What had the focus is hidden now: it goes on to what took its place.
      if (element.hidden || !focused || element.contains(document.activeElement)) continue;
      const next = /** @type {HTMLElement|null} */ (element.querySelector("h2, button[type=submit]"));
      if (next?.localName === "h2") next.tabIndex = -1;
      next?.focus();
    }
  }
}

/** @param {HTMLFormElement} form */
function wishOf(form) {
  const data = new FormData(form);
  /** @type {{topic?: string, language?: string}} */
  const wish = {};
  const topic = String(data.get("topic") ?? "").trim();
  const language = String(data.get("language") ?? "");
  if (topic) wish.topic = topic;
  if (language) wish.language = language;
  return wish;
}

/** @param {Boot} boot */
export function start(boot) {
  const place = document.querySelector("section[data-match]");
  if (place instanceof HTMLElement) new MatchPage(boot, place);
}
