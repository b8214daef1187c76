// Layers over a slide: attention, tissue, quality, prototypes and composition, each with its key, its opacity and its colours.

import { attention, Problem } from "./api.js";
import { drawAttention, hasPreference, legend } from "./attention.js";
import { h } from "./dom.js";
import { sentence } from "./parts.js";
import { mergedNote, swatch } from "./squares.js";
import { qualityMap, tissueMap } from "./viewer_masks.js";
import { overlay } from "./viewer_overlay.js";
import { COMPOSITION, groupLayer, PROTOTYPES, unavailableReason } from "./viewer_groups.js";

const EVEN = "The model had no preference among the tiles.";

/** The layers' controls and legends; a layer is loaded when it is first shown. */
export function layers(viewer, { caseId, slide, score }, signal) {
  const legends = h("div", { class: "legends" });
  const unavailable = unavailableReason(score, slide);
  const kinds = [
    { name: "Attention", key: "1", opacity: 45, isShown: true, isThere: Boolean(slide.attention_key), load: () => attentionLayer(caseId, slide, signal) },
    { name: "Tissue", key: "2", opacity: 40, load: async () => masked("Tissue", await tissueMap(caseId, slide.slide_id, signal)) },
    { name: "Quality", key: "3", opacity: 60, load: async () => masked("Left out", await qualityMap(caseId, slide, signal)) },
    { name: "Prototypes", key: "4", opacity: 60, isThere: !unavailable, load: () => groupLayer(PROTOTYPES, caseId, slide, score, signal) },
    { name: "Composition", key: "5", opacity: 60, isThere: slide.composition_shares.length > 0, load: () => groupLayer(COMPOSITION, caseId, slide, score, signal) },
  ];
  const controls = kinds.filter(({ isThere = true }) => isThere).map((kind) => layer(viewer, slide, kind, legends));
  viewer.addHandler("canvas-key", ({ originalEvent }) => controls.find(({ key }) => key === originalEvent.key)?.toggle());
  if (unavailable) legends.append(h("p", { class: "none" }, unavailable));
  return { element: h("div", { class: "layers", role: "group", "aria-label": "Layers" }, controls.map(({ element }) => element)), legends };
}

function layer(viewer, slide, { name, key, opacity, isShown = false, load }, legends) {
  const box = h("input", { type: "checkbox", checked: isShown });
  const strength = h("input", { type: "range", min: "0", max: "100", value: String(opacity), "aria-label": `Opacity of the ${name.toLowerCase()}` });
  const meaning = h("div", {});
  legends.append(meaning);
  let loading = null;
  const apply = async () => {
    strength.disabled = !box.checked;
    meaning.hidden = !box.checked;
    if (!box.checked && !loading) return;
    loading ??= loaded(viewer, slide, load, meaning);
    (await loading)?.show(box.checked ? strength.valueAsNumber / 100 : 0);
  };
  box.addEventListener("change", apply);
  strength.addEventListener("input", apply);
  apply();
  return { key, element: h("div", { class: "layer" }, h("label", {}, box, ` ${name} `, h("kbd", {}, key)), strength), toggle: () => box.click() };
}

/** The overlay of a layer, whose legend is filled; null if there is none. */
async function loaded(viewer, slide, load, place) {
  try {
    const { paint, legend: element, onChange } = await load();
    place.replaceChildren(element);
    if (!viewer.viewport || !paint) return null;
    const drawn = overlay(viewer, slide, paint);
    onChange?.(drawn.repaint);
    return drawn;
  } catch (error) {
    if (error.name !== "AbortError" && !(error instanceof Problem)) throw error;
    place.replaceChildren(h("p", { class: "none" }, error.message));
    return null;
  }
}

async function attentionLayer(caseId, slide, signal) {
  const squares = await attention(caseId, slide.slide_id, signal);
  if (!hasPreference(squares)) return { legend: h("p", { class: "none" }, EVEN) };
  return { legend: legend(squares), paint: (pen, size) => drawAttention(pen, size, slide, squares) };
}

function masked(title, { colours, paint, merged = 1 }) {
  const items = colours.map(({ label, colour }) => h("li", {}, swatch(`rgb(${colour.join(",")})`), label));
  const note = mergedNote(merged, "most frequent");
  return { paint, legend: h("div", { class: "classes" }, h("p", {}, `${title}:`), h("ul", {}, items), note && h("p", { class: "small" }, sentence(note))) };
}
