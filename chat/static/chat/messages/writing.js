/**
 * Writing in one room: the field, what one does with messages, and the way of the words from the field to the log.
 *
 * What was written is in the field or in the outbox, and on the device, until the server has it or its author throws it
 * away.
 *
 * Events: `own` when other entries are to be shown; `sent` when somebody sends; `held` when they try, and are not the
 * one who is signed in; `failed` (detail: the error) when a message could not be deleted; `more` and `remove` (detail:
 * seq) when somebody asks for the menu of a message, or wants to remove it.
 */

import { Composer } from "./composer.js";
import { Outbox } from "./outbox.js";
import { copy } from "../web/clipboard.js";
import { banner, clearBanner } from "../web/notices.js";
import { t } from "../web/strings.js";
import { Tab } from "../web/tab.js";
import { PLAIN, Words } from "../web/words.js";

/** @typedef {import("./log.js").Message} Message */
/** @typedef {import("./outbox.js").Entry} Entry */

/** Codes after which an edit can never be stored, because its message is no more. */
const GONE = new Set(["conflict", "missing"]);
/** What somebody does before they can want something of a message. */
const NEAR = /** @type {const} */ (["pointerover", "focusin", "touchstart"]);
/** How long the log's first page may take until what waits is shown without it, in milliseconds. */
const PATIENCE = 2000;

export class Writing extends EventTarget {
  #room;
  #closed;
  #user;
  #log;
  #storage;
  #connection;
  #words;
  #outbox;
  #composer;
  /** The toolbar of messages, from the first time on that somebody is at one. @type {import("./actions.js").MessageActions|null} */
  #actions = null;
  #over = false;
  #silent = false;
  #warned = false;
  #unload = (/** @type {Event} */ event) => this.#storage.unkept(PLAIN) && event.preventDefault();

