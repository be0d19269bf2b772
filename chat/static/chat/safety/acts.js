/** Says in words what the people who keep order have just done about the person of a page. */

import { t } from "../web/strings.js";
import { wholeOf } from "../web/times.js";

/**
 * @param {{kind: string, reason: string, until?: string, room?: string, lifted?: boolean}} act
 * @returns {string} empty where it is said in the place where one would write
 */
export function wordsOf({ kind, reason, until, room, lifted }) {
  const here = document.querySelector("main")?.dataset.room;
  if (kind === "mute" && !lifted && here && (!room || room === here)) return "";
  const key = lifted ? "act.lifted" : `act.${kind}${kind === "mute" && room ? ".room" : ""}`;
  return t(key, { reason, until: until ? wholeOf(new Date(until)) : "" });
}
