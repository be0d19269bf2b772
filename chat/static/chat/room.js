/** The room's page: puts connection, feed, outbox, messages and composer together. */

import { MessageActions } from "./actions.js";
import { Composer } from "./composer.js";
import { Feed } from "./feed.js";
import { announce, banner, clearBanner, showConnection, showStanding, showStopped } from "./notices.js";
import { Outbox } from "./outbox.js";
import { MessageRows } from "./rows.js";
import { Connection } from "./socket.js";
import { remember, store } from "./store.js";
import { number, reasonText, t } from "./strings.js";
import { LogView } from "./view.js";
import { followViewport } from "./viewport.js";

/** @typedef {import("./transport.js").Frame} Frame */
/**
 * What the server says of the page.
 * @typedef {object} Boot
 * @property {string} room
 * @property {"open"|"closed"} kind
 * @property {{id: string, name: string, guest: boolean}|null} me
 * @property {string} ws
 * @property {string|null} events
 * @property {string} lobby_url
 */

/** A name stays under "is typing" this long, in milliseconds. */
const TYPING = 6000;
/** Between two reports of how far one has read, in milliseconds. */
const SEEN = 2000;
/** The feature that a closed talk stands on. */
const CLOSED_FEATURE = "room.match_pair";

class RoomPage {
  #boot;
  #connection;
  #feed;
  #view;
  #rows;
  /** @type {Outbox|null} */
  #outbox = null;
  /** @type {Composer|null} */
  #composer = null;
  /** @type {MessageActions|null} */
  #actions = null;
  #title = document.title;
  #unread = 0;
  /** Whether something came that the person has not seen; the unread line stands before the first of it. */
  #away = false;
  #seenAt = 0;
  /** @type {number|undefined} */
  #seenTimer;
  #written = 0;
  /** @type {Map<string, {name: string, timer: number}>} */
  #typists = new Map();
  #over = false;
  #leaving = false;
  #seenKey;

