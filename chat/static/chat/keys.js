/**
 * Which key press sends a message. Pure.
 *
 * With a Japanese input method Enter first confirms the conversion, and must not send. Chromium and Firefox report
 * that press as `isComposing`, then end the composition; Safari ends it first (WebKit 165004) and reports the press
 * afterwards, with keyCode 229.
 */

/** A press this soon after a composition ended is the press that ended it, in milliseconds. */
const SAME_PRESS = 80;

/** @typedef {"send"|"newline"} EnterMode what Enter alone does */
/** @typedef {"shiftKey"|"ctrlKey"|"metaKey"|"altKey"} Modifier */
/** @typedef {Pick<KeyboardEvent, Modifier|"key"|"isComposing"|"keyCode"|"timeStamp">} Press */

export class SendKey {
  /** @type {EnterMode} */
  mode;
  #composing = false;
  #endedAt = -Infinity;

  /** @param {EnterMode} mode */
  constructor(mode) {
    this.mode = mode;
  }

  compositionstart() {
    this.#composing = true;
  }

  /** @param {{timeStamp: number}} event */
  compositionend(event) {
    this.#composing = false;
    this.#endedAt = event.timeStamp;
  }

  /** The field lost the focus: an input method that left without a word is not waited for. */
  reset() {
    this.#composing = false;
  }

  /**
   * @param {Press} event a keydown
   * @returns {boolean} whether it sends
   */
  sends(event) {
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return false;
    if (event.isComposing || this.#composing || event.keyCode === 229) return false;
    if (event.timeStamp - this.#endedAt < SAME_PRESS) return false;
    return this.mode === "send" || event.ctrlKey || event.metaKey;
  }
}
