/** What the page tells a person about itself: the connection in plain words, banners, and words for screen readers. */

import { t } from "./strings.js";

/** @param {import("../realtime/socket.js").Connection} connection */
export function showConnection(connection) {
  const line = document.querySelector("[data-connection]");
  if (!(line instanceof HTMLElement)) return;
  /** @type {number|undefined} */
  let timer;
  const show = () => {
    const { state } = connection;
    clearTimeout(timer);
    // A blink is not news: only what lasts is said.
    timer = setTimeout(
      () => {
        line.dataset.state = state;
        line.textContent = t(`connection.${state}`);
      },
      state === "connected" || state === "offline" ? 0 : 600,
    );
  };
  connection.addEventListener("state", show);
  show();
  connection.addEventListener("frame", (event) => {
    const frame = /** @type {CustomEvent} */ (event).detail;
    if (frame.type === "acts") void showAct(frame.items.at(-1));
  });
}

/** @param {any} act */
async function showAct(act) {
  const { wordsOf } = await import("../safety/acts.js");
  const words = wordsOf(act);
  if (words) banner(words, { text: t("act.more"), href: "/appeals/" });
}

/** What a stopped connection means, and the way out. @param {{then: string, reason: string}} stop */
export function showStopped({ then, reason }) {
  const reload = { text: t("action.reload"), run: () => location.reload() };
  if (then === "signin") banner(reason || t("stopped.signin"), reload);
  else if (then === "gate") banner(reason || t("stopped.gate"), { text: t("action.why"), href: "/legal/" });
  else banner(reason || t("stopped.stop"), reload);
}

/**
 * @param {string} text
 * @param {{text: string, href?: string, run?: () => void}} [way] out
 */
export function banner(text, way) {
  const place = document.querySelector("[data-banner]") ?? bannerPlace();
  const words = document.createElement("p");
  words.textContent = text;
  // Shown first: a region that appears with its words in it is not read out everywhere.
  /** @type {HTMLElement} */ (place).hidden = false;
  place.replaceChildren(words);
  if (way?.href) {
    const link = document.createElement("a");
    link.href = way.href;
    link.textContent = way.text;
    place.append(link);
  } else if (way?.run) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = way.text;
    button.addEventListener("click", way.run);
    place.append(button);
  }
}

export function clearBanner() {
  const place = document.querySelector("[data-banner]");
  if (!(place instanceof HTMLElement)) return;
  place.replaceChildren();
  place.hidden = true;
}

function bannerPlace() {
  const place = document.createElement("div");
  place.dataset.banner = "";
  place.setAttribute("role", "alert");
  document.querySelector("main")?.prepend(place);
  return place;
}

/** The kinds of closed talk. It is on while one of them is. */
const CLOSED_TALK = ["room.match_pair", "room.recruit", "room.invite_only", "dm.text"];

/** @param {Record<string, {allowed: boolean}>} features @returns {boolean} whether closed chat is on */
export const isOn = (features) => CLOSED_TALK.some((name) => features[name]?.allowed);

/** The seal in the head of the page, and the stamp: whether closed chat is on. @param {boolean} on */
export function showStanding(on) {
  for (const part of document.querySelectorAll("[data-when]")) {
    const shown = part.getAttribute("data-when") === (on ? "on" : "off");
    if (part instanceof SVGElement) part.setAttribute("display", shown ? "inline" : "none");
    else /** @type {HTMLElement} */ (part).hidden = !shown;
  }
  document.querySelector('[data-standing] .seal:not([data-state="specimen"])')?.setAttribute("data-state", on ? "on" : "off");
}

/** @type {HTMLElement|null} */
let voice = null;

/** Says it to a screen reader only. @param {string} text */
export function announce(text) {
  if (!voice) {
    voice = document.createElement("p");
    voice.className = "visually-hidden";
    voice.setAttribute("role", "status");
    document.body.append(voice);
  }
  voice.textContent = text;
}
