/**
 * What a person with other eyes, hands or screens would complain about on this page: a list of sentences, empty if nothing.
 *
 * @param {{touch: boolean}} how whether fingers touch the page: what one mainly does then needs 44 pixels
 */
({ touch }) => {
  const faults = [];
  // What Django's admin draws around our desk and our lists has Django's habits.
  const ours = document.querySelector(".desk, .change-list #changelist") ?? document.body;
  const shown = (element) =>
    (ours.contains(element) || element.matches("main, h1")) &&
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const inside = (element) => {
    const { width, height, right, bottom } = element.getBoundingClientRect();
    return width > 1 && height > 1 && right > 0 && bottom > 0;
  };
  const tell = (element, what) => faults.push(`${what}: ${element.outerHTML.replace(/\s+/g, " ").slice(0, 120)}`);

  // --- structure ---
  if (!["ja", "en"].includes(document.documentElement.lang)) faults.push("the page does not say its language");
  if (!document.title) faults.push("the page has no title");
  for (const [selector, count] of [["main", 1], ["h1", 1]]) {
    const found = [...document.querySelectorAll(selector)].filter(shown).length;
    if (found !== count) faults.push(`${found} × ${selector}`);
  }
  let level = 1;
  for (const heading of [...document.querySelectorAll("main :is(h1, h2, h3, h4)")].filter(shown)) {
    const own = Number(heading.localName[1]);
    if (own > level + 1) tell(heading, "a heading skips a level");
    level = own;
  }
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((one, index) => ids.indexOf(one) !== index))) faults.push(`id ${id} stands twice`);
  for (const element of document.querySelectorAll("[aria-labelledby], [aria-describedby], label[for]")) {
    const named = ["aria-labelledby", "aria-describedby", "for"].flatMap((name) => element.getAttribute(name)?.split(" ") ?? []);
    if (named.some((id) => !document.getElementById(id))) tell(element, "points to what is not there");
  }
  for (const element of document.querySelectorAll("[tabindex]")) if (element.tabIndex > 0) tell(element, "jumps the tab order");

  // --- names ---
  const text = (element) => {
    const own = [...element.querySelectorAll("img[alt], svg[aria-label]")].map((one) => one.alt ?? one.ariaLabel);
    return `${element.textContent}${own.join("")}`.trim();
  };
  const nameOf = (element) =>
    element.ariaLabel?.trim() ||
    element.getAttribute("aria-labelledby")?.split(" ").map((id) => document.getElementById(id)?.textContent).join(" ").trim() ||
    [...(element.labels ?? [])].map(text).join(" ").trim() ||
    (element.matches("input[type=submit], input[type=button]") ? element.value : "") ||
    (element.matches("button, a, summary") ? text(element) : "");
  const controls = [...document.querySelectorAll("a[href], button, summary, select, textarea, input:not([type=hidden])")];
  for (const control of controls.filter(shown)) if (!nameOf(control)) tell(control, "has no name");
  for (const svg of document.querySelectorAll("svg")) {
    if (shown(svg) && svg.ariaHidden !== "true" && !svg.closest("[aria-hidden=true]") && !(svg.role === "img" && svg.ariaLabel)) tell(svg, "is read out as nothing");
  }
  for (const image of document.querySelectorAll("img:not([alt])")) tell(image, "has no alternative text");
  for (const place of [...document.querySelectorAll("[role=log], nav, aside")].filter(shown)) {
    if (!nameOf(place)) tell(place, "is a place without a name");
  }

  // --- targets (WCAG 2.2, 2.5.8: 24 pixels, or that much room around it) ---
  const inText = (element) => getComputedStyle(element).display === "inline" && element.parentElement?.textContent.trim() !== element.textContent.trim();
  const main = ".button, .plain-button, .menu a, .languages button, form :is([type=submit], textarea, select), form input:not([type=checkbox], [type=radio])";
  const targets = controls.filter((one) => shown(one) && inside(one) && !one.closest(".skip, .visually-hidden"));
  const boxOf = (control) => {
    const wrapped = control.matches("input[type=checkbox], input[type=radio]") ? control.closest("label, .check, .field") : null;
    return (wrapped ?? control).getBoundingClientRect();
  };
  const isRoomy = (control, box) => {
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    return targets.every((other) => {
      const { left, right, top, bottom } = boxOf(other);
      return other === control || Math.hypot(x - Math.min(Math.max(x, left), right), y - Math.min(Math.max(y, top), bottom)) >= 12;
    });
  };
  for (const control of targets) {
    if (inText(control)) continue;
    const box = boxOf(control);
    const [width, height] = [Math.round(box.width), Math.round(box.height)];
    const small = touch && control.matches(main) ? height < 44 || width < 44 : (height < 24 || width < 24) && !isRoomy(control, box);
    if (small) tell(control, `is ${width} × ${height} pixels small`);
  }

  // --- contrast (WCAG 2.2, 1.4.3) ---
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((one, index) => one * a + below[index] * (1 - a));
  const light = (channels) => {
    const [r, g, b] = channels.map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  /** Every colour that may lie behind the element: a gradient has several. */
  const behind = (element) => {
    const layers = [];
    for (let node = element; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      const isRule = Number.parseFloat(style.backgroundSize) <= 2; // a line beside the text, not a ground under it
      const gradient = isRule ? [] : (style.backgroundImage.match(/(rgba?|color|oklch|lab)\([^()]*\)/g) ?? []);
      layers.push([style.backgroundColor, ...gradient].map(rgba));
      if (rgba(style.backgroundColor)[3] === 1) break;
    }
    let grounds = [rgba("Canvas")];
    for (const [plain, ...gradient] of layers.reverse()) {
      grounds = grounds.map((ground) => over(plain, ground));
      grounds = [...grounds, ...gradient.flatMap((one) => grounds.map((ground) => over(one, ground)))];
    }
    return grounds;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || seen.has(element)) continue;
    seen.add(element);
    if (!shown(element) || !inside(element) || element.closest("script, style, noscript, template, :disabled, .visually-hidden")) continue;
    const style = getComputedStyle(element);
    const large = Number.parseFloat(style.fontSize) >= 24 || (Number.parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const paint = rgba(element.closest("svg") ? style.fill : style.color);
    const worst = Math.min(...behind(element).map((ground) => ratio(over(paint, ground), ground)));
    if (worst < (large ? 3 : 4.5)) tell(element, `has a contrast of ${worst.toFixed(2)}`);
  }

  // --- width (WCAG 2.2, 1.4.10) ---
  const screen = document.documentElement.clientWidth;
  const rolls = (element) => element && (/auto|scroll|hidden/.test(getComputedStyle(element).overflowX) || rolls(element.parentElement));
  for (const element of seen) {
    if (!shown(element) || !inside(element) || element.closest("script, style, noscript, template, .visually-hidden") || rolls(element)) continue;
    const range = document.createRange();
    range.selectNodeContents(element);
    const { left, right } = range.getBoundingClientRect();
    if (right > screen + 0.5 || left < -0.5) tell(element, `runs out of the screen, from ${Math.round(left)} to ${Math.round(right)}`);
  }
  if (document.scrollingElement.scrollWidth > screen) {
    const over = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > screen + 0.5);
    const [widest] = over.filter((one) => shown(one) && inside(one)).sort((a, b) => b.getBoundingClientRect().right - a.getBoundingClientRect().right || 1);
    tell(widest ?? document.body, `the page is ${document.scrollingElement.scrollWidth - screen} pixels wider than the screen`);
  }
  return faults;
};
