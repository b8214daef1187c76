// Uploads that belong to no case, since their keys name none.

import { h, section } from "./dom.js";
import * as words from "./words.js";

/** A section of refused uploads; null without any. */
export function refusedUploads(uploads) {
  if (!uploads.length) return null;
  return section("Refused uploads", h("ul", { class: "refused" }, uploads.map((upload) => h("li", {},
    h("p", {}, h("b", {}, upload.object_key), " \u2014 ", upload.sentence),
    h("p", { class: "advice" }, upload.advice),
    h("p", { class: "small" }, h("code", {}, upload.reason), ` from ${upload.service}, ${words.time(upload.as_of)}`)))));
}
