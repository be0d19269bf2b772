/** The dialog in which whoever keeps a room says why they remove a message: the rule of the terms, and the reason. */

import { excerpt } from "../web/text.js";

const EXCERPT = 200;

/**
 * Asks why a message is to be removed. Escape, and the button beside, remove nothing.
 * @param {HTMLElement} row of the message
 * @returns {Promise<{rule: string, reason: string}|null>}
 */
export function askWhy(row) {
  const dialog = document.querySelector("[data-removing]");
  if (!(dialog instanceof HTMLDialogElement) || dialog.open) return Promise.resolve(null);
  const form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
  const [author, words] = /** @type {HTMLElement[]} */ ([...dialog.querySelectorAll("[data-about] > *")]);
  author.textContent = row.querySelector(".message-author")?.textContent ?? "";
  words.textContent = excerpt(row.querySelector(".message-body")?.textContent ?? "", EXCERPT);
  form.reset();
  dialog.returnValue = "";
  dialog.showModal();
  /** @type {HTMLElement} */ (form.elements.namedItem("rule")).focus();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        const said = new FormData(form);
        const [rule, reason] = [String(said.get("rule")), String(said.get("reason")).trim()];
        resolve(dialog.returnValue === "remove" && reason ? { rule, reason } : null);
      },
      { once: true },
    );
  });
}
