// What a person should see before the risk: remarks, and slides that the score leaves out.

import { h, section } from "./dom.js";
import { sentence } from "./parts.js";
import * as words from "./words.js";

// Most lines above the risk, so that it stays in view; the rest unfolds.
const MOST_LOOKS = 8;

/** The section of these lines; null where there are none. */
export function lookFirst(score) {
  const items = looks(score);
  if (!items.length) return null;
  const element = section("Look at this first", bullets(items.slice(0, MOST_LOOKS)), rest(items.slice(MOST_LOOKS)));
  element.classList.add("look");
  return element;
}

/** The lines themselves, possible swaps of slides first. */
export function looks(score) {
  const leftOut = score.left_out.map((slide) =>
    [h("b", {}, `Slide ${slide.slide_id} was left out of the score`), ` (${words.plain(slide.reason)}). `, sentence(slide.sentence)]);
  const swaps = score.remarks.filter(isSwap), others = score.remarks.filter((remark) => !isSwap(remark));
  return [...swaps.map((remark) => h("b", {}, remark.sentence)), ...leftOut, ...others.map((remark) => remark.sentence)];
}

const isSwap = (remark) => remark.code === "same_slide_in_two_cases";
export const bullets = (items) => h("ul", {}, items.map((item) => h("li", {}, h("bdi", {}, item))));
const rest = (items) => (items.length ? h("details", {}, h("summary", {}, `${items.length} more`), bullets(items)) : null);
