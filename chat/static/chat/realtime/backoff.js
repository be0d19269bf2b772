/**
 * When to come back after a connection ends. Pure.
 *
 * Full jitter: a random wait between nothing and a ceiling that doubles from 0.5 s to 30 s, so that the readers of a
 * restarted server do not return all in one moment.
 */

export const FIRST = 0.5;
export const CEILING = 30;

/** Close codes of `chat.v1`. */
export const Close = Object.freeze({
  PROTOCOL: 4400,
  SIGNED_OUT: 4401,
  FORBIDDEN: 4403,
  TOO_SLOW: 4408,
  FLOOD: 4429,
  GATE: 4451,
  DRAINING: 4503,
  MAX_AGE: 4504,
});

/**
 * @param {number} attempt failures in a row so far, from 0
 * @param {() => number} [random] in [0, 1)
 * @returns {number} seconds
 */
export function delay(attempt, random = Math.random) {
  return Math.min(CEILING, FIRST * 2 ** Math.min(attempt, 16)) * random();
}

/**
 * @typedef {object} Plan
 * @property {"retry"|"stop"|"signin"|"gate"} then
 * @property {number} seconds wait before a retry
 */

/**
 * What a close code asks of the client.
 *
 * @param {number} code
 * @param {{attempt?: number, retryAfter?: number|null, random?: () => number}} [hint] `retryAfter` in seconds
 * @returns {Plan}
 */
export function afterClose(code, { attempt = 0, retryAfter = null, random = Math.random } = {}) {
  switch (code) {
    case Close.PROTOCOL:
    case Close.FORBIDDEN:
      return { then: "stop", seconds: 0 };
    case Close.SIGNED_OUT:
      return { then: "signin", seconds: 0 };
    case Close.GATE:
      return { then: "gate", seconds: 0 };
    case Close.TOO_SLOW:
    case Close.MAX_AGE:
      // The server is well: come back at once, but not in step with everybody else, and only the first time.
      return { then: "retry", seconds: retryAfter ?? (attempt === 0 ? random() * FIRST : delay(attempt, random)) };
    case Close.FLOOD:
      return { then: "retry", seconds: (retryAfter ?? 5) + random() * FIRST + delay(attempt, random) };
    case Close.DRAINING:
      return { then: "retry", seconds: (retryAfter ?? 0) + delay(Math.max(attempt, 1), random) };
    default:
      return { then: "retry", seconds: (retryAfter ?? 0) + delay(attempt, random) };
  }
}
