// The most attended tiles of a slide, as pictures; a click flies there, and each can be marked as an artefact.

import { ArtefactMarks } from "./artefact_marks.js";
import { paintPart } from "./deep_zoom.js";
import { h } from "./dom.js";
import { flyTo } from "./viewer_place.js";
import * as words from "./words.js";

const PART_PX = 96;
const CLOSE_UP = 3;

/** Heading and list of the tiles. */
export function ranked(viewer, { caseId, slide, image }, signal) {
  const marks = new ArtefactMarks(caseId, slide, signal);
  const tiles = slide.top_tiles.map((tile, index) => {
    const picture = h("canvas", { width: PART_PX, height: PART_PX, "aria-hidden": "true" });
    const square = { x: tile.x_px, y: tile.y_px, side: slide.tile_width_px };
    paintPart(picture, slide.slide_digest, image, square, signal).catch(() => picture.classList.add("missing"));
    const rectangle = { x: tile.x_px, y: tile.y_px, width: slide.tile_width_px, height: slide.tile_height_px };
    const fly = () => flyTo(viewer, rectangle, CLOSE_UP);
    return h("li", {}, h("button", { type: "button", onclick: fly }, picture, `${index + 1}. ${words.share(tile.attention)} of attention`), marks.beside(tile, index + 1));
  });
  marks.read();
  return [h("h2", {}, "Most attended tiles"), tiles.length ? h("ol", { class: "ranked" }, tiles) : h("p", { class: "none" }, "None is kept with this score."), marks.refusal];
}
