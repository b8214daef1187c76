// All cases: search and filters, their rows, and what has changed since the rows were read.

import { caseCounts, cases, casesCsv, isStored, refused } from "./api.js";
import { sha256Hex } from "./digest.js";
import { h } from "./dom.js";
import { download } from "./download.js";
import { listen } from "./events.js";
import { format, isNarrow, parameters, parse, remember } from "./list_address.js";
import { Filters } from "./list_filters.js";
import { Rows } from "./list_rows.js";
import { MovingSlides } from "./moving_slides.js";
import { problem } from "./parts.js";
import { refusedUploads } from "./refused_uploads.js";

// Refused uploads belong to no case, so no event tells of them.
const UPLOADS_MS = 10_000;
const FILE = "cases.csv";
const SHORT_WORD = /(?<!\S)\S{1,2}(?!\S)/;

/** Shows the list in `main` until `signal` aborts; `banner` learns whether anything shown is simulated, and shows a flag of the promoted model. */
export async function showList(main, signal, banner) {
  const view = new ListView(main, signal, banner);
  await view.load();
  const timer = setInterval(() => view.readUploads(), UPLOADS_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  listen("", signal, (kind, data) => view.heard(kind, data));
}

class ListView {
  constructor(main, signal, banner) {
    Object.assign(this, { signal, banner, search: parse(location.hash), shown: [], next: "", uploads: [], changed: new Set(), moving: new MovingSlides() });
    remember(this.search);
    this.filters = new Filters(this.search, (search) => this.choose(search), () => this.download());
    this.news = h("div", { class: "news", role: "status" });
    this.body = h("div", {});
    this.refused = h("div", {});
    main.replaceChildren(h("h1", {}, "Cases"), this.filters.element, this.news, this.body, this.refused);
  }

  /** Read again as many cases as are shown, and how many there are. */
  async load() {
    const { search } = this, wanted = Math.max(1, this.shown.length);
    const announced = [...this.changed];
    const others = Promise.all([caseCounts(parameters(search, { sorted: false }), this.signal), refused(this.signal)]);
    others.catch(() => {});
    let rows = [], next = "";
    do {
      const page = await cases(parameters(search), next, this.signal);
      rows = rows.concat(page.cases);
      next = page.next_page_token;
    } while (next && rows.length < wanted);
    const [counts, uploads] = await others;
    if (search !== this.search) return;
    announced.forEach((caseId) => this.changed.delete(caseId));
    this.filters.count(counts);
    this.show(rows, next);
    this.showUploads(uploads);
  }

  choose(search) {
    this.search = search;
    remember(search);
    this.shown = [];
    history.replaceState(null, "", format(search));
    this.load().catch((error) => this.refuse(error));
  }

  async more() {
    const page = await cases(parameters(this.search), this.next, this.signal);
    const ids = new Set(this.shown.map((row) => row.case_id));
    this.show(this.shown.concat(page.cases.filter((row) => !ids.has(row.case_id))), page.next_page_token);
  }

  /** Rows stay where they are while someone reads them; changes are announced. */
  heard(kind, data) {
    this.moving.heard(kind, data).forEach((caseId) => this.rows.move(caseId));
    if (kind === "case") this.mark([data.case_id]);
    if (kind === "erased") this.erase(data.case_digest).catch((error) => this.refuse(error));
    if (kind === "begin") this.compare().catch(() => {});
  }

  /** Mark what changed between the last reading and the beginning of a stream. */
  async compare() {
    const page = await cases(parameters(this.search), "", this.signal);
    const known = new Map(this.shown.map((row) => [row.case_id, JSON.stringify(row)]));
    this.mark(page.cases.filter((row) => known.get(row.case_id) !== JSON.stringify(row)).map((row) => row.case_id));
  }

  /** Nothing of an erased case stays on the screen; its place does, so that no row moves. */
  async erase(digest) {
    this.byDigest ??= casesByDigest(this.shown);
    const caseId = (await this.byDigest).get(digest);
    if (!caseId || await isStored(caseId, this.signal)) return;
    this.byDigest = null;
    this.shown = this.shown.filter((row) => row.case_id !== caseId);
    this.changed.delete(caseId);
    this.rows.erase(caseId);
    this.announce();
  }

  mark(caseIds) {
    caseIds.forEach((caseId) => this.changed.add(caseId));
    if (this.shown.length) this.announce();
    else if (caseIds.length) this.load().catch(() => {});
  }

  announce() {
    const { size } = this.changed;
    this.news.replaceChildren(size ? h("button", { type: "button", class: "main", onclick: () => this.load().catch((error) => this.refuse(error)) },
      `${size} ${size === 1 ? "case" : "cases"} changed: show`) : "");
  }

  show(rows, next) {
    Object.assign(this, { shown: rows, next, byDigest: null });
    this.banner(rows.some((row) => row.flags.includes("simulated")));
    this.rows = new Rows(rows, (caseId) => this.moving.of(caseId));
    const focused = document.activeElement?.getAttribute("href");
    this.body.replaceChildren(rows.length ? this.rows.element : this.empty(), next ? h("button", { type: "button", onclick: () => this.more().catch((error) => this.refuse(error)) }, "Show more cases") : "");
    if (focused) this.body.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    this.announce();
  }

  async readUploads() {
    if (!document.hidden) this.showUploads(await refused(this.signal).catch(() => this.uploads));
  }

  showUploads(uploads) {
    if (JSON.stringify(uploads) === JSON.stringify(this.uploads)) return;
    this.uploads = uploads;
    this.refused.replaceChildren(refusedUploads(uploads) ?? "");
  }

  empty() {
    return h("p", { class: "wait" }, isNarrow(this.search)
      ? `No case fits the search and the filters.${SHORT_WORD.test(this.search.q) ? " A word of one or two characters fits only where a part of an id begins with it." : ""}`
      : "No case yet. One appears here when its first slide or clinical record has been seen.");
  }

  async download() {
    try {
      await download(casesCsv(parameters(this.search, { sorted: false })), FILE, this.signal);
    } catch (error) {
      this.refuse(error);
    }
  }

  refuse(error) {
    if (!this.signal.aborted) this.body.replaceChildren(problem(error));
  }
}

/** Ids of the shown cases by their SHA-256; a stream begins with up to a thousand erasures, and each is looked up here. */
async function casesByDigest(rows) {
  return new Map(await Promise.all(rows.map(async (row) => [await sha256Hex(row.case_id), row.case_id])));
}
