/**
 * What the person of this page chose for their pages: colours, size of text, Enter. A choice works at once, here and in
 * each other tab of theirs, which learns of it from storage (app.js). The server writes it into each new document.
 *
 * Event of the document's root: `look`, after each change.
 */

import { LOOK, me } from "./identity.js";
import { store } from "./store.js";

/** @typedef {"theme"|"textSize"|"enter"} Choice */

const root = document.documentElement;
const CHOICES = /** @type {const} */ (["theme", "textSize", "enter"]);
/** As the server names them. */
const FIELDS = { theme: "theme", textSize: "text_size", enter: "enter" };

/**
 * @param {Choice} name
 * @param {string} value empty: as the device has it
 * @returns {Promise<boolean>} whether it was stored
 */
export async function choose(name, value) {
  show({ [name]: value });
  const look = Object.fromEntries(CHOICES.map((each) => [each, root.dataset[each] ?? ""]));
  store.setItem(LOOK, JSON.stringify({ ...look, me: me() }));
  const token = /** @type {HTMLInputElement|null} */ (document.querySelector("[name=csrfmiddlewaretoken]"))?.value ?? "";
  try {
    const answer = await fetch("/account/", {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token },
      body: new URLSearchParams({ do: "choose", [FIELDS[name]]: value }),
      keepalive: true,
    });
    return answer.status === 204;
  } catch {
    return false;
  }
}

/** Takes over what another tab chose; where the person has signed out there, nothing of theirs stays. */
export function takeOver() {
  const text = store.getItem(LOOK);
  const look = text === null ? { theme: "", textSize: "", enter: "" } : JSON.parse(text);
  if (text === null || look.me === me()) show(look);
}

/** @param {Record<string, string>} look */
function show(look) {
  for (const name of CHOICES) {
    if (look[name] === undefined) continue;
    if (look[name] === "") delete root.dataset[name];
    else root.dataset[name] = look[name];
  }
  for (const meta of document.querySelectorAll("meta[name=theme-color]")) {
    const { theme } = /** @type {HTMLMetaElement} */ (meta).dataset;
    const chosen = root.dataset.theme === theme ? "all" : "not all";
    meta.setAttribute("media", root.dataset.theme ? chosen : `(prefers-color-scheme: ${theme})`);
  }
  root.dispatchEvent(new Event("look"));
}
