/** Leads to a message, wherever in the log it stands: from a quote, a link, an address; and back again. */

import { banner, clearBanner } from "../web/notices.js";
import { t } from "../web/strings.js";

export class Jumps {
  #feed;
  #view;
  /** Seq of the message that the address names, until it is shown. @type {number|null} */
  #named;
  /** Leads back to the message with the quote. */
  #back = /** @type {HTMLElement|null} */ (document.querySelector("[data-return]"));

  /**
   * @param {HTMLElement} list
   * @param {import("./feed.js").Feed} feed
   * @param {import("./view.js").LogView} view
   */
  constructor(list, feed, view) {
    this.#feed = feed;
    this.#view = view;
    const at = /** @type {HTMLElement|null} */ (document.querySelector("[data-at]"))?.dataset.at;
    this.#named = seqIn(location.hash) ?? (Number(at) || null);
    list.addEventListener("click", (event) => {
      const quote = event.target instanceof Element ? event.target.closest("[data-jump]") : null;
      if (!(quote instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#follow(quote);
    });
    addEventListener("popstate", ({ state }) => {
      const seq = state?.seq ?? seqIn(location.hash);
      if (seq === null && location.hash) return; // to another part of the page
      this.#offerBack(false);
      if (seq === null) view.toBottom();
      else void this.#show(seq, true);
    });
    view.addEventListener("bottom", () => this.#offerBack(false));
    this.#back?.addEventListener("click", () => history.back());
  }

  /**
   * Everything is new: goes to the message that the address names, or to where the person reads far from the end.
   * @returns {boolean} whether there is one
   */
  start() {
    const seq = this.#named ?? (this.#view.away ? this.#view.place : null);
    if (seq === null) return false;
    void this.#show(seq, this.#named !== null);
    this.#named = null;
    return true;
  }

  /** @param {HTMLElement} quote */
  #follow(quote) {
    const seq = Number(quote.dataset.jump);
    const row = /** @type {HTMLElement|null} */ (quote.closest("[data-seq]"));
    history.replaceState({ seq: Number(row?.dataset.seq) || null }, "");
    history.pushState({ seq }, "", `${location.pathname}#m${seq}`);
    this.#offerBack(true);
    void this.#show(seq, true);
  }

  /** @param {boolean} offered */
  #offerBack(offered) {
    if (this.#back) this.#back.hidden = !offered;
  }

  /** Shows a message, read from the server where it is not held. @param {number} seq @param {boolean} marked */
  async #show(seq, marked) {
    this.#view.loading = true;
    const log = await this.#feed.find(seq);
    this.#view.loading = false;
    if (log && this.#view.show(log, seq, marked)) return;
    this.#view.stay();
    banner(t(log ? "quote.missing" : "message.unchanged"), { text: t("action.close"), run: clearBanner });
  }
}

/** @param {string} hash of an address @returns {number|null} the seq that it names */
const seqIn = (hash) => Number(/^#m(\d{1,15})$/.exec(hash)?.[1]) || null;
