// For operators: how far scoring of every case again is, how fast, what remains, and how to stop it.

import { rescoring } from "./api.js";
import { h, section } from "./dom.js";
import { problem } from "./parts.js";
import * as words from "./words.js";

const LOOK_MS = 5000;
const MINUTE_S = 60;

/** The section, which follows the progress until `signal` aborts or nothing waits. */
export function rescoringSection(signal) {
  const body = h("div", { class: "rescoring" }, h("p", { class: "wait" }, "Reading\u2026"));
  follow(body, signal);
  return section("Scoring again", body);
}

/** Numbers are gone once the topic keeps no record of the request. While the service is away, the next look repeats a read. */
async function follow(body, signal) {
  for (let waits = true; waits && !signal.aborted; ) {
    try {
      const progress = await rescoring(signal);
      body.replaceChildren(...(progress.requested ? shown(progress) : [h("p", {}, "Nothing is being scored again.")]));
      waits = progress.waiting > 0;
    } catch (error) {
      if (signal.aborted) return;
      body.replaceChildren(problem(error));
      waits = error.status === 0 || error.status >= 500;
    }
    if (waits) await pause(signal);
  }
}

const pause = (signal) => new Promise((resolve) => {
  const end = () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    resolve();
  };
  const timer = setTimeout(end, LOOK_MS);
  signal.addEventListener("abort", end);
});

function shown(progress) {
  const { requested, done, waiting } = progress;
  const label = `${words.count(done)} of ${words.count(requested)} cases done`;
  return [
    h("p", {}, state(progress), ` ${label}${since(progress)}. `, cause(progress.bundle)),
    h("progress", { "aria-label": label, max: requested, value: done }),
    waiting ? h("p", {}, remaining(progress)) : null,
    waiting && !progress.stopped ? h("p", { class: "small" }, "Live cases go first. To stop it: ", h("code", {}, "medulla rescore --stop"), "; the cases that wait then keep their score.") : null,
  ].filter(Boolean);
}

function state({ stopped, waiting }) {
  if (stopped) return h("span", { class: "chip warn" }, "Stopped");
  return waiting ? h("span", { class: "chip busy" }, "Running") : h("span", { class: "chip good" }, "Done");
}

const since = (progress) => (progress.since ? ` since ${words.time(progress.since)}` : "");

function cause(bundle) {
  return bundle ? h("span", {}, "Asked for by the promotion of bundle ", h("code", {}, words.short(bundle)), ".") : null;
}

function remaining({ waiting, per_minute: rate, remaining_s: seconds, stopped }) {
  const cases = `${words.count(waiting)} ${waiting === 1 ? "case waits" : "cases wait"}`;
  if (stopped) return `${cases} and will keep the score; to have all cases scored again: medulla rescore.`;
  if (seconds === null) return `${cases}; there is no rate yet.`;
  const minutes = Math.max(1, Math.round(seconds / MINUTE_S));
  return `${cases}, at ${words.figures(rate)} a minute: about ${words.count(minutes)} ${minutes === 1 ? "minute" : "minutes"} more.`;
}
