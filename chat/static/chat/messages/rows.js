/** One message, one day, one line: the markup of the template filled with what the log says. Text only, never HTML. */

import { t } from "../web/strings.js";
import { drawMark, excerpt, writeText } from "../web/text.js";
import { dateOf, dayOf, timeOf, wholeOf } from "../web/times.js";
import { nameOf } from "./names.js";

/** @typedef {import("./log.js").Message} Message */
/** @typedef {import("./log.js").Log} Log */

/** Messages of one author this close together stand as one group, in milliseconds. */
const TOGETHER = 5 * 60 * 1000;
const EXCERPT = 80;

export class MessageRows {
  #template;
  #me;
  /** @type {Map<string, HTMLElement>} every row that stands in the list, by key */
  #rows = new Map();
  /** The message to which somebody was led. @type {HTMLElement|null} */
  #marked = null;
  /** Whom the person has blocked, by id. @type {Set<string>} */
  #blocked = new Set();

  /** @param {HTMLTemplateElement} template @param {{id: string, name: string, role?: string}|null} me */
  constructor(template, me) {
    this.#template = template;
    this.#me = me;
  }

  /** @param {Message} message */
  mine(message) {
    return this.#me !== null && message.author.id === this.#me.id;
  }

  /** @param {{id: string|null}} author */
  blocks({ id }) {
    return id !== null && this.#blocked.has(id);
  }

  /** A message of somebody else that the person wants to hear of. @param {Message} message */
  isNews(message) {
    return !this.mine(message) && !this.blocks(message.author);
  }

