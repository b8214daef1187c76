// The place that a viewer shows: centre in level-0 pixels, screen pixels per slide pixel, and rotation in degrees.

/** The place; `isCurrent` while it moves, else where it moves to. Null until the slide is open. */
export function placeOf(viewer, isCurrent = false) {
  const item = viewer.world.getItemAt(0);
  if (!item || !viewer.viewport) return null;
  const { x, y } = item.viewportToImageCoordinates(viewer.viewport.getCenter(isCurrent));
  return { x, y, zoom: item.viewportToImageZoom(viewer.viewport.getZoom(isCurrent)), turn: viewer.viewport.getRotation(isCurrent) };
}

/** Show a place at once. */
export function go(viewer, { x, y, zoom, turn }) {
  const item = viewer.world.getItemAt(0);
  viewer.viewport.setRotation(turn, true);
  viewer.viewport.zoomTo(item.imageToViewportZoom(zoom), null, true);
  viewer.viewport.panTo(item.imageToViewportCoordinates(x, y), true);
}

/** Fly to a rectangle in level-0 pixels, enlarged `margin` times about its centre. */
export function flyTo(viewer, { x, y, width, height }, margin) {
  const [left, top] = [x - width * (margin - 1) / 2, y - height * (margin - 1) / 2];
  viewer.viewport.fitBounds(viewer.world.getItemAt(0).imageToViewportRectangle(left, top, width * margin, height * margin));
}
