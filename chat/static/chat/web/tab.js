/**
 * This tab among the tabs of the browser: an id that outlives a reload, and which of the others are open.
 *
 * The id lies in the session's storage only while no page runs in the tab, so that a copy of the tab gets its own.
 */

const ID = "todoke.tab";
const CHANNEL = "todoke.tabs";
/** How long the others have to answer, in milliseconds. A tab that the browser has frozen does not. */
const ANSWER = 300;

export class Tab {
  id = takeId();
  #channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(CHANNEL) : null;
  /** @type {Set<string>} */
  #open = new Set();

  constructor() {
    addEventListener("pagehide", () => withSession((session) => session.setItem(ID, this.id)));
    addEventListener("pageshow", () => withSession((session) => session.removeItem(ID)));
    this.#channel?.addEventListener("message", ({ data }) => {
      if (data.ask) this.#channel?.postMessage({ open: this.id });
      else this.#open.add(data.open);
    });
  }

  /** @returns {Promise<Set<string>>} ids of the other tabs that are open */
  async others() {
    this.#open.clear();
    this.#channel?.postMessage({ ask: true });
    await new Promise((resolve) => setTimeout(resolve, ANSWER));
    return new Set(this.#open);
  }
}

/** @returns {string} */
function takeId() {
  const known = withSession((session) => {
    const id = session.getItem(ID);
    session.removeItem(ID);
    return id;
  });
  return known ?? [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * @template Result
 * @param {(session: Storage) => Result} use
 * @returns {Result|null}
 */
function withSession(use) {
  try {
    return use(sessionStorage);
  } catch {
    return null; // refused: what the tab left is found as another's
  }
}
