/** The keys of the desk: 0 to 4 choose what is done, and lead to the reason. Nothing is done before the form is sent. */

addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return;
  if (target instanceof HTMLInputElement && target.type !== "radio") return;
  const chosen = key === "0" ? '[name="act"][value=""]' : `[data-key="${CSS.escape(key)}"]`;
  const act = /^[0-4]$/.test(key) ? document.querySelector(chosen) : null;
  if (!(act instanceof HTMLInputElement)) return;
  event.preventDefault();
  act.checked = true;
  document.getElementById(key === "0" ? "note" : "reason")?.focus();
});
