/** Enter and the input method, replayed as browsers report them. That a real composition does so is tested in a browser. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { SendKey, opensSwitcher } from "../../chat/static/chat/web/keys.js";

const down = (key, keyCode, isComposing = false, more = {}) => ["keydown", { key, keyCode, isComposing, ...more }];
const enter = down("Enter", 13);
const up = ["keyup", {}];
const before = (inputType, data = null, isComposing = false) => ["beforeinput", { inputType, data, isComposing }];

/** How often a sequence of events sends. */
function sent(events, mode = "send") {
  const keys = new SendKey(mode);
  let count = 0;
  for (const [type, event] of events) {
    if (type === "keydown" && keys.sends(event)) count += 1;
    else if (type === "beforeinput" && keys.sendsInstead(event)) count += 1;
    else if (type === "keyup") keys.keyup();
  }
  return count;
}

const SEQUENCES = [
  ["Japanese, Chrome: Enter confirms", [down("Process", 229, true), down("Enter", 229, true), up], 0],
  ["Japanese, Chrome: Enter confirms, the next one sends", [down("Enter", 229, true), up, enter, up], 1],
  ["Japanese, Firefox: Enter confirms, the next one sends", [down("Process", 229, true), up, enter, up], 1],
  ["Japanese, Safari: the composition has ended when Enter is reported", [down("Enter", 229), up], 0],
  ["Japanese, Safari: the next Enter sends", [down("Enter", 229), up, enter, up], 1],
  ["Chinese, pinyin as Latin letters by Enter", [down("Enter", 229, true), up], 0],
  ["Chinese, Safari: pinyin by Enter, then sent", [down("Enter", 229), up, enter, up], 1],
  ["Korean, Chrome: one Enter ends the syllable and sends", [down("Enter", 229, true), enter, up], 1],
  ["Korean, Safari: the syllable ended just before", [enter, up], 1],
  ["Korean, Firefox", [down("Process", 229, true), enter, up], 1],
  ["Android, Gboard: Enter after a composition", [down("Unidentified", 229, true), up, enter, up], 1],
  ["Android: a keyboard that names no key", [down("Unidentified", 229), before("insertLineBreak"), up], 1],
  ["Android: an Enter that looks like Safari's, but breaks the line", [down("Enter", 229), before("insertLineBreak"), up], 1],
  ["Android: only the line break is reported", [before("insertLineBreak")], 1],
  ["Android: the line break is text", [down("Unidentified", 229), before("insertText", "\n"), up], 1],
  ["Android: a letter of a composition", [down("Unidentified", 229, true), before("insertCompositionText", "a", true)], 0],
  ["Android: a line break within a composition", [before("insertLineBreak", null, true)], 0],
  ["a composition whose end nobody reported", [down("Process", 229, true), up, enter, up], 1],
  ["Shift+Enter, with its line break", [down("Enter", 13, false, { shiftKey: true }), before("insertLineBreak"), up], 0],
  ["a press that names no key, as autofill sends it", [["keydown", {}]], 0],
  ["a letter", [down("a", 65), before("insertText", "a"), up], 0],
];

for (const [name, events, times] of SEQUENCES) {
  test(`Enter: ${name}`, () => assert.equal(sent(events), times));
}

test("Enter alone sends or breaks the line, as the person chose", () => {
  const modifiers = [{}, { shiftKey: true }, { altKey: true }, { ctrlKey: true }, { metaKey: true }];
  const answers = (mode) => modifiers.map((more) => sent([down("Enter", 13, false, more), up], mode));
  assert.deepEqual(answers("send"), [1, 0, 0, 1, 1]);
  assert.deepEqual(answers("newline"), [0, 0, 0, 1, 1]);
  assert.equal(sent([enter, before("insertLineBreak"), up, before("insertLineBreak")], "newline"), 0);
});

test("the switcher opens by ⌘K on a Mac and by Ctrl+K elsewhere, whatever the layout", () => {
  const k = { key: "k", code: "KeyK" };
  const cyrillic = { key: "л", code: "KeyK" };
  const dvorak = { key: "k", code: "KeyV" };
  const [ctrl, meta] = [{ ctrlKey: true }, { metaKey: true }];
  // An event has its properties from its class.
  const opens = (press, mac) => opensSwitcher(Object.create(press), mac);
  for (const layout of [k, cyrillic, dvorak, { ...k, key: "K" }]) {
    assert.equal(opens({ ...layout, ...ctrl }, false), true);
    assert.equal(opens({ ...layout, ...meta }, true), true);
    assert.equal(opens({ ...layout, ...ctrl }, true), false, "on a Mac it deletes to the end of the line");
    assert.equal(opens({ ...layout, ...meta }, false), false);
  }
  assert.equal(opens({ key: "t", code: "KeyK", ...ctrl }, false), false, "Dvorak's t lies where k is");
  for (const more of [{ altKey: true }, { shiftKey: true }, { isComposing: true }, { key: undefined }])
    assert.equal(opens({ ...k, ...ctrl, ...more }, false), false);
});
