/**
 * The line in the head of every page for members: somebody is looked for, or is here. It leads there and never by
 * itself. A page without a connection gets one while there is something to say.
 */

import { store } from "../web/store.js";
import { doingKey, owedKey, Seeking } from "./seeking.js";

/** @typedef {import("../realtime/socket.js").Connection} Connection */

/**
 * @param {HTMLElement} place with one link for each state that can be shown
 * @param {Promise<Connection|null>|undefined} page the connection of the page, if it has one of its own
 */
export async function watch(place, page) {
  const user = place.dataset.user ?? "";
  const parts = /** @type {NodeListOf<HTMLAnchorElement>} */ (place.querySelectorAll("a[data-for]"));
  /** @type {Connection|null} */
  let own = null;

  /** @param {Connection} connection */
  const follow = (connection) => {
    const seeking = new Seeking(connection, user, store);
    seeking.addEventListener("change", () => {
      const { state, talk } = seeking;
      const shown = talk?.entered ? "talk" : state;
      for (const part of parts) {
        const way = talk ? new URL(`${encodeURIComponent(talk.room)}/`, new URL(place.dataset.closed ?? "/", location.href)) : null;
        if (way && part.dataset.for !== "waiting") part.href = way.href;
        part.hidden = part.dataset.for !== shown || way?.pathname === location.pathname;
      }
      place.hidden = [...parts].every((part) => part.hidden);
      if (state === "idle" && own === connection && !seeking.owes) {
        own.stop();
        own = null;
      }
    });
    connection.addEventListener("stopped", () => {
      place.hidden = true;
    });
    return seeking;
  };

  const connect = async () => {
    if (own) return;
    const { Connection } = await import("../realtime/socket.js");
    if (own) return;
    own = new Connection(place.dataset.ws ?? "/ws/", { room: "", events: place.dataset.events ?? "" });
    const seeking = follow(own);
    own.addEventListener("welcome", () => {
      // Nothing to say: the page was older than what it showed.
      if (seeking.state === "idle" && !seeking.owes) seeking.stop();
    });
    own.start();
  };

  const known = await page;
  if (known) {
    follow(known);
    return;
  }
  addEventListener("storage", ({ key, newValue }) => key === doingKey(user) && !newValue?.startsWith("idle") && void connect());
  if (place.dataset.doing !== "idle" || store.getItem(owedKey(user)) !== null) await connect();
}
