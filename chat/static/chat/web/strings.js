/** Texts of the page, as the server put them there in the page's language. */

/** @type {Record<string, string>|null} */
let texts = null;

function table() {
  texts ??= JSON.parse(document.getElementById("strings")?.textContent || "{}");
  return /** @type {Record<string, string>} */ (texts);
}

/**
 * @param {string} key
 * @param {Record<string, string|number>} [values] for the `{name}` places of the text
 * @returns {string} the text; the key itself where the page has none, so that a gap is seen and nothing breaks
 */
export function t(key, values = {}) {
  return (table()[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => isolated(String(values[name] ?? whole)));
}

/** A name that is written from the right must not put the words around it in another order. @param {string} value */
const isolated = (value) => (/[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(value) ? `\u2068${value}\u2069` : value);

/**
 * A reason that the server gives: a word of the protocol, or already a sentence.
 * @param {string} prefix e.g. "match.left"
 * @param {string|undefined} reason
 */
export function reasonText(prefix, reason) {
  return table()[`${prefix}.${reason}`] ?? (reason && /\s|[^\x20-\x7e]/.test(reason) ? reason : t(prefix));
}

/** Language of the page, for dates and numbers. */
export const language = () => document.documentElement.lang || "ja";

/** @param {number} n */
export const number = (n) => new Intl.NumberFormat(language()).format(n);
