// What a score rests on: the model, the blocks of evidence, and the record's values as they were read.

import { h, pairs, section } from "./dom.js";
import * as words from "./words.js";

/** The section; `asOf` is when the newest input landed. */
export function basis(score, asOf) {
  return section("What it rests on", pairs([
    ["Model", words.model(score)],
    ["Used", score.modalities_used.join(", ")],
    ["Missing", score.modalities_missing.join(", ")],
    ["Known but left aside", score.modalities_left_aside.join(", ")],
    ["Percentile", score.abstained ? "" : `${words.ordinal(score.percentile)} of the training cohort`],
    ["Distance from training data", words.distance(score.out_of_distribution)],
    ...score.vectors.map((evidence) => [`Vector: ${evidence.title}`, vector(evidence)]),
    ...score.readings.map((reading) => [reading.label || words.plain(reading.variable), read(reading)]),
    ["As of", words.time(asOf)],
  ]));
}

const read = ({ written, value }) => ["\u201c", h("bdi", {}, written), "\u201d, read as ", h("bdi", {}, value)];

/** How much of a vector is known, and how far it lies from the training data. */
function vector({ known_columns: known, model_columns: columns, out_of_distribution: far, from_slides: isFromSlides }) {
  const distance = words.distance(far), source = isFromSlides ? "from the slides by the bundle's classifier of tiles, " : "";
  return `${source}${words.count(known)} of ${words.count(columns)} columns known${distance ? `, distance from training data ${distance}` : ""}`;
}
