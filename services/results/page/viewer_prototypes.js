// Prototypes: groups of similar tiles in colours of their own, what goes with each, and a choice of those that are painted.

import { prototypes } from "./api.js";
import { h } from "./dom.js";
import { sentence } from "./parts.js";
import { mergedNote, paintSquares, swatch } from "./squares.js";
import * as words from "./words.js";

// Colours that people with any colour vision can tell apart (Okabe and Ito, 2008), by number of the prototype.
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#f0e442", "#d55e00", "#56b4e9", "#000000", "#cc79a7"];
const MEANING = "Prototypes are groups of similar tiles, found without labels. \u201cGoes with\u201d is an association in the training cohort, "
  + "not adjusted for anything: the hazard ratio, with its 95\u202f% interval, of one standard deviation more of the share. No risk is computed from it.";

/** Why a score has no prototypes of a slide; empty where it has some. */
export function unavailableReason(score, slide) {
  if (slide.prototype_shares.length) return "";
  return score.prototypes.length ? "No prototypes: the model did not read this slide." : "No prototypes: the bundle of this score has none.";
}

/** The layer: `paint(pen, size)`, its legend, and `onChange(call)` for a choice of prototypes. */
export async function prototypeLayer(caseId, slide, score, signal) {
  const squares = await prototypes(caseId, slide.slide_id, signal);
  const hidden = new Set();
  let changed = () => {};
  const choose = (number, isShown) => { if (isShown) hidden.delete(number); else hidden.add(number); changed(); };
  return {
    paint: (pen, size) => paintSquares(pen, size, slide, squares, (i) => (hidden.has(squares.prototype[i]) ? null : COLOURS[squares.prototype[i]])),
    legend: legend(score, slide, squares, choose),
    onChange: (call) => { changed = call; },
  };
}

function legend(score, slide, { merged }, choose) {
  const shown = score.prototypes.filter(({ number }) => slide.prototype_shares[number] > 0);
  const name = `Prototypes of slide ${slide.slide_id}`, note = mergedNote(merged, "most frequent");
  return h("div", { class: "classes prototypes" },
    h("p", {}, `${score.simulated ? "SIMULATED. " : ""}Prototypes:`),
    h("ul", { "aria-label": name }, shown.map((each) => entry(each, slide.prototype_shares[each.number], choose))),
    h("p", { class: "small" }, MEANING),
    note && h("p", { class: "small" }, sentence(note)));
}

function entry({ number, hazard_ratio: ratio }, share, choose) {
  const box = h("input", { type: "checkbox", checked: true, onchange: ({ target }) => choose(number, target.checked) });
  return h("li", {}, h("label", {}, box, swatch(COLOURS[number]),
    h("span", {}, `Prototype ${number}, ${words.percent(share)} of tiles, ${direction(ratio)}`, ratio ? h("span", { class: "ratio" }, ` (hazard ratio ${interval(ratio)})`) : null)));
}

/** What goes with a larger share, as far as the interval shows it as it is written; shared/associations.py says the same in reports. */
function direction(ratio) {
  if (!ratio) return "association with risk not known";
  if (Number(ratio.lo.toFixed(2)) > 1) return "goes with higher risk";
  return Number(ratio.hi.toFixed(2)) < 1 ? "goes with lower risk" : "no clear association with risk";
}

const interval = ({ ratio, lo, hi }) => `${words.number(ratio)}, ${words.number(lo)} to ${words.number(hi)}`;
