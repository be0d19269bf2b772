/** No page needs more than the oldest browsers of chat/web/browsers.json have. What is newer has a fall-back there. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { data, Platform } from "./features.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path) => readFileSync(`${root}${path}`, "utf8");
const { oldest, above } = JSON.parse(read("chat/web/browsers.json"));
const found = data();
const skip = found ? false : "needs web-features (npm ci): make check runs it";
const platform = found && new Platform(found, oldest);

/** Words of our own objects that new members of the platform also have. */
const OWN = ["role", "bytes", "code", "take"];

test("scripts, styles and templates use nothing newer than the baseline that has no fall-back", { skip }, () => {
  const used = new Map();
  const files = ["chat/static", "compliance/static", "templates"].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true }).map((file) => `${folder}/${file}`),
  );
  for (const kind of ["js", "css", "html"]) {
    const ours = files.filter((file) => file.endsWith(`.${kind}`));
    assert.ok(ours.length > 0, kind);
    for (const file of ours) for (const feature of platform[kind](read(file), OWN)) used.set(feature, file);
  }
  const missing = [...used].filter(([feature]) => !(feature in above));
  assert.deepEqual(missing, [], "write down its fall-back in chat/web/browsers.json, or do without it");
  assert.deepEqual(Object.keys(above).filter((feature) => !used.has(feature)), [], "no longer used");
});

test("the check sees new features of each kind, and lets old ones pass", { skip }, () => {
  const js = (text) => [...platform.js(text, OWN)];
  assert.deepEqual(js("const a = list.toSorted(); structuredClone(a); row.closest('li').replaceChildren();"), []);
  assert.deepEqual(js("URL.canParse(text)"), ["url-canparse"]);
  assert.deepEqual(js("AbortSignal.any([a, b])"), ["abortsignal-any"]);
  assert.deepEqual(js("const { promise } = Promise.withResolvers();"), ["promise-withresolvers"]);
  assert.deepEqual(js("new Intl.Segmenter('ja')"), ["intl-segmenter"]);
  assert.deepEqual(js("sheet.showPopover()"), ["popover"]);
  assert.deepEqual(js('child.matches(":has(a)")'), ["has"]);
  assert.deepEqual(js("const a = /[\\p{L}--a]/v;"), ["regexp"]);
  const css = (text) => [...platform.css(text)];
  assert.deepEqual(css(".a { inset: 0; block-size: 100dvh } @container (min-width: 1rem) { a { color: red } }"), []);
  assert.deepEqual(css(".a:has(b) { color: light-dark(red, blue) }").sort(), ["has", "light-dark"]);
  assert.deepEqual(css(".a { & b { margin: 0 } }"), ["nesting"]);
  assert.deepEqual(css("@starting-style { a { margin: 0 } }"), ["starting-style"]);
  const html = (text) => [...platform.html(text)];
  assert.deepEqual(html('<dialog open class="a"><input enterkeyhint=send></dialog>'), []);
  assert.deepEqual(html("<div popover>"), ["popover"]);
});

test("docs/browsers.md names the versions and every fall-back", () => {
  const page = read("docs/browsers.md");
  for (const version of Object.values(oldest)) assert.ok(page.includes(` ${version}`), version);
  for (const [feature, what] of Object.entries(above)) assert.ok(page.includes(`| \`${feature}\` | ${what} |`), feature);
});
