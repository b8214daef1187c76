// How values are said to people.

const STATES = {
  CASE_STATE_IN_PROGRESS: ["In progress", "busy"],
  CASE_STATE_SCORED: ["Scored", "good"],
  CASE_STATE_ABSTAINED: ["Abstained", "warn"],
  CASE_STATE_REJECTED: ["Rejected", "bad"],
  CASE_STATE_WITHDRAWN: ["Withdrawn", "note"],
};
const STAGES = {
  STAGE_WAITING: "Waiting for more files of the slide",
  STAGE_DOWNLOADING: "Downloading",
  STAGE_PLANNING: "Finding tissue",
  STAGE_EMBEDDING: "Embedding tiles",
  STAGE_SCORING: "Scoring",
};
const FLAGS = {
  out_of_distribution: ["Unlike training data", "warn"],
  left_aside: ["Input left aside", "note"],
  rejected_input: ["Refused input", "bad"],
  left_out_slide: ["Slide left out", "warn"],
  remark: ["See remarks", "warn"],
  same_slide_in_two_cases: ["Slide in two cases", "bad"],
  simulated: ["SIMULATED", "sim"],
};
// Codes of scores and plans that a person would not guess; shared/export/score_text.py says the same in reports.
const PLAIN = {
  anisotropic_pixels: "pixels are not square",
  blurred: "blurred in places",
  corrupt_tiles: "some tiles are damaged",
  duplicate_slide: "same file twice",
  low_resolution: "scanned at low resolution",
  out_of_distribution: "unlike the training slides",
  replaced: "being replaced",
  damaged_entry: "damaged, being embedded again",
  resolution_conflict: "two stated resolutions disagree",
  resolution_override: "resolution was set by hand",
  unreadable_regions: "parts cannot be read",
};
const MISSING = "missing_";
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** [label, look] of a case's state. */
export const state = (name) => STATES[name] ?? ["Unknown", "note"];
export const stage = (name) => STAGES[name] ?? "Working";
/** [label, look] of a flag; a missing block by its title, one that is not known as it is. */
export const flag = (name) => FLAGS[name] ?? [name.startsWith(MISSING) ? `No ${name.slice(MISSING.length)}` : plain(name), "note"];
/** The model that answered, by the titles of the blocks that it reads. */
export function model(score) {
  const titles = score.modalities_used;
  return titles.length ? [titles.slice(0, -1).join(", "), titles.at(-1)].filter(Boolean).join(" and ") : plain(score.model);
}
/** What people call the block of a contribution. */
export const block = (row) => row.block_title || row.block;
/** A code in words. */
export const plain = (name) => PLAIN[name] ?? name.replaceAll("_", " ");
/** How far a case or slide lies from the training data; empty where the model does not know it. */
export const distance = (far) => (far ? `${number(far.distance)} (limit ${number(far.limit)})${far.flagged ? ", outside" : ""}` : "");
/** What a refusal is about: a slide, the clinical record, a vector, or the case, which then cannot be scored. */
export function refused({ slide_id: slide, object_key: key }) {
  if (slide) return `Slide ${slide}`;
  if (key.startsWith("vectors/")) return `Vector ${key.split("/").at(-1).replace(/\.json$/, "")}`;
  return key.startsWith("clinical/") ? "Clinical record" : "The case";
}
/** A time as people write it; the epoch means an unknown time. */
export const time = (iso) => (iso && Date.parse(iso) > 0 ? DATE.format(new Date(iso)) : "time unknown");
export const short = (digest) => digest.slice(0, 12);
export const number = (value, digits = 2) => (value < 0 ? "\u2212" : "") + Math.abs(value).toFixed(digits);
export const signed = (value) => (value > 0 ? "+" : "") + number(value);
export const count = (value) => value.toLocaleString();

/** A probability in percent, without more digits than it deserves. */
export function percent(value) {
  const share = 100 * value;
  if (share > 0 && share < 1) return "<1\u202f%";
  if (share > 99 && share < 100) return ">99\u202f%";
  return `${Math.round(share)}\u202f%`;
}

/** Such as "22–43 %". */
export const range = (risk) => `${percent(risk.lo).replace("\u202f%", "")}\u2013${percent(risk.hi)}`;

/** 1 -> 1st, 82 -> 82nd. */
export function ordinal(value) {
  const n = Math.round(value);
  const ending = [11, 12, 13].includes(n % 100) ? "th" : ["th", "st", "nd", "rd"][n % 10] ?? "th";
  return `${n}${ending}`;
}
