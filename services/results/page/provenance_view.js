// What a score was computed from, and the scores before it.

import { h, pairs, section } from "./dom.js";
import { group } from "./parts.js";
import * as words from "./words.js";

const COLUMNS = ["As of", "Risk", "Group", "Certainty", "Bundle", "Score"];

/** Digests of everything that a score was computed from. */
export function provenance(score) {
  const sources = score.provenance ?? { slides: [] };
  return section("Provenance", h("details", {},
    h("summary", {}, `Score ${words.short(score.score_id)}, bundle ${sources.bundle_name}`),
    pairs([
      ["Score", digest(score.score_id)],
      ["Model bundle", [sources.bundle_name, " ", digest(sources.bundle_digest)]],
      ["Encoder", [sources.encoder_name, " ", digest(sources.encoder_digest)]],
      ["Clinical record", digest(sources.clinical_digest) || "none"],
      ...(sources.vectors ?? []).map((vector) => [`Vector ${vector.block}`, digest(vector.digest)]),
      ...sources.slides.flatMap(digests),
      ["Program", sources.program_version],
    ])));
}

const digest = (text) => (text ? h("code", {}, text) : "");
const digests = (slide) => [
  [`Slide ${slide.slide_id}`, digest(slide.slide_digest)],
  [`Plan of ${slide.slide_id}`, digest(slide.plan_digest)],
  [`Embeddings of ${slide.slide_id}`, digest(slide.bag_digest)],
];

/** The scores before the current one. */
export function history(older) {
  return section("Older scores", h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table of older scores" }, h("table", { class: "plain older" },
    h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, older.map(row)))));
}

function row({ score, as_of: asOf }) {
  const cells = [words.time(asOf), firstRisk(score), group(words.certainty(score.certainty?.state) ? "" : score.risk_group), certainty(score),
    score.provenance?.bundle_name ?? "", h("code", { title: score.score_id }, words.short(score.score_id))];
  return h("tr", {}, cells.map((cell, i) => h("td", { "data-name": COLUMNS[i] }, cell)));
}

/** A dash where the scorer abstained, and for scores of programs that stated none. */
function certainty({ abstained, certainty: stated }) {
  if (abstained || !stated?.state) return h("span", { class: "none" }, "\u2014");
  return words.certainty(stated.state)?.[0] ?? "Clear";
}

function firstRisk(score) {
  const [risk] = score.risks;
  if (score.abstained || !risk) return "abstained";
  return `${words.percent(risk.risk)} (${words.range(risk)}) at ${words.years(risk.horizon_years)}`;
}
