// One slide, zoomed deeply: pan, zoom, rotate, attention over it, the most attended tiles beside it.

import { attention, oneCase, Problem } from "./api.js";
import { hasPreference, legend } from "./attention.js";
import { describe, headers, paintPart, tileSource } from "./deep_zoom.js";
import { h } from "./dom.js";
import { problem } from "./parts.js";
import { format } from "./viewer_address.js";
import { overlay } from "./viewer_overlay.js";
import { scaleBar } from "./viewer_scale.js";
import { toolbar } from "./viewer_tools.js";

const LIBRARY = "vendor/openseadragon-6.1.1.min.js";
const KEYS = "Keys on the slide: arrows move, + and \u2212 zoom, r turns, 0 shows all of it.";
const PART_PX = 96;
const CLOSE_UP = 3;
const SETTLE_MS = 200;

/** Shows a slide of a case in `main` until `signal` aborts. */
export async function showViewer(main, { caseId, slideId, place }, signal, banner) {
  const found = await oneCase(caseId, signal);
  banner(Boolean(found.score?.simulated));
  const slide = found.score?.slides.find((one) => one.slide_id === slideId);
  if (!slide) throw new Problem(404, { detail: `The current score of case ${caseId} has no slide ${slideId}.` });
  const status = h("p", { class: "wait", role: "status" }, "Opening the slide \u2026");
  const body = h("div", {});
  main.replaceChildren(
    h("p", { class: "back" }, h("a", { href: `#/cases/${encodeURIComponent(caseId)}` }, `\u2190 Case ${caseId}`)),
    h("h1", {}, `Slide ${slideId}`), status, body);
  const onFetching = () => { status.textContent = "The slide is being fetched from the store; its format has no parts that can be read alone. It opens by itself."; };
  try {
    const [image] = await Promise.all([describe(slide.slide_digest, signal, onFetching), library()]);
    status.hidden = true;
    open(body, { caseId, slide, image, place }, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    status.replaceWith(problem(error));
  }
}

function open(body, shown, signal) {
  const { slide, image, place } = shown;
  const navigator = h("div", { class: "navigator", id: "navigator", "aria-hidden": "true" });
  const canvas = h("div", { class: "canvas" });
  const stage = h("div", { class: "stage" }, canvas, navigator);
  const side = h("aside", { class: "side", "aria-labelledby": "ranked" });
  const view = h("div", { class: "viewer" });
  const gaps = h("p", { class: "wait gaps", role: "status" });
  body.replaceChildren(view);
  view.append(stage, side);
  body.append(gaps, h("p", { class: "small" }, KEYS));
  const viewer = create(canvas, navigator, slide, image);
  signal.addEventListener("abort", () => viewer.destroy(), { once: true });
  const tools = toolbar(viewer);
  stage.append(scaleBar(viewer, slide.mpp_x, tools.magnify));
  body.prepend(tools.element);
  viewer.addHandler("tile-load-failed", () => { gaps.textContent = "Parts of the slide cannot be loaded; they are shown as gaps. Reload the page to try again."; });
  viewer.addOnceHandler("open", () => { if (place) go(viewer, place); follow(viewer, shown); });
  rank(side, viewer, shown, signal);
  cover(viewer, tools, side, shown, signal);
}

function create(canvas, navigator, slide, image) {
  const viewer = globalThis.OpenSeadragon({
    element: canvas, navigatorElement: navigator, showNavigator: true, showNavigationControl: false,
    tileSources: tileSource(slide.slide_digest, image), loadTilesWithAjax: true, ajaxHeaders: headers(),
    drawer: "canvas", imageLoaderLimit: 6, tileRetryMax: 5, tileRetryDelay: 1000, timeout: 30000,
    maxZoomPixelRatio: 4, visibilityRatio: 0.3, gestureSettingsTouch: { pinchRotate: true }, animationTime: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.6,
  });
  viewer.canvas.setAttribute("role", "application");
  viewer.canvas.setAttribute("aria-label", `Slide ${slide.slide_id}: arrows move, plus and minus zoom, r turns, 0 shows all of it`);
  return viewer;
}

/** Show a place: centre in level-0 pixels, screen pixels per slide pixel, rotation. */
function go(viewer, { x, y, zoom, turn }, immediately = true) {
  const item = viewer.world.getItemAt(0);
  viewer.viewport.setRotation(turn, immediately);
  viewer.viewport.zoomTo(item.imageToViewportZoom(zoom), null, immediately);
  viewer.viewport.panTo(item.imageToViewportCoordinates(x, y), immediately);
}

/** Keep the place in the address, so that a link shows the same. */
function follow(viewer, { caseId, slide }) {
  let timer = 0;
  const write = () => {
    const item = viewer.world.getItemAt(0);
    if (!item || !viewer.viewport) return;
    const centre = item.viewportToImageCoordinates(viewer.viewport.getCenter());
    const zoom = item.viewportToImageZoom(viewer.viewport.getZoom());
    const at = { x: centre.x, y: centre.y, zoom, turn: Math.round(viewer.viewport.getRotation()) };
    history.replaceState(null, "", format(caseId, slide.slide_id, at));
  };
  viewer.addHandler("viewport-change", () => { clearTimeout(timer); timer = setTimeout(write, SETTLE_MS); });
  viewer.addHandler("destroy", () => clearTimeout(timer));
}

function rank(side, viewer, { slide, image }, signal) {
  const tiles = slide.top_tiles.map((tile, index) => {
    const picture = h("canvas", { width: PART_PX, height: PART_PX, "aria-hidden": "true" });
    const part = { x: tile.x_px, y: tile.y_px, side: slide.tile_width_px };
    paintPart(picture, slide.slide_digest, image, part, signal).catch(() => picture.classList.add("missing"));
    const fly = () => flyTo(viewer, slide, tile);
    return h("li", {}, h("button", { type: "button", onclick: fly }, picture, `${index + 1}. ${share(tile.attention)} of attention`));
  });
  side.append(h("h2", { id: "ranked" }, "Most attended tiles"),
    tiles.length ? h("ol", { class: "ranked" }, tiles) : h("p", { class: "none" }, "None is kept with this score."));
}

function flyTo(viewer, slide, tile) {
  const item = viewer.world.getItemAt(0);
  const [w, hgt] = [slide.tile_width_px, slide.tile_height_px];
  const bounds = item.imageToViewportRectangle(tile.x_px - w * (CLOSE_UP - 1) / 2, tile.y_px - hgt * (CLOSE_UP - 1) / 2, w * CLOSE_UP, hgt * CLOSE_UP);
  viewer.viewport.fitBounds(bounds);
}

/** Attention over the slide, where there is any. */
async function cover(viewer, tools, side, { caseId, slide }, signal) {
  if (!slide.attention_key) return;
  try {
    const squares = await attention(caseId, slide.slide_id, signal);
    if (signal.aborted || !hasPreference(squares)) return;
    tools.offer(overlay(viewer, slide, squares));
    side.append(legend(squares));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

const share = (value) => `${Number((100 * value).toPrecision(2))}\u202f%`;

let loading = null;

/** Load the library when it is first needed. A mark keeps it from adding a style element, which our policy forbids. */
function library() {
  if (loading) return loading;
  const mark = document.createElementNS("", "style");
  mark.setAttribute("data-openseadragon-mobile-css", "true");
  document.head.append(mark);
  loading = new Promise((resolve, reject) => {
    const failed = () => { loading = null; reject(new Problem(0, { detail: "The viewer's program cannot be loaded.", advice: "Reload the page." })); };
    document.head.append(h("script", { src: LIBRARY, onload: resolve, onerror: failed }));
  });
  return loading;
}
