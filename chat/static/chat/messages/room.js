/** The room's page: puts connection, feed, outbox, messages and composer together. */

import { Feed } from "./feed.js";
import { passFocus } from "../web/focus.js";
import { onOtherIdentity } from "../web/identity.js";
import { Jumps } from "./jumps.js";
import { announce, banner, clearBanner, isOn, showConnection, showStanding, showStopped } from "../web/notices.js";
import { MessageRows } from "./rows.js";
import { rove } from "./rove.js";
import { Connection } from "../realtime/socket.js";
import { remember, store } from "../web/store.js";
import { number, reasonText, t } from "../web/strings.js";
import { LogView } from "./view.js";
import { followViewport } from "../web/viewport.js";
import { prefixOf } from "../web/words.js";

/** @typedef {import("../realtime/transport.js").Frame} Frame */
/**
 * What the server says of the page.
 * @typedef {object} Boot
 * @property {string} room
 * @property {"open"|"closed"} kind
 * @property {string} feature what the room stands on
 * @property {{id: string, name: string, guest: boolean, role?: string}|null} me
 * @property {string} ws
 * @property {string|null} events
 * @property {string} closed_url under which closed rooms stand
 * @property {string} lobby_url
 * @property {string} login_url
 * @property {string[]} seal keys for what this device keeps of a closed room
 */

/** The form in which one writes, and what makes it work. @typedef {{form: HTMLFormElement, Writing: typeof import("./writing.js").Writing}} Desk */

/** A name stays under "is typing" this long, in milliseconds. */
const TYPING = 6000;
/** Between two reports of how far one has read, in milliseconds. */
const SEEN = 2000;

/** What somebody does before they can want something of a message. */
const NEAR = /** @type {const} */ (["pointerover", "focusin", "touchstart"]);

/** @param {string} room */
const movedKey = (room) => `todoke.moved.${room}`;

class RoomPage {
  #boot;
  /** @type {import("../web/store.js").Device|import("../web/sealed.js").Sealed} */
  #storage;
  #connection;
  #feed;
  #view;
  #rows;
  /** @type {import("./writing.js").Writing|null} */
  #writing = null;
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
  #jumps;
  /** What one can do with a message. @type {import("./menu.js").MessageMenu|null} */
  #menu = null;

