/**
 * The arrow keys lead from message to message, so that the whole log is one stop of the Tab key. Links are stops in the
 * message that has the focus, and in no other.
 *
 * @param {HTMLElement} log what scrolls the rows
 */
export function rove(log) {
  /** @type {HTMLElement|null} */
  let current = null;
  log.addEventListener("focusin", (event) => {
    const row = event.target instanceof Element ? /** @type {HTMLElement|null} */ (event.target.closest("li[data-seq]")) : null;
    if (row === current) return;
    for (const stop of stopsIn(current)) stop.tabIndex = -1;
    for (const stop of stopsIn(row)) stop.tabIndex = 0;
    current = row;
  });
  log.addEventListener("keydown", (event) => {
    if (event.target instanceof HTMLButtonElement || event.altKey || event.ctrlKey || event.metaKey) return;
    const rows = [.../** @type {NodeListOf<HTMLElement>} */ (log.querySelectorAll("li[data-seq]"))];
    const focused = document.activeElement?.closest("li[data-seq]");
    const at = rows.indexOf(/** @type {HTMLElement} */ (focused));
    const steps = {
      ArrowUp: at < 0 ? rows.length - 1 : at - 1,
      ArrowDown: at < 0 ? rows.length - 1 : at + 1,
      End: rows.length - 1,
      Home: 0,
    };
    if (!(event.key in steps)) return;
    event.preventDefault();
    rows[steps[/** @type {keyof typeof steps} */ (event.key)]]?.focus();
  });
}

/** @param {HTMLElement|null} row @returns {HTMLElement[]} */
const stopsIn = (row) => [.../** @type {NodeListOf<HTMLElement>} */ (row?.querySelectorAll("a, summary") ?? [])];
