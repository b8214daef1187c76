// Moves two slides together: the same way in microns, by the same factor, by the same angle.

import { go, placeOf } from "./viewer_place.js";

const MOVES = ["pan", "zoom", "rotate"];

/** Link two panes `{ viewer, slide }`; `set(isLinked)` keeps them as they then lie to each other, or lets them go. */
export function link(panes) {
  let start = null, leader = null, isFollowing = false;
  const follow = (pane) => {
    if (!start || leader !== pane) return;
    const [from, to] = pane === panes[0] ? [0, 1] : [1, 0];
    isFollowing = true;
    go(panes[to].viewer, moved(start[from], start[to], microns(pane), panes[to].slide));
    isFollowing = false;
  };
  panes.forEach((pane) => {
    MOVES.forEach((event) => pane.viewer.addHandler(event, () => { if (!isFollowing) leader = pane; }));
    pane.viewer.addHandler("viewport-change", () => follow(pane));
  });
  return { set: (isLinked) => { start = isLinked ? panes.map(microns) : null; } };
}

/** The place of `other` once the first slide has moved from `start` to `now`; all in microns. */
function moved(start, other, now, slide) {
  const angle = ((start.turn - other.turn) * Math.PI) / 180;
  const [dx, dy] = [now.x - start.x, now.y - start.y];
  return {
    x: (other.x + dx * Math.cos(angle) - dy * Math.sin(angle)) / slide.mpp_x,
    y: (other.y + dx * Math.sin(angle) + dy * Math.cos(angle)) / slide.mpp_y,
    zoom: (slide.mpp_x / other.scale) * (start.scale / now.scale),
    turn: other.turn + now.turn - start.turn,
  };
}

/** Centre in microns, microns per screen pixel, rotation. */
function microns({ viewer, slide }) {
  const { x, y, zoom, turn } = placeOf(viewer, true);
  return { x: x * slide.mpp_x, y: y * slide.mpp_y, scale: slide.mpp_x / zoom, turn };
}
