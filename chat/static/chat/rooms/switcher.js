/** Ctrl/Cmd+K: type a few letters of a room's name, Enter goes there. The rooms are those of the lobby and its search. */

import { t } from "../web/strings.js";

/** @typedef {{name: string, url: string}} Place */

/** After the last key, before the server is asked, in milliseconds. */
const PAUSE = 200;

/** @type {HTMLDialogElement|null} */
let dialog = null;

/** @param {string} lobby address of the lobby */
export async function openSwitcher(lobby) {
  if (dialog?.open) return dialog.close();
  dialog ??= build();
  const input = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
  const list = /** @type {HTMLElement} */ (dialog.querySelector("ul"));
  input.value = "";
  dialog.showModal();
  const places = await read(lobby).catch(() => /** @type {Place[]} */ ([]));
  const show = () => {
    const wanted = fold(input.value);
    const found = places.filter(({ name }) => fold(name).includes(wanted)).slice(0, 50);
    list.replaceChildren(...found.map(item));
    if (found.length === 0)
      list.append(Object.assign(document.createElement("li"), { textContent: t("switcher.none") }));
  };
  /** @type {number|undefined} */
  let timer;
  input.oninput = () => {
    show();
    clearTimeout(timer);
    // The lobby's first page has the liveliest rooms only.
    timer = setTimeout(async () => {
      const words = input.value.trim();
      if (!words) return;
      const found = await read(`${lobby}?q=${encodeURIComponent(words)}`).catch(() => []);
      for (const place of found) if (!places.some(({ url }) => url === place.url)) places.push(place);
      show();
    }, PAUSE);
  };
  show();
}

function build() {
  const element = document.createElement("dialog");
  element.className = "switcher";
  element.setAttribute("aria-label", t("switcher.label"));
  const form = document.createElement("form");
  const input = document.createElement("input");
  input.type = "search";
  input.autocomplete = "off";
  input.placeholder = t("switcher.label");
  input.setAttribute("aria-label", t("switcher.label"));
  const list = document.createElement("ul");
  form.append(input, list);
  element.append(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.click();
  });
  element.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    event.preventDefault();
    const stops = /** @type {HTMLElement[]} */ ([input, ...list.querySelectorAll("a")]);
    const at = stops.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    stops[Math.min(stops.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)))].focus();
  });
  element.addEventListener("click", (event) => event.target === element && element.close());
  document.body.append(element);
  return element;
}

/** @param {string} lobby @returns {Promise<Place[]>} */
async function read(lobby) {
  const response = await fetch(lobby, { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  /** @type {Map<string, Place>} */
  const places = new Map();
  for (const link of page.querySelectorAll("a[href]")) {
    const url = link.getAttribute("href") ?? "";
    const name = link.textContent?.trim();
    if (/^\/(rooms|closed)\/[^/]+\/$/.test(url) && url !== "/rooms/new/" && name && !places.has(url))
      places.set(url, { name, url });
  }
  return [...places.values()];
}

/** @param {Place} place */
function item({ name, url }) {
  const link = document.createElement("a");
  link.href = url;
  link.textContent = name;
  const line = document.createElement("li");
  line.append(link);
  return line;
}

/** Kana, width and case do not matter. @param {string} text */
const fold = (text) =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