  /**
   * @param {Boot} boot
   * @param {HTMLElement} list
   * @param {HTMLTemplateElement} template
   * @param {import("../web/store.js").Device|import("../web/sealed.js").Sealed} storage
   * @param {Desk|null} desk where one writes; nothing for those who only read
   */
  constructor(boot, list, template, storage, desk) {
    this.#boot = boot;
    this.#storage = storage;
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
      waysOf: (entry) => this.#writing?.ways(entry) ?? [],
    });
    rove(/** @type {HTMLElement} */ (list.parentElement));
    this.#jumps = new Jumps(list, this.#feed, this.#view);
    this.#read();
    if (boot.me && desk) this.#write(list, boot.me.id, desk);
    if (this.#writing) this.#writing.silent = one("[data-silent]")?.hidden === false;
    this.#awaitReader(/** @type {HTMLElement} */ (list.parentElement));
    this.#leaveButton();
    this.#printButtons();
    this.#arrived();
    followViewport();
    onOtherIdentity((signedOut) => this.#other(signedOut));
    document.addEventListener("visibilitychange", () => this.#looked());
    showConnection(this.#connection);
    this.#connection.start();
    this.#feed.start();
  }

  get connection() {
    return this.#connection;
  }

  // --- reading ----------------------------------------------------------------------------------------------

  #read() {
    const { log } = this.#feed;
    this.#feed.addEventListener("reset", () => {
      const seen = Number(this.#storage.getItem(this.#seenKey));
      // Rows first: the row of an own message on its way becomes the row of the message.
      this.#view.reset(seen || null, this.#writing?.shown, this.#jumps.start());
      this.#away = !this.#view.atBottom;
      this.#writing?.follow(log.messages);
      this.#looked();
    });
    this.#feed.addEventListener("restored", (event) => {
      const before = /** @type {CustomEvent} */ (event).detail;
      const mine = log.lacks(before).filter((message) => this.#rows.mine(message) && !message.deleted);
      this.#seenAt = 0;
      this.#storage.setItem(this.#seenKey, "0");
      this.#writing?.restored(mine);
      if (!this.#over) banner(t("room.restored"), { text: t("action.close"), run: clearBanner });
    });
    this.#feed.addEventListener("change", (event) => this.#changed(/** @type {CustomEvent} */ (event).detail));
    this.#feed.addEventListener("frame", (event) => this.#heard(/** @type {CustomEvent} */ (event).detail));
    this.#feed.addEventListener("refused", (event) => {
      const { code, reason } = /** @type {CustomEvent} */ (event).detail;
      this.#shut(reason, code === "gate");
    });
    this.#view.addEventListener("bottom", () => {
      this.#feed.past = null;
      this.#looked();
    });
    this.#view.addEventListener("older", async () => {
      this.#view.loading = true;
      const added = await this.#feed.older();
      this.#view.loading = false;
      if (added) this.#view.prepended(added.length);
    });
    this.#view.addEventListener("newer", async () => {
      this.#view.loading = true;
      const log = await this.#feed.newer();
      this.#view.loading = false;
      if (log && this.#view.away) this.#view.continueIn(log);
    });
    this.#connection.addEventListener("welcome", () => this.#welcomed());
    this.#connection.addEventListener("stopped", (event) => {
      const stop = /** @type {CustomEvent} */ (event).detail;
      if (stop.then === "gate") this.#shut(stop.reason || t("stopped.gate"), true);
      else if (stop.then === "signin") this.#other(true);
      else if (!this.#over) showStopped(stop);
    });
    this.#connection.addEventListener("frame", (event) => {
      const frame = /** @type {CustomEvent<Frame>} */ (event).detail;
      if (frame.type === "gate.changed") this.#gate(frame.features);
      else if (frame.type === "person.blocks") this.#block(frame.users);
    });
  }

  /** @param {{added: import("./log.js").Message[], changed: import("./log.js").Message[], live: boolean}} change */
  #changed({ added, changed, live }) {
    const others = added.filter((message) => this.#rows.isNews(message));
    for (const { author } of added) this.#typed(author.id ?? "", null);
    const looking = !document.hidden && this.#view.atBottomBefore(added.length);
    if (others.length > 0 && !looking) {
      if (!this.#away) this.#view.markUnread(others[0].seq);
      this.#away = true;
      if (document.hidden) this.#unread += others.length;
    }
    this.#view.change(added, changed, live);
    this.#writing?.follow([...added, ...changed]);
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
    remember(this.#storage, this.#seenKey, `${head}`);
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
      if (id !== this.#boot.me?.id && !this.#rows.blocks({ id })) this.#typed(id, name);
    } else if (frame.type === "match.left") {
      if (frame.reason === "gate") this.#shut(t("match.left.gate"), true);
      else if (!this.#paired) this.#end(t("room.quit"));
      else this.#end(reasonText("match.left", this.#leaving ? "left" : frame.reason));
    } else if (frame.type === "room.moved") {
      this.#move(frame.to);
    } else if (frame.type === "room.writing") {
      void import("./silence.js").then(({ show }) => this.#over || show(frame, this.#writing));
    } else if (frame.type === "refused" && frame.ref === undefined) {
      if (frame.code === "gate") this.#shut(frame.reason, true);
      else if (frame.code === "forbidden" || frame.code === "missing") this.#shut(frame.reason, false);
    }
  }

  /** Hides what people write whom the person has blocked. @param {string[]} [users] none: of an earlier server */
  #block(users = []) {
    this.#rows.block(users, this.#view.log);
    for (const id of users) this.#typed(id, null);
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

  #printButtons() {
    const place = one("[data-paper]");
    if (!place) return;
    place.hidden = false;
    place.addEventListener("click", async ({ target }) => {
      const { pressed } = await import("./paper.js");
      await pressed(place, target, this.#feed, this.#view);
    });
  }

  // --- writing ----------------------------------------------------------------------------------------------

  /** @param {HTMLElement} list @param {string} user @param {Desk} desk */
  #write(list, user, { form, Writing }) {
    const { room } = this.#boot;
    const { log } = this.#feed;
    const closed = this.#boot.kind === "closed";
    const [storage, connection] = [this.#storage, this.#connection];
    const writing = new Writing({ form, list, log, storage, connection, user, room, closed });
    this.#writing = writing;
    writing.addEventListener("own", () => {
      const { shown } = writing;
      this.#view.own(shown, shown.length > this.#written);
      this.#written = shown.length;
    });
    // What waits from before is shown with the first page, which tells what of it has arrived meanwhile.
    this.#written = writing.shown.length;
    writing.addEventListener("sent", () => this.#view.markUnread(null));
    writing.addEventListener("held", () => this.#sayOther());
    writing.addEventListener("more", (event) => {
      const row = this.#rows.get(/** @type {CustomEvent} */ (event).detail);
      if (row) this.#menu?.open(row);
    });
    writing.addEventListener("remove", (event) => this.#menu?.remove(/** @type {CustomEvent} */ (event).detail));
    writing.addEventListener("failed", (event) => this.#failed(/** @type {CustomEvent} */ (event).detail));
  }

  /** Loads the menu of messages once somebody is at one. @param {HTMLElement} log what scrolls the rows */
  #awaitReader(log) {
    /** @type {Promise<import("./menu.js").MessageMenu>|null} */
    let loading = null;
    const load = () => {
      loading ??= this.#loadMenu(log);
      return loading;
    };
    /** Opens the menu for whoever asked before it was there. @param {MouseEvent} event */
    const early = async (event) => {
      const target = event.target instanceof Element ? event.target : null;
      const row = /** @type {HTMLElement|null} */ (target?.closest("li[data-seq]"));
      if (this.#menu || !row || target?.closest("a")) return;
      event.preventDefault();
      (await load()).open(row, event.button === 2 ? { x: event.clientX, y: event.clientY } : null);
    };
    for (const sign of NEAR) log.addEventListener(sign, load, { passive: true, once: true });
    log.addEventListener("contextmenu", early);
  }

  /** @param {HTMLElement} log what scrolls the rows */
  async #loadMenu(log) {
    const { MessageMenu } = await import("./menu.js");
    const reply = () => this.#writing?.isOpen ?? false;
    const { room, me } = this.#boot;
    const ask = (/** @type {Frame} */ frame) => this.#connection.request(frame);
    const menu = new MessageMenu(log, { reply, block: me !== null, paired: this.#paired, room, ask });
    this.#menu = menu;
    menu.addEventListener("failed", (event) => this.#failed(/** @type {CustomEvent} */ (event).detail));
    menu.addEventListener("reply", (event) => this.#writing?.reply(/** @type {CustomEvent} */ (event).detail));
    return menu;
  }

  // --- endings ----------------------------------------------------------------------------------------------

  /** Whether the service brought the two people here together: then the talk ends with the first who leaves. */
  get #paired() {
    return this.#boot.feature === "room.match_pair";
  }

  #welcomed() {
    const welcome = /** @type {Frame} */ (this.#connection.welcome);
    if (this.#writing) this.#writing.limit = welcome.limits?.message_chars;
    this.#block(welcome.blocks);
    if (!this.#connection.ownName) this.#other(!welcome.user);
    // What changed meanwhile is not said again to a page that shows more than the usual.
    if (one(":is([data-silent], [data-slow]):not([hidden])"))
      this.#connection.send({ type: "room.writing", room: this.#boot.room, ref: "writing" });
    this.#gate(welcome.features);
  }

  /**
   * The person of this page is not the one who is signed in: nothing is sent in another name. What was written in an
   * open room stays here and on the device; of a closed room nothing stays in sight.
   * @param {boolean} signedOut
   */
  #other(signedOut) {
    if (this.#boot.kind === "closed") {
      this.#over = true;
      this.#connection.stop();
      this.#writing?.leave();
      document.title = "Todoke";
      document.querySelector("main")?.replaceChildren();
      const { login_url, lobby_url } = this.#boot;
      location.replace(signedOut ? `${login_url}?next=${encodeURIComponent(location.pathname)}` : lobby_url);
      return;
    }
    this.#writing?.hold();
    const line = one("[data-connection]");
    if (line) line.hidden = true; // it would say that all is sent later
    this.#sayOther();
  }

  #sayOther() {
    banner(t("stopped.signin"), { text: t("action.reload"), run: () => location.reload() });
  }

  /** @param {Record<string, {allowed: boolean, reason?: string}>|undefined} features */
  #gate(features) {
    if (!features) return;
    showStanding(isOn(features));
    const feature = features[this.#boot.feature];
    if (feature && !feature.allowed) this.#shut(feature.reason || t("stopped.gate"), true);
  }

  /** Read-only from now on, and why. @param {string} reason @param {boolean} gate whether the law's gate did it */
  #shut(reason, gate) {
    if (this.#over) return;
    this.#over = true;
    const focused = document.activeElement;
    this.#writing?.close();
    this.#empty();
    passFocus(focused, one("[data-log]"));
    this.#connection.leave(this.#boot.room);
    banner(
      reason,
      gate ? { text: t("action.why"), href: "/legal/" } : { text: t("action.lobby"), href: this.#boot.lobby_url },
    );
  }

  /**
   * The room was locked, and the person is inside: goes on at its new address, with what they are writing.
   * @param {string} room
   */
  #move(room) {
    if (this.#over) return;
    this.#over = true;
    this.#writing?.handOn(room);
    remember(store, movedKey(room), "1");
    location.replace(`${this.#boot.closed_url}${room}/`);
  }

  /** Says why the page is another one than a moment ago. */
  #arrived() {
    const key = movedKey(this.#boot.room);
    if (store.getItem(key) === null) return;
    remember(store, key, "");
    banner(t("room.locked"), { text: t("action.close"), run: clearBanner });
  }

  /** The talk is over. @param {string} reason */
  #end(reason) {
    const why = one("[data-ended-why]");
    // That the room has ended can be noticed before it is known why.
    if (this.#over && why && reason !== t("match.left")) why.textContent = reason;
    if (this.#over) return;
    this.#over = true;
    const focused = document.activeElement;
    this.#writing?.close();
    const place = one("[data-ended]");
    if (place) place.hidden = false;
    if (why) why.textContent = reason;
    this.#empty();
    passFocus(focused, place?.querySelector("a"));
    if (place) announce(reason);
    else banner(reason, { text: t("action.lobby"), href: this.#boot.lobby_url });
  }

  /** What was true while one was inside is not any more: how many are here, who is writing, that one can leave. */
  #empty() {
    for (const name of ["presence", "typing", "leave"]) {
      const place = one(`[data-${name}]`);
      if (place) place.hidden = true;
    }
  }

  #leaveButton() {
    const button = one("button[data-leave]");
    button?.addEventListener("click", async (event) => {
      event.preventDefault();
      if (!confirm(t(this.#paired ? "confirm.leave" : "confirm.quit"))) return;
      this.#leaving = true;
      try {
        await this.#connection.request({ type: "match.leave", room: this.#boot.room });
        this.#end(t(this.#paired ? "match.left.left" : "room.quit"));
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

/** Where the words of a closed room lie. @param {Boot} boot @param {string} user */
async function sealed({ room, seal }, user) {
  const { openSealed } = await import("../web/sealed.js");
  return openSealed({ device: store, user, keys: seal, clear: prefixOf(user, room) });
}

/** Loads what writing needs where the page has a form for it. @returns {Promise<Desk|null>} */
async function desk() {
  const form = one("form[data-composer]");
  if (!(form instanceof HTMLFormElement)) return null;
  const { Writing } = await import("./writing.js");
  return { form, Writing };
}

/** @param {Boot} boot @returns {Promise<Connection|null>} the connection of the page */
export async function start(boot) {
  const list = one("ol[data-rows]");
  const template = document.getElementById("message");
  if (!list || !(template instanceof HTMLTemplateElement)) return null;
  const user = boot.me?.id ?? "";
  const [storage, writing] = await Promise.all([boot.kind === "closed" ? sealed(boot, user) : store, desk()]);
  return new RoomPage(boot, list, template, storage, writing).connection;
}
