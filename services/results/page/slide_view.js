// Slides of a score: quality, and where the model looked, drawn over the slide's small picture.

import { attention, Problem, thumbnail } from "./api.js";
import { drawAttention, drawTop, hasPreference, legend } from "./attention.js";
import { h, pairs, section } from "./dom.js";
import { chip } from "./parts.js";
import { format } from "./viewer_address.js";
import * as words from "./words.js";

const STATUSES = ["ok", "background", "pen", "blurred", "corrupt"];
const WIDEST = 1200;

/** All slides of a score, each with its map. */
export function showSlides(caseId, score, signal) {
  const leftOut = new Set(score.left_out.map((entry) => entry.slide_id));
  return section("Slides", ...score.slides.map((slide) => slideArticle(caseId, slide, composition(score, slide), leftOut.has(slide.slide_id), signal)));
}

/** The expected share of each class of a slide's tiles; empty where the bundle has no classifier of tiles. */
const composition = ({ composition_classes: classes }, slide) => slide.composition_shares.map((share, i) => `${classes[i]} ${words.percent(share)}`).join(", ");

function slideArticle(caseId, slide, shares, isLeftOut, signal) {
  const picture = h("div", { class: "picture" }, h("p", { class: "wait" }, "Loading the map \u2026"));
  const ranking = h("div", {});
  const fill = ([children, squares]) => { picture.replaceChildren(...children); ranking.replaceChildren(...ranked(slide, squares)); };
  map(caseId, slide, signal).then(fill, (error) => { if (!signal.aborted) fill([[h("p", { class: "wait" }, error.message)], null]); });
  return h("article", { class: "slide" }, h("h3", {}, `Slide ${slide.slide_id}`, isLeftOut ? [" ", chip(words.flag("left_out_slide"))] : null),
    h("p", { class: "open-slide" }, h("a", { href: format(caseId, slide.slide_id) }, "Open the slide")),
    h("div", { class: "columns" }, picture, facts(slide, shares, ranking)));
}

function facts(slide, shares, ranking) {
  const isChecked = !slide.qc_flags.includes("quality_not_checked");
  const ledger = slide.ledger ?? {};
  const micron = (value) => `${words.number(value, 3)} \u00b5m/px`;
  const axes = slide.mpp_x === slide.mpp_y ? micron(slide.mpp_x) : `${micron(slide.mpp_x)} \u00d7 ${micron(slide.mpp_y)}`;
  const resolution = slide.mpp_x ? `${axes}, from ${slide.mpp_source}` : "not stated";
  const size = slide.width_px ? `${words.count(slide.width_px)} \u00d7 ${words.count(slide.height_px)} px` : "not stated";
  const remarks = [...slide.qc_flags, ...(slide.out_of_distribution?.flagged ? ["out_of_distribution"] : [])];
  return h("div", { class: "facts" },
    h("h4", {}, "Quality"),
    remarks.length ? h("p", { class: "chips" }, remarks.map((name) => chip([words.plain(name), "warn"]))) : h("p", {}, "Nothing remarkable."),
    h("table", { class: "plain ledger" }, h("caption", {}, "Tiles"), h("tbody", {}, (isChecked ? STATUSES : ["ok"]).map((name) =>
      h("tr", {}, h("th", { scope: "row" }, isChecked ? name : "embedded"), h("td", {}, words.count(ledger[name] ?? 0)))))),
    pairs([["Resolution", resolution], ["Size", size],
      ["Composition, expected", shares], ["Distance from training slides", words.distance(slide.out_of_distribution)]]),
    ranking);
}

function ranked(slide, squares) {
  if (isEven(squares)) return [h("p", {}, "The model had no preference among the tiles: the highest attention is about the mean.")];
  return slide.top_tiles.length ? [h("h4", {}, "Most attended tiles"),
    h("ol", { class: "tiles" }, slide.top_tiles.map((tile) => h("li", {},
      `${words.share(tile.attention)} of the case's attention at ${words.count(tile.x_px)}, ${words.count(tile.y_px)} px`)))] : [];
}

/** Where there is no map, nothing is said of it. */
const isEven = (squares) => squares !== null && !hasPreference(squares);

async function map(caseId, slide, signal) {
  const [image, squares] = await Promise.all([thumbnail(caseId, slide.slide_id, signal),
    slide.attention_key ? absent(attention(caseId, slide.slide_id, signal)) : null]);
  if (!image && !squares) return [[h("p", { class: "wait" }, "No picture and no map are stored of this slide.")], null];
  const size = sizeOf(image, slide);
  const [base, heat, top] = [image && paint(size, (pen) => pen.drawImage(image, 0, 0, size.width, size.height)),
    squares && paint(size, (pen) => drawAttention(pen, size, slide, squares)),
    !isEven(squares) && paint(size, (pen) => drawTop(pen, size, slide))];
  heat?.classList.add("heat");
  const alone = h("div", { class: "stack", role: "img", "aria-label": `Attention map of slide ${slide.slide_id}` }, base || "", heat || "", top || "");
  return [[alone, heat ? controls(heat, top, slide, squares) : ""], squares];
}

function controls(heat, top, slide, squares) {
  const strength = h("input", { type: "range", min: "0", max: "100", value: "65", "aria-label": `Opacity of the attention map of slide ${slide.slide_id}` });
  const marks = h("input", { type: "checkbox", checked: true });
  const apply = () => { heat.style.opacity = String(strength.valueAsNumber / 100); if (top) top.hidden = !marks.checked; };
  strength.addEventListener("input", apply);
  marks.addEventListener("change", apply);
  apply();
  return h("div", { class: "controls" }, legend(squares), h("label", {}, "Map ", strength), top ? h("label", {}, marks, " Mark top tiles") : "");
}

function paint({ width, height }, draw) {
  const canvas = h("canvas", { width, height });
  draw(canvas.getContext("2d"));
  return canvas;
}

function sizeOf(image, slide) {
  const [width, height] = image ? [image.width, image.height] : [slide.width_px, slide.height_px];
  const scale = Math.min(2, WIDEST / Math.max(width, height, 1));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

async function absent(request) {
  try {
    return await request;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}
