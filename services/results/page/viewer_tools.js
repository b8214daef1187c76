// Buttons of the viewer, and the same by keyboard.

import { h } from "./dom.js";

const FACTOR = 1.6;
const QUARTER = 90;

/** The bar of a slide: `element`, and `magnify(text)`. */
export function toolbar(viewer, slideId) {
  const magnification = h("output", { class: "magnification", "aria-label": "Magnification" });
  const zoom = (factor) => { viewer.viewport.zoomBy(factor); viewer.viewport.applyConstraints(); };
  const turn = (degrees) => viewer.viewport.setRotation(viewer.viewport.getRotation() + degrees);
  const home = () => { viewer.viewport.setRotation(0); viewer.viewport.goHome(); };
  const button = (label, text, act) => h("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
  const element = h("div", { class: "tools", role: "toolbar", "aria-label": `Slide ${slideId}` },
    button("Zoom in", "+", () => zoom(FACTOR)), button("Zoom out", "\u2212", () => zoom(1 / FACTOR)),
    button("Rotate left", "\u21ba", () => turn(-QUARTER)), button("Rotate right", "\u21bb", () => turn(QUARTER)),
    button("Show the whole slide", "Whole slide", home), magnification);
  return { element, magnify: (text) => { magnification.textContent = text; } };
}
