// The address of a view: case, slide, and centre (level-0 pixels), screen pixels per slide pixel and rotation.

const VIEW = /^#\/cases\/([^/?]+)\/slides\/([^/?]+)(?:\?(.*))?$/;

/** The view that an address names, or null. */
export function parse(hash) {
  const parts = VIEW.exec(hash);
  if (!parts) return null;
  return { caseId: decodeURIComponent(parts[1]), slideId: decodeURIComponent(parts[2]), place: place(new URLSearchParams(parts[3] ?? "")) };
}

/** The address of a slide, and of a place on it. */
export function format(caseId, slideId, at = null) {
  const path = `#/cases/${encodeURIComponent(caseId)}/slides/${encodeURIComponent(slideId)}`;
  if (!at) return path;
  return `${path}?${new URLSearchParams({ x: Math.round(at.x), y: Math.round(at.y), zoom: Number(at.zoom.toPrecision(4)), turn: at.turn })}`;
}

function place(query) {
  const [x, y, zoom] = ["x", "y", "zoom"].map((name) => Number.parseFloat(query.get(name)));
  const turn = Number.parseInt(query.get("turn") ?? "0", 10);
  return [x, y, zoom].every(Number.isFinite) && zoom > 0 ? { x, y, zoom, turn: Number.isFinite(turn) ? turn % 360 : 0 } : null;
}
