/**
 * What the person does in matching: nothing, wait, or talk. The service says it, on every page alike; here is what this
 * page was told. Knows no element of a page.
 *
 * A cancel is owed until the service has heard it, over lost lines and reloads. While it is owed nothing leads into a
 * talk, and a match that was made meanwhile is left.
 *
 * Events: `change` after each change (detail: `{reason}`, a word of the protocol, where something ended).
 */

/** @typedef {import("../realtime/transport.js").Frame} Frame */
/** @typedef {{topic?: string, language?: string}} Wish */
/** @typedef {{room: string, partner: {id: string, name: string}, entered?: boolean}} Talk */
/** @typedef {Pick<Storage, "getItem"|"setItem"|"removeItem">} Store */
/**
 * A connection, as far as it is used here.
 * @typedef {EventTarget & {welcome: Frame|null, request: (frame: Frame) => Promise<Frame>}} Line
 */

/** Refusals that time heals: the cancel is said again. */
const PASSING = new Set(["rate", "unavailable"]);
/** Until then, in milliseconds. */
const AGAIN = 2000;

/** Under which the owed cancel of a person lies. @param {string} user */
export const owedKey = (user) => `todoke.cancel.${user}`;
/** Whose value changes when a page of this browser begins or ends to wait. @param {string} user */
export const doingKey = (user) => `todoke.doing.${user}`;

export class Seeking extends EventTarget {
  /** @type {"idle"|"waiting"|"found"} */
  state = "idle";
  /** @type {Talk|null} */
  talk = null;
  /** What is looked for, and whether this page asked for it: another page may have. */
  wish = /** @type {Wish} */ ({});
  isOwn = false;
  /** Seconds that others mostly wait. @type {number|undefined} */
  estimate;

  #line;
  #user;
  #storage;
  #now;
  /** What this page asked for and the service has not answered yet. @type {Wish|null} */
  #asked = null;
  /** The wait so far, in milliseconds, and the moment of this page's clock at which it was that. */
  #waited = 0;
  #at = 0;
  #paying = false;
  /** Whether the cancel is owed and the storage has no room for it: then it is owed until the page goes. */
  #owesUnstored = false;

