/** Web addresses in what people write, and its measures. How it is shown is tested in a browser. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { addresses, clusters, excerpt, length, tidy } from "../../chat/static/chat/web/text.js";

const LINKS = JSON.parse(readFileSync(new URL("../links.json", import.meta.url), "utf8"));

test("web addresses end where people mean it, as on the server", () => {
  for (const [text, links] of LINKS) {
    const found = addresses(text);
    assert.deepEqual(found.map(({ shown }) => shown), links, text);
    for (const { start, end, shown } of found) if (!shown.includes("xn--")) assert.equal(text.slice(start, end), shown);
  }
});

test("length counts code points, as the server does", () => {
  const texts = ["日本語", "😀😀", "", "x\ud83dy", "\ude00\ud83d", "が👨‍👩‍👧"];
  assert.deepEqual(texts.map(length), texts.map((text) => [...text].length));
});

test("what is sent has no blank ends, one kind of line end and no half characters", () => {
  assert.equal(tidy(" \n\u3000"), "");
  for (const unseen of ["\u3164", "\u2800", "\u200b\u200b", "\u00ad", "\u115f", "\u034f", "\uffa0"]) assert.equal(tidy(unseen), "");
  assert.equal(tidy("\n a\r\nb \n\n"), " a\nb");
  assert.equal(tidy("x\uD83Dy"), "x\ufffdy");
});

const WHOLE = ["👨‍👩‍👧‍👦", "🇯🇵", "👍🏽", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "❤️", "が", "각", "葛\u{e0100}", "e\u0301", "1️⃣", "🏳️‍🌈", "ﾊﾞ", "a"];

test("an excerpt never cuts an emoji, a flag, a syllable or a letter with its marks", () => {
  const segmenter = Intl.Segmenter;
  for (const known of [segmenter, undefined]) {
    Intl.Segmenter = known;
    for (const one of WHOLE) {
      assert.deepEqual(clusters(one + one), [one, one], `${one} ${known ? "" : "without Intl.Segmenter"}`);
      assert.equal(excerpt(one.repeat(9), 4), `${one.repeat(4)}…`);
      assert.equal(excerpt(one.repeat(4), 4), one.repeat(4));
    }
  }
  Intl.Segmenter = segmenter;
});

test("an excerpt is one line", () => {
  assert.equal(excerpt("一\n二  三\u3000四", 80), "一 二 三 四");
  assert.equal(excerpt(`a${"\u0301".repeat(5000)}`, 80).length < 3000, true);
});
