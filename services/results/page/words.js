// How values are written for people, numbers and dates by their locale.

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
const CERTAINTIES = {
  crosses_threshold: ["Between risk groups", "unsure"],
  too_uncertain: ["Too uncertain for a group", "unsure"],
};
// Groups of bundles trained before groups had names that people outside the laboratory use; shared/export/risk_text.py says the same in reports.
const GROUPS = {
  "above threshold": "higher risk, at or above the threshold of the training cohort",
  "below threshold": "lower risk, below the threshold of the training cohort",
};
// Codes of scores and plans that a person would not guess; shared/export/score_text.py says the same in reports.
const PLAIN = {
  anisotropic_pixels: "pixels are not square",
  blurred: "blurred in places",
  corrupt_tiles: "some tiles are damaged",
  duplicate_slide: "same file twice",
  low_resolution: "scanned at low resolution",
  out_of_distribution: "unlike the training slides",
  quality_not_checked: "quality was not checked",
  replaced: "being replaced",
  damaged_entry: "damaged, being embedded again",
  resolution_conflict: "two stated resolutions disagree",
  resolution_override: "resolution was set by hand",
  unreadable_regions: "parts cannot be read",
};
const MISSING = "missing_";
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const TWO_DIGITS = new Intl.NumberFormat(undefined, { minimumSignificantDigits: 2, maximumSignificantDigits: 2 });
const WHOLE = new Intl.NumberFormat();
const CURRENT = new Intl.NumberFormat(undefined, { maximumFractionDigits: 3 });

/** [label, look] of a case's state. */
export const state = (name) => STATES[name] ?? ["Unknown", "note"];
/** [label, look] of a certainty that keeps a score from a group; null where the score is clear. */
export const certainty = (name) => CERTAINTIES[name] ?? null;
/** [label, look] of a case: what keeps its score from a group, or its state. */
export const standing = (summary) => (summary.state === "CASE_STATE_SCORED" && certainty(summary.certainty)) || state(summary.state);
/** A risk group as people call it. */
export const group = (name) => GROUPS[name] ?? plain(name);
export const stage = (name) => STAGES[name] ?? "Working";
/** [label, look] of a flag; a missing block by its title, one that is not known as it is. */
export const flag = (name) => FLAGS[name] ?? [name.startsWith(MISSING) ? `No ${name.slice(MISSING.length)}` : plain(name), "note"];
/** The model that answered, by the titles of the blocks that it reads. */
export const model = (score) => listed(score.modalities_used) || plain(score.model);
/** Such as "blood counts, clinical and slides". */
export const listed = (names) => [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
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
/** A day such as 2026-03-02 as people write it. */
export const day = (iso) => DAY.format(new Date(`${iso}T00:00:00Z`));
export const short = (digest) => digest.slice(0, 12);
export const number = (value, digits = 2) =>
  (value < 0 ? "\u2212" : "") + Math.abs(value).toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const count = (value) => WHOLE.format(value);
/** A number with the digits that it has. */
export const amount = (value) => CURRENT.format(value);
/** 1 -> 1 year, 2.5 -> 2.5 years. */
export const years = (value) => `${amount(value)} ${value === 1 ? "year" : "years"}`;

/** A probability in percent, without more digits than it deserves. */
export function percent(value) {
  const share = 100 * value;
  if (share > 0 && share < 1) return "<1\u202f%";
  if (share > 99 && share < 100) return ">99\u202f%";
  return `${WHOLE.format(Math.round(share))}\u202f%`;
}

/** A share in percent with two digits, such as "0.034 %" and "12 %". */
export const share = (value) => `${figures(100 * value)}\u202f%`;

/** A number with two digits, such as "0.34" and "120". */
export const figures = (value) => TWO_DIGITS.format(value);

/** Such as "22–43 %". */
export const range = (risk) => `${percent(risk.lo).replace("\u202f%", "")}\u2013${percent(risk.hi)}`;

/** 1 -> 1st, 82 -> 82nd. */
export function ordinal(value) {
  const n = Math.round(value);
  const ending = [11, 12, 13].includes(n % 100) ? "th" : ["th", "st", "nd", "rd"][n % 10] ?? "th";
  return `${n}${ending}`;
}