  /** Takes note of whom the person has blocked. @param {string[]} users @param {Log} log */
  block(users, log) {
    if (users.length === this.#blocked.size && users.every((user) => this.#blocked.has(user))) return;
    this.#blocked = new Set(users);
    for (const row of this.#rows.values()) if (row.dataset.seq) this.#cover(row, row.dataset.author ?? "");
    this.requote(log);
  }

  /** @param {number} seq */
  get(seq) {
    return this.#rows.get(`${seq}`);
  }

  /** Marks the message to which somebody was led. @param {number|null} seq `null`: none any more */
  mark(seq) {
    if (this.#marked) toggle(this.#marked, "marked", false);
    this.#marked = seq === null ? null : (this.get(seq) ?? null);
    if (this.#marked) toggle(this.#marked, "marked", true);
  }

  /** Lets go of rows that left the list. @param {HTMLElement[]} wanted */
  keepOnly(wanted) {
    if (wanted.length === this.#rows.size) return;
    const staying = new Set(wanted);
    for (const [key, node] of this.#rows) if (!staying.has(node)) this.#rows.delete(key);
  }

  /** @param {Message} message @param {Message|undefined} previous @param {Log} log */
  row(message, previous, log) {
    const key = `${message.seq}`;
    let row = this.#rows.get(key);
    if (!row) {
      row = this.#adopt(message) ?? this.#clone();
      this.#rows.set(key, row);
      this.#fill(row, message, log);
    }
    toggle(row, "grouped", together(previous, message));
    return row;
  }

  /**
   * Writes a row again after an edit or a deletion, with those that quote it.
   * @param {Message} message
   * @param {Log} log
   */
  refresh(message, log) {
    const row = this.get(message.seq);
    if (row) this.#fill(row, message, log);
    this.requote(log, message.seq);
  }

  /** Writes quotes again: all, or those of one message. @param {Log} log @param {number} [seq] */
  requote(log, seq) {
    for (const node of this.#rows.values()) {
      const { replyTo } = node.dataset;
      if (replyTo !== undefined && (seq === undefined || replyTo === `${seq}`)) this.#quote(node, log);
    }
  }

  /**
   * @param {import("./outbox.js").Entry} entry
   * @param {Log} log
   * @param {import("./outbox.js").Way[]} ways what its author can do with it
   */
  ownRow(entry, log, ways) {
    const key = `own:${entry.clientId}`;
    let row = this.#rows.get(key);
    if (!row) {
      row = this.#clone();
      this.#rows.set(key, row);
      const me = /** @type {{id: string, name: string, role?: string}} */ (this.#me);
      row.dataset.clientId = entry.clientId;
      /** @type {Message} */
      const message = {
        seq: NaN,
        kind: "message",
        author: me,
        body: entry.body,
        at: entry.at,
        clientId: entry.clientId,
        replyTo: entry.target ?? entry.replyTo,
        edited: false,
        deleted: false,
        by: null,
        unreadable: false,
      };
      this.#fill(row, message, log);
      row.removeAttribute("id");
      delete row.dataset.seq;
      row.removeAttribute("tabindex");
    }
    const previous = log.messages.at(-1);
    toggle(
      row,
      "grouped",
      previous !== undefined && this.mine(previous) && Date.parse(entry.at) - Date.parse(previous.at) < TOGETHER,
    );
    const shown = `${entry.state} ${ways.join(" ")}`;
    if (row.dataset.shown !== shown) this.#state(row, entry, ways);
    row.dataset.shown = shown;
    return row;
  }

  /** @param {string} at */
  day(at) {
    const day = dayOf(at);
    const key = `day:${day}`;
    let line = this.#rows.get(key);
    if (!line) {
      line = document.createElement("li");
      line.className = "day";
      line.dataset.day = day;
      const time = document.createElement("time");
      time.dateTime = day;
      time.textContent = dateOf(new Date(at));
      line.append(time);
      this.#rows.set(key, line);
    }
    return line;
  }

  unreadLine() {
    let line = this.#rows.get("unread");
    if (!line) {
      line = document.createElement("li");
      line.className = "unread-line";
      line.textContent = t("log.unread");
      this.#rows.set("unread", line);
    }
    return line;
  }

  /**
   * The row of an own message on its way becomes the row of the message: it does not move, nor is it read out twice.
   * @param {Message} message
   */
  #adopt(message) {
    const key = `own:${message.clientId}`;
    const row = message.clientId ? this.#rows.get(key) : undefined;
    if (!row) return undefined;
    this.#rows.delete(key);
    delete row.dataset.state;
    delete row.dataset.clientId;
    delete row.dataset.shown;
    return row;
  }

  #clone() {
    return /** @type {HTMLElement} */ (
      /** @type {Element} */ (this.#template.content.firstElementChild).cloneNode(true)
    );
  }

  /** @param {HTMLElement} row @param {Message} message @param {Log} log */
  #fill(row, message, log) {
    row.id = `m${message.seq}`;
    row.dataset.seq = `${message.seq}`;
    row.dataset.author = message.author.id ?? "";
    row.tabIndex = -1;
    toggle(row, "mine", this.mine(message));
    toggle(row, "notice", message.kind === "notice");
    toggle(row, "edited", message.edited);
    toggle(row, "deleted", message.deleted);
    if (message.deleted && message.by !== null) row.dataset.removed = message.by;
    else delete row.dataset.removed;
    toggle(row, "unreadable", message.unreadable);
    this.#cover(row, row.dataset.author);
    const author = part(row, ".message-author");
    if (author) author.textContent = nameOf(message.author);
    const mark = part(row, ".mark");
    if (mark) drawMark(mark, message.author);
    const badge = part(row, ".role");
    if (badge) {
      const { role } = message.author;
      badge.hidden = role !== "guest" && role !== "keeper" && role !== "staff"; // others have none
      badge.dataset.role = role ?? "";
      badge.textContent = badge.hidden ? "" : t(`role.${role}`);
    }
    const time = part(row, "time");
    if (time instanceof HTMLTimeElement) {
      const at = new Date(message.at);
      time.dateTime = message.at;
      time.textContent = timeOf(at);
      time.title = wholeOf(at);
    }
    const body = part(row, ".message-body");
    if (body && message.deleted)
      body.textContent = t(message.by ? `message.removed.${message.by}` : "message.deleted");
    else if (body && message.unreadable) body.textContent = t("message.unreadable");
    else if (body) writeText(body, message.body);
    for (const link of body?.querySelectorAll("a") ?? []) link.tabIndex = -1; // see rove
    const state = part(row, ".message-state");
    if (state) state.textContent = message.edited ? t("message.edited") : "";
    if (message.replyTo === null || message.deleted) {
      const quote = part(row, ".message-quote");
      if (quote) quote.hidden = true;
      delete row.dataset.replyTo;
    } else {
      row.dataset.replyTo = `${message.replyTo}`;
      this.#quote(row, log);
    }
  }

  /**
   * Lays a cover over the message of somebody whom the person has blocked, that can be opened; or takes it away.
   * @param {HTMLElement} row
   * @param {string} author
   */
  #cover(row, author) {
    const covered = this.#blocked.has(author);
    if (covered === "blocked" in row.dataset) return;
    toggle(row, "blocked", covered);
    part(row, ".message-cover")?.remove();
    if (!covered) return;
    const cover = document.createElement("details");
    cover.className = "message-cover";
    const summary = document.createElement("summary");
    summary.textContent = t("message.blocked");
    summary.tabIndex = -1; // see rove
    cover.append(summary);
    row.prepend(cover);
  }

  /** @param {HTMLElement} row @param {Log} log */
  #quote(row, log) {
    const place = part(row, ".message-quote");
    if (!place) return;
    const quoted = log.get(Number(row.dataset.replyTo));
    const jump = document.createElement("a");
    jump.href = `?at=${row.dataset.replyTo}#m${row.dataset.replyTo}`;
    jump.dataset.jump = row.dataset.replyTo;
    jump.tabIndex = -1;
    jump.textContent = quoted ? "" : t("quote.elsewhere");
    if (quoted?.deleted) jump.textContent = t("quote.deleted");
    else if (quoted?.unreadable) jump.textContent = t("quote.elsewhere");
    else if (quoted && this.blocks(quoted.author)) jump.textContent = t("message.blocked");
    else if (quoted) {
      const name = document.createElement("bdi");
      name.textContent = nameOf(quoted.author);
      const words = document.createElement("bdi");
      words.textContent = excerpt(quoted.body, EXCERPT);
      jump.append(name, " ", words);
    }
    place.replaceChildren(jump);
    place.hidden = false;
  }

  /**
   * @param {HTMLElement} row
   * @param {import("./outbox.js").Entry} entry
   * @param {import("./outbox.js").Way[]} ways
   */
  #state(row, { state, target, code, reason = "" }, ways) {
    row.dataset.state = state;
    const words = document.createElement("span");
    const said = t(target === undefined ? `message.${state}` : `edit.${state}`);
    if (state !== "failed") words.textContent = said;
    else words.textContent = code === "stale" ? reason : `${said} ${reason}`; // what is asked about has not failed yet
    const buttons = document.createElement("span");
    buttons.className = "message-ways";
    buttons.append(...ways.map((way) => button(t(`action.${way}`), way)));
    part(row, ".message-state")?.replaceChildren(words, ...(ways.length > 0 ? [buttons] : []));
  }
}

/** @param {string} text @param {string} name of its data attribute @param {string} [value] */
function button(text, name, value = "") {
  const element = document.createElement("button");
  element.type = "button";
  element.dataset[name] = value;
  element.textContent = text;
  return element;
}

/** @param {Message|undefined} previous @param {Message} message */
function together(previous, message) {
  return (
    previous !== undefined &&
    previous.kind === "message" &&
    message.kind === "message" &&
    previous.author.id === message.author.id &&
    previous.author.name === message.author.name &&
    previous.author.role === message.author.role &&
    message.author.role !== "left" && // it may be two people
    dayOf(previous.at) === dayOf(message.at) &&
    Date.parse(message.at) - Date.parse(previous.at) < TOGETHER
  );
}

/** @param {HTMLElement} row @param {string} selector */
const part = (row, selector) => /** @type {HTMLElement|null} */ (row.querySelector(selector));

/** @param {HTMLElement} row @param {string} name @param {boolean} on */
function toggle(row, name, on) {
  // Setting what is set already would have the browser style the row anew.
  if (on === name in row.dataset) return;
  if (on) row.dataset[name] = "true";
  else delete row.dataset[name];
}
