// The scale bar in microns, and the magnification that pathologists are used to (10x is 1 um a pixel).

import { h } from "./dom.js";
import * as words from "./words.js";

const WIDEST_PX = 160;
const UM_AT_1X = 10;
const STEPS = [1, 2, 5];

/** The longest length of 1, 2 or 5 times a power of ten that is no longer than `most`, in microns. */
function roundLength(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return power * STEPS.filter((step) => step * power <= most).at(-1);
}

/** A bar that follows the viewer; `onMagnification` gets words such as 20x. */
export function scaleBar(viewer, micronsPerPx, onMagnification) {
  const line = h("div", { class: "line" });
  const label = h("div", {});
  const bar = h("div", { class: "scale", role: "img", "aria-label": "Scale" }, label, line);
  const draw = () => {
    const item = viewer.world.getItemAt(0);
    if (!item) return;
    const micronsPerScreenPx = micronsPerPx / item.viewportToImageZoom(viewer.viewport.getZoom(true));
    const length = roundLength(micronsPerScreenPx * WIDEST_PX);
    line.style.width = `${length / micronsPerScreenPx}px`;
    label.textContent = length >= 1000 ? `${words.count(length / 1000)} mm` : `${length} \u00b5m`;
    bar.setAttribute("aria-label", `Scale: the bar is ${label.textContent}`);
    onMagnification(`${Number((UM_AT_1X / micronsPerScreenPx).toPrecision(2))}\u00d7`);
  };
  viewer.addHandler("update-viewport", draw);
  return bar;
}
