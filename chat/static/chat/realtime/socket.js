/**
 * The tab's one connection: brings it up, keeps it up, resumes every room after a break and hands answers to those who
 * asked.
 *
 * Events: `state` after each change of `state`; `welcome`; `frame` (detail: the frame) for every frame; `stopped`
 * (detail: `{then, reason}`) when it will not come back by itself.
 */

import { afterClose, delay } from "./backoff.js";
import { openSocket, openStream } from "./transport.js";
import { me } from "../web/identity.js";

/** @typedef {import("./transport.js").Frame} Frame */
/** @typedef {import("./transport.js").End} End */
/** @typedef {"connecting"|"connected"|"reconnecting"|"offline"|"catching-up"} State */

/**
 * One who reads a room through the connection.
 * @typedef {object} Reader
 * @property {() => number|undefined} after last seq it holds; `undefined` asks for the latest page
 * @property {(frame: Frame, after: number|undefined) => Promise<void>|void} joined resolves when it has caught up
 * @property {(frame: Frame) => void} frame any other frame about the room
 * @property {() => void} forget what it holds is of a history that is over; the next `joined` begins anew
 * @property {() => void} resync after the tab woke up
 * @property {(refused: Refused) => void} refused may not read this room
 */

/** All in milliseconds. */
const HEARTBEAT = 25_000;
const SILENCE = 60_000;
const PROBE = 5_000;
const OPENING = 12_000;
const ANSWER = 15_000;
/** How long the page stays on HTTP before it tries a WebSocket again. */
const UPGRADE = 300_000;
/** A connection that lived this long was a good one: the next failure is the first again. */
const STEADY = 10_000;
/** Sockets that end without a welcome, in a row, before HTTP is tried: where none ever came up, and where one did. */
const PATIENCE = 2;
const PATIENCE_ONCE_WELCOMED = 5;

/** The `ref` under which the server answers the join that a stream stands for. */
const STREAM = "stream";
/** What a page says in nobody's name. All else goes out only under the name of the person whose page it is. */
const NAMELESS = new Set(["ping", "room.join", "room.leave", "room.sync", "room.history"]);
/** Refusals that time heals. */
export const PASSING = new Set(["rate", "unavailable"]);

/** A refusal from the server; `message` is its sentence. */
export class Refused extends Error {
  /** @param {Frame} frame */
  constructor(frame) {
    super(frame.reason);
    this.code = String(frame.code);
    this.reason = String(frame.reason ?? "");
    this.rule = frame.rule ?? null;
    /** @type {number|undefined} */
    this.retryAfter = frame.retry_after;
  }
}

/** The connection went before the answer came: nobody knows whether the request was carried out. */
export class Lost extends Error {}

export class Connection extends EventTarget {
  /** @type {State} */
  state = "connecting";
  /** @type {Frame|null} */
  welcome = null;

  #url;
  #fallback;
  /** @type {Map<string, Reader>} */
  #readers = new Map();
  /** @type {Map<string, {resolve: (frame: Frame) => void, reject: (error: Error) => void, timer: number}>} */
  #pending = new Map();
  /** @type {import("./transport.js").Transport|null} */
  #transport = null;
  #attempt = 0;
  #refs = 0;
  #heardAt = 0;
  #pingedAt = 0;
  #welcomedAt = 0;
  /** The history that the readers' seqs are of. */
  #epoch = "";
  #failedSockets = 0;
  #everWelcomed = false;
  #stopped = false;
  /** @type {Record<string, number|undefined>} */
  #timers = {};

  /**
   * @param {string} url of the WebSocket
   * @param {{room: string, events: string}|null} [fallback] what HTTP carries; room "": none
   */
  constructor(url, fallback = null) {
    super();
    this.#url = url;
    this.#fallback = fallback;
  }

