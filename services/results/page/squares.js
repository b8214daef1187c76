// Squares of a map of a slide: their place on a canvas, their colours, and what squares of several tiles show.

import { h } from "./dom.js";

/** Paint columns of squares over a slide of `size` canvas pixels; `colourOf(i)` is a colour, or null to leave square i clear. */
export function paintSquares(pen, size, slide, squares, colourOf) {
  const [sx, sy] = [size.width / slide.width_px, size.height / slide.height_px];
  squares.x.forEach((left, i) => {
    const colour = colourOf(i), top = squares.y[i];
    if (colour) fillSquare(pen, colour, [left * sx, top * sy], [(left + squares.square_width_px) * sx, (top + squares.square_height_px) * sy]);
  });
}

/** Fill between two corners, in canvas pixels, rounded so that neighbours meet, and at least a pixel wide and high. */
export function fillSquare(pen, colour, [left, top], [right, below]) {
  const [x, y] = [Math.round(left), Math.round(top)];
  pen.fillStyle = colour;
  pen.fillRect(x, y, Math.max(1, Math.round(right) - x), Math.max(1, Math.round(below) - y));
}

/** A sample of a colour, for legends. */
export function swatch(colour) {
  const sample = h("span", { class: "swatch", "aria-hidden": "true" });
  sample.style.background = colour;
  return sample;
}

/** What a square of several tiles shows; null where each square is one tile. */
export const mergedNote = (merged, shown) => (merged > 1 ? `each square is ${merged} \u00d7 ${merged} tiles and shows the ${shown}` : null);