  /** @param {Boot} boot @param {HTMLElement} list @param {HTMLTemplateElement} template */
  constructor(boot, list, template) {
    this.#boot = boot;
    this.#seenKey = `todoke.seen.${boot.me?.id ?? ""}.${boot.room}`;
    this.#connection = new Connection(boot.ws, boot.events ? { room: boot.room, events: boot.events } : null);
    this.#feed = new Feed(this.#connection, boot.room);
    this.#rows = new MessageRows(template, boot.me);
    this.#view = new LogView({
      list,
      log: this.#feed.log,
      rows: this.#rows,
      older: one("[data-older]"),
      below: one("[data-new-below]"),
    });
    this.#read();
    if (boot.me) this.#write(list, boot.me.id);
    this.#leaveButton();
    followViewport();
    document.addEventListener("visibilitychange", () => this.#looked());
    showConnection(this.#connection);
    this.#connection.start();
    this.#feed.start();
  }

  // --- reading ----------------------------------------------------------------------------------------------

  #read() {
    const { log } = this.#feed;
    this.#feed.addEventListener("reset", () => {
      const seen = Number(store.getItem(this.#seenKey));
      // Rows first: the row of an own message on its way becomes the row of the message.
      this.#view.reset(seen || null, this.#outbox?.entries);
      this.#away = !this.#view.atBottom;
      this.#outbox?.settle(log.messages, log.head);
      this.#looked();
    });
    this.#feed.addEventListener("change", (event) => this.#changed(/** @type {CustomEvent} */ (event).detail));
    this.#feed.addEventListener("frame", (event) => this.#heard(/** @type {CustomEvent} */ (event).detail));
    this.#feed.addEventListener("refused", (event) => {
      const { code, reason } = /** @type {CustomEvent} */ (event).detail;
      this.#shut(reason, code === "gate");
    });
    this.#view.addEventListener("bottom", () => this.#looked());
    this.#view.addEventListener("older", async () => {
      this.#view.loading = true;
      const added = await this.#feed.older();
      this.#view.loading = false;
      if (added) this.#view.prepended(added.length);
    });
    this.#connection.addEventListener("welcome", () => this.#welcomed());
    this.#connection.addEventListener("stopped", (event) => {
      const stop = /** @type {CustomEvent} */ (event).detail;
      if (stop.then === "gate") this.#shut(stop.reason || t("stopped.gate"), true);
      else if (!this.#over) showStopped(stop);
    });
    this.#connection.addEventListener("frame", (event) => {
      const frame = /** @type {CustomEvent<Frame>} */ (event).detail;
      if (frame.type === "gate.changed") this.#gate(frame.features);
    });
  }

  /** @param {{added: import("./log.js").Message[], changed: import("./log.js").Message[], live: boolean}} change */
  #changed({ added, changed, live }) {
    const others = added.filter((message) => !this.#rows.mine(message));
    for (const { author } of others) this.#typed(author.id ?? "", null);
    const looking = !document.hidden && this.#view.atBottomBefore(added.length);
    if (others.length > 0 && !looking) {
      if (!this.#away) this.#view.markUnread(others[0].seq);
      this.#away = true;
      if (document.hidden) this.#unread += others.length;
    }
    this.#view.change(added, changed, live);
    this.#outbox?.settle(added, this.#feed.log.head);
    this.#looked();
  }

  /** The person sees the end of the talk: tells the server, and takes the count off the tab. */
  #looked() {
    if (document.hidden) return this.#showTitle();
    this.#unread = 0;
    this.#showTitle();
    const { head } = this.#feed.log;
    if (head === null || !this.#view.atBottom) return;
    this.#away = false;
    if (head <= this.#seenAt) return;
    this.#seenAt = head;
    remember(store, this.#seenKey, `${head}`);
    if (!this.#boot.me) return;
    this.#seenTimer ??= setTimeout(() => {
      this.#seenTimer = undefined;
      this.#connection.send({ type: "room.seen", room: this.#boot.room, seq: this.#seenAt });
    }, SEEN);
  }

  #showTitle() {
    const title = this.#unread > 0 ? `(${number(this.#unread)}) ${this.#title}` : this.#title;
    if (document.title !== title) document.title = title;
  }

  /** @param {Frame} frame about this room */
  #heard(frame) {
    if (frame.type === "presence") {
      const place = one("[data-presence]");
      if (place) place.textContent = t("room.presence", { n: number(frame.count) });
    } else if (frame.type === "typing") {
      const { id, name } =
        typeof frame.user === "object" && frame.user
          ? frame.user
          : { id: String(frame.user), name: String(frame.user) };
      if (id !== this.#boot.me?.id) this.#typed(id, name);
    } else if (frame.type === "match.left") {
      if (frame.reason === "gate") this.#shut(t("match.left.gate"), true);
      else this.#end(reasonText("match.left", this.#leaving ? "left" : frame.reason));
    } else if (frame.type === "refused" && frame.ref === undefined) {
      if (frame.code === "gate") this.#shut(frame.reason, true);
      else if (frame.code === "forbidden" || frame.code === "missing") this.#shut(frame.reason, false);
    }
  }

  /** @param {string} id @param {string|null} name `null`: no longer */
  #typed(id, name) {
    const known = this.#typists.get(id);
    if (known) clearTimeout(known.timer);
    if (name === null) {
      if (!this.#typists.delete(id)) return;
    } else {
      this.#typists.set(id, { name, timer: setTimeout(() => this.#typed(id, null), TYPING) });
    }
    const place = one("[data-typing]");
    if (!place) return;
    const names = [...this.#typists.values()].map((typist) => typist.name);
    if (names.length === 0) place.textContent = "";
    else if (names.length === 1) place.textContent = t("typing.one", { name: names[0] });
    else place.textContent = t("typing.many", { n: number(names.length) });
  }

  // --- writing ----------------------------------------------------------------------------------------------

  /** @param {HTMLElement} list @param {string} user */
  #write(list, user) {
    const form = document.querySelector("form[data-composer]");
    if (!(form instanceof HTMLFormElement)) return;
    const { room } = this.#boot;
    const outbox = new Outbox({
      user,
      room,
      storage: store,
      send: (frame) => /** @type {Promise<any>} */ (this.#connection.request(/** @type {Frame} */ (frame))),
      staleReason: t("message.stale"),
    });
    const composer = new Composer(form, `todoke.draft.${user}.${room}`);
    const actions = new MessageActions(list);
    this.#outbox = outbox;
    this.#composer = composer;
    this.#actions = actions;

    outbox.addEventListener("change", () => {
      outbox.settle([], this.#feed.log.head);
      this.#view.own(outbox.entries, outbox.entries.length > this.#written);
      this.#written = outbox.entries.length;
    });
    // What waits from before is shown with the first page, which tells what of it has arrived meanwhile.
    this.#written = outbox.entries.length;
    this.#connection.addEventListener("state", () => {
      if (this.#connection.state === "connected" && !this.#over && this.#sameUser) void outbox.flush();
    });

    composer.addEventListener("send", (event) => {
      const { body, replyTo } = /** @type {CustomEvent} */ (event).detail;
      this.#view.markUnread(null);
      outbox.add(body, replyTo);
    });
    composer.addEventListener(
      "edit",
      (event) => void this.#change("message.edit", /** @type {CustomEvent} */ (event).detail),
    );
    composer.addEventListener("typing", () => this.#connection.send({ type: "typing", room }));
    composer.addEventListener("editlast", () => {
      const last = this.#feed.log.messages.findLast(
        (message) => this.#rows.mine(message) && !message.deleted && message.kind === "message",
      );
      if (last) composer.edit(last);
    });

    actions.addEventListener("reply", (event) => this.#about(event, (message) => composer.reply(message)));
    actions.addEventListener("edit", (event) => this.#about(event, (message) => composer.edit(message)));
    actions.addEventListener("delete", (event) =>
      this.#about(event, ({ seq }) => confirm(t("confirm.delete")) && void this.#change("message.delete", { seq })),
    );
    list.addEventListener("click", (event) => {
      if (!(event.target instanceof Element)) return;
      const jump = event.target.closest("[data-jump]");
      if (jump instanceof HTMLElement) this.#view.jumpTo(Number(jump.dataset.jump));
      const row = event.target.closest("[data-client-id]");
      const clientId = row instanceof HTMLElement ? (row.dataset.clientId ?? "") : "";
      if (event.target.closest("[data-retry]")) outbox.retry(clientId);
      if (event.target.closest("[data-discard]")) outbox.discard(clientId);
    });
  }

  /** @param {Event} event @param {(message: import("./log.js").Message) => void} act */
  #about(event, act) {
    const message = this.#feed.log.get(/** @type {CustomEvent} */ (event).detail);
    if (message && !message.deleted) act(message);
  }

  /** @param {"message.edit"|"message.delete"} type @param {object} what */
  async #change(type, what) {
    try {
      await this.#connection.request({ type, room: this.#boot.room, ...what });
    } catch (error) {
      this.#failed(error);
    }
  }

  // --- endings ----------------------------------------------------------------------------------------------

  get #sameUser() {
    return (this.#connection.welcome?.user?.id ?? null) === (this.#boot.me?.id ?? null);
  }

  #welcomed() {
    const welcome = /** @type {Frame} */ (this.#connection.welcome);
    if (this.#composer) this.#composer.limit = welcome.limits?.message_chars ?? this.#composer.limit;
    // Signed in or out in another tab: nothing is sent in a name that this page does not show.
    if (!this.#sameUser) banner(t("stopped.signin"), { text: t("action.reload"), run: () => location.reload() });
    this.#gate(welcome.features);
  }

  /** @param {Record<string, {allowed: boolean, reason?: string}>|undefined} features */
  #gate(features) {
    const feature = features?.[CLOSED_FEATURE];
    if (!feature) return;
    showStanding(feature.allowed);
    if (this.#boot.kind === "closed" && !feature.allowed) this.#shut(feature.reason || t("stopped.gate"), true);
  }

  /** Read-only from now on, and why. @param {string} reason @param {boolean} gate whether the law's gate did it */
  #shut(reason, gate) {
    if (this.#over) return;
    this.#over = true;
    this.#composer?.close();
    this.#actions?.close();
    this.#connection.leave(this.#boot.room);
    banner(
      reason,
      gate ? { text: t("action.why"), href: "/legal/" } : { text: t("action.lobby"), href: this.#boot.lobby_url },
    );
  }

  /** The talk is over. @param {string} reason */
  #end(reason) {
    if (this.#over) return;
    this.#over = true;
    this.#composer?.close();
    this.#composer?.forget();
    this.#actions?.close();
    this.#outbox?.clear();
    const place = one("[data-ended]");
    if (place) place.hidden = false;
    for (const button of document.querySelectorAll("[data-leave]")) /** @type {HTMLElement} */ (button).hidden = true;
    if (place) announce(reason);
    else banner(reason, { text: t("action.lobby"), href: this.#boot.lobby_url });
  }

  #leaveButton() {
    const button = one("button[data-leave]");
    button?.addEventListener("click", async (event) => {
      event.preventDefault();
      if (!confirm(t("confirm.leave"))) return;
      this.#leaving = true;
      try {
        await this.#connection.request({ type: "match.leave", room: this.#boot.room });
        this.#end(t("match.left.left"));
      } catch (error) {
        this.#leaving = false;
        this.#failed(error);
      }
    });
  }

  /** @param {unknown} error of a request */
  #failed(error) {
    const { reason } = /** @type {{reason?: string}} */ (error);
    banner(reason || t("message.unchanged"), { text: t("action.close"), run: clearBanner });
  }
}

/** @param {string} selector @returns {HTMLElement|null} */
const one = (selector) => document.querySelector(selector);

/** @param {Boot} boot */
export function start(boot) {
  const list = one("ol[data-log]");
  const template = document.getElementById("message");
  if (list && template instanceof HTMLTemplateElement) new RoomPage(boot, list, template);
}
