/** Entry of every page: starts what the page is for. Without it the pages can be read, and forms still work. */

import { keepFocus } from "./focus.js";
import { LOOK, noteIdentity, onOtherIdentity, reloadForOther } from "./identity.js";
import { opensSwitcher } from "./keys.js";
import { store } from "./store.js";
import { sweep } from "./words.js";

const root = document.documentElement;
const boot = JSON.parse(document.getElementById("boot")?.textContent || "{}");

/** @type {Record<string, () => Promise<{start: (boot: any) => any}>>} */
const pages = {
  room: () => import("../messages/room.js"),
  match: () => import("../matching/match.js"),
  person: () => import("../people/account.js"),
};

if (!root.hasAttribute("data-below")) {
  root.dataset.scripts = "on";
  const started = pages[root.dataset.page ?? ""]?.()
    .then(({ start }) => start(boot))
    .catch((error) => {
      root.dataset.below = "start";
      throw error;
    });
  const doing = document.querySelector("[data-doing]");
  if (doing instanceof HTMLElement) void import("../matching/notice.js").then(({ watch }) => watch(doing, started));
  if (!("popover" in HTMLElement.prototype)) void import("./sheets.js").then(({ followButtons }) => followButtons());
}
if (root.dataset.page !== "room") onOtherIdentity(reloadForOther);
noteIdentity();
sweep(store);

addEventListener("storage", ({ key }) => {
  if (key === LOOK) void import("./look.js").then(({ takeOver }) => takeOver());
});

addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("[data-dismiss]") : null;
  if (!link) return;
  event.preventDefault();
  link.parentElement?.remove();
});

addEventListener("keydown", (event) => {
  if (!opensSwitcher(event, /^(Mac|iP)/.test(navigator.platform))) return;
  event.preventDefault();
  void import("../rooms/switcher.js").then(({ openSwitcher }) => openSwitcher(boot.lobby_url ?? "/"));
});

keepFocus();
if (document.querySelector("time[data-last]")) void import("./times.js").then(({ showHere }) => showHere());
