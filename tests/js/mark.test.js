import assert from "node:assert/strict";
import { test } from "node:test";

import { drawMark } from "../../chat/static/chat/web/text.js";

/** As in tests/chat/web/test_marks.py. */
const SAMPLES = [
  ["00000000-0000-4000-8000-000000000000", "夜更かし", "0", "0", "0", "夜"],
  ["00000000-0000-4000-8000-00000000002f", "anna", "5", "7", "0", "A"],
  ["00000000-0000-4000-8000-000000000030", "👩‍👩‍👧家族", "0", "0", "1", "👩‍👩‍👧"],
  ["5f0c2d6e-92f5-4d4e-a9b0-0e5b8a3d7c21", "か\u3099く", "5", "2", "1", "か\u3099"],
];

test("the page draws the mark that the server draws", () => {
  for (const [id, name, form, ink, cut, letter] of SAMPLES) {
    const place = /** @type {any} */ ({ dataset: {}, hidden: true });
    drawMark(place, { id, name });
    assert.deepEqual(place, { dataset: { form, ink, cut, letter }, hidden: false });
  }
});

test("somebody who is gone has no mark", () => {
  const place = /** @type {any} */ ({ dataset: {}, hidden: false });
  drawMark(place, { id: null, name: "退会した人" });
  assert.deepEqual(place, { dataset: {}, hidden: true });
});
