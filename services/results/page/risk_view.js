// Risk at each horizon with its interval, the risk group, and how certain both are.

import { h, section } from "./dom.js";
import { interval, percentScale, sentence } from "./parts.js";
import * as words from "./words.js";

const UNSURE = {
  crosses_threshold: "The likely range of the risk reaches across the limit between two risk groups, so no group is given.",
  too_uncertain: "The likely range of the risk is so wide that it says little about this patient, so no group is given.",
};

/** Risks at the horizons and the group they set, or why there is none. */
export function risks(score) {
  const level = words.percent(score.risks[0]?.level ?? 0.9);
  return section("Risk of recurrence",
    standing(score),
    h("div", { class: "horizons" }, score.risks.map(horizon), h("div", { class: "horizon scale" }, percentScale())),
    h("p", { class: "small" }, `Line: ${level} interval. Cumulative incidence of relapse; competing events are accounted for.`));
}

/** The group, or the words for its absence, with the rule behind it; null where a score has neither. */
export function standing({ risk_group: name, risk_group_rule: rule, certainty }) {
  const unsure = UNSURE[certainty?.state];
  if (!unsure && !name) return null;
  return h("div", { class: unsure ? "standing unsure" : "standing" },
    h("p", {}, unsure ?? h("b", { class: "group" }, words.group(name))),
    meaning(rule, certainty, Boolean(unsure)));
}

/** What the threshold means, and the rule that set the certainty. */
function meaning(rule, certainty, isUnsure) {
  const sentences = [rule, certainty?.rule].filter(Boolean);
  if (!sentences.length) return null;
  return h("details", {}, h("summary", {}, isUnsure ? "Why there is no group" : "What this group means"),
    sentences.map((text) => h("p", {}, sentence(text))));
}

/** Why the scorer abstained. */
export const abstained = (score) => h("p", { class: "abstained" }, "The scorer abstained. ", score.abstained_reason);

function horizon(risk) {
  const label = words.years(risk.horizon_years);
  return h("div", { class: "horizon" },
    h("span", { class: "when" }, label),
    h("span", { class: "big" }, words.percent(risk.risk)),
    h("span", { class: "between" }, words.range(risk)),
    interval(risk, `Risk at ${label}`));
}
