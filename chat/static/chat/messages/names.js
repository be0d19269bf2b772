/** How a page names whoever wrote something. */

import { t } from "../web/strings.js";

/** The name that stood there, or, of an erased person, words for that. @param {{name: string, role?: string}} author */
export const nameOf = ({ name, role }) => (role === "left" ? t("author.left") : name);
