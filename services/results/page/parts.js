// Small parts that several views show: chips, intervals, progress, problems.

import { h, s } from "./dom.js";
import * as words from "./words.js";

export const chip = ([label, look]) => h("span", { class: `chip ${look}` }, label);
/** Flags of a case; those of its certainty are its state already. */
export const flags = (names) => h("span", { class: "chips" }, names.filter((name) => !words.certainty(name)).map((name) => chip(words.flag(name))));
export const group = (name) => (name ? h("span", { class: "group" }, words.group(name)) : h("span", { class: "none" }, "\u2014"));
/** The numbers below lines from 0 to 100 %. */
export const percentScale = () => h("span", { class: "ticks", "aria-hidden": "true" }, [0, 0.25, 0.5, 0.75, 1].map((share) =>
  h("span", {}, share < 1 ? words.count(100 * share) : words.percent(share))));

/** A risk with its interval on a line from 0 to 100 %. */
export function interval(risk, label) {
  return s("svg", { class: "interval", role: "img", "aria-label": `${label}: ${words.percent(risk.risk)}, ${words.range(risk)}` },
    percentGrid(),
    between("span", risk.lo, risk.hi),
    s("circle", { class: "point", cx: x(risk.risk), cy: "50%", r: "6" }));
}

/** A risk in a line of its own: what it is of, its number, and its interval. */
export const pair = (risk, label, look = "") => h("div", { class: `pair ${look}` }, h("span", { class: "name" }, label),
  h("span", { class: "figure" }, h("b", {}, words.percent(risk.risk)), ` (${words.range(risk)})`), interval(risk, label));

/** Where a probability lies on a line from 0 to 100 %. */
export const x = (value) => `${100 * value}%`;
/** A level line of a look, between two probabilities. */
export const between = (look, from, to) => s("line", { class: look, x1: x(from), x2: x(to), y1: "50%", y2: "50%" });
/** The empty line from 0 to 100 % with its quarters. */
export const percentGrid = () => [
  [0, 0.25, 0.5, 0.75, 1].map((at) => s("line", { class: "grid", x1: x(at), x2: x(at), y1: "0", y2: "100%" })),
  between("axis", 0, 1),
];

/** The latest progress of some slides. */
export function progress(items) {
  return h("ul", { class: "progress" }, items.map((item) => {
    const label = `${words.stage(item.stage)} ${item.slide_id}`;
    const known = item.total > 0;
    return h("li", {},
      h("span", { class: "label" }, label),
      h("progress", { "aria-label": label, max: known ? item.total : false, value: known ? item.done : false }),
      h("span", { class: "of" }, known ? `${words.count(item.done)} of ${words.count(item.total)}` : ""));
  }));
}

/** What went wrong, and what to do. */
export function problem(error) {
  return h("div", { class: "problem", role: "alert" }, h("p", {}, sentence(error.message)), error.advice ? h("p", { class: "advice" }, error.advice) : null);
}

/** A text as a sentence of its own, where it may be part of one. */
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
