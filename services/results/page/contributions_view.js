// What moved the risk, on a scale of hazard ratios that is the same for all cases.

import { h, s, section } from "./dom.js";
import * as words from "./words.js";

// Hazard ratios at the ends of the scale are 1/8 and 8; a share beyond gets an arrow.
const END = Math.log(8);
const TICKS = [["\u215b", -3], ["\u00bc", -2], ["\u00bd", -1], ["1", 0], ["2", 1], ["4", 2], ["8", 3]].map(([label, doublings]) => [label, doublings * Math.LN2]);

/** Shares of the log-risk, the largest first, to the right where they raise it; null where there are none. */
export function contributions(score) {
  if (!score.contributions.length) return null;
  const rows = [...score.contributions].sort((a, b) => Math.abs(b.log_hazard) - Math.abs(a.log_hazard));
  return section("What moved the risk",
    h("table", { class: "moves" },
      h("thead", {}, h("tr", {}, heading("Variable"), heading("Effect", axis()), heading("Hazard ratio"))),
      h("tbody", {}, rows.map(move))),
    h("p", { class: "small" }, "Hazard ratio of each against the average patient of the training cohort, on the same scale for every case: left lowers the risk, right raises it. ",
      `Together \u00d7${ratio(score.log_risk)}.`));
}

const heading = (text, shown = null) => h("th", { scope: "col" }, h("span", { class: "unseen" }, text), shown);
const ratio = (logHazard) => words.number(Math.exp(logHazard));
/** Where a log hazard ratio lies on the scale, in percent of its width. */
const place = (logHazard) => 50 + 50 * Math.max(-1, Math.min(1, logHazard / END));

function axis() {
  return s("svg", { class: "ratios", "aria-hidden": "true" }, TICKS.map(([label, at]) => s("text", { x: `${place(at)}%`, y: "12" }, label)));
}

function move(row) {
  return h("tr", {},
    h("th", { scope: "row" }, row.label || words.plain(row.variable), h("span", { class: "value" }, `${row.value} \u00b7 ${words.block(row)}`), columns(row)),
    h("td", { class: "effect" }, bar(row.log_hazard)),
    h("td", { class: "ratio" }, `\u00d7${ratio(row.log_hazard)}`));
}

function bar(logHazard) {
  const [from, to] = [Math.min(50, place(logHazard)), Math.max(50, place(logHazard))];
  const look = logHazard < 0 ? "lowers" : "raises";
  return s("svg", { "aria-hidden": "true" },
    TICKS.map(([, at]) => s("line", { class: at ? "grid" : "zero", x1: `${place(at)}%`, x2: `${place(at)}%`, y1: "0", y2: "100%" })),
    s("rect", { class: look, x: `${from}%`, width: `${to - from}%`, y: "25%", height: "50%", rx: "2" }),
    Math.abs(logHazard) > END ? arrow(logHazard, look) : null);
}

/** An arrow at the end that a share lies beyond. */
function arrow(logHazard, look) {
  const right = logHazard > 0;
  return s("svg", { class: "beyond", x: right ? "100%" : "0", y: "50%" }, s("path", { class: look, d: right ? "M-1-13L11 0L-1 13Z" : "M1-13L-11 0L1 13Z" }));
}

/** The columns of a vector that moved its block most. */
function columns(row) {
  if (!row.columns.length) return null;
  const share = (column) => [h("bdi", {}, column.column), ` ${column.value} (\u00d7${ratio(column.log_hazard)})`];
  return h("ul", { class: "moved" }, row.columns.map((column) => h("li", {}, share(column))));
}
