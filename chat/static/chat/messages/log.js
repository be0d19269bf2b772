/**
 * A room as one reader holds it: an unbroken stretch of its log, `base`…`head`, and the messages that it makes.
 *
 * Pure: no page, no network. What arrives twice changes nothing, what arrives early waits, a hole is named so that the
 * caller can ask for it. Edits and deletions are events of their own; they are kept by target, because the message
 * that they speak of may come later, with an older page.
 */

/**
 * An event of the log, as the wire carries it.
 * @typedef {object} Item
 * @property {number} seq
 * @property {string} id
 * @property {"message"|"edit"|"delete"|"notice"|"restore"} kind
 * @property {{id: string|null, name: string, role?: string}} author
 * @property {string} body
 * @property {string} at RFC 3339
 * @property {"keeper"|"staff"} [by] of a deletion: who removed it, where that is not its author
 * @property {string} [client_id]
 * @property {number} [reply_to]
 * @property {number} [target]
 * @property {boolean} [unreadable] its words cannot be opened
 * @property {boolean} [edited] an edit beyond the page has given it these words
 */

/**
 * What a reader sees of a message.
 * @typedef {object} Message
 * @property {number} seq
 * @property {"message"|"notice"} kind
 * @property {{id: string|null, name: string, role?: string}} author
 * @property {string} body
 * @property {string} at
 * @property {string|null} clientId
 * @property {number|null} replyTo
 * @property {boolean} edited
 * @property {boolean} deleted
 * @property {"keeper"|"staff"|null} by who removed it, where that is not its author
 * @property {boolean} unreadable
 */

/** @typedef {{added: Message[], changed: Message[]}} Change */

/** Early items beyond this are dropped: the log is read for them anyway. */
const MAX_EARLY = 1000;

export class Log {
  /** @type {Message[]} ascending by seq */
  messages = [];
  /** Lowest seq of the stretch; `null` before the first page. @type {number|null} */
  base = null;
  /** Highest seq of the stretch; `null` before the first page. @type {number|null} */
  head = null;
  /** Whether the room has older events than `base`. */
  more = false;

  /** @type {Map<number, Message>} */
  #bySeq = new Map();
  /** @type {Map<number, Item>} */
  #early = new Map();
  /**
   * Latest word on each message that was edited or deleted.
   * @type {Map<number, {seq: number, body: string, deleted: boolean, restored: boolean, by: "keeper"|"staff"|null, unreadable: boolean}>}
   */
  #amended = new Map();

  /** @param {number} seq */
  get(seq) {
    return this.#bySeq.get(seq);
  }

  /** Whether an event stands in the stretch. @param {number} seq */
  covers(seq) {
    return this.base !== null && this.head !== null && seq >= this.base && seq <= this.head;
  }

  /** The seq after which something is missing, or `null`. */
  get hole() {
    return this.#early.size > 0 ? this.head : null;
  }

  /**
   * Starts anew from the latest page.
   * @param {Item[]} items
   * @param {{head: number, more: boolean, anew?: boolean}} page `anew`: what came early is of a history that is over
   * @returns {Change}
   */
  reset(items, { head, more, anew = false }) {
    if (anew) this.#early.clear();
    this.messages = [];
    this.#bySeq.clear();
    this.#amended.clear();
    const sorted = ascending(items);
    this.base = sorted[0]?.seq ?? head + 1;
    this.head = this.base - 1;
    this.more = more;
    this.#take(sorted);
    // Of a room with more changes than messages a page has the messages alone, with their latest words.
    this.head = Math.max(this.head, head);
    return this.#drain({ added: [...this.messages], changed: [] });
  }

