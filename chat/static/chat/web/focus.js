/**
 * Keeps the focus where the person is when a page follows another: choosing a language comes back to that choice, joining
 * a room or being matched leads to the field in which one writes, and what was refused to the field with the fault.
 */

const KEY = "todoke.focus";
/** Form, and what has the focus on the page after it. */
const AFTER = [
  ["form.languages", ".languages [aria-current]"],
  ["form[data-guest]", "[data-composer] textarea"],
];

export function keepFocus() {
  addEventListener("submit", ({ target }) => {
    const place = AFTER.findIndex(([form]) => target instanceof Element && target.matches(form));
    if (place >= 0) note(`${place}`);
  });
  const selector = AFTER[Number(note(null) ?? NaN)]?.[1];
  const wanted = selector && document.querySelector(selector);
  const found = /** @type {HTMLElement|null} */ (wanted || document.querySelector("main [aria-invalid=true]"));
  if (!found) return;
  // In a menu that is shut, the button that opens it.
  const seen = found.getClientRects().length > 0 ? found : document.querySelector(".menu-button");
  /** @type {HTMLElement|null} */ (seen)?.focus();
}

/** The page that follows is a talk: there the focus goes to the field in which one writes. */
export function entersTalk() {
  note("1");
}

/**
 * Moves the focus on where what had it is hidden or disabled now.
 * @param {Element|null} from what had it
 * @param {HTMLElement|null|undefined} to
 */
export function passFocus(from, to) {
  if (from && (from.getClientRects().length === 0 || from.matches(":disabled"))) to?.focus();
}

/** @param {string|null} value to be noted; `null` takes it out @returns {string|null} what was noted */
function note(value) {
  try {
    const noted = sessionStorage.getItem(KEY);
    if (value === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, value);
    return noted;
  } catch {
    return null; // a browser that keeps nothing
  }
}
