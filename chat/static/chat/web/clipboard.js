/** Copies words where the browser lets a page do so; else selects them, so that the person can. */

import { announce } from "./notices.js";
import { t } from "./strings.js";

/**
 * Copies a text; where the browser does not let a page do so, shows it, so that the person can.
 * @param {string} text
 * @param {string} said once it is done
 */
export async function copyText(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    announce(said);
  } catch {
    prompt("", text);
  }
}

/** @param {HTMLElement} place that shows the words: a field, or an element with text */
export async function copy(place) {
  const field = place instanceof HTMLTextAreaElement ? place : null;
  try {
    await navigator.clipboard.writeText(field ? field.value : (place.textContent ?? ""));
    announce(t("copied"));
  } catch {
    if (field) field.select();
    else getSelection()?.selectAllChildren(place);
  }
}
