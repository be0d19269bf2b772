/** The page of one's own: each choice works as it is made. */

import { choose } from "../web/look.js";
import { t } from "../web/strings.js";

/** @typedef {import("../web/look.js").Choice} Choice */

/** @type {Record<string, Choice>} */
const AT_ONCE = { theme: "theme", text_size: "textSize", enter: "enter" };

export function start() {
  const form = document.querySelector("form[data-choose]");
  const saved = document.querySelector("[data-saved]");
  form?.addEventListener("change", async ({ target }) => {
    if (!(target instanceof HTMLInputElement)) return;
    const name = AT_ONCE[target.name];
    // Other words need another page.
    if (!name) return /** @type {HTMLFormElement} */ (form).requestSubmit();
    const done = await choose(name, target.value);
    if (saved) saved.textContent = t(done ? "look.saved" : "message.unchanged");
  });
  document.documentElement.addEventListener("look", () => {
    for (const [field, name] of Object.entries(AT_ONCE)) {
      const value = document.documentElement.dataset[name] ?? "";
      const box = form?.querySelector(`input[name="${field}"][value="${value}"]`);
      if (box instanceof HTMLInputElement) box.checked = true;
    }
  });
  return null;
}
