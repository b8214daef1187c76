// Slides of a case in deep zoom: one, or two side by side that move together.

import { isStored, oneCase, Problem } from "./api.js";
import { h } from "./dom.js";
import { erased } from "./erase_view.js";
import { listen } from "./events.js";
import { format } from "./viewer_address.js";
import { link } from "./viewer_link.js";
import { openPane } from "./viewer_pane.js";
import { go, placeOf } from "./viewer_place.js";

const KEYS = "Keys on the slide: arrows move, + and \u2212 zoom, r turns, 0 shows all of it, 1 to 5 show layers.";
const SETTLE_MS = 200;

/** Shows a slide of a case, and the one beside it, in `main` until `signal` aborts. */
export async function showViewer(main, view, signal, banner) {
  const { caseId, slideId, beside } = view;
  const { score } = await oneCase(caseId, signal);
  banner(Boolean(score?.simulated), score?.provenance?.bundle_digest);
  const slides = score?.slides ?? [];
  const slide = slideOf(slides, slideId, caseId), other = beside && slideOf(slides, beside.slideId, caseId);
  const shown = [{ caseId, slide, score, place: view.place }, ...(other ? [{ caseId, slide: other, score, place: beside.place }] : [])];
  const areas = shown.map(() => h("div", {}));
  const controls = h("div", { class: "compare" }, chooser(slides, view));
  main.replaceChildren(
    h("p", { class: "back" }, h("a", { href: `#/cases/${encodeURIComponent(caseId)}` }, `\u2190 Case ${caseId}`)),
    h("h1", {}, other ? `Slides ${slideId} and ${beside.slideId}` : `Slide ${slideId}`), slides.length > 1 ? controls : "",
    h("div", { class: other ? "panes two" : "panes" }, shown.map((each, i) =>
      h("div", { class: "pane" }, other ? h("h2", {}, `Slide ${each.slide.slide_id}`) : "", areas[i]))),
    h("p", { class: "small" }, KEYS));
  const panes = await Promise.all(shown.map((each, i) => openPane(areas[i], each, signal)));
  if (signal.aborted || panes.includes(null)) return;
  const linked = h("input", { type: "checkbox", checked: beside?.isLinked });
  const write = () => history.replaceState(null, "", addressOf(caseId, panes, linked.checked));
  if (other) {
    join(panes, linked, beside.place === null);
    controls.append(h("label", {}, linked, " Move both together"));
  }
  linked.addEventListener("change", write);
  panes.forEach(({ viewer }) => follow(viewer, write));
  listen(caseId, signal, (kind) => { if (kind === "case" || kind === "begin") leaveErased(main, caseId, panes, signal); });
}

/** Take the pictures away once their case is gone. */
function leaveErased(main, caseId, panes, signal) {
  isStored(caseId, signal).catch(() => true).then((stored) => {
    if (stored) return;
    panes.forEach(({ viewer }) => viewer.destroy());
    main.replaceChildren(erased(caseId));
  });
}

function slideOf(slides, slideId, caseId) {
  const slide = slides.find((each) => each.slide_id === slideId);
  if (!slide) throw new Problem(404, { detail: `The current score of case ${caseId} has no slide ${slideId}.` });
  return slide;
}

/** Chooses the slide beside the first one; the address says which, and shows it. */
function chooser(slides, { caseId, slideId, place, beside }) {
  const option = (value, text) => h("option", { value, selected: value === (beside?.slideId ?? "") }, text);
  const others = slides.filter((each) => each.slide_id !== slideId).map((each) => option(each.slide_id, `Slide ${each.slide_id}`));
  const choose = ({ target }) => { location.hash = format(caseId, slideId, place, target.value ? { slideId: target.value, place: null, isLinked: true } : null); };
  return h("label", {}, "Beside it ", h("select", { onchange: choose }, option("", "no other slide"), others));
}

/** Let both slides move together while the box is checked. */
function join(panes, box, isNew) {
  if (isNew) align(...panes);
  const linked = link(panes);
  box.addEventListener("change", () => linked.set(box.checked));
  linked.set(box.checked);
}

/** Show the same part of the second slide, at the same magnification. */
function align(first, second) {
  const { x, y, zoom, turn } = placeOf(first.viewer, true);
  const share = [x / first.slide.width_px, y / first.slide.height_px];
  go(second.viewer, { x: share[0] * second.slide.width_px, y: share[1] * second.slide.height_px, zoom: (zoom * second.slide.mpp_x) / first.slide.mpp_x, turn });
}

/** Keep the place in the address once the viewer rests, so that a link shows the same. */
function follow(viewer, write) {
  let timer = 0;
  viewer.addHandler("viewport-change", () => { clearTimeout(timer); timer = setTimeout(write, SETTLE_MS); });
  viewer.addHandler("destroy", () => clearTimeout(timer));
}

function addressOf(caseId, [first, second], isLinked) {
  const beside = second ? { slideId: second.slide.slide_id, place: placeOf(second.viewer), isLinked } : null;
  return format(caseId, first.slide.slide_id, placeOf(first.viewer), beside);
}
