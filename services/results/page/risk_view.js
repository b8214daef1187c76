// Risk at each horizon with its interval drawn, and what moved it.

import { h, s, section } from "./dom.js";
import { group, interval } from "./parts.js";
import * as words from "./words.js";

/** Risks at the horizons and the group they set. */
export function risks(score) {
  const level = words.percent(score.risks[0]?.level ?? 0.9);
  return section("Risk of recurrence",
    h("div", { class: "horizons" }, score.risks.map(horizon), scale()),
    h("p", { class: "small" }, `Line: ${level} interval. Cumulative incidence of relapse; competing events are accounted for.`),
    score.risk_group ? h("p", { class: "rule" }, group(score.risk_group), score.risk_group_rule ? `: ${score.risk_group_rule}` : "") : null);
}

function horizon(risk) {
  const label = `${risk.horizon_years} years`;
  return h("div", { class: "horizon" },
    h("span", { class: "when" }, label),
    h("span", { class: "big" }, words.percent(risk.risk)),
    h("span", { class: "between" }, words.range(risk)),
    interval(risk, `Risk at ${label}`));
}

const scale = () => h("div", { class: "horizon scale", "aria-hidden": "true" },
  h("span", { class: "ticks" }, ["0", "25", "50", "75", "100\u202f%"].map((text) => h("span", {}, text))));

/** Shares of the log-risk, the largest first, to the right where they raise it. */
export function contributions(score) {
  const rows = [...score.contributions].sort((a, b) => Math.abs(b.log_hazard) - Math.abs(a.log_hazard));
  const most = Math.max(...rows.map((row) => Math.abs(row.log_hazard)), 1e-9);
  return section("What moved the risk",
    h("table", { class: "moves" },
      h("thead", { class: "unseen" }, h("tr", {}, ["Variable", "Effect", "Hazard ratio"].map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map((row) => move(row, most)))),
    h("p", { class: "small" }, `Hazard ratio of each against the average patient of the training cohort. Together \u00d7${words.number(Math.exp(score.log_risk))}.`));
}

/** The columns of a vector that moved its block most. */
function columns(row) {
  if (!row.columns.length) return null;
  const share = (one) => [h("bdi", {}, one.column), ` ${one.value} (\u00d7${words.number(Math.exp(one.log_hazard))})`];
  return h("ul", { class: "moved" }, row.columns.map((one) => h("li", {}, share(one))));
}

function move(row, most) {
  const width = 50 * Math.abs(row.log_hazard) / most;
  const x = row.log_hazard < 0 ? 50 - width : 50;
  return h("tr", {},
    h("th", { scope: "row" }, row.label || words.plain(row.variable), h("span", { class: "value" }, `${row.value} \u00b7 ${words.block(row)}`), columns(row)),
    h("td", { class: "bar" }, s("svg", { "aria-hidden": "true" },
      s("rect", { class: row.log_hazard < 0 ? "lowers" : "raises", x: `${x}%`, width: `${width}%`, y: "25%", height: "50%", rx: "2" }),
      s("line", { class: "zero", x1: "50%", x2: "50%", y1: "0", y2: "100%" }))),
    h("td", { class: "ratio" }, `\u00d7${words.number(Math.exp(row.log_hazard))}`));
}
