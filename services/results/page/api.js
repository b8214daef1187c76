// Asks the service, by all of its addresses; every refusal becomes a Problem with a sentence for people.

import { forget, token } from "./login.js";

/** What the service refused, and why. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? "The service did not answer as expected.");
    this.status = status;
    this.reason = body.reason ?? "";
    this.advice = body.advice ?? "";
  }
}

/** A response, or a Problem. */
export async function ask(path, { headers = {}, ...options } = {}) {
  const bearer = token() ? { Authorization: `Bearer ${token()}` } : {};
  const response = await reach(path, { ...options, headers: { ...headers, ...bearer } });
  if (response.ok) return response;
  if (response.status === 401) forget();
  throw new Problem(response.status, await response.json().catch(() => ({})));
}

async function reach(path, options) {
  try {
    return await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { detail: "The service cannot be reached.", advice: "Check the connection, then reload." });
  }
}

const json = async (path, options) => (await ask(path, options)).json();
const post = (path, body, signal) => json(path, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal });
/** How to log in, and whether a guide is served. */
export const config = () => json("api/v1/config");
/** A page of the cases that `search` (URLSearchParams) selects. */
export const cases = (search, page, signal) => json(`api/v1/cases?${new URLSearchParams([...search, ["page_token", page]])}`, { signal });
export const caseCounts = (search, signal) => json(`api/v1/case-counts?${search}`, { signal });
/** The same cases as a table. */
export const casesCsv = (search) => `api/v1/cases.csv?${search}`;
/** Server-sent events of a case, or of all cases with "". */
export const progress = (id, signal) => ask(`api/v1/progress?case_id=${encodeURIComponent(id)}`, { signal });
export const oneCase = (id, signal) => json(casePath(id), { signal });
/** Whether something is stored of a case; false of one that was erased. */
export const isStored = (id, signal) => oneCase(id, signal).then(() => true, (error) => {
  if (error instanceof Problem && error.status === 404) return false;
  throw error;
});
export const refused = async (signal) => (await json("api/v1/refused", { signal })).refused;
export const scores = async (id, signal) => (await json(`${casePath(id)}/scores`, { signal })).scores;
export const attention = (id, slide, signal) => json(`${slidePath(id, slide)}/attention`, { signal });
export const tiles = (id, slide, signal) => json(`${slidePath(id, slide)}/tiles`, { signal });
export const prototypes = (id, slide, signal) => json(`${slidePath(id, slide)}/prototypes`, { signal });
export const composition = (id, slide, signal) => json(`${slidePath(id, slide)}/composition`, { signal });
export const tissue = async (id, slide, signal) => createImageBitmap(await (await ask(`${slidePath(id, slide)}/tissue`, { signal })).blob());
export const notes = async (id, signal) => (await json(`${casePath(id)}/notes`, { signal })).notes;
export const outcomes = async (id, signal) => (await json(`${casePath(id)}/outcomes`, { signal })).outcomes;
export const timeline = async (id, signal) => (await json(`${casePath(id)}/timeline`, { signal })).events;
export const addNote = (id, note, signal) => post(`${casePath(id)}/notes`, note, signal);

/** Ask every service to erase a case. */
export const erase = (id, signal) => ask(casePath(id), { method: "DELETE", signal });
export const bundleInUse = (signal) => json("api/v1/bundle", { signal });
/** What monitoring found of each bundle. */
export const monitoring = async (signal) => (await json("api/v1/monitoring", { signal })).bundles;
export const me = (signal) => json("api/v1/me", { signal });
/** Slides that landed and have no outcome yet. */
export const waiting = (signal) => json("api/v1/waiting", { signal });
export const deadLetters = (signal) => json("api/v1/dead-letters", { signal });
/** How far scoring of every case again is. */
export const rescoring = (signal) => json("api/v1/rescoring", { signal });
/** Send dead letters again. */
export const replay = (ids, signal) => post("api/v1/dead-letters", { ids }, signal);
export const verifyAudit = (signal) => json("api/v1/audit/verify", { signal });

/** Variables, vectors and stored values for a form of "what if". */
export const whatIfForm = (id, signal) => json(`${casePath(id)}/what-if`, { signal });
/** The score of a case with other values; nothing is stored. */
export const whatIf = (id, request, signal) => post(`${casePath(id)}/what-if`, request, signal);

/** The slide's small picture, or null if there is none. */
export async function thumbnail(id, slide, signal) {
  try {
    const response = await ask(`${slidePath(id, slide)}/thumbnail`, { signal });
    return await createImageBitmap(await response.blob());
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

export const casePath = (id) => `api/v1/cases/${encodeURIComponent(id)}`;
/** Deep Zoom of a slide, without the ending of its description (`.dzi`) and of the folder of its tiles (`_files/`). */
export const pixelsPath = (digest) => `api/v1/slides/${digest}`;
const slidePath = (id, slide) => `${casePath(id)}/slides/${encodeURIComponent(slide)}`;
