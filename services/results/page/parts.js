// Small parts that several views show: chips, intervals, progress, problems.

import { h, s } from "./dom.js";
import * as words from "./words.js";

export const chip = ([label, look]) => h("span", { class: `chip ${look}` }, label);
export const flags = (names) => h("span", { class: "chips" }, names.map((name) => chip(words.flag(name))));
export const group = (name) => (name ? h("span", { class: "group" }, words.plain(name)) : h("span", { class: "none" }, "\u2014"));

/** A risk with its interval on a line from 0 to 100 %. */
export function interval(risk, label) {
  const x = (value) => `${100 * value}%`;
  return s("svg", { class: "interval", role: "img", "aria-label": `${label}: ${words.percent(risk.risk)}, ${words.range(risk)}` },
    [0, 0.25, 0.5, 0.75, 1].map((at) => s("line", { class: "grid", x1: x(at), x2: x(at), y1: "0", y2: "100%" })),
    s("line", { class: "axis", x1: "0", x2: "100%", y1: "50%", y2: "50%" }),
    s("line", { class: "span", x1: x(risk.lo), x2: x(risk.hi), y1: "50%", y2: "50%" }),
    s("circle", { class: "point", cx: x(risk.risk), cy: "50%", r: "6" }));
}

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
