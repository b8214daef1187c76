// The address of a view: case, slide and place, and the slide beside it with its own place.

const VIEW = /^#\/cases\/([^/?]+)\/slides\/([^/?]+)(?:\?(.*))?$/;

/** The view that an address names, or null. */
export function parse(hash) {
  const match = VIEW.exec(hash);
  if (!match) return null;
  const query = new URLSearchParams(match[3] ?? "");
  const beside = query.has("beside") ? { slideId: query.get("beside"), place: place(query, "2"), isLinked: query.get("linked") !== "0" } : null;
  return { caseId: decoded(match[1]), slideId: decoded(match[2]), place: place(query, ""), beside };
}

/** The id in a segment of an address. */
export function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Error("The address of this page is damaged; open the case from the list.");
  }
}

/** The address of a slide, of a place on it (see viewer_place.js), and of a slide beside it `{ slideId, place, isLinked }`. */
export function format(caseId, slideId, at = null, beside = null) {
  const path = `#/cases/${encodeURIComponent(caseId)}/slides/${encodeURIComponent(slideId)}`;
  const other = beside ? { beside: beside.slideId, ...written(beside.place, "2"), linked: beside.isLinked ? "1" : "0" } : {};
  const query = new URLSearchParams({ ...written(at, ""), ...other }).toString();
  return query ? `${path}?${query}` : path;
}

function written(at, suffix) {
  if (!at) return {};
  return {
    [`x${suffix}`]: Math.round(at.x), [`y${suffix}`]: Math.round(at.y),
    [`zoom${suffix}`]: Number(at.zoom.toPrecision(4)), [`turn${suffix}`]: (Math.round(at.turn) % 360 + 360) % 360,
  };
}

function place(query, suffix) {
  const [x, y, zoom] = ["x", "y", "zoom"].map((name) => Number.parseFloat(query.get(name + suffix)));
  const turn = Number.parseInt(query.get(`turn${suffix}`) ?? "0", 10);
  return [x, y, zoom].every(Number.isFinite) && zoom > 0 ? { x, y, zoom, turn: Number.isFinite(turn) ? turn % 360 : 0 } : null;
}
