/** Copies words where the browser lets a page do so; else selects them, so that the person can. */

import { announce } from "./notices.js";
import { t } from "./strings.js";

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
