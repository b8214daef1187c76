// What happened to a case, the latest first.

import { timeline } from "./api.js";
import { h, section } from "./dom.js";
import * as words from "./words.js";

const KINDS = {
  landed: ["Landed", "note"], planned: ["Planned", "note"], embedded: ["Embedded", "note"], scored: ["Scored", "note"], rescored: ["Scored again", "note"],
  refused: ["Refused", "bad"], withdrawn: ["Withdrawn", "warn"], noted: ["Noted", "busy"], erased: ["Erased", "warn"],
};
const MOST = 8;

/** A section that `read` fills; empty until then. */
export class Timeline {
  constructor(caseId, signal) {
    Object.assign(this, { caseId, signal, element: h("div", { class: "screen-only" }) });
  }

  async read() {
    this.element.replaceChildren(eventsSection(await timeline(this.caseId, this.signal)));
  }
}

/** The section of a timeline's events; the older ones unfold. */
function eventsSection(events) {
  const older = events.slice(MOST);
  return section("Timeline", list(events.slice(0, MOST)),
    older.length ? h("details", {}, h("summary", {}, `${words.count(older.length)} earlier`), list(older)) : null);
}

const list = (events) => h("ol", { class: "timeline" }, events.map(entry));

function entry(event) {
  const [label, look] = KINDS[event.kind] ?? [words.plain(event.kind), "note"];
  return h("li", {},
    h("time", { datetime: event.at }, words.time(event.at)),
    h("span", { class: `chip ${look}` }, label),
    h("span", { class: "subject" }, event.author ? [h("bdi", {}, event.author), ": "] : null, event.subject ? [h("bdi", {}, event.subject), " "] : null, event.sentence, model(event)));
}

function model({ bundle_name: name, bundle_digest: digest, score_id: score }) {
  if (!score) return null;
  return [name ? ` by ${name} ` : " ", h("code", { title: `bundle ${digest}, score ${score}` }, words.short(digest || score))];
}
