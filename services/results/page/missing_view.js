// What the record lacks, and how far it could move the risk.

import { h, s, section } from "./dom.js";
import { between, percentGrid, percentScale, x } from "./parts.js";
import * as words from "./words.js";

/** The section, the widest range first; null where nothing is missing. */
export function missing(score) {
  const variables = [...score.missing_variables].sort((a, b) => (b.hi - b.lo) - (a.hi - a.lo));
  if (!variables.length) return null;
  const years = words.years(variables[0].horizon_years);
  return section("What is missing", h("p", {}, `The record lacks these values. Each could move the risk at ${years} within the range shown.`),
    h("ul", { class: "missing" }, variables.map((variable) => row(variable, score.risks))),
    h("div", { class: "pair" }, percentScale()),
    h("p", { class: "small" }, "The tick is the risk as it stands."));
}

function row(variable, risks) {
  const risk = risks.find((each) => each.horizon_years === variable.horizon_years);
  const label = variable.label || words.plain(variable.variable);
  const text = `${words.percent(variable.lo)} (${variable.lo_value}) to ${words.percent(variable.hi)} (${variable.hi_value})`;
  return h("li", { class: "pair" }, h("span", { class: "name" }, label), h("span", { class: "figure" }, text),
    s("svg", { class: "interval", role: "img", "aria-label": `${label}: ${text}` }, percentGrid(),
      between("could", variable.lo, variable.hi),
      risk ? s("line", { class: "now", x1: x(risk.risk), x2: x(risk.risk), y1: "10%", y2: "90%" }) : null));
}
