/**
 * What scrolls a list of rows: how far the person is from its end, which row they look at, and how to keep either in
 * view while rows come and go.
 */

/** In pixels. */
const AT_END = 48;
const NEAR_EDGE = 600;
/** A screen reader takes this long to notice what a repaint has put on the page, in milliseconds. */
const HUSH = 500;

export class Scroller {
  /** Whether the end was in view when the page last stood still. */
  wasAtEnd;
  #list;
  /** The list itself, something around it, or the page. */
  #box;
  /** @type {number|undefined} */
  #quiet;

  /** @param {HTMLElement} list @param {() => void} moved called at most once a frame while the person scrolls */
  constructor(list, moved) {
    this.#list = list;
    const box = boxOf(list);
    this.#box = box;
    box.style.overflowAnchor = "none";
    this.wasAtEnd = !scrolledAlready(box);
    let waiting = false;
    const target = box === document.scrollingElement ? window : box;
    target.addEventListener(
      "scroll",
      () => {
        if (waiting) return;
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          moved();
        });
      },
      { passive: true },
    );
    // A banner, a keyboard, a growing composer: who read the end goes on reading the end.
    if (this.wasAtEnd) this.sink();
    new ResizeObserver(() => this.wasAtEnd && this.sink()).observe(box);
  }

  /** Pixels below the part that is in view. */
  get #below() {
    const { scrollTop, scrollHeight, clientHeight } = this.#box;
    return scrollHeight - scrollTop - clientHeight;
  }

  get atEnd() {
    return this.#below < AT_END;
  }

  /** Whether the end is less than a screen away. */
  get nearEnd() {
    return this.#below < this.#box.clientHeight;
  }

  /** The edge of the list that the person comes near to. @returns {"head"|"foot"|null} */
  get edge() {
    if (this.#box.scrollTop < NEAR_EDGE) return "head";
    return this.#below < NEAR_EDGE ? "foot" : null;
  }

  /** Whether more rows are on their way. @param {boolean} busy */
  set busy(busy) {
    this.#box.setAttribute("aria-busy", String(busy));
  }

  sink() {
    this.#box.scrollTop = this.#box.scrollHeight;
  }

  focus() {
    this.#box.focus({ preventScroll: true });
  }

  /** The first row in view of those that stay, and where it stands. @param {(seq: number) => boolean} stays */
  anchor(stays) {
    const top = this.#box === document.scrollingElement ? 0 : this.#box.getBoundingClientRect().top;
    for (const node of this.#list.children) {
      if (!(node instanceof HTMLElement) || !node.dataset.seq) continue;
      const box = node.getBoundingClientRect();
      const seq = Number(node.dataset.seq);
      if (box.bottom > top && stays(seq)) return { seq, top: box.top };
    }
    return null;
  }

  /** Puts a row back to where it stood. @param {HTMLElement|undefined} row @param {number} top */
  keep(row, top) {
    if (row) this.#box.scrollTop += row.getBoundingClientRect().top - top;
  }

  /** What is put on the page now is no news: it is not read out. */
  hush() {
    this.#box.setAttribute("aria-live", "off");
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.#quiet = undefined;
      this.#box.setAttribute("aria-live", "polite");
    }, HUSH);
  }

  /** Whether the log itself reads nothing out at the moment. */
  get hushed() {
    return this.#quiet !== undefined;
  }
}

/**
 * Whether the person had scrolled before the script came. The page begins at the end, where the browser can do that by
 * itself, or at the head.
 * @param {HTMLElement} box
 */
function scrolledAlready({ scrollTop, scrollHeight, clientHeight }) {
  const isAtEnd = scrollHeight - scrollTop - clientHeight < AT_END;
  return !isAtEnd && (scrollTop > 0 || CSS.supports("scroll-initial-target", "nearest"));
}

/** @param {HTMLElement} list */
function boxOf(list) {
  for (let node = /** @type {HTMLElement|null} */ (list); node && node !== document.body; node = node.parentElement) {
    if (/auto|scroll/.test(getComputedStyle(node).overflowY)) return node;
  }
  return /** @type {HTMLElement} */ (document.scrollingElement ?? document.documentElement);
}
