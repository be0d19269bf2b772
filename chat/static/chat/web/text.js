/**
 * What people write, as nodes of the page: always text, never markup; web addresses in it become links. And its measures:
 * length, and a beginning that ends between two characters. Pure but for the DOM.
 */

// Where an address ends: as chat/text/links.py has it, with the reasons. tests/links.json is tried on both.
const DENSE =
  "(?:(?![\\uff00-\\uffef\\u3092])[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\u30fb\\u30fc])";
const LETTER = `(?:(?!${DENSE}|[\\uff00-\\uffef\\u3092])[\\p{L}\\p{M}\\p{N}])`;
const LABEL = `(?:${DENSE}+|${LETTER})(?:${LETTER}|[\\-_])*`;
const HOST = `${LABEL}(?:\\.${LABEL})*(?::[0-9]{1,5})?`;
const WHOLE = `(?!(?:[\\-_.]|:(?=[0-9]))*${LETTER}|[A-Za-z0-9_.!$&'*+,;=:%~\\-]*@)`;
const SENTENCE = `(?:です|でし|では|でも|には|から|まで|より|って|という|とか|など|[にはがもとへでの](?:[\\p{Script=Han}\\p{Script=Katakana}]|(?!${DENSE})))`;
const PART = `(?:(?<=[\\/_=&#+\\-]|_\\()(?!${SENTENCE})(?!(?<=\\/\\/[^\\/]*\\/)\\p{Script=Hiragana})${DENSE}+)`;
const SIGN = "[\\-._~!$&'*+,;=:@%\\/?#|\\(\\)\\[\\]]";
const ADDRESS = new RegExp(
  `[hH][tT][tT][pP][sS]?:\\/\\/${HOST}${WHOLE}(?:[\\/?#](?:${LETTER}|${SIGN}|${PART})*)?`,
  "gu",
);
const TRAILING = /[-.,:;!?'*~|([]+$/;
const PLAIN_HOST = new RegExp(
  "^(?:(?!ノ|ン|ソ|ゾ|丶|丿|〳|・|ー(?![\\p{Script=Hiragana}\\p{Script=Katakana}A-Za-z0-9.\\-]))" +
    "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u30fc\\p{Script=Hangul}A-Za-z0-9_.:\\-]" +
    "|(?<=\\p{Script=Katakana})[ノンソゾ]|[ノンソゾ](?=\\p{Script=Katakana}))+$",
  "u",
);

/**
 * @param {string} text
 * @returns {{start: number, end: number, shown: string}[]} its web addresses, in order
 */
export function addresses(text) {
  const found = [];
  for (const { 0: match, index: start } of text.matchAll(ADDRESS)) {
    const written = balanced(match).replace(TRAILING, "");
    const shown = plain(written);
    if (shown) found.push({ start, end: start + written.length, shown });
  }
  return found;
}

/** An address up to a bracket that it closes without having opened it. @param {string} address */
function balanced(address) {
  const opened = [];
  for (let place = 0; place < address.length; place += 1) {
    const sign = address[place];
    if (sign === "(" || sign === "[") opened.push(sign);
    else if (sign === ")" || sign === "]") if (opened.pop() !== (sign === ")" ? "(" : "[")) return address.slice(0, place);
  }
  return address;
}

/** An address with a host that cannot be taken for another one. @param {string} address @returns {string|null} */
function plain(address) {
  const [, head, host, rest] = /** @type {RegExpMatchArray} */ (/^(.*?:\/\/)([^/?#]*)(.*)$/s.exec(address));
  if (/^\p{ASCII}*$/u.test(host)) return address;
  if (!host.includes(".")) return null;
  if (PLAIN_HOST.test(host)) return address;
  try {
    return head + new URL(`http://${host}`).host + rest;
  } catch {
    return null;
  }
}

/**
 * @param {Element} element
 * @param {string} text replaces the element's content
 */
export function writeText(element, text) {
  const nodes = [];
  let from = 0;
  for (const { start, end, shown } of addresses(text)) {
    const anchor = document.createElement("a");
    anchor.href = shown;
    anchor.rel = "noopener nofollow ugc";
    anchor.target = "_blank";
    anchor.textContent = shown;
    nodes.push(text.slice(from, start), anchor);
    from = end;
  }
  element.replaceChildren(...nodes, ...(from < text.length ? [text.slice(from)] : []));
}

const RIGHT = "\\u0590-\\u08ff\\ufb1d-\\ufdff\\ufe70-\\ufefc\\u{10800}-\\u{10fff}\\u{1e800}-\\u{1efff}";
const FIRST_FROM_THE_RIGHT = new RegExp(`^\\P{L}*[${RIGHT}]`, "u");

/** @param {string} text @returns {"ltr"|"rtl"} as its first letter is written */
export const direction = (text) => (FIRST_FROM_THE_RIGHT.test(text.slice(0, 200)) ? "rtl" : "ltr");

/** @param {string} text @returns {number} code points, as the server counts */
export function length(text) {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const high = text.charCodeAt(index) >> 10 === 0x36 && text.charCodeAt(index + 1) >> 10 === 0x37;
    if (high) index += 1;
    count += 1;
  }
  return count;
}

/** Something that can be seen: as chat/messages/events.py has it. */
const SEEN = /[^\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u;

/**
 * What is sent: without trailing white space, line ends as one character, no half characters.
 * @param {string} text
 */
export function tidy(text) {
  const whole = text.replace(/\r\n?/g, "\n").replace(/\p{Surrogate}/gu, "\ufffd").trimEnd();
  return !SEEN.test(whole) ? "" : whole.replace(/^\n+/, "");
}

/** For browsers without `Intl.Segmenter`: emoji with all that joins them, flags, syllables, letters with their marks. */
const CLUSTER =
  /\r\n|\p{RI}{2}|\p{Extended_Pictographic}(?:[\p{M}\p{EMod}\u{e0020}-\u{e007f}]|\u200d\p{Extended_Pictographic})*|[\u1100-\u115f]*[\u1160-\u11ff]*\P{M}(?:[\p{M}\u11a8-\u11ff\uff9e\uff9f]|\u200d)*|\p{M}+/gsu;

/** @type {Intl.Segmenter|null} */
let segmenter = null;

/** @param {string} text @returns {string[]} what a person takes for one character each */
export function clusters(text) {
  if (typeof Intl.Segmenter !== "function") return text.match(CLUSTER) ?? [];
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/**
 * A beginning of a text in one line.
 * @param {string} text
 * @param {number} most characters as a person counts them
 */
export function excerpt(text, most) {
  // A character is a few code units. Marks that are piled up without an end are cut as they come.
  const line = text.trim().slice(0, most * 32).replace(/\s+/g, " ");
  const parts = clusters(line);
  const rest = parts.length > most || text.trim().length > most * 32;
  return rest ? `${parts.slice(0, most).join("")}…` : line;
}

/** How many forms and inks marks have, as in `chat/text/marks.py`. */
const FORMS = 6;
const INKS = 8;

/**
 * Draws the mark of a person as the server does: form and ink from their id, the letter from their name.
 * @param {HTMLElement} place
 * @param {{id: string|null, name: string}} author without an id: somebody who is gone
 */
export function drawMark(place, { id, name }) {
  place.hidden = id === null;
  if (id === null) return;
  const number = parseInt(id.slice(-6), 16);
  place.dataset.form = `${number % FORMS}`;
  place.dataset.ink = `${Math.floor(number / FORMS) % INKS}`;
  place.dataset.cut = `${Math.floor(number / (FORMS * INKS)) % 2}`;
  place.dataset.letter = (clusters(name)[0] ?? "").toUpperCase();
}
