// Draws a curve of cumulative incidence on axes of years and of 0 to 100 %, with the horizons marked.

import { s } from "./dom.js";
import * as words from "./words.js";

const SHARES = [0, 0.25, 0.5, 0.75, 1];
let drawn = 0;

/** `incidence` lists years and risk, and lo and hi where there is a band; its axis ends at `end` or its last year. */
export function curve(incidence, risks) {
  const end = incidence.end ?? incidence.years.at(-1);
  const x = (year) => 100 * year / end, y = (share) => 100 - 100 * share;
  const id = `curve-${drawn += 1}`;
  return s("svg", { class: "curve", role: "img", "aria-labelledby": `${id}-title ${id}-text` },
    s("title", { id: `${id}-title` }, "Cumulative incidence of relapse over time"),
    s("desc", { id: `${id}-text` }, risks.map(description).join("; ")),
    axes(end, x, y), lines(incidence, x, y), risks.map((risk) => mark(risk, x, y)));
}

const description = (risk) => `${words.percent(risk.risk)} by ${words.years(risk.horizon_years)} (${words.range(risk)})`;

function axes(end, x, y) {
  const years = Array.from({ length: Math.floor(end) + 1 }, (_, year) => year);
  return [
    SHARES.map((share) => [
      s("line", { class: "grid", x1: "0", x2: "100%", y1: `${y(share)}%`, y2: `${y(share)}%` }),
      s("text", { class: "tick left", x: "0", y: `${y(share)}%`, dx: "-8", dy: "4" }, words.percent(share))]),
    years.map((year) => s("text", { class: "tick", x: `${x(year)}%`, y: "100%", dy: "20" }, words.count(year))),
    s("text", { class: "tick left", x: "100%", y: "100%", dy: "36" }, "years since the start of follow-up"),
  ];
}

/** The band and the line, stretched to the plot. */
function lines({ years, risk, lo, hi }, x, y) {
  const points = (values) => years.map((year, i) => `${x(year)},${y(values[i])}`);
  return s("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none" },
    lo ? s("polygon", { class: "band", points: [...points(lo), ...points(hi).reverse()].join(" ") }) : null,
    s("polyline", { class: "line", points: points(risk).join(" ") }));
}

/** A horizon: a dashed line, the interval, and the risk as point and number. */
function mark(risk, x, y) {
  const at = `${x(risk.horizon_years)}%`;
  return [
    s("line", { class: "horizon-line", x1: at, x2: at, y1: "0", y2: "100%" }),
    s("line", { class: "whisker", x1: at, x2: at, y1: `${y(risk.lo)}%`, y2: `${y(risk.hi)}%` }),
    s("circle", { class: "point", cx: at, cy: `${y(risk.risk)}%`, r: "5" }),
    s("text", { class: "mark", x: at, y: `${y(risk.risk)}%`, dx: "-9", dy: "-9" }, words.percent(risk.risk)),
  ];
}
