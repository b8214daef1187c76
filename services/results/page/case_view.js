// One case: its risk, what moved it, its slides, what was refused, what it was made from, and what was said before.

import { oneCase, scores, thumbnail } from "./api.js";
import { h, pairs, section } from "./dom.js";
import { listen } from "./events.js";
import { chip, flags, progress, sentence } from "./parts.js";
import { contributions, risks } from "./risk_view.js";
import { showSlides } from "./slide_view.js";
import * as words from "./words.js";

// Most lines above the risk, so that it stays in view; the rest unfolds.
const MOST_LOOKS = 8;

/** Shows a case in `main` until `signal` aborts. */
export async function showCase(main, id, signal, banner) {
  const moving = new Map(), way = h("div", {});
  const draw = async () => {
    const [found, kept] = await Promise.all([oneCase(id, signal), scores(id, signal)]);
    banner(Boolean(found.score?.simulated));
    main.replaceChildren(...parts(found, kept, way, signal));
    way.replaceChildren(...onTheWay(found, moving));
    return found;
  };
  let found = await draw();
  listen(id, signal, async (kind, data) => {
    if (kind === "case") found = await draw().catch(() => found);
    if (kind === "progress") moving.set(data.slide_id, data);
    way.replaceChildren(...onTheWay(found, moving));
  });
}

function parts(found, kept, way, signal) {
  const { summary, score, rejections } = found;
  const older = kept.filter((one) => !one.current);
  return [
    h("p", { class: "back" }, h("a", { href: "#/" }, "\u2190 All cases")),
    h("div", { class: "title" }, h("h1", {}, summary.case_id), chip(words.state(summary.state)), flags(summary.flags)),
    way,
    found.withdrawn ? withdrawn(found.withdrawn) : null,
    score ? lookFirst(score) : null,
    score ? verdict(score, kept) : null,
    rejections.length ? refused(rejections, signal) : null,
    score?.slides.length ? showSlides(summary.case_id, score, signal) : null,
    score ? provenance(score) : null,
    older.length ? history(older) : null,
  ].filter(Boolean);
}

function onTheWay({ summary }, moving) {
  const items = [...moving.values()];
  return items.length && summary.state === "CASE_STATE_IN_PROGRESS" ? [section("On the way", progress(items))] : [];
}

function verdict(score, kept) {
  const asOf = kept.find((one) => one.current)?.as_of;
  if (score.abstained) return h("div", { class: "columns" }, abstained(score, asOf), basis(score, asOf));
  return h("div", { class: "columns" },
    h("div", {}, risks(score), basis(score, asOf)),
    score.contributions.length ? contributions(score) : null);
}

function withdrawn(why) {
  return section("This case has no current score", h("p", { class: "abstained" }, why),
    h("p", { class: "advice" }, "Scores that were made before are listed below."));
}

/** What a person should see before the risk: remarks, and slides that the score was made without. */
function lookFirst(score) {
  const leftOut = score.left_out.map((one) => [h("b", {}, `Slide ${one.slide_id} was left out of the score`), ` (${words.plain(one.reason)}). `, sentence(one.sentence)]);
  const swaps = score.remarks.filter(isSwap), others = score.remarks.filter((one) => !isSwap(one));
  const items = [...swaps.map((one) => h("b", {}, one.sentence)), ...leftOut, ...others.map((one) => one.sentence)];
  if (!items.length) return null;
  const part = section("Look at this first", bullets(items.slice(0, MOST_LOOKS)), rest(items.slice(MOST_LOOKS)));
  part.classList.add("look");
  return part;
}

const isSwap = (remark) => remark.code === "same_slide_in_two_cases";
const bullets = (items) => h("ul", {}, items.map((one) => h("li", {}, h("bdi", {}, one))));
const rest = (items) => (items.length ? h("details", {}, h("summary", {}, `${items.length} more`), bullets(items)) : null);

function abstained(score) {
  return section("No risk is given",
    h("p", { class: "abstained" }, "The scorer abstained. ", score.abstained_reason),
    h("p", { class: "advice" }, "What it saw is below; no number of this score may be read as a risk."));
}

