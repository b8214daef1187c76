// Beside the risk: where the case lies in the training cohort, what the record alone says, and what the profile's rule says.

import { h, s, section } from "./dom.js";
import { between, pair, percentGrid, percentScale, sentence, x } from "./parts.js";
import * as words from "./words.js";

/** The section; null for scores that hold none of these. */
export function comparison(score) {
  const compared = [cohort(score), recordOnly(score), rule(score.rule)].filter(Boolean);
  return compared.length ? section("For comparison", compared) : null;
}

const riskAt = (risks, years) => risks.find((risk) => risk.horizon_years === years);

/** The quantiles of the cohort's out-of-fold risks as a strip, with the case on it. */
function cohort({ cohort_risk: cohort, risks }) {
  if (!cohort?.quantiles.length) return null;
  const q = (share) => quantile(cohort.quantiles, share);
  const risk = riskAt(risks, cohort.horizon_years);
  const span = (from, to) => `between ${words.percent(q(from))} and ${words.percent(q(to))}`;
  const text = `Half of the ${words.count(cohort.patients)} patients have a risk ${span(0.25, 0.75)}, and 8 of 10 ${span(0.1, 0.9)}.`;
  return h("div", { class: "compared" }, h("h3", {}, `The training cohort at ${words.years(cohort.horizon_years)}`),
    s("svg", { class: "interval strip", role: "img", "aria-label": `${text}${risk ? ` This case: ${words.percent(risk.risk)}.` : ""}` },
      percentGrid(), between("most", q(0), q(1)), between("many", q(0.1), q(0.9)), between("half", q(0.25), q(0.75)),
      s("line", { class: "median", x1: x(q(0.5)), x2: x(q(0.5)), y1: "20%", y2: "80%" }),
      risk ? s("circle", { class: "point", cx: x(risk.risk), cy: "50%", r: "6" }) : null),
    percentScale(),
    h("p", { class: "small" }, text, risk ? " The point is this case." : "", " Risks of the cohort are out of fold."));
}

/** The quantile of a share, from evenly spaced quantiles. */
function quantile(quantiles, share) {
  const place = share * (quantiles.length - 1), below = Math.floor(place);
  const above = Math.min(below + 1, quantiles.length - 1);
  return quantiles[below] + (place - below) * (quantiles[above] - quantiles[below]);
}

/** The record alone beside all blocks, at the first horizon. */
function recordOnly({ record_only: record, risks: [risk], modalities_used: used }) {
  const alone = record && risk && riskAt(record.risks, risk.horizon_years);
  if (!alone) return null;
  const others = words.listed(used.filter((title) => !record.modalities.includes(title)));
  return h("div", { class: "compared" }, h("h3", {}, "The record alone"),
    h("p", {}, moved(others, alone, risk), ` at ${words.years(risk.horizon_years)}.`),
    pair(alone, words.listed(record.modalities)), pair(risk, words.listed(used)), h("div", { class: "pair" }, percentScale()));
}

function moved(blocks, from, to) {
  const [before, after] = [words.percent(from.risk), words.percent(to.risk)];
  const subject = `With ${blocks} as well, the risk `;
  if (before !== after) return [`${subject}moves from ${before} to `, h("b", {}, after)];
  return `${subject}stays at ${after}, and its interval moves from ${words.range(from)} to ${words.range(to)}`;
}

function rule(answer) {
  if (!answer) return null;
  return h("div", { class: "compared" }, h("h3", {}, "The rule of the profile"),
    h("p", {}, sentence(answer.sentence)),
    h("details", {}, h("summary", {}, "The rule"), h("p", {}, h("code", {}, answer.expression))));
}
