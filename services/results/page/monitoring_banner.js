// States in the head of the page that monitoring flagged a model: the promoted one, or that of the case shown.

import { monitoring } from "./api.js";

const element = document.getElementById("flagged");

export const hideFlag = () => { element.hidden = true; };

/** Shows the flag of the bundle with this digest, or of the promoted one; nothing where monitoring raised none. */
export async function showFlag(bundle, signal) {
  const bundles = await monitoring(signal).catch(() => []);
  if (signal.aborted) return;
  const standing = bundles.find((each) => (bundle ? each.bundle === bundle : each.promoted));
  element.hidden = !standing?.flagged;
  if (element.hidden) return;
  element.querySelector("span").textContent = `${standing.sentence} (${standing.name}, monitored ${standing.monitored_at.slice(0, 10)})`;
}
