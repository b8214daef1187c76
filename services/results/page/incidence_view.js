// Risk over time: the curve of cumulative incidence with its band, also after years without an event, and its numbers.

import { curve } from "./curve.js";
import { h, section } from "./dom.js";
import * as words from "./words.js";

const FROM_START = "the start of follow-up";

/** The section; null for scores of programs that gave no curve. */
export function incidence(score) {
  if (!score.incidence) return null;
  const chart = h("div", { class: "chart" }, drawn(score, 0));
  return section("Risk over time",
    starts(score, (years) => chart.replaceChildren(...drawn(score, years))),
    chart,
    numbers(score.incidence),
    eventFree(score.event_free_risks));
}

/** The curve from the start of follow-up (0) or after years without an event, with its caption. */
function drawn(score, years) {
  const level = words.percent(score.incidence.level);
  const [line, caption] = years
    ? [curve(...conditional(score, years)), `Risk of relapse if there is no event until ${words.years(years)}; upright lines: ${level} interval.`]
    : [curve(score.incidence, score.risks), `Cumulative incidence of relapse; band: ${level} interval.`];
  return [line, h("p", { class: "small" }, caption)];
}

const eventFreeYears = (score) => [...new Set(score.event_free_risks.map((risk) => risk.event_free_years))];

/** Chooses from when on the risk is drawn: 0, or years without an event. */
function starts(score, draw) {
  const years = eventFreeYears(score);
  if (!years.length) return null;
  const choice = h("select", { onchange: () => draw(Number(choice.value)) },
    h("option", { value: "0" }, FROM_START), years.map((time) => h("option", { value: time }, `no event until ${words.years(time)}`)));
  return h("label", { class: "choice" }, "Counted from ", choice);
}

/** The curve after years without an event, [curve, risks]: the same rise, scaled to the risk at the last horizon. */
function conditional({ incidence: { years, risk }, event_free_risks: all }, start) {
  const risks = all.filter((each) => each.event_free_years === start);
  const base = at(years, risk, start), last = risks.at(-1);
  const factor = last.risk / Math.max(at(years, risk, last.horizon_years) - base, 1e-9);
  const later = years.map((year, i) => [year, risk[i]]).filter(([year]) => year > start);
  const scaled = [[start, 0], ...later.map(([year, value]) => [year, Math.min(1, Math.max(0, factor * (value - base)))])];
  return [{ years: scaled.map(([year]) => year), risk: scaled.map(([, value]) => value), end: years.at(-1) }, risks];
}

/** The curve's value at a time, between its points by a straight line. */
export function at(years, values, time) {
  const after = years.findIndex((year) => year >= time);
  if (after < 0) return values.at(-1);
  if (after === 0) return values[0];
  const share = (time - years[after - 1]) / (years[after] - years[after - 1]);
  return values[after - 1] + share * (values[after] - values[after - 1]);
}

/** Risks by later horizons after years without an event, for surveillance. */
function eventFree(risks) {
  if (!risks.length) return null;
  const horizons = [...new Set(risks.map((risk) => risk.horizon_years))].sort((a, b) => a - b);
  const cell = (start, horizon) => risks.find((risk) => risk.event_free_years === start && risk.horizon_years === horizon);
  return h("table", { class: "plain event-free" },
    h("caption", {}, "Risk of relapse if there has been no event until then"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "No event until"), horizons.map((horizon) => h("th", { scope: "col" }, `by ${words.years(horizon)}`)))),
    h("tbody", {}, [...new Set(risks.map((risk) => risk.event_free_years))].map((start) => h("tr", {},
      h("th", { scope: "row" }, words.years(start)), horizons.map((horizon) => h("td", {}, figure(cell(start, horizon))))))));
}

const figure = (risk) => (risk ? [h("b", {}, words.percent(risk.risk)), " ", h("span", { class: "between" }, `(${words.range(risk)})`)] : "\u2014");

/** The curve in numbers, each half year. */
function numbers({ years, risk, lo, hi }) {
  const times = Array.from({ length: Math.floor(2 * years.at(-1)) }, (_, i) => (i + 1) / 2);
  const row = (time) => h("tr", {}, h("th", { scope: "row" }, words.years(time)),
    h("td", {}, words.percent(at(years, risk, time))), h("td", {}, words.range({ lo: at(years, lo, time), hi: at(years, hi, time) })));
  return h("details", { class: "numbers" }, h("summary", {}, "The curve in numbers"), h("table", { class: "plain" },
    h("thead", {}, h("tr", {}, ["By", "Risk", "Interval"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, times.map(row))));
}
