/**
 * Which press of Enter sends a message.
 *
 * With an input method Enter may first confirm what is being composed, and must not send. Chromium and Firefox report
 * that press as `isComposing`. Safari ends the composition before it reports the press (WebKit 165004), with keyCode 229.
 * A press with another code is a press of its own, however soon it comes: with Korean and on Android one Enter ends the
 * composition and goes on. Some keyboards on Android report no key at all, only that a line break is about to come.
 *
 * The browser is asked each time. A composition whose end was never reported leaves nothing behind.
 */

/** @typedef {"send"|"newline"} EnterMode what Enter alone does */
/** @typedef {"shiftKey"|"ctrlKey"|"metaKey"|"altKey"} Modifier */
/** @typedef {Partial<Pick<KeyboardEvent, Modifier|"key"|"isComposing"|"keyCode">>} Press */
/** @typedef {Partial<Pick<InputEvent, "inputType"|"data"|"isComposing">>} Break */

export class SendKey {
  /** @type {EnterMode} */
  mode;
  /** Whether the last press was Enter beyond doubt: then it has been judged, and the line break that follows it, too. */
  #named = false;

  /** @param {EnterMode} mode */
  constructor(mode) {
    this.mode = mode;
  }

  /**
   * @param {Press} press a keydown
   * @returns {boolean} whether it sends
   */
  sends(press) {
    this.#named = press.key === "Enter" && press.keyCode !== 229;
    if (press.key !== "Enter" || press.shiftKey || press.altKey) return false;
    if (press.isComposing || press.keyCode === 229) return false;
    return this.mode === "send" || press.ctrlKey === true || press.metaKey === true;
  }

  /** The key was let go: what comes now comes from another one. */
  keyup() {
    this.#named = false;
  }

  /**
   * @param {Break} input a beforeinput
   * @returns {boolean} whether it stands for an Enter that sends
   */
  sendsInstead({ inputType, data, isComposing }) {
    if (this.#named || isComposing || this.mode !== "send") return false;
    return /^insert(LineBreak|Paragraph)$/.test(inputType ?? "") || (inputType === "insertText" && data === "\n");
  }
}

/** An input method that was late writes again what was sent within this time, in milliseconds. */
const LATE = 500;

/** What an input method is composing in a field, so that it does not come back once the field was sent and emptied. */
export class Composition {
  #field;
  #text = "";
  #open = false;
  #endedAt = -Infinity;
  #sent = { text: "", until: 0 };

  /** @param {HTMLTextAreaElement} field */
  constructor(field) {
    this.#field = field;
    field.addEventListener("compositionstart", () => (this.#open = true));
    field.addEventListener("compositionupdate", ({ data }) => (this.#text = data));
    field.addEventListener("compositionend", ({ data }) => {
      this.#open = false;
      this.#text = data;
      this.#endedAt = performance.now();
    });
  }

  /**
   * A button was pressed that sends the field: what is composed is taken as it is seen.
   *
   * On a phone, and in Safari, the press leaves the composition open; elsewhere it has just ended it.
   */
  taken() {
    const now = performance.now();
    if (!this.#open && now - this.#endedAt > LATE) return;
    this.#sent = { text: this.#text, until: now + LATE };
    // The input method lets go of a field that loses the focus.
    this.#field.blur();
    this.#open = false;
  }

  /** @param {{data?: string|null}} input @returns {boolean} whether it only brought back what was sent; it is gone then */
  cameBack({ data }) {
    const { text, until } = this.#sent;
    if (text === "" || data !== text || this.#field.value !== text || performance.now() > until) return false;
    this.#field.value = "";
    return true;
  }
}

/**
 * Which press opens the room switcher: ⌘K on a Mac, where Ctrl+K deletes to the end of the line; Ctrl+K elsewhere.
 * @param {Partial<Pick<KeyboardEvent, Modifier|"key"|"code"|"isComposing">>} press a keydown; autofill sends some without a key
 * @param {boolean} mac
 */
export function opensSwitcher(press, mac) {
  const { key, code } = press;
  if (!key || press.isComposing || press.altKey || press.shiftKey) return false;
  if (mac ? !press.metaKey || press.ctrlKey : !press.ctrlKey || press.metaKey) return false;
  // The letter where the layout has Latin ones, otherwise the place on the keyboard.
  return /^[a-z]$/i.test(key) ? key.toLowerCase() === "k" : code === "KeyK";
}
