// Turns a slide with two fingers; the library itself counts the way of each finger twice.

const FULL_TURN = 360;

/** Let two fingers turn the slide by the angle by which the line between them turns. */
export function turnByTouch(viewer) {
  let last = { fingers: "", angle: 0 };
  viewer.addHandler("canvas-pinch", ({ gesturePoints, center }) => {
    const [first, second] = gesturePoints.map((point) => point.currentPos);
    const angle = (Math.atan2(second.y - first.y, second.x - first.x) * 180) / Math.PI;
    const fingers = gesturePoints.map((point) => point.id).join();
    if (fingers === last.fingers) {
      const pivot = viewer.viewport.pointFromPixel(center, true);
      viewer.viewport.rotateTo(viewer.viewport.getRotation(true) + shortest(angle - last.angle), pivot, true);
    }
    last = { fingers, angle };
  });
}

/** The same turn in -180 to 180 degrees. */
const shortest = (degrees) => degrees - FULL_TURN * Math.round(degrees / FULL_TURN);
