/** Opens and closes the sheets that are popovers, where the browser knows no popovers (Safari 16, Firefox 115). */

/** @type {HTMLElement|null} */
let sheet = null;
/** @type {HTMLElement|null} */
let origin = null;

function close() {
  if (sheet) delete sheet.dataset.open;
  origin?.setAttribute("aria-expanded", "false");
  sheet = origin = null;
}

export function followButtons() {
  addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const button = target?.closest("button[popovertarget]");
    if (!(button instanceof HTMLElement)) {
      if (sheet && target && !sheet.contains(target)) close();
      return;
    }
    const wanted = document.getElementById(button.getAttribute("popovertarget") ?? "");
    const opened = wanted === sheet || button.getAttribute("popovertargetaction") === "hide";
    close();
    if (opened || !wanted) return;
    sheet = wanted;
    origin = button;
    sheet.dataset.open = "true";
    button.setAttribute("aria-expanded", "true");
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing || !sheet) return;
    event.preventDefault();
    origin?.focus();
    close();
  });
}
