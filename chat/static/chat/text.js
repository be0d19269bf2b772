/**
 * A message's text as nodes of the page: always text, never markup; web addresses in it become links. Pure but for the
 * DOM.
 */

/**
 * Ends before white space, quotes, brackets and Japanese punctuation, none of which people mean as part of an address.
 */
const PART = "[^\\s<>\"'`「」『』（）()【】、。，．！？\\u3000]";
const ADDRESS = new RegExp(`https?://${PART}+(?:\\(${PART}+\\)${PART}*)*`, "giu");
const TRAILING = /[.,:;!?…]+$/u;

/** @param {string} text */
export const length = (text) => [...text].length;

/**
 * What is sent: without trailing white space, line ends as one character, no half characters.
 * @param {string} text
 */
export function tidy(text) {
  const whole = Array.from(text.replace(/\r\n?/g, "\n"), (one) =>
    /^[\uD800-\uDFFF]$/.test(one) ? "\uFFFD" : one,
  ).join("");
  return whole.trim() === "" ? "" : whole.replace(/^\n+|\s+$/gu, "");
}

/**
 * @param {Element} element
 * @param {string} text replaces the element's content
 */
export function writeText(element, text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = match[0].replace(TRAILING, "");
    const url = webAddress(shown);
    if (!url) continue;
    nodes.push(text.slice(from, match.index), link(url, shown));
    from = match.index + shown.length;
  }
  element.replaceChildren(...nodes, ...(from < text.length ? [text.slice(from)] : []));
}

/** @param {string} text @returns {string|null} */
function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** @param {string} url @param {string} shown */
function link(url, shown) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.rel = "noopener nofollow ugc";
  anchor.target = "_blank";
  anchor.textContent = shown;
  return anchor;
}
