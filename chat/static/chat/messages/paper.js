/** Puts a talk on paper, whole or one day of it: reads what is not held yet, then asks the browser to print. */

import { number, t } from "../web/strings.js";
import { dayOf } from "../web/times.js";

/**
 * Prints what a button asks for, and says meanwhile how far it is.
 * @param {HTMLElement} place of the buttons and of the words
 * @param {EventTarget|null} target what was pressed there
 * @param {import("./feed.js").Feed} feed
 * @param {import("./view.js").LogView} view
 */
export async function pressed(place, target, feed, view) {
  const button = target instanceof Element ? target.closest("button") : null;
  const words = place.querySelector("p");
  if (!button || !words || feed.log.head === null || place.getAttribute("aria-busy") === "true") return;
  place.setAttribute("aria-busy", "true");
  const day = button.value === "day" ? view.day : null;
  const done = await print(feed, view, day, (n) => (words.textContent = t("paper.reading", { n: number(n) })));
  words.textContent = done ? "" : t("message.unchanged");
  place.removeAttribute("aria-busy");
}

/**
 * @param {import("./feed.js").Feed} feed
 * @param {import("./view.js").LogView} view
 * @param {string|null} day as `dayOf` names it; `null`: the whole talk
 * @param {(count: number) => void} reading told how many messages are held, page by page
 * @returns {Promise<boolean>} whether it could be read; what lacks a message is not printed
 */
async function print(feed, view, day, reading) {
  view.hold(true);
  try {
    for (let past; (past = feed.past) && (day === null || dayOf(past.messages.at(-1)?.at ?? "") <= day);) {
      const log = await feed.newer();
      if (!log) return false;
      if (log !== past && view.away) view.continueIn(log);
      reading(log.messages.length);
    }
    for (let log; (log = feed.past ?? feed.log).more && (day === null || dayOf(log.messages[0]?.at ?? day) >= day);) {
      const added = await feed.older();
      if (!added) return false;
      view.prepended(added.length, false);
      reading(log.messages.length);
    }
    view.paper = day;
    window.print();
    return true;
  } finally {
    view.hold(false);
  }
}
