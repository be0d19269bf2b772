/** The matching page: idle, waiting, found or refused, and from there into the talk. */

import { announce, banner, clearBanner, showConnection, showStanding, showStopped } from "./notices.js";
import { Connection, Refused } from "./socket.js";
import { reasonText, t, number } from "./strings.js";

/** @typedef {import("./transport.js").Frame} Frame */
/** @typedef {"idle"|"waiting"|"found"|"refused"} State */

const FEATURE = "room.match_pair";
/** Long enough to read "found", in milliseconds. */
const MOMENT = 900;

class MatchPage {
  #boot;
  #place;
  #connection;
  /** What is being looked for; `null` while nothing is. @type {{topic?: string, language?: string}|null} */
  #wish = null;
  #since = 0;
  /** @type {number|undefined} */
  #clock;

  /**
   * @param {{ws: string, events: string|null, closed_url: string, lobby_url: string}} boot
   * @param {HTMLElement} place
   */
  constructor(boot, place) {
    this.#boot = boot;
    this.#place = place;
    this.#connection = new Connection(boot.ws, boot.events ? { room: "", events: boot.events } : null);
    this.#connection.addEventListener("frame", (event) =>
      this.#heard(/** @type {CustomEvent<Frame>} */ (event).detail),
    );
    this.#connection.addEventListener("welcome", () => this.#gate(this.#connection.welcome?.features));
    this.#connection.addEventListener("state", () => {
      // After a break the place in the queue is asked for again; the server keeps one per person.
      if (this.#connection.state === "connected" && this.#wish) void this.#seek(this.#wish);
    });
    this.#connection.addEventListener("stopped", (event) => {
      const stop = /** @type {CustomEvent} */ (event).detail;
      if (stop.then === "gate") this.#refuse(stop.reason || t("stopped.gate"));
      else showStopped(stop);
    });
    const form = place.querySelector("form[data-seek]");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      clearBanner();
      void this.#seek(wishOf(/** @type {HTMLFormElement} */ (form)));
    });
    const submit = form?.querySelector("button[type=submit]");
    if (submit instanceof HTMLButtonElement) submit.disabled = false;
    place.querySelector("[data-again]")?.addEventListener("click", () => this.#show("idle"));
    // A clock that is read out every second helps nobody.
    place.querySelector("[data-elapsed]")?.setAttribute("aria-live", "off");
    place.querySelector("[data-cancel]")?.addEventListener("click", () => void this.#cancel());
    showConnection(this.#connection);
    this.#connection.start();
  }

  /** @param {{topic?: string, language?: string}} wish */
  async #seek(wish) {
    this.#wish = wish;
    this.#wait(this.#since || Date.now());
    try {
      await this.#connection.request({ type: "match.seek", ...wish });
    } catch (error) {
      // Not connected: the wish stands, and is said when the connection is.
      if (!(error instanceof Refused)) return;
      this.#stop();
      this.#refuse(error.reason);
    }
  }

  async #cancel() {
    this.#stop();
    this.#show("idle");
    announce(t("match.cancelled.self"));
    await this.#connection.request({ type: "match.cancel" }).catch(() => {});
  }

  /** @param {Frame} frame */
  #heard(frame) {
    switch (frame.type) {
      case "match.waiting":
        this.#wish ??= {};
        this.#wait(timeOf(frame.since), frame.estimate);
        break;
      case "match.made":
        this.#found(frame);
        break;
      case "match.cancelled":
        if (!this.#wish) break;
        this.#stop();
        this.#show("idle");
        banner(reasonText("match.cancelled", frame.reason), { text: t("action.lobby"), href: this.#boot.lobby_url });
        break;
      case "gate.changed":
        this.#gate(frame.features);
        break;
    }
  }

  /** @param {Frame} frame */
  #found(frame) {
    this.#stop();
    this.#show("found");
    const partner = typeof frame.partner === "object" ? frame.partner?.name : frame.partner;
    if (partner) announce(t("match.found.with", { name: partner }));
    const target = new URL(`${encodeURIComponent(frame.room)}/`, new URL(this.#boot.closed_url, location.href));
    const way = this.#place.querySelector("a[data-enter]");
    if (way instanceof HTMLAnchorElement) way.href = target.href;
    setTimeout(() => location.assign(target), matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : MOMENT);
  }

  /** @param {Record<string, {allowed: boolean, reason?: string, new?: string}>|undefined} features */
  #gate(features) {
    const feature = features?.[FEATURE];
    if (!feature) return;
    showStanding(feature.allowed);
    if (!feature.allowed) this.#refuse(feature.reason || t("stopped.gate"));
    else if (feature.new) this.#refuse(feature.new); // an announced end: nothing new is begun
    else if (this.#shown === "refused") this.#show("idle");
  }

  /** @param {string} reason */
  #refuse(reason) {
    this.#stop();
    this.#show("refused");
    const words = this.#place.querySelector("[data-reason]");
    if (words) words.textContent = reason;
  }

  // --- waiting ----------------------------------------------------------------------------------------------

  /** @param {number} since milliseconds @param {number} [estimate] seconds */
  #wait(since, estimate) {
    this.#since = since;
    this.#show("waiting");
    this.#tick();
    this.#clock ??= setInterval(() => this.#tick(), 1000);
    const place = this.#place.querySelector("[data-estimate]");
    if (place && typeof estimate === "number") {
      place.textContent =
        estimate < 60 ? t("match.estimate.soon") : t("match.estimate", { n: number(Math.ceil(estimate / 60)) });
    }
  }

  #tick() {
    const place = this.#place.querySelector("[data-elapsed]");
    const seconds = Math.max(0, Math.floor((Date.now() - this.#since) / 1000));
    if (!(place instanceof HTMLTimeElement)) return;
    place.dateTime = `PT${seconds}S`;
    place.textContent = `${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")}`;
  }

  #stop() {
    this.#wish = null;
    this.#since = 0;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }

  get #shown() {
    const states = /** @type {NodeListOf<HTMLElement>} */ (this.#place.querySelectorAll("[data-state]"));
    return [...states].find((element) => !element.hidden)?.dataset.state;
  }

  /** @param {State} state */
  #show(state) {
    for (const element of /** @type {NodeListOf<HTMLElement>} */ (this.#place.querySelectorAll("[data-state]"))) {
      element.hidden = element.dataset.state !== state;
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

/** @param {string|number|undefined} since @returns {number} milliseconds */
function timeOf(since) {
  const time = typeof since === "number" ? since * 1000 : Date.parse(since ?? "");
  // A clock that is wrong on this device must not show a wait of hours.
  return Number.isNaN(time) || time > Date.now() ? Date.now() : time;
}

/** @param {{ws: string, events: string|null, closed_url: string, lobby_url: string}} boot */
export function start(boot) {
  const place = document.querySelector("section[data-match]");
  if (place instanceof HTMLElement) new MatchPage(boot, place);
}