  /**
   * @param {Line} line
   * @param {string} user public id of the person whom the page shows
   * @param {Store} storage
   * @param {() => number} [now] a clock that only goes forward, in milliseconds
   */
  constructor(line, user, storage, now = () => performance.now()) {
    super();
    this.#line = line;
    this.#user = user;
    this.#storage = storage;
    this.#now = now;
    line.addEventListener("welcome", () => this.#welcomed());
    line.addEventListener("frame", (event) => this.#heard(/** @type {CustomEvent<Frame>} */ (event).detail));
    if (line.welcome) this.#welcomed();
  }

  /** Whether a cancel has not reached the service yet. */
  get owes() {
    return this.#owesUnstored || this.#storage.getItem(owedKey(this.#user)) !== null;
  }

  /** How long the person has waited, in whole seconds, whatever the device's clock says. */
  get seconds() {
    return this.state === "waiting" ? Math.max(0, Math.floor((this.#waited + this.#now() - this.#at) / 1000)) : 0;
  }

  /**
   * Looks for somebody.
   * @param {Wish} wish
   * @returns {Promise<void>} rejects with the refusal; a line that is down is no refusal: it is said when it is up
   */
  async seek(wish) {
    this.#forgive();
    this.#asked = wish;
    this.wish = wish;
    this.isOwn = true;
    if (this.state !== "waiting") this.#wait(0);
    try {
      await this.#line.request({ type: "match.seek", ...wish });
      this.#asked = null;
    } catch (error) {
      if (!isRefusal(error)) return;
      this.#asked = null;
      this.#idle();
      throw error;
    }
  }

  /** Stops looking: at once on this page, and at the service as soon as it hears. */
  cancel() {
    this.#asked = null;
    this.#owesUnstored = !this.#keep(owedKey(this.#user), "1");
    this.#idle();
    void this.#pay();
  }

  /** Forgets what was looked for, as the service has refused it. */
  stop() {
    this.#asked = null;
    this.#idle();
  }

  // --- what the service says --------------------------------------------------------------------------------------

  #welcomed() {
    const { user, waiting, talks, now } = /** @type {Frame} */ (this.#line.welcome);
    if (user?.id !== this.#user) return; // signed in as somebody else meanwhile: nothing is said in their name
    if (this.owes) return void this.#pay();
    if (talks?.length) return this.#found(talks[0]);
    if (waiting) this.wish = { topic: waiting.topic ?? "", language: waiting.language ?? "" };
    if (waiting) return this.#wait(Date.parse(now) - Date.parse(waiting.since));
    if (this.#asked) return void this.seek(this.#asked).catch(() => {}); // it never arrived
    if (this.state !== "idle") this.#idle(this.state === "waiting" ? "cancelled" : "ended");
  }

  /** @param {Frame} frame */
  #heard(frame) {
    if (frame.type === "match.cancelled") {
      if (this.state === "waiting") this.#idle(frame.reason);
    } else if (frame.type === "match.left") {
      if (frame.room === this.talk?.room) this.#idle(frame.reason);
    } else if (this.owes) {
      // What was so before the cancel was heard.
    } else if (frame.type === "match.waiting") {
      this.estimate = frame.estimate;
      this.#wait(Date.parse(frame.now) - Date.parse(frame.since));
    } else if (frame.type === "match.made") {
      this.#found(/** @type {any} */ (frame));
    }
  }

  /** Says the cancel that is owed; whoever was brought together meanwhile leaves that talk before it begins. */
  async #pay() {
    if (this.#paying || !this.owes || this.#line.welcome?.user?.id !== this.#user) return;
    this.#paying = true;
    try {
      const answer = await this.#line.request({ type: "match.cancel" });
      // A talk that the person has been in, on another page, is none that they meant.
      const isMeant = answer.type === "match.made" && !answer.entered;
      if (isMeant) await this.#line.request({ type: "match.leave", room: answer.room });
      this.#forgive();
      if (answer.type === "match.made" && !isMeant) this.#found(/** @type {any} */ (answer));
    } catch (error) {
      if (!isRefusal(error)) return; // the line went; it is said after the next welcome
      if (PASSING.has(error.code)) setTimeout(() => void this.#pay(), AGAIN);
      else this.#forgive(); // as by somebody whom the service does not know any more
    } finally {
      this.#paying = false;
    }
  }

  #forgive() {
    this.#owesUnstored = false;
    this.#storage.removeItem(owedKey(this.#user));
  }

  // --- states -----------------------------------------------------------------------------------------------------

  /** @param {number} waited milliseconds */
  #wait(waited) {
    this.#waited = Math.max(0, waited || 0); // not a number, where a service of before says no `now`
    this.#at = this.#now();
    this.#become("waiting", null);
  }

  /** @param {Talk} talk */
  #found(talk) {
    this.#asked = null;
    this.#become("found", talk);
  }

  /** @param {string} [reason] */
  #idle(reason) {
    this.#become("idle", null, reason);
  }

  /** @param {"idle"|"waiting"|"found"} state @param {Talk|null} talk @param {string} [reason] */
  #become(state, talk, reason) {
    const isNews = state !== this.state;
    if (state !== "waiting") this.isOwn = false;
    this.state = state;
    this.talk = talk;
    if (isNews) this.#keep(doingKey(this.#user), `${state} ${Date.now()}`);
    this.dispatchEvent(new CustomEvent("change", { detail: { reason } }));
  }

  /** @param {string} key @param {string} value @returns {boolean} whether there was room for it */
  #keep(key, value) {
    try {
      this.#storage.setItem(key, value);
      return true;
    } catch {
      return false;
    }
  }
}

/** @param {unknown} error @returns {error is Error & {code: string}} */
const isRefusal = (error) => error instanceof Error && "code" in error;
