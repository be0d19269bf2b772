/**
 * Which features of the web platform a text uses that the oldest browsers of our list lack, by the data of the W3C
 * community group WebDX (npm package `web-features`). Works on names, without types: a member counts as new where every
 * interface that has one of this name got it later.
 */

import { createRequire } from "node:module";

/** @typedef {Record<string, string>} Versions browser → version */

/** What our scripts handle. A member of the same name of some other interface says nothing about them. */
const OWNERS = new RegExp(
  "^javascript\\.builtins\\.(Array|ArrayBuffer|Date|Error|Function|Intl\\.\\w+|Iterator|Map|Math|Number|Object|Promise|RegExp|Set|String|Symbol)\\.|" +
    "^api\\.(AbortController|AbortSignal|CSS|CSSStyleDeclaration|Crypto|DOMTokenList|Document|DocumentFragment|Element|Event|EventTarget|" +
    "FormData|HTML\\w*Element|Headers|History|Location|Node|NodeList|Range|ReadableStream|Response|SVGElement|Selection|Storage|URL|" +
    "URLSearchParams|VisualViewport|WebSocket|Window|(Composition|Focus|Input|Keyboard|Mouse|Pointer|Submit|Toggle|UI)Event)\\.",
);

/** @returns {{features: Record<string, any>}|null} `null` where the package is not installed */
export function data() {
  try {
    return createRequire(import.meta.url)("web-features/data.json");
  } catch {
    return null;
  }
}

/** @param {string} version e.g. "16.4" or "≤79" */
const number = (version) => {
  const [major, minor = "0"] = version.replace("≤", "").split(".");
  return Number(major) * 1000 + Number(minor);
};

/** Finds what texts use. */
export class Platform {
  /** @type {Map<string, {feature: string, old: boolean}>} by key of the data, without `_static` */
  #keys = new Map();
  /** @type {Map<string, string[]>} last part of a key, by area ("member", "css.types", …) → keys */
  #named = new Map();

  /** @param {{features: Record<string, any>}} platform @param {Versions} oldest */
  constructor({ features }, oldest) {
    for (const [feature, { status }] of Object.entries(features)) {
      for (const [full, { support }] of Object.entries(status?.by_compat_key ?? {})) {
        const key = full.replace(/_static$/, "");
        const old = Object.entries(oldest).every(
          ([browser, version]) => support[browser] && number(support[browser]) <= number(version),
        );
        // A static member may bear the name of a member of each object.
        if (this.#keys.get(key)?.old) continue;
        this.#keys.set(key, { feature, old });
        const parts = key.split(".");
        const last = /** @type {string} */ (parts.at(-1));
        const area = OWNERS.test(key) ? "member" : parts.slice(0, 2).join(".");
        const names = this.#named.get(`${area} ${last}`);
        if (names) names.push(key);
        else this.#named.set(`${area} ${last}`, [key]);
      }
    }
  }

  /** @param {string} text of a style sheet @returns {Set<string>} features that are too new */
  css(text) {
    const found = new Set();
    const rules = text.replace(/\/\*[\s\S]*?\*\//g, "");
    for (const [, name] of rules.matchAll(/@([a-z-]+)/g)) this.#see(found, `css.at-rules.${name}`);
    for (const [, property, value] of rules.matchAll(/(?:^|[{;(])\s*([a-z-]+)\s*:\s*([^;{}]+?)\s*(?=[;})])/g)) {
      this.#see(found, `css.properties.${property}`);
      for (const [word] of value.matchAll(/[a-z][a-z-]*/g)) {
        this.#see(found, `css.properties.${property}.${word}`);
      }
      for (const [, name] of value.matchAll(/([a-z][a-z-]*)\(/g)) this.#seeNamed(found, "css.types", name);
    }
    for (const [selector] of rules.matchAll(/[^{};]+(?=\{)/g)) {
      for (const [, name] of selector.matchAll(/::?([a-z-]+)/g)) this.#see(found, `css.selectors.${name}`);
      if (selector.includes("&")) this.#see(found, "css.selectors.nesting");
    }
    return found;
  }

  /**
   * @param {string} text of a script
   * @param {string[]} own members of the script's own objects
   * @returns {Set<string>} features that are too new
   */
  js(text, own = []) {
    const found = new Set();
    const code = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
    for (const [, owner, member] of code.matchAll(/\b([A-Z]\w*)\??\.(\w+)/g)) {
      const keys = [`api.${owner}.${member}`, `javascript.builtins.${owner}.${member}`];
      for (const key of keys) this.#see(found, key);
    }
    for (const [, owner] of code.matchAll(/(?<![\w.#"'])([A-Z]\w+)/g)) {
      this.#see(found, `api.${owner}`);
      this.#see(found, `javascript.builtins.${owner}`);
    }
    for (const [, name] of code.matchAll(/\.(\w+)/g))
      if (!own.includes(name)) this.#seeNamed(found, "member", name);
    for (const [, name] of code.matchAll(/(?<![\w.#"'])([a-z]\w+)\(/g)) this.#see(found, `api.${name}`);
    for (const [, name] of code.matchAll(/addEventListener\(\s*"(\w+)"/g)) this.#seeNamed(found, "member", `${name}_event`);
    for (const [, words] of code.matchAll(/(?:matches|closest|querySelector|querySelectorAll)\(\s*[`"]([^`"]+)/g))
      for (const [, name] of words.matchAll(/::?([a-z-]+)/g)) this.#see(found, `css.selectors.${name}`);
    if (/\/[dgimsuy]*v[dgimsuy]*[;,.)\s]/.test(code.replace(/"[^"\n]*"|`[^`]*`|'[^'\n]*'/g, "")))
      this.#see(found, "javascript.builtins.RegExp.unicodeSets");
    return found;
  }

  /** @param {string} text of a template @returns {Set<string>} features that are too new */
  html(text) {
    const found = new Set();
    const markup = text.replace(/\{%[\s\S]*?%\}|\{\{[\s\S]*?\}\}|\{#[\s\S]*?#\}/g, " x ");
    for (const [, element, rest] of markup.matchAll(/<([a-z][a-z0-9]*)((?:"[^"]*"|'[^']*'|[^>"'])*)>/g)) {
      this.#see(found, `html.elements.${element}`);
      for (const [, name] of rest.replace(/"[^"]*"|'[^']*'/g, "").matchAll(/\s([a-z-]+)/g)) {
        this.#see(found, `html.elements.${element}.${name}`);
        this.#see(found, `html.global_attributes.${name}`);
      }
    }
    return found;
  }

  /** @param {Set<string>} found @param {string} key */
  #see(found, key) {
    const known = this.#keys.get(key);
    if (known && !known.old) found.add(known.feature);
  }

  /** @param {Set<string>} found @param {string} area @param {string} name */
  #seeNamed(found, area, name) {
    const keys = this.#named.get(`${area} ${name}`);
    if (keys?.every((key) => !this.#keys.get(key)?.old)) this.#see(found, keys[0]);
  }
}