  /**
   * Takes what the server announced. Order and repetition do not matter.
   * @param {Item[]} items
   * @returns {Change}
   */
  receive(items) {
    for (const item of items) {
      if ((this.head === null || item.seq > this.head) && this.#early.size < MAX_EARLY) this.#early.set(item.seq, item);
    }
    return this.#drain({ added: [], changed: [] });
  }

  /**
   * Takes the answer to "what came after `after`?": all there is up to its last item, so a seq that it lacks does not
   * exist.
   * @param {number} after
   * @param {Item[]} items
   * @returns {Change}
   */
  fill(after, items) {
    if (this.head === null || after > this.head) return this.receive(items);
    const head = this.head;
    return this.#drain(this.#take(ascending(items).filter((item) => item.seq > head)));
  }

  /**
   * Which of some messages this log should have and does not: it went back since they were shown.
   * @param {Message[]} shown
   * @returns {Message[]}
   */
  lacks(shown) {
    const known = new Set(this.messages.map(({ clientId }) => clientId));
    const since = this.more ? (this.messages[0]?.at ?? "") : "";
    return shown.filter(({ at, clientId }) => clientId !== null && at >= since && !known.has(clientId));
  }

  /** Gives up a hole that the log itself does not know: what waited behind it is taken. @returns {Change} */
  skip() {
    return this.#early.size
      ? this.fill(/** @type {number} */ (this.head), ascending([...this.#early.values()]))
      : { added: [], changed: [] };
  }

  /**
   * Takes the page before `base`.
   * @param {Item[]} items
   * @param {boolean} more whether there is still more before it
   * @returns {Message[]} those added, ascending
   */
  older(items, more) {
    if (this.base === null) return [];
    const base = this.base;
    const page = ascending(items).filter((item) => item.seq < base);
    for (const item of page) if (isAmendment(item)) this.#amend(item);
    const added = page.filter((item) => !isAmendment(item)).map((item) => this.#read(item));
    this.messages.unshift(...added);
    this.base = page[0]?.seq ?? base;
    this.more = more && page.length > 0;
    return added;
  }

  /**
   * Applies edits and deletions to the messages of the stretch, which may have come after it.
   * @param {Item[]} items
   * @returns {Message[]} those changed
   */
  amend(items) {
    return items.filter(isAmendment).flatMap((item) => this.#amend(item) ?? []);
  }

  /**
   * Forgets all but the latest messages; they can be read again as an older page.
   * @param {number} keep
   * @returns {number} how many were forgotten
   */
  trim(keep) {
    const surplus = this.messages.length - keep;
    if (surplus <= 0) return 0;
    for (const message of this.messages.splice(0, surplus)) this.#bySeq.delete(message.seq);
    this.base = this.messages[0]?.seq ?? this.base;
    this.more = true;
    return surplus;
  }

  /** @param {Change} change @returns {Change} */
  #drain(change) {
    if (this.head === null) return change;
    for (const seq of [...this.#early.keys()]) if (seq <= this.head) this.#early.delete(seq);
    for (let item; (item = this.#early.get(this.head + 1));) {
      this.#early.delete(item.seq);
      const { added, changed } = this.#take([item]);
      change.added.push(...added);
      change.changed.push(...changed);
    }
    return change;
  }

  /** @param {Item[]} items beyond the head, ascending @returns {Change} */
  #take(items) {
    /** @type {Change} */
    const change = { added: [], changed: [] };
    for (const item of items) {
      this.head = item.seq;
      if (isAmendment(item)) {
        const message = this.#amend(item);
        if (message) change.changed.push(message);
      } else {
        const message = this.#read(item);
        this.messages.push(message);
        change.added.push(message);
      }
    }
    return change;
  }

  /** @param {Item} item @returns {Message|undefined} the message it changed, where this reader holds it */
  #amend(item) {
    const target = /** @type {number} */ (item.target);
    const known = this.#amended.get(target);
    const restored = item.kind === "restore";
    if (known && ((known.deleted && !restored) || known.seq > item.seq)) return undefined;
    const unreadable = item.unreadable ?? false;
    const deleted = item.kind === "delete";
    const word = { seq: item.seq, body: item.body, deleted, restored, by: item.by ?? null, unreadable };
    this.#amended.set(target, word);
    const message = this.#bySeq.get(target);
    if (message) apply(message, word);
    return message;
  }

  /** @param {Item} item @returns {Message} */
  #read(item) {
    /** @type {Message} */
    const message = {
      seq: item.seq,
      kind: item.kind === "notice" ? "notice" : "message",
      author: item.author,
      body: item.body,
      at: item.at,
      clientId: item.client_id ?? null,
      replyTo: item.reply_to ?? null,
      edited: item.edited ?? false,
      deleted: item.kind === "message" && item.body === "" && !item.unreadable,
      by: null,
      unreadable: item.unreadable ?? false,
    };
    const word = this.#amended.get(item.seq);
    if (word) apply(message, word);
    this.#bySeq.set(item.seq, message);
    return message;
  }
}

/** @param {Message} message @param {{body: string, deleted: boolean, restored: boolean, by: "keeper"|"staff"|null, unreadable: boolean}} word */
function apply(message, word) {
  // A body that the log has emptied stays empty, whatever edit comes with it.
  if (message.deleted && !word.deleted && !word.restored) return;
  message.body = word.deleted ? "" : word.body;
  message.deleted = word.deleted;
  message.by = word.by;
  message.edited = !word.deleted && !word.restored;
  message.unreadable = word.unreadable;
}

/** @param {Item} item */
const isAmendment = (item) => item.kind === "edit" || item.kind === "delete" || item.kind === "restore";

/** @param {Item[]} items */
function ascending(items) {
  const sorted = [...items].sort((a, b) => a.seq - b.seq);
  return sorted.filter((item, index) => index === 0 || item.seq !== sorted[index - 1].seq);
}
