// Refused inputs of a case: what, why, and what to do.

import { thumbnail } from "./api.js";
import { h, section } from "./dom.js";
import * as words from "./words.js";

/** The section; pictures come as soon as they are here. */
export function refused(rejections, signal) {
  return section("Refused inputs", h("ul", { class: "refused" }, rejections.map((rejection) => h("li", {},
    rejection.thumbnail_key ? picture(rejection, signal) : null,
    h("p", {}, h("b", {}, words.refused(rejection)), " \u2014 ", rejection.sentence),
    h("p", { class: "advice" }, rejection.advice),
    h("p", { class: "small" }, h("code", {}, rejection.reason), ` from ${rejection.service}, ${words.time(rejection.as_of)}`,
      rejection.object_key ? [", ", h("code", {}, rejection.object_key)] : null)))));
}

function picture(rejection, signal) {
  const canvas = h("canvas", { width: 1, height: 1, role: "img", "aria-label": `Picture of slide ${rejection.slide_id}` });
  const show = (image) => {
    if (!image) return canvas.remove();
    Object.assign(canvas, { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
  };
  thumbnail(rejection.case_id, rejection.slide_id, signal).then(show, () => canvas.remove());
  return canvas;
}
