// One slide in deep zoom, with its tools, layers, scale and most attended tiles.

import { describe, headers, tileSource } from "./deep_zoom.js";
import { h } from "./dom.js";
import { problem } from "./parts.js";
import { layers } from "./viewer_layers.js";
import { library } from "./viewer_library.js";
import { go } from "./viewer_place.js";
import { ranked } from "./viewer_ranked.js";
import { scaleBar } from "./viewer_scale.js";
import { toolbar } from "./viewer_tools.js";
import { turnByTouch } from "./viewer_touch.js";

const FETCHING = "The slide is being fetched from the store; its format has no parts that can be read alone. It opens by itself.";
const GAPS = "Parts of the slide cannot be loaded; they are shown as gaps. Reload the page to try again.";

/** Open a slide in `element`; gives `{ viewer, slide }`, or null where it cannot be opened. */
export async function openPane(element, { caseId, slide, score, place }, signal) {
  const status = h("p", { class: "wait", role: "status" }, "Opening the slide \u2026");
  element.replaceChildren(status);
  try {
    const [image] = await Promise.all([describe(slide.slide_digest, signal, () => { status.textContent = FETCHING; }), library()]);
    return await open(element, { caseId, slide, score, image, place }, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    status.replaceWith(problem(error));
    return null;
  }
}

async function open(element, { caseId, slide, score, image, place }, signal) {
  const canvas = h("div", { class: "canvas" }), navigator = h("div", { class: "navigator", "aria-hidden": "true" });
  const stage = h("div", { class: "stage" }, canvas, navigator), gaps = h("p", { class: "wait gaps", role: "status" });
  const side = h("aside", { class: "side", "aria-label": `Tiles and layers of slide ${slide.slide_id}` });
  const view = h("div", { class: "viewer" }, stage, side);
  element.replaceChildren(view, gaps);
  const viewer = create(canvas, navigator, slide, image);
  signal.addEventListener("abort", () => viewer.destroy(), { once: true });
  viewer.addHandler("tile-load-failed", () => { gaps.textContent = GAPS; });
  const tools = toolbar(viewer, slide.slide_id), over = layers(viewer, { caseId, slide, score }, signal);
  stage.append(scaleBar(viewer, slide.mpp_x, tools.magnify));
  element.prepend(tools.element, over.element);
  side.append(...ranked(viewer, { caseId, slide, image }, signal), over.legends);
  await new Promise((resolve) => { viewer.addOnceHandler("open", resolve); });
  if (place) go(viewer, place);
  return { viewer, slide };
}

function create(canvas, navigator, slide, image) {
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const viewer = globalThis.OpenSeadragon({
    element: canvas, navigatorElement: navigator, showNavigator: true, showNavigationControl: false,
    tileSources: tileSource(slide.slide_digest, image), loadTilesWithAjax: true, ajaxHeaders: headers(),
    drawer: "canvas", imageLoaderLimit: 6, tileRetryMax: 5, tileRetryDelay: 1000, timeout: 30000,
    maxZoomPixelRatio: 4, visibilityRatio: 0.3, animationTime: isStill ? 0 : 0.6,
  });
  turnByTouch(viewer);
  viewer.canvas.setAttribute("role", "application");
  viewer.canvas.setAttribute("aria-label", `Slide ${slide.slide_id}: arrows move, plus and minus zoom, r turns, 0 shows all of it, 1 to 4 show layers`);
  return viewer;
}
