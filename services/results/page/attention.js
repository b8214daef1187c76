// Paints attention: colours from pale to deep, the most attended tiles outlined and numbered.

import { h } from "./dom.js";
import { mergedNote, paintSquares } from "./squares.js";
import * as words from "./words.js";

const RAMP = [[255, 247, 188], [254, 196, 79], [217, 95, 14], [140, 20, 60], [60, 0, 70]];
const FAINTEST = 0.04;
// Attention of the deepest colour over the mean, so that a uniform map does not look like a distinct one.
const STRIKING = 4;
// The highest attention over the mean, up to which the model had no preference among the tiles.
const PREFERENCE = 1.05;

/** Whether the most attended tile stands out from the slide's mean at all. */
export const hasPreference = (squares) => highest(squares) > PREFERENCE * squares.mean;

/** Colour squares by attention; `size` is the canvas in pixels, `slide` gives the slide's own size. */
export function drawAttention(pen, size, slide, squares) {
  const deepest = Math.max(highest(squares), STRIKING * squares.mean);
  paintSquares(pen, size, slide, squares, (i) => {
    const share = Math.sqrt(squares.attention[i] / deepest);
    return colour(share, FAINTEST + (1 - FAINTEST) * share);
  });
}

/** Outline and number the most attended tiles. */
export function drawTop(pen, size, slide) {
  const [sx, sy] = [size.width / slide.width_px, size.height / slide.height_px];
  const unit = Math.max(size.width, size.height) / 400;
  const [w, hgt] = [Math.max(slide.tile_width_px * sx, 4 * unit), Math.max(slide.tile_height_px * sy, 4 * unit)];
  slide.top_tiles.forEach((tile, i) => {
    const [x, y] = [tile.x_px * sx, tile.y_px * sy];
    outline(pen, x, y, w, hgt, unit);
    label(pen, String(i + 1), x, y, unit);
  });
}

function outline(pen, x, y, w, hgt, unit) {
  for (const [width, style] of [[1.4 * unit, "#fff"], [0.7 * unit, "#111827"]]) {
    pen.lineWidth = width;
    pen.strokeStyle = style;
    pen.strokeRect(x, y, w, hgt);
  }
}

function label(pen, text, x, y, unit) {
  pen.font = `600 ${10 * unit}px sans-serif`;
  const width = pen.measureText(text).width + 6 * unit;
  pen.fillStyle = "#111827";
  pen.fillRect(x, y, width, 13 * unit);
  pen.fillStyle = "#fff";
  pen.fillText(text, x + 3 * unit, y + 10 * unit);
}

/** What the colours mean. */
export function legend(squares) {
  const bar = h("canvas", { width: 160, height: 10, "aria-hidden": "true" });
  const pen = bar.getContext("2d");
  for (let x = 0; x < 160; x += 1) {
    pen.fillStyle = colour(x / 159, 1);
    pen.fillRect(x, 0, 1, 10);
  }
  const note = mergedNote(squares.merged, "highest");
  return h("div", { class: "legend" }, h("span", {}, "less"), bar, h("span", {}, `more attention (highest ${words.share(highest(squares))}, mean ${words.share(squares.mean)} of the case${note ? `; ${note}` : ""})`));
}

const highest = (squares) => squares.attention.reduce((most, value) => Math.max(most, value), 1e-12);

function colour(share, alpha) {
  const place = Math.min(share, 1) * (RAMP.length - 1);
  const i = Math.min(Math.floor(place), RAMP.length - 2);
  const mixed = RAMP[i].map((from, c) => Math.round(from + (RAMP[i + 1][c] - from) * (place - i)));
  return `rgba(${mixed.join(",")},${alpha})`;
}
