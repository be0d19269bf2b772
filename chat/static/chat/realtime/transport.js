/**
 * The two ways to carry the frames of `chat.v1`: a WebSocket, or — where a proxy blocks it — server-sent events with
 * POST.
 *
 * Each tells its end once, as a close code of the protocol. One that its owner has closed tells nothing more.
 */

import { me } from "../web/identity.js";

/** @typedef {Record<string, any> & {type: string}} Frame */
/** @typedef {{code: number, reason: string, retryAfter: number|null}} End `reason` is "" when nobody said one */
/** @typedef {{frame: (frame: Frame) => void, end: (end: End) => void}} Handlers */
/** @typedef {{kind: "socket"|"stream", send: (frame: Frame) => void, close: () => void}} Transport */

const LOST = 1006;

/** HTTP answers that end a stream, as the close codes that a socket would have shown. */
const BY_STATUS = new Map([
  [401, 4401],
  [403, 4403],
  [429, 4429],
  [451, 4451],
  [503, 4503],
]);

/**
 * @param {string} url path or address
 * @param {Handlers} handlers
 * @returns {Transport}
 */
export function openSocket(url, handlers) {
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = new WebSocket(address);
  let over = false;
  /** @type {Frame|null} */
  let closing = null;
  socket.onmessage = ({ data }) => {
    const frame = parse(data);
    if (over || !frame) return;
    if (frame.type === "closing") closing = frame;
    handlers.frame(frame);
  };
  socket.onclose = ({ code }) => {
    if (over) return;
    over = true;
    handlers.end({
      code: closing?.code ?? code,
      reason: closing?.reason ?? "",
      retryAfter: closing?.retry_after ?? null,
    });
  };
  return {
    kind: "socket",
    send: (frame) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(frame)),
    close: () => {
      over = true;
      socket.close(1000);
    },
  };
}

/**
 * One room over HTTP. The stream stands for the room's join; every other frame goes up by POST, and the answers come
 * down with it.
 * @param {string} url the room's `events`
 * @param {{after: number|undefined, epoch: string}} held the last seq that the reader has, and the history it is of
 * @param {Handlers} handlers
 * @returns {Transport}
 */
export function openStream(url, { after, epoch }, handlers) {
  const abort = new AbortController();
  let over = false;

  /** @param {End} end */
  const finish = (end) => {
    if (over) return;
    over = true;
    abort.abort();
    handlers.end(end);
  };

  /** @param {Frame} frame */
  const deliver = (frame) => {
    if (over) return;
    handlers.frame(frame);
    if (frame.type === "closing")
      finish({ code: frame.code, reason: frame.reason ?? "", retryAfter: frame.retry_after ?? null });
  };

  const listen = async () => {
    const query = after === undefined ? "" : `?${new URLSearchParams({ after: `${after}`, epoch })}`;
    const response = await fetch(url + query, {
      headers: { Accept: "text/event-stream" },
      cache: "no-store",
      credentials: "same-origin",
      signal: abort.signal,
    });
    if (!response.ok || !response.body) return finish(endOf(response));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return finish({ code: LOST, reason: "", retryAfter: null });
      const events = (rest + value).replace(/\r\n?/g, "\n").split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        const frame = parse(dataOf(event));
        if (frame) deliver(frame);
      }
    }
  };
  listen().catch(() => finish({ code: LOST, reason: "", retryAfter: null }));

  return {
    kind: "stream",
    send: async (frame) => {
      try {
        const response = await fetch(url, {
          method: "POST",
          // The session may have become another's since the stream began: the server compares.
          headers: { "Content-Type": "application/json", "X-CSRFToken": csrfToken(), "X-Person": me() },
          credentials: "same-origin",
          body: JSON.stringify(frame),
          signal: abort.signal,
        });
        const answers = response.headers.get("Content-Type")?.startsWith("application/json")
          ? await response.json()
          : null;
        if (response.status === 401) finish(endOf(response));
        else if (Array.isArray(answers)) answers.forEach(deliver);
        else if (response.status === 429)
          deliver({
            type: "refused",
            ref: frame.ref,
            code: "rate",
            reason: "",
            retry_after: endOf(response).retryAfter ?? 1,
          });
        else if (!response.ok) finish(endOf(response));
      } catch {
        finish({ code: LOST, reason: "", retryAfter: null });
      }
    },
    close: () => {
      over = true;
      abort.abort();
    },
  };
}

/** @param {Response} response @returns {End} */
function endOf(response) {
  const retryAfter = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return {
    code: BY_STATUS.get(response.status) ?? LOST,
    reason: "",
    retryAfter: Number.isNaN(retryAfter) ? null : retryAfter,
  };
}

/** @param {string} event one event of the stream; a comment has no data */
function dataOf(event) {
  const lines = event.split("\n").filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(line[5] === " " ? 6 : 5)).join("\n");
}

/** @param {string} text @returns {Frame|null} */
function parse(text) {
  try {
    const frame = JSON.parse(text);
    return typeof frame?.type === "string" ? frame : null;
  } catch {
    return null;
  }
}

function csrfToken() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]");
  if (field instanceof HTMLInputElement) return field.value;
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}
