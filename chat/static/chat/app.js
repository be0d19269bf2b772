/** Entry of every page: starts what the page is for. Without it the pages can be read, and forms still work. */

const page = document.documentElement.dataset.page;
const boot = JSON.parse(document.getElementById("boot")?.textContent || "{}");

if (page === "room") void import("./room.js").then(({ start }) => start(boot));
else if (page === "match") void import("./match.js").then(({ start }) => start(boot));

addEventListener("keydown", (event) => {
  if (
    event.key.toLowerCase() !== "k" ||
    !(event.ctrlKey || event.metaKey) ||
    event.altKey ||
    event.shiftKey ||
    event.isComposing
  )
    return;
  event.preventDefault();
  void import("./switcher.js").then(({ openSwitcher }) => openSwitcher(boot.lobby_url ?? "/"));
});
