/**
 * Says in words that the page cannot start here: the browser lacks what the scripts need, or they did not arrive.
 * Plain ES5, because it must run where nothing else does. The oldest browsers that must never see the words stand in
 * chat/web/browsers.json.
 */
// biome-ignore-all lint: ES5
(function () {
  "use strict";
  var root = document.documentElement;
  var needed = [
    "AbortController",
    "Array.prototype.findLast",
    "CSS.supports",
    "Element.prototype.replaceChildren",
    "Intl.DateTimeFormat",
    "Promise",
    "ResizeObserver",
    "WebSocket",
    "crypto.getRandomValues",
    "fetch",
  ];
  var index;
  for (index = 0; index < needed.length; index += 1)
    if (!has(needed[index].split("."))) root.setAttribute("data-below", needed[index]);
  // Modules run before this event. One that could not be read, or not be understood, has set nothing.
  window.addEventListener("load", function () {
    if (!root.hasAttribute("data-scripts")) root.setAttribute("data-below", "scripts");
  });

  /** @param {string[]} path */
  function has(path) {
    /** @type {any} */
    var found = window;
    for (var step = 0; found && step < path.length; step += 1) found = found[path[step]];
    return !!found;
  }
})();
