/**
 * Whose page this is, and what happens when somebody else signs in or out in this browser.
 *
 * The server writes the person's id into the document. The newest page notes it in storage, so that every other page
 * learns of it: by the `storage` event, and by a look when it wakes or comes out of the browser's history.
 */

import { store } from "./store.js";
import { forget, leftBehind } from "./words.js";

const WHO = "todoke.who";
const STRANGER = "-";
/** Who pressed "sign out". Until the next page it is open whether that worked. */
const LEAVING = "todoke.leaving";
/** What the person chose for their pages; see look.js. */
export const LOOK = "todoke.look";

/** @returns {string} the id of the person for whom the server made this page; "" for a stranger */
export const me = () => document.documentElement.dataset.me ?? "";

/** Takes note of who is signed in, and removes what somebody who has signed out must not leave behind. */
export function noteIdentity() {
  if (!("me" in document.documentElement.dataset)) return; // an error page that knows nobody
  const leaving = store.getItem(LEAVING);
  if (leaving !== null) {
    store.removeItem(LEAVING);
    const { user, guest } = JSON.parse(leaving);
    if (user !== me()) forget(store, user, guest);
  }
  if (me() === "") store.removeItem(LOOK);
  if (me() !== "" || store.getItem(WHO) !== null) store.setItem(WHO, me() || STRANGER);
  const form = document.querySelector("form[data-sign-out]");
  const guest = form?.getAttribute("data-sign-out") === "guest";
  form?.addEventListener("submit", () => store.setItem(LEAVING, JSON.stringify({ user: me(), guest })));
  const warning = document.querySelector("[data-unsent]");
  if (warning instanceof HTMLElement) warning.hidden = leftBehind(store, me(), guest).length === 0;
}

/**
 * Runs once, when the person of this page is no longer the one who is signed in.
 * @param {(signedOut: boolean) => void} run
 */
export function onOtherIdentity(run) {
  let done = false;
  /** @param {boolean} [doubt] whether a page that knows nothing counts as another's */
  const look = (doubt = false) => {
    const who = store.getItem(WHO);
    const other = who === null ? doubt && me() !== "" : who !== (me() || STRANGER);
    if (!other || done) return;
    done = true;
    run(who === STRANGER || who === null);
  };
  addEventListener("storage", (event) => (event.key === WHO || event.key === null) && look());
  addEventListener("pageshow", (event) => event.persisted && look(true));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
}

/** Loads the page anew, so that it shows nothing of the person before; unless something is written in it. */
export function reloadForOther() {
  const fields = /** @type {NodeListOf<HTMLInputElement|HTMLTextAreaElement>} */ (
    document.querySelectorAll("textarea, input:not([type=hidden], [type=checkbox], [type=radio])")
  );
  if ([...fields].some((field) => field.value !== field.defaultValue)) return;
  document.body.hidden = true;
  location.reload();
}
