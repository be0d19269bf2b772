/** Days and times of day as a person where the reader is says them. */

import { language } from "./strings.js";

const clock = new Intl.DateTimeFormat(language(), { timeStyle: "short" });
const date = new Intl.DateTimeFormat(language(), { month: "long", day: "numeric" });
const day = new Intl.DateTimeFormat(language(), { year: "numeric", month: "long", day: "numeric", weekday: "short" });
const whole = new Intl.DateTimeFormat(language(), { dateStyle: "long", timeStyle: "short" });

/** @param {Date} at @returns {string} the time of day */
export const timeOf = (at) => clock.format(at);

/** @param {Date} at @returns {string} the day, with year and weekday */
export const dateOf = (at) => day.format(at);

/** @param {Date} at @returns {string} day and time */
export const wholeOf = (at) => whole.format(at);

/** The reader's own day. @param {Date|string} at @returns {string} YYYY-MM-DD */
export function dayOf(at) {
  const here = new Date(at);
  return `${here.getFullYear()}-${`${here.getMonth() + 1}`.padStart(2, "0")}-${`${here.getDate()}`.padStart(2, "0")}`;
}

/** Writes the times that the server wrote for Japan as they are where the reader is. */
export function showHere() {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (document.querySelectorAll("time[data-last]"))) {
    const at = new Date(time.dateTime);
    time.textContent = dayOf(at) === dayOf(new Date()) ? timeOf(at) : date.format(at);
    time.title = wholeOf(at);
  }
}
