/**
 * What somebody is writing in one room, and what it is about: a new message, a reply, an edit, or words that came back.
 * Pure: no page, no storage.
 *
 * One text is in the field. What has to wait for it (the message that was begun before an edit) lies below, and comes
 * up again afterwards.
 */

/** @typedef {{seq: number, name: string}} Reply */
/**
 * @typedef {{kind: "reply"} & Reply | {kind: "edit", seq: number, was: string, reason?: string}
 *   | {kind: "back", reason: string, replyTo: Reply|null} | {kind: "gone"}} About
 * `back`: it was refused. `gone`: the message that was being edited is deleted.
 */
/** @typedef {{body: string, about: About|null}} Text */
/** @typedef {{kind: "post", body: string, replyTo: Reply|null} | {kind: "edit", body: string, seq: number, was: string}} Act */

export class Draft {
  /** The first is in the field. @type {Text[]} */
  #texts;

  /** @param {Text[]} [texts] */
  constructor(texts = []) {
    this.#texts = texts.length > 0 ? texts : [empty()];
  }

  get body() {
    return this.#texts[0].body;
  }

  set body(body) {
    this.#texts[0].body = body;
  }

  get about() {
    return this.#texts[0].about;
  }

  /** Nothing is being written. */
  get blank() {
    return this.#texts.length === 1 && this.body === "" && this.about === null;
  }

  /** @param {Reply} message */
  reply({ seq, name }) {
    if (this.about !== null && this.about.kind !== "reply") this.#above();
    this.#texts[0].about = { kind: "reply", seq, name };
  }

  /** @param {number} seq of an own message @param {string} was its words @param {string} [body] what they are to be */
  edit(seq, was, body = was) {
    const begun = this.#texts.findIndex(({ about }) => about?.kind === "edit" && about.seq === seq);
    if (begun >= 0) this.#texts.unshift(...this.#texts.splice(begun, 1));
    else {
      this.#above();
      this.#texts[0] = { body, about: { kind: "edit", seq, was } };
    }
  }

  /** Ends a reply, or throws away what is in the field. */
  cancel() {
    if (this.about?.kind === "reply" && this.body !== "") this.#texts[0].about = null;
    else this.discard();
  }

  /** Throws away what is in the field. */
  discard() {
    this.#texts.shift();
    if (this.#texts.length === 0) this.#texts = [empty()];
  }

  /**
   * Takes what is in the field, to be sent.
   * @param {string} body as it is to be sent
   * @returns {Act|null} `null` when there is nothing to send
   */
  submit(body) {
    const { about } = this;
    if (about?.kind === "gone") return null; // what was meant as an edit is not published by one more Enter
    this.discard();
    if (about?.kind === "edit") return body === about.was ? null : { kind: "edit", body, seq: about.seq, was: about.was };
    const replyTo = about?.kind === "reply" ? { seq: about.seq, name: about.name } : (about?.replyTo ?? null);
    return { kind: "post", body, replyTo };
  }

  /** The words of an edit whose message is deleted become those of a new message. */
  asNew() {
    this.#texts[0].about = null;
  }

  /** @param {number} seq of a message that was deleted @returns {boolean} whether it was being edited */
  deleted(seq) {
    const texts = this.#texts.filter(({ about }) => about?.kind === "edit" && about.seq === seq);
    for (const text of texts)
      text.about = /** @type {{was: string}} */ (text.about).was === text.body ? null : { kind: "gone" };
    this.#texts = this.#texts.filter((text) => text.about !== null || !texts.includes(text));
    if (this.#texts.length === 0) this.#texts = [empty()];
    return texts.length > 0;
  }

  /** The log went back: what is answered or edited has another seq, or is gone. The words stay. */
  detach() {
    for (const text of this.#texts) {
      const { about, body } = text;
      if (about?.kind === "back") about.replyTo = null;
      else if (about?.kind === "edit") text.about = about.was === body ? null : { kind: "gone" };
      else if (about?.kind === "reply") text.about = null;
      if (about?.kind === "edit" && text.about === null) text.body = "";
    }
  }

  /**
   * Puts words that were not stored back into the field, above what is written there.
   * @param {string} body
   * @param {About|null} about
   */
  giveBack(body, about) {
    this.#above();
    this.#texts[0] = { body, about };
  }

  /** @returns {Text[]|null} to be kept; `null` when there is nothing */
  toJSON() {
    return this.blank ? null : this.#texts;
  }

  #above() {
    if (this.body === "" && this.about?.kind !== "edit") this.#texts[0] = empty();
    else this.#texts.unshift(empty());
  }
}

/** @returns {Text} */
const empty = () => ({ body: "", about: null });

/** @param {unknown} kept @returns {Draft} */
export function readDraft(kept) {
  const whole = Array.isArray(kept) && kept.every((text) => typeof text?.body === "string");
  return new Draft(whole ? kept.map(({ body, about }) => ({ body, about: about ?? null })) : []);
}
