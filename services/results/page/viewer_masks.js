// Paints what the plan says of a slide: its tissue mask, and what became of every tile.

import { tiles, tissue } from "./api.js";
import { fillSquare } from "./squares.js";

// Colours that people with any colour vision can tell apart (Okabe and Ito, 2008).
const GREEN = [0, 158, 115], BLUE = [0, 114, 178], ORANGE = [230, 159, 0], BLACK = [0, 0, 0], GREY = [120, 130, 145];
const SHADES = new Map([[255, { label: "tissue", colour: GREEN }], [128, { label: "pen ink", colour: BLUE }], [64, { label: "unreadable", colour: BLACK }]]);
const CLASSES = new Map(Object.entries({
  background: { label: "background", colour: GREY }, pen: { label: "pen ink", colour: BLUE },
  blurred: { label: "blurred", colour: ORANGE }, corrupt: { label: "damaged", colour: BLACK },
}));

/** The tissue mask: `paint(pen, size)` and its colours. */
export async function tissueMap(caseId, slideId, signal) {
  const mask = await tissue(caseId, slideId, signal);
  return { colours: [...SHADES.values()], paint: (pen, size) => paintMask(pen, size, mask) };
}

/** Tiles that the model did not see, and why; tiles that it saw stay clear. */
export async function qualityMap(caseId, slide, signal) {
  const grid = await tiles(caseId, slide.slide_id, signal);
  return { colours: [...CLASSES.values()], merged: grid.merged, paint: (pen, size) => paintTiles(pen, size, slide, grid) };
}

function paintMask(pen, { width, height }, mask) {
  pen.imageSmoothingEnabled = false;
  pen.drawImage(mask, 0, 0, width, height);
  const image = pen.getImageData(0, 0, width, height);
  for (let at = 0; at < image.data.length; at += 4) {
    const shade = SHADES.get(image.data[at]);
    image.data.set(shade ? [...shade.colour, 255] : [0, 0, 0, 0], at);
  }
  pen.putImageData(image, 0, 0);
}

function paintTiles(pen, size, slide, { classes, rows, square_width_px: across, square_height_px: down }) {
  const [sx, sy] = [(across * size.width) / slide.width_px, (down * size.height) / slide.height_px];
  rows.forEach((row, y) => [...row].forEach((digit, x) => {
    const known = CLASSES.get(classes[digit]);
    if (known) fillSquare(pen, `rgb(${known.colour.join(",")})`, [x * sx, y * sy], [(x + 1) * sx, (y + 1) * sy]);
  }));
}
