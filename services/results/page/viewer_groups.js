// Groups of tiles in colours of their own, prototypes or classes: the share of each, and a choice of those that are painted.

import { composition, prototypes } from "./api.js";
import { h } from "./dom.js";
import { sentence } from "./parts.js";
import { mergedNote, paintSquares, swatch } from "./squares.js";
import * as words from "./words.js";

// Colours that people with any colour vision can tell apart (Okabe and Ito, 2008), by number of the group; shared/export/geojson.py has the same.
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#f0e442", "#d55e00", "#56b4e9", "#000000", "#cc79a7"];

/** Groups of similar tiles, and what goes with each. */
export const PROTOTYPES = {
  title: "Prototypes", load: prototypes, column: "prototype",
  shares: (slide) => slide.prototype_shares, painted: ({ prototypes: groups }) => foremost(groups),
  text: (score, number, share) => prototype(score.prototypes.find((each) => each.number === number), share),
  meaning: "Prototypes are groups of similar tiles, found without labels. \u201cGoes with\u201d is an association in the training cohort, "
    + "not adjusted for anything: the hazard ratio, with its 95\u202f% interval, of one standard deviation more of the share. No risk is computed from it.",
};

/** Classes that a pathologist labelled, by the bundle's classifier of tiles. */
export const COMPOSITION = {
  title: "Composition", load: composition, column: "class",
  shares: (slide) => slide.composition_shares, painted: ({ composition_classes: classes }) => [...classes.keys()],
  text: (score, number, share) => h("span", {}, `${score.composition_classes[number]}, ${words.percent(share)} of tiles`),
  meaning: "Each tile has the colour of its likeliest class. Shares are expected shares, mean probabilities of all tiles of the slide, "
    + "so a rare class may have a share where no tile has its colour. They are no diagnosis.",
};

/** Numbers of the prototypes that have a colour: all, or as many as there are colours, those with the hazard ratios farthest from 1. */
function foremost(groups) {
  const strength = ({ hazard_ratio: ratio }) => (ratio ? Math.abs(Math.log(ratio.ratio)) : 0);
  const chosen = [...groups].sort((left, right) => strength(right) - strength(left)).slice(0, COLOURS.length);
  return chosen.map(({ number }) => number).sort((left, right) => left - right);
}

/** Why a score has no prototypes of a slide; empty where it has some. */
export function unavailableReason(score, slide) {
  if (slide.prototype_shares.length) return "";
  return score.prototypes.length ? "No prototypes: the model did not read this slide." : "No prototypes: the bundle of this score has none.";
}

/** The layer of a kind of groups: `paint(pen, size)`, its legend, and `onChange(call)` for a choice of groups. */
export async function groupLayer(kind, caseId, slide, score, signal) {
  const squares = await kind.load(caseId, slide.slide_id, signal), numbers = squares[kind.column];
  const hidden = new Set(), colours = new Map(kind.painted(score).map((number, place) => [number, COLOURS[place]]));
  let changed = () => {};
  const choose = (number, isShown) => { if (isShown) hidden.delete(number); else hidden.add(number); changed(); };
  return {
    paint: (pen, size) => paintSquares(pen, size, slide, squares, (i) => (hidden.has(numbers[i]) ? null : colours.get(numbers[i]))),
    legend: legend(kind, score, slide, squares, colours, choose),
    onChange: (call) => { changed = call; },
  };
}

function legend(kind, score, slide, { merged }, colours, choose) {
  const shares = [...kind.shares(slide).entries()].filter(([, share]) => share > 0);
  const [shown, others] = [true, false].map((isPainted) => shares.filter(([number]) => colours.has(number) === isPainted));
  const name = `${kind.title} of slide ${slide.slide_id}`, note = mergedNote(merged, "most frequent");
  return h("div", { class: `classes groups ${kind.title.toLowerCase()}` },
    h("p", {}, `${score.simulated ? "SIMULATED. " : ""}${kind.title}:`),
    h("ul", { "aria-label": name }, shown.map(([number, share]) => entry(number, colours.get(number), kind.text(score, number, share), choose))),
    others.length > 0 && unpainted(others.map(([number, share]) => kind.text(score, number, share))),
    h("p", { class: "small" }, kind.meaning),
    note && h("p", { class: "small" }, sentence(note)));
}

/** Groups that the map leaves clear, since people tell no more colours apart. */
function unpainted(texts) {
  return h("details", {},
    h("summary", {}, `${texts.length} more, whose hazard ratios are nearer to 1, are not painted`),
    h("ul", {}, texts.map((text) => h("li", {}, text))));
}

function entry(number, colour, text, choose) {
  const box = h("input", { type: "checkbox", checked: true, onchange: ({ target }) => choose(number, target.checked) });
  return h("li", {}, h("label", {}, box, swatch(colour), text));
}

function prototype({ number, hazard_ratio: ratio }, share) {
  return h("span", {}, `Prototype ${number}, ${words.percent(share)} of tiles, ${direction(ratio)}`,
    ratio ? h("span", { class: "ratio" }, ` (hazard ratio ${interval(ratio)})`) : null);
}

/** What goes with a larger share, as far as the interval shows it as it is written; shared/associations.py says the same in reports. */
function direction(ratio) {
  if (!ratio) return "association with risk not known";
  if (Number(ratio.lo.toFixed(2)) > 1) return "goes with higher risk";
  return Number(ratio.hi.toFixed(2)) < 1 ? "goes with lower risk" : "no clear association with risk";
}

const interval = ({ ratio, lo, hi }) => `${words.number(ratio)}, ${words.number(lo)} to ${words.number(hi)}`;
