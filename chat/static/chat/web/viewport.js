/**
 * What of the page a phone's keyboard leaves to see, as `--viewport-height` and `--viewport-top` (pixels) on the root
 * element.
 *
 * iOS lays the keyboard over the page and moves the view; `100dvh` knows nothing of it.
 */

export function followViewport() {
  const view = window.visualViewport;
  if (!view) return;
  const root = document.documentElement;
  const write = () => {
    // Zooming in is the reader's business, not the keyboard's.
    if (view.scale > 1.01) return;
    root.style.setProperty("--viewport-height", `${view.height}px`);
    root.style.setProperty("--viewport-top", `${view.offsetTop}px`);
    root.dataset.keyboard = String(window.innerHeight - view.height > 120);
  };
  view.addEventListener("resize", write);
  view.addEventListener("scroll", write);
  write();
}
