// For operators: slides that landed and are neither scored nor refused, with stage, reason, next attempt and trace.

import { h, pairs, section } from "./dom.js";
import * as words from "./words.js";

/** The section; `at` is when results looked, null where it has not. */
export function waitingSlides({ at, slides, problem }) {
  return section("Waiting slides", h("p", {}, summary(at, slides)),
    problem ? h("p", { class: "advice" }, `Reasons and next attempts are missing: ${problem}`) : null,
    slides.length ? h("ul", { class: "waiting" }, slides.map(waiting)) : null);
}

function summary(at, slides) {
  if (!at) return "Results has listed none yet; it looks into the bucket every few minutes, and not in medulla up.";
  return slides.length ? `Landed, and neither scored nor refused at ${words.time(at)}, the oldest first.` : `None waited at ${words.time(at)}.`;
}

function waiting({ case_id: id, slide_id: slide, landed, stage, since, why, next_attempt: next, trace }) {
  return h("li", {}, h("p", {}, h("a", { href: `#/cases/${encodeURIComponent(id)}` }, h("bdi", {}, id)), ", slide ", h("b", {}, h("bdi", {}, slide)), " \u2014 ", why),
    pairs([["Stage", `${stage}, since ${words.time(since)}`], ["Landed", words.time(landed)],
      ["Next attempt", next ? words.time(next) : ""], ["Trace", trace ? traced(trace) : ""]]));
}

/** A link where the installation has an address for traces. */
const traced = (trace) => (/^https?:\/\//.test(trace) ? h("a", { href: trace, rel: "noreferrer" }, "Show the trace") : h("code", {}, trace));
