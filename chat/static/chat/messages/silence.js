/** Says in the place where one writes why one cannot, and how long one waits between two messages. */

import { passFocus } from "../web/focus.js";
import { announce } from "../web/notices.js";
import { number } from "../web/strings.js";

/**
 * @param {import("../realtime/transport.js").Frame} frame `room.writing`
 * @param {import("./writing.js").Writing|null} writing
 */
export function show({ reason = "", act, slow = 0 }, writing) {
  const focused = document.activeElement;
  const silent = toggle("[data-silent]", reason !== "");
  if (silent && reason !== "") {
    silent.children[0].textContent = reason;
    /** @type {HTMLElement} */ (silent.children[1]).hidden = !act;
  }
  const pause = toggle("[data-slow]", slow > 0)?.querySelector("span");
  if (pause) pause.textContent = number(slow);
  toggle("[data-guest]", reason === "");
  if (writing) writing.silent = reason !== "";
  announce(reason);
  passFocus(focused, document.querySelector("[data-log]"));
}

/** @param {string} selector @param {boolean} shown */
function toggle(selector, shown) {
  const part = /** @type {HTMLElement|null} */ (document.querySelector(selector));
  if (part) part.hidden = !shown;
  return part;
}
