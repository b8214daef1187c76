// A map over the deep zoom: painted once, then drawn where the slide is, whatever its zoom and rotation.

import { h } from "./dom.js";

const WIDEST = 2048;

/** A canvas over the viewer, which follows it; `paint(pen, size)` colours the whole slide, `repaint()` does it again, `show(0)` hides it. */
export function overlay(viewer, slide, paint) {
  const map = h("canvas", sizeOf(slide));
  const canvas = h("canvas", { class: "heat", "aria-hidden": "true" });
  viewer.element.append(canvas);
  const draw = () => { if (!canvas.hidden) drawOver(canvas, viewer, slide, map); };
  viewer.addHandler("update-viewport", draw);
  viewer.addHandler("resize", draw);
  const repaint = () => { paintOn(map, paint); draw(); };
  paintOn(map, paint);
  return { repaint, show: (opacity) => { canvas.style.opacity = String(opacity); canvas.hidden = opacity === 0; draw(); } };
}

function paintOn(map, paint) {
  const pen = map.getContext("2d");
  pen.clearRect(0, 0, map.width, map.height);
  paint(pen, { width: map.width, height: map.height });
}

/** Of the map, at most 2048 px a side. */
function sizeOf(slide) {
  const scale = Math.min(1, WIDEST / Math.max(slide.width_px, slide.height_px));
  return { width: Math.max(1, Math.round(slide.width_px * scale)), height: Math.max(1, Math.round(slide.height_px * scale)) };
}

/** Draw the map with the transform that takes slide pixels to pixels of the screen now. */
function drawOver(canvas, viewer, slide, map) {
  const ratio = devicePixelRatio;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const item = viewer.world.getItemAt(0);
  const pen = canvas.getContext("2d");
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, width, height);
  if (!item) return;
  const at = (x, y) => viewer.viewport.viewportToViewerElementCoordinates(item.imageToViewportCoordinates(x, y, true));
  const [corner, right, below] = [at(0, 0), at(slide.width_px, 0), at(0, slide.height_px)];
  const along = (end, length) => [((end.x - corner.x) * ratio) / length, ((end.y - corner.y) * ratio) / length];
  pen.setTransform(...along(right, map.width), ...along(below, map.height), corner.x * ratio, corner.y * ratio);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(map, 0, 0);
}
