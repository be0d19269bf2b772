/** When a client comes back, and when it does not. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { afterClose, delay } from "../../chat/static/chat/realtime/backoff.js";

test("waits double from half a second to thirty, fully jittered", () => {
  const ceilings = Array.from({ length: 9 }, (_, attempt) => delay(attempt, () => 0.9999999));
  assert.deepEqual(
    ceilings.map((seconds) => Math.round(seconds * 10) / 10),
    [0.5, 1, 2, 4, 8, 16, 30, 30, 30],
  );
  assert.equal(
    delay(5, () => 0),
    0,
  );
  const drawn = Array.from({ length: 500 }, () => delay(20));
  assert.ok(drawn.every((seconds) => seconds >= 0 && seconds <= 30));
  assert.ok(drawn.some((seconds) => seconds < 5));
  assert.ok(drawn.some((seconds) => seconds > 25));
});

test("each close code is answered as the protocol has it", () => {
  const answers = new Map([
    [4400, "stop"],
    [4401, "signin"],
    [4403, "stop"],
    [4408, "retry"],
    [4429, "retry"],
    [4451, "gate"],
    [4503, "retry"],
    [4504, "retry"],
    [1006, "retry"],
    [1012, "retry"],
  ]);
  for (const [code, then] of answers) {
    assert.equal(afterClose(code).then, then, `${code}`);
    if (then === "retry") assert.equal(afterClose(code, { retryAfter: 20, random: () => 0 }).seconds, 20, `${code}`);
  }
  const half = { random: () => 0.5 };
  assert.ok(afterClose(4408, half).seconds < 1);
  assert.ok(afterClose(4504, half).seconds < 1);
  assert.ok(afterClose(4429, half).seconds >= 5);
});