  start() {
    addEventListener("online", () => this.#wake());
    addEventListener("offline", () => (this.#up ? this.#probe() : this.#set("offline")));
    addEventListener("pageshow", (event) => event.persisted && this.#wake());
    addEventListener("pagehide", () => this.#drop());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#wake());
    setInterval(() => this.#beat(), PROBE);
    this.#open();
  }

  /** Ends it for good. */
  stop() {
    this.#stopped = true;
    this.#drop();
    this.#set("offline");
  }

  /** @param {string} room @param {Reader} reader */
  join(room, reader) {
    this.#readers.set(room, reader);
    if (this.#up) void this.#enter(room, reader);
  }

  /** @param {string} room */
  leave(room) {
    this.#readers.delete(room);
    this.request({ type: "room.leave", room }).catch(() => {});
  }

  /**
   * Asks, and waits for the frame with the same `ref`.
   * @param {Frame} frame without `ref`
   * @returns {Promise<Frame>} rejects with `Refused`, or with `Lost` when the line is or goes down or stays silent
   */
  request(frame) {
    return new Promise((resolve, reject) => {
      if (!this.#up) return reject(new Lost("not connected"));
      if (!this.#maySay(frame)) return reject(new Lost("signed in as somebody else"));
      const ref = `r${(this.#refs += 1)}`;
      const timer = setTimeout(() => {
        this.#pending.delete(ref);
        reject(new Lost("no answer"));
        this.#probe();
      }, ANSWER);
      this.#pending.set(ref, { resolve, reject, timer });
      this.#transport?.send({ ...frame, ref });
    });
  }

  /** Says what needs no answer, if anybody hears. @param {Frame} frame */
  send(frame) {
    if (this.#up && this.#maySay(frame)) this.#transport?.send(frame);
  }

  /** Whether the server knows this connection as the person whose page it is. */
  get ownName() {
    return (this.welcome?.user?.id ?? "") === me();
  }

  /** Signed in or out in another tab: nothing is sent in a name that the page does not show. @param {Frame} frame */
  #maySay(frame) {
    return this.ownName || NAMELESS.has(frame.type);
  }

  get #up() {
    return this.#transport !== null && this.#welcomedAt > 0;
  }

  /** @param {State} state */
  #set(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  // --- opening and closing ----------------------------------------------------------------------------------

  #open() {
    this.#clear("retry");
    if (this.#stopped || this.#transport) return;
    const transport = this.#overHttp() ? this.#stream() : this.#socket((frame) => this.#receive(frame));
    this.#transport = transport;
    this.#heardAt = performance.now();
    this.#after("opening", OPENING, () => this.#lose());
  }

  /** Sockets first; where they do not come up, HTTP and sockets in turn, until one of them does. */
  #overHttp() {
    const surplus = this.#failedSockets - (this.#everWelcomed ? PATIENCE_ONCE_WELCOMED : PATIENCE);
    return this.#fallback !== null && surplus >= 0 && surplus % 2 === 0;
  }

  /** @param {(frame: Frame) => void} receive */
  #socket(receive) {
    /** @type {import("./transport.js").Transport} */
    const socket = openSocket(this.#url, {
      frame: (frame) => socket === this.#transport && receive(frame),
      end: (end) => socket === this.#transport && this.#ended(end),
    });
    return socket;
  }

  #stream() {
    const { room, events } = /** @type {{room: string, events: string}} */ (this.#fallback);
    const after = this.#readers.get(room)?.after();
    /** @type {import("./transport.js").Transport} */
    const stream = openStream(events, { after, epoch: this.#epoch }, {
      frame: (frame) => stream === this.#transport && this.#receive(frame, after),
      end: (end) => stream === this.#transport && this.#ended(end),
    });
    return stream;
  }

  /** The transport is dead, though it has not said so. */
  #lose() {
    this.#transport?.close();
    this.#ended({ code: 1006, reason: "", retryAfter: null });
  }

  #drop() {
    this.#transport?.close();
    this.#transport = null;
    this.#welcomedAt = 0;
    for (const name of Object.keys(this.#timers)) this.#clear(name);
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new Lost("connection lost"));
    }
    this.#pending.clear();
  }

  /** @param {End} end */
  #ended({ code, reason, retryAfter }) {
    const welcomed = this.#welcomedAt > 0;
    if (welcomed && performance.now() - this.#welcomedAt > STEADY) this.#attempt = 0;
    if (!welcomed) this.#failedSockets += 1;
    this.#drop();
    const { then, seconds } = afterClose(code, { attempt: this.#attempt, retryAfter });
    this.#attempt += 1;
    if (then !== "retry") {
      this.#stopped = true;
      this.#set("offline");
      this.dispatchEvent(new CustomEvent("stopped", { detail: { then, reason } }));
      return;
    }
    this.#set(navigator.onLine ? "reconnecting" : "offline");
    this.#after("retry", seconds * 1000, () => this.#open());
  }

  // --- frames -----------------------------------------------------------------------------------------------

  /** @param {Frame} frame @param {number} [after] where the stream began, over HTTP */
  #receive(frame, after) {
    this.#heardAt = performance.now();
    if (frame.type === "welcome") return this.#welcomed(frame);
    if (frame.type === "gate.changed" && this.welcome) this.welcome.features = frame.features;
    const asked = frame.ref === undefined ? undefined : this.#pending.get(frame.ref);
    if (asked) {
      this.#pending.delete(frame.ref);
      clearTimeout(asked.timer);
      if (frame.type === "refused") asked.reject(new Refused(frame));
      else asked.resolve(frame);
    }
    const reader = this.#readers.get(frame.room);
    if (frame.type === "refused" && frame.ref === STREAM) return this.#notStreamed(new Refused(frame));
    if (frame.type === "room.joined") {
      if (!asked && reader) void this.#joined(reader, frame, after);
    } else {
      reader?.frame(frame);
    }
    this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
  }

  /** @param {Frame} frame */
  #welcomed(frame) {
    const first = this.welcome === null;
    this.welcome = frame;
    // A server of an earlier version names no epoch.
    if (frame.epoch && this.#epoch && frame.epoch !== this.#epoch)
      for (const reader of this.#readers.values()) reader.forget();
    this.#epoch = frame.epoch || this.#epoch;
    this.#welcomedAt = performance.now();
    this.#clear("opening");
    if (this.#transport?.kind === "socket") {
      this.#failedSockets = 0;
      this.#everWelcomed = true;
    } else {
      this.#after("upgrade", UPGRADE, () => this.#upgrade());
    }
    if (!first) this.#set("catching-up");
    this.dispatchEvent(new Event("welcome"));
    // Over HTTP the stream itself is the join.
    if (this.#transport?.kind === "socket") void this.#enterAll();
    else if (this.#readers.size === 0) this.#set("connected");
  }

  async #enterAll() {
    const transport = this.#transport;
    await Promise.all([...this.#readers].map(([room, reader]) => this.#enter(room, reader)));
    if (transport === this.#transport && this.#up) this.#set("connected");
  }

  /** @param {string} room @param {Reader} reader @returns {Promise<void>} */
  async #enter(room, reader) {
    const transport = this.#transport;
    const after = reader.after();
    try {
      const frame = await this.request(
        after === undefined ? { type: "room.join", room } : { type: "room.join", room, after },
      );
      await reader.joined(frame, after);
    } catch (error) {
      if (!(error instanceof Refused)) return;
      if (!PASSING.has(error.code)) return reader.refused(error);
      await new Promise((resolve) => setTimeout(resolve, ((error.retryAfter ?? 1) + delay(1)) * 1000));
      if (transport === this.#transport && this.#up) return this.#enter(room, reader);
    }
  }

  /** @param {Reader} reader @param {Frame} frame @param {number|undefined} after */
  async #joined(reader, frame, after) {
    const transport = this.#transport;
    await reader.joined(frame, after);
    if (transport === this.#transport && this.#up) this.#set("connected");
  }

  /** The join that a stream stands for was refused. @param {Refused} refused */
  #notStreamed(refused) {
    if (PASSING.has(refused.code)) this.#lose();
    else this.#readers.get(this.#fallback?.room ?? "")?.refused(refused);
  }

  // --- alive? -----------------------------------------------------------------------------------------------

  /**
   * Runs every few seconds, or once a minute in a tab that the browser has put to sleep; hence no counting of turns.
   */
  #beat() {
    if (!this.#up) return;
    const now = performance.now();
    const unanswered = this.#pingedAt > this.#heardAt;
    if (unanswered && now - this.#pingedAt > PROBE && now - this.#heardAt > SILENCE) return this.#lose();
    if (now - this.#pingedAt >= (this.welcome?.heartbeat * 1000 || HEARTBEAT)) this.#ping();
  }

  #ping() {
    this.#pingedAt = performance.now();
    this.send({ type: "ping" });
  }

  /** Is anybody there? If not within seconds, start again. */
  #probe() {
    if (!this.#up) return;
    this.#ping();
    const asked = this.#pingedAt;
    this.#after("probe", PROBE, () => this.#heardAt < asked && this.#lose());
  }

  /**
   * The network, the tab or the page came back: nothing waits for a timer now. An attempt under way goes on: on a slow
   * line, each look at the tab would begin it anew.
   */
  #wake() {
    if (this.#stopped) return;
    if (this.#up) {
      this.#probe();
      for (const reader of this.#readers.values()) reader.resync();
    } else if (this.#transport === null) {
      this.#attempt = 0;
      this.#open();
    }
  }

  /** On HTTP, looks whether a WebSocket comes up by now; the stream goes on until one has its welcome. */
  #upgrade() {
    if (this.#transport?.kind !== "stream") return;
    const stream = this.#transport;
    const candidate = openSocket(this.#url, {
      frame: (frame) => {
        if (candidate === this.#transport) return this.#receive(frame);
        if (frame.type !== "welcome" || stream !== this.#transport) return candidate.close();
        this.#drop();
        this.#transport = candidate;
        this.#receive(frame);
      },
      end: (end) => {
        if (candidate === this.#transport) this.#ended(end);
        else if (stream === this.#transport) this.#after("upgrade", UPGRADE, () => this.#upgrade());
      },
    });
  }

  /** @param {string} name @param {number} milliseconds @param {() => unknown} run */
  #after(name, milliseconds, run) {
    this.#clear(name);
    this.#timers[name] = setTimeout(run, milliseconds);
  }

  /** @param {string} name */
  #clear(name) {
    clearTimeout(this.#timers[name]);
    delete this.#timers[name];
  }
}