  /**
   * @param {object} parts
   * @param {HTMLFormElement} parts.form
   * @param {HTMLElement} parts.list of messages
   * @param {import("./log.js").Log} parts.log
   * @param {import("../web/store.js").Device|import("../web/sealed.js").Sealed} parts.storage
   * @param {import("../realtime/socket.js").Connection} parts.connection
   * @param {string} parts.user
   * @param {string} parts.room
   * @param {boolean} parts.closed
   */
  constructor({ form, list, log, storage, connection, user, room, closed }) {
    super();
    const tab = new Tab();
    this.#room = room;
    this.#closed = closed;
    this.#user = user;
    this.#log = log;
    this.#storage = storage;
    this.#connection = connection;
    this.#words = new Words({ storage, user, room, tab: tab.id });
    this.#outbox = new Outbox({
      room,
      words: this.#words,
      send: (frame) => /** @type {Promise<any>} */ (connection.request(/** @type {any} */ (frame))),
      reasons: { stale: t("message.stale"), other: t("stopped.signin"), over: t("message.over") },
    });
    this.#composer = new Composer(form, this.#words);
    this.#listen(list);
    this.#awaitReader(/** @type {HTMLElement} */ (list.parentElement));
    storage.addEventListener("unkept", () => this.#warn());
    // The first page tells what of it has arrived meanwhile; where it does not come, what waits is shown without it.
    setTimeout(() => log.head === null && this.dispatchEvent(new Event("own")), PATIENCE);
    void tab.others().then((tabs) => {
      for (const left of this.#words.left(tabs)) this.#outbox.adopt(left);
      for (const left of this.#words.left(tabs).reverse()) this.#composer.adopt(left);
    });
  }

  /** Entries on their way, as far as they are to be shown. */
  get shown() {
    return this.#outbox.shown;
  }

  /** @param {number|undefined} limit in characters */
  set limit(limit) {
    this.#composer.limit = limit ?? this.#composer.limit;
  }

  /** What its author can do with an entry. @param {Entry} entry */
  ways(entry) {
    return this.#outbox.ways(entry);
  }

  /** @param {Message[]} messages that came or changed in the log */
  follow(messages) {
    for (const { seq, deleted } of messages) if (deleted) this.#composer.deleted(seq);
    this.#outbox.settle(messages, this.#log.head);
    this.#actions?.follow();
  }

  /**
   * The log went back: offers own words again that it lost, and points at nothing that it had.
   * @param {Message[]} lost own messages
   */
  restored(lost) {
    this.#composer.detach();
    this.#outbox.restored(lost, this.#log.messages, t("message.lost"));
  }

  /** The person of this page is not the one who is signed in: nothing goes out, and all stays where it is. */
  hold() {
    this.#outbox.hold();
    this.#composer.held = true;
    this.#closeActions();
  }

  /** Whether one can write here now. */
  get isOpen() {
    return !this.#over && !this.#silent;
  }

  /** Whether one may not write for now; what was written stays. */
  set silent(/** @type {boolean} */ silent) {
    this.#silent = silent;
    this.#composer.close(silent || this.#over);
    this.#actions?.follow();
  }

  /** Answers a message. @param {number} seq */
  reply(seq) {
    const message = this.#log.get(seq);
    if (message && !message.deleted && this.isOpen) this.#composer.reply(message);
  }

  /** Nobody can write here any more; what was written can be copied. */
  close() {
    this.#composer.close();
    this.#outbox.close();
    this.#closeActions();
  }

  /** The page is left at once, whatever stands in it. */
  leave() {
    removeEventListener("beforeunload", this.#unload);
  }

  /** Hands everything on to the page of the same room under another id. @param {string} room */
  handOn(room) {
    this.#words.handOn(this.#user, room);
  }

  /** @param {HTMLElement} list */
  #listen(list) {
    const [connection, composer, outbox] = [this.#connection, this.#composer, this.#outbox];
    connection.addEventListener("state", () => {
      if (connection.state === "connected" && connection.ownName) void outbox.flush();
    });
    outbox.addEventListener("change", () => {
      outbox.settle([], this.#log.head);
      this.dispatchEvent(new Event("own"));
    });
    outbox.addEventListener("refused", (event) => {
      if (composer.free) this.#giveBack(/** @type {CustomEvent} */ (event).detail);
    });
    composer.addEventListener("send", (event) => {
      this.dispatchEvent(new Event("sent"));
      outbox.add(/** @type {CustomEvent} */ (event).detail);
    });
    composer.addEventListener("held", () => this.dispatchEvent(new Event("held")));
    composer.addEventListener("typing", () => connection.send({ type: "typing", room: this.#room }));
    composer.addEventListener("editlast", () => {
      const last = this.#log.messages.findLast(
        ({ author, deleted, kind }) => author.id === this.#user && !deleted && kind === "message",
      );
      if (last) this.#edit(last);
    });
    list.addEventListener("click", (event) => this.#pressed(event));
  }

  /** Loads the toolbar once somebody is at a message. @param {HTMLElement} log what scrolls the rows */
  #awaitReader(log) {
    const load = async () => {
      for (const sign of NEAR) log.removeEventListener(sign, load);
      const { MessageActions } = await import("./actions.js");
      if (!this.#over) this.#act(new MessageActions(log, () => this.isOpen));
    };
    for (const sign of NEAR) log.addEventListener(sign, load, { passive: true });
  }

  /** @param {import("./actions.js").MessageActions} actions */
  #act(actions) {
    this.#actions = actions;
    actions.addEventListener("reply", (event) => this.reply(/** @type {CustomEvent} */ (event).detail));
    for (const way of ["more", "remove"])
      actions.addEventListener(way, (event) =>
        this.dispatchEvent(new CustomEvent(way, { detail: /** @type {CustomEvent} */ (event).detail })),
      );
    actions.addEventListener("edit", (event) => this.#about(event, (message) => this.#edit(message)));
    actions.addEventListener("delete", (event) =>
      this.#about(event, ({ seq }) => confirm(t(this.#closed ? "confirm.delete.closed" : "confirm.delete")) && void this.#delete(seq)),
    );
  }

  #closeActions() {
    this.#over = true;
    this.#actions?.close();
  }

  /** @param {Event} event @param {(message: Message) => void} act */
  #about(event, act) {
    const message = this.#log.get(/** @type {CustomEvent} */ (event).detail);
    if (message && !message.deleted) act(message);
  }

  /** @param {Message} message */
  #edit(message) {
    this.#composer.edit(message, this.#outbox.editOf(message.seq)?.body);
  }

  /** @param {number} seq */
  async #delete(seq) {
    try {
      await this.#connection.request({ type: "message.delete", room: this.#room, seq });
    } catch (error) {
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
    }
  }

  /** @param {MouseEvent} event on the row of an entry */
  #pressed({ target }) {
    const row = target instanceof Element ? target.closest("[data-client-id]") : null;
    const entry = row instanceof HTMLElement ? this.#outbox.get(row.dataset.clientId ?? "") : undefined;
    if (!(target instanceof Element) || !row || !entry) return;
    if (target.closest("[data-retry], [data-now]")) this.#outbox.retry(entry.clientId);
    if (target.closest("[data-discard]")) this.#outbox.discard(entry.clientId);
    if (target.closest("[data-copy]")) void copy(/** @type {HTMLElement} */ (row.querySelector(".message-body")));
    if (target.closest("[data-back]")) {
      this.#giveBack(entry);
      this.#composer.focus();
    }
  }

  /**
   * Puts words that were not stored back into the field; there first, so that at no moment they are nowhere.
   * @param {Entry} entry
   */
  #giveBack({ clientId, body, code = "", reason = "", target, was = "", replyTo, name = "" }) {
    if (target === undefined) {
      const answered = replyTo === null || code === "missing" ? null : { seq: replyTo, name };
      this.#composer.giveBack(body, { kind: "back", reason, replyTo: answered });
    } else if (GONE.has(code) || this.#log.get(target)?.deleted) {
      this.#composer.giveBack(body, { kind: "gone" });
    } else {
      this.#composer.giveBack(body, { kind: "edit", seq: target, was, reason });
    }
    this.#outbox.discard(clientId);
  }

  /** Says once that what is written here is lost when the page is closed. */
  #warn() {
    if (this.#warned || !this.#storage.unkept(PLAIN)) return;
    this.#warned = true;
    addEventListener("beforeunload", this.#unload);
    banner(t("words.unkept"), { text: t("action.close"), run: clearBanner });
  }
}
