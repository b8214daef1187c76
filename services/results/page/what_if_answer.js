// What the model answers to other values, beside the stored score.

import { h } from "./dom.js";
import { bullets, looks } from "./look_view.js";
import { chip, flags, pair, percentScale } from "./parts.js";
import { abstained, standing } from "./risk_view.js";
import * as words from "./words.js";

/** The answer: risk and group beside the stored ones, what moved, and what to look at. */
export function answerBeside(stored, score, request) {
  return [
    h("p", { class: "chips" }, chip(["Not stored", "note"]), flags(flagsOf(score))),
    ...(score.abstained ? [abstained(score)] : [standing(score), horizons(stored, score), eventFree(score, request)]),
    moved(stored, score),
    looks(score).length ? h("div", { class: "looks" }, h("h3", {}, "Look at this"), bullets(looks(score))) : null,
  ].filter(Boolean);
}

/** The answer in a sentence. */
export function headline(stored, score) {
  const [risk, before] = [score.abstained ? null : score.risks[0], riskAt(stored, score.risks[0]?.horizon_years)];
  if (!risk) return "No risk is given for these values.";
  const now = `Risk at ${words.years(risk.horizon_years)}: ${words.percent(risk.risk)} (${words.range(risk)})`;
  return before ? `${now}, stored ${words.percent(before.risk)} (${words.range(before)}).` : `${now}.`;
}

const riskAt = (score, years) => (score && !score.abstained ? score.risks.find((risk) => risk.horizon_years === years) : null);

function horizons(stored, score) {
  return h("div", { class: "beside" }, score.risks.map((risk) => {
    const before = riskAt(stored, risk.horizon_years);
    return h("div", {}, h("h3", {}, `Risk at ${words.years(risk.horizon_years)}`),
      before ? pair(before, "stored", "before") : null, pair(risk, "what if"));
  }), h("div", { class: "pair" }, percentScale()));
}

/** Risks given the years without an event that were asked for. */
function eventFree(score, { event_free_years: years }) {
  if (!years || !score.event_free_risks.length) return null;
  return h("div", { class: "beside" }, h("h3", {}, `If there is no event until ${words.years(years)}`),
    score.event_free_risks.map((risk) => pair(risk, `by ${words.years(risk.horizon_years)}`)));
}

/** Shares of the log-risk that differ from those of the stored score. */
function moved(stored, score) {
  const before = new Map((stored?.contributions ?? []).map((row) => [row.variable, row]));
  const rows = score.contributions.filter((row) => share(row) !== share(before.get(row.variable)));
  if (score.abstained || !rows.length) return null;
  return h("table", { class: "plain" }, h("caption", {}, "Hazard ratios that differ"),
    h("thead", {}, h("tr", {}, ["Variable", "Stored", "What if"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.label || words.plain(row.variable)),
      h("td", {}, share(before.get(row.variable))), h("td", {}, share(row))))));
}

const share = (row) => (row ? `${row.value} \u00d7${words.number(Math.exp(row.log_hazard))}` : "\u2014");

/** Flags of an answer, as the list of cases has them for stored scores. */
function flagsOf(score) {
  const distances = [score, ...score.slides, ...score.vectors].map((evidence) => evidence.out_of_distribution);
  const swapped = score.remarks.some((remark) => remark.code === "same_slide_in_two_cases");
  return [
    distances.some((far) => far?.flagged) && "out_of_distribution",
    ...score.modalities_missing.map((title) => `missing_${title}`),
    score.modalities_left_aside.length && "left_aside",
    score.left_out.length && "left_out_slide",
    swapped && "same_slide_in_two_cases",
    score.remarks.length && "remark",
    score.simulated && "simulated",
  ].filter(Boolean);
}