function basis(score, asOf) {
  return section("What it rests on", pairs([
    ["Model", words.model(score)],
    ["Used", score.modalities_used.join(", ")],
    ["Missing", score.modalities_missing.join(", ")],
    ["Known but left aside", score.modalities_left_aside.join(", ")],
    ["Percentile", score.abstained ? "" : `${words.ordinal(score.percentile)} of the training cohort`],
    ["Distance from training data", words.distance(score.out_of_distribution)],
    ...score.vectors.map((one) => [`Vector: ${one.title}`, vector(one)]),
    ...score.readings.map((one) => [one.label || words.plain(one.variable), ["\u201c", h("bdi", {}, one.written), "\u201d, read as ", h("bdi", {}, one.value)]]),
    ["As of", words.time(asOf)],
  ]));
}

/** How much of a vector is known, and how far it lies from the training data. */
function vector({ known_columns: known, model_columns: all, out_of_distribution: far }) {
  const away = words.distance(far);
  return `${words.count(known)} of ${words.count(all)} columns known${away ? `, distance from training data ${away}` : ""}`;
}

function refused(rejections, signal) {
  return section("Refused inputs", h("ul", { class: "refused" }, rejections.map((one) => h("li", {},
    one.thumbnail_key ? small(one, signal) : null,
    h("p", {}, h("b", {}, words.refused(one)), " \u2014 ", one.sentence),
    h("p", { class: "advice" }, one.advice),
    h("p", { class: "small" }, h("code", {}, one.reason), ` from ${one.service}, ${words.time(one.as_of)}`,
      one.object_key ? [", ", h("code", {}, one.object_key)] : null)))));
}

/** The picture kept of a refused slide, as soon as it is here. */
function small(one, signal) {
  const canvas = h("canvas", { width: 1, height: 1, role: "img", "aria-label": `Picture of slide ${one.slide_id}` });
  const show = (image) => {
    if (!image) return canvas.remove();
    Object.assign(canvas, { width: image.width, height: image.height });
    canvas.getContext("2d").drawImage(image, 0, 0);
  };
  thumbnail(one.case_id, one.slide_id, signal).then(show, () => canvas.remove());
  return canvas;
}

function provenance(score) {
  const made = score.provenance ?? { slides: [] };
  const digest = (text) => (text ? h("code", {}, text) : "");
  return section("Provenance", h("details", {}, h("summary", {}, `Score ${words.short(score.score_id)}, bundle ${made.bundle_name}`), pairs([
    ["Score", digest(score.score_id)],
    ["Model bundle", [made.bundle_name, " ", digest(made.bundle_digest)]],
    ["Encoder", [made.encoder_name, " ", digest(made.encoder_digest)]],
    ["Clinical record", digest(made.clinical_digest) || "none"],
    ...(made.vectors ?? []).map((one) => [`Vector ${one.block}`, digest(one.digest)]),
    ...made.slides.flatMap((one) => [
      [`Slide ${one.slide_id}`, digest(one.slide_digest)],
      [`Plan of ${one.slide_id}`, digest(one.plan_digest)],
      [`Embeddings of ${one.slide_id}`, digest(one.bag_digest)],
    ]),
    ["Program", made.program_version],
  ])));
}

function history(older) {
  const row = ({ score, as_of: asOf }) => {
    const first = score.risks[0];
    const said = score.abstained || !first ? "abstained" : `${words.percent(first.risk)} (${words.range(first)}) at ${first.horizon_years} years`;
    return h("tr", {}, h("td", {}, words.time(asOf)), h("td", {}, said), h("td", {}, words.plain(score.risk_group)),
      h("td", {}, score.provenance?.bundle_name ?? ""), h("td", {}, h("code", { title: score.score_id }, words.short(score.score_id))));
  };
  return section("Older scores", h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table of older scores" }, h("table", { class: "plain" },
    h("thead", {}, h("tr", {}, ["As of", "Risk", "Group", "Bundle", "Score"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, older.map(row)))));
}
