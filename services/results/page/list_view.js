// All cases: state, risk, group and flags, with the progress of slides on their way.

import { cases, refused } from "./api.js";
import { h, section } from "./dom.js";
import { listen } from "./events.js";
import { chip, flags, group, interval, progress } from "./parts.js";
import * as words from "./words.js";

const CALM_MS = 400;
// Refused uploads belong to no case, so no event tells of them.
const UPLOADS_MS = 10_000;
const COLUMNS = ["Case", "State", "Risk", "Group", "Flags", "As of"];

/** Shows the list in `main` until `signal` aborts; `banner` is told whether anything shown is simulated. */
export async function showList(main, signal, banner) {
  const view = new ListView(main, signal, banner);
  await view.load();
  const timer = setInterval(() => view.lookForUploads(), UPLOADS_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  listen("", signal, (kind, data) => view.heard(kind, data));
}

class ListView {
  constructor(main, signal, banner) {
    Object.assign(this, { main, signal, banner, rows: [], uploads: [], next: "", moving: new Map(), timer: 0, shown: 0 });
  }

  /** Read again as many cases as are shown. */
  async load() {
    const wanted = Math.max(1, this.shown);
    let rows = [], next = "";
    do {
      const page = await cases(next, this.signal);
      rows = rows.concat(page.cases);
      next = page.next_page_token;
    } while (next && rows.length < wanted);
    Object.assign(this, { rows, next, uploads: await refused(this.signal) });
    this.draw();
  }

  /** Read the refused uploads again; they are redrawn if they have changed. */
  async lookForUploads() {
    if (document.hidden) return;
    const uploads = await refused(this.signal).catch(() => this.uploads);
    if (JSON.stringify(uploads) === JSON.stringify(this.uploads)) return;
    this.uploads = uploads;
    this.draw();
  }

  async more() {
    const page = await cases(this.next, this.signal);
    const seen = new Set(this.rows.map((row) => row.case_id));
    this.rows = this.rows.concat(page.cases.filter((row) => !seen.has(row.case_id)));
    this.next = page.next_page_token;
    this.draw();
  }

  heard(kind, data) {
    if (kind === "progress") this.move(data);
    if (kind === "case" || !this.rows.some((row) => row.case_id === data.case_id)) this.reload();
  }

  move(item) {
    if (!this.moving.has(item.case_id)) this.moving.set(item.case_id, new Map());
    this.moving.get(item.case_id).set(item.slide_id, item);
    const cell = this.cells?.get(item.case_id);
    const row = this.rows.find((one) => one.case_id === item.case_id);
    if (cell && row) cell.replaceChildren(...this.stateOf(row));
  }

  reload() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => { if (!this.signal.aborted) this.load().catch(() => {}); }, CALM_MS);
  }

  draw() {
    this.shown = this.rows.length;
    this.cells = new Map();
    this.banner(this.rows.some((row) => row.flags.includes("simulated")));
    const focused = document.activeElement?.getAttribute("href");
    this.main.replaceChildren(h("h1", {}, "Cases"), this.rows.length ? this.table() : empty(), this.button() ?? "", this.uploads.length ? refusedUploads(this.uploads) : "");
    if (focused) this.main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  table() {
    return h("table", { class: "cases" },
      h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, this.rows.map((row) => this.row(row))));
  }

  row(row) {
    const state = h("td", { "data-name": "State" }, ...this.stateOf(row));
    this.cells.set(row.case_id, state);
    return h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#/cases/${encodeURIComponent(row.case_id)}` }, row.case_id)),
      state,
      h("td", { "data-name": "Risk", class: row.risk ? "risk" : "risk empty" }, row.risk ? risk(row.risk) : h("span", { class: "none" }, "\u2014")),
      h("td", { "data-name": "Group", class: row.risk_group ? false : "empty" }, group(row.risk_group)),
      h("td", { "data-name": "Flags", class: row.flags.length ? false : "empty" }, flags(row.flags)),
      h("td", { "data-name": "As of", class: "time" }, words.time(row.updated_at)));
  }

  stateOf(row) {
    const items = [...(this.moving.get(row.case_id)?.values() ?? [])];
    const busy = row.state === "CASE_STATE_IN_PROGRESS" && items.length > 0;
    return [chip(words.state(row.state)), busy ? progress(items) : ""];
  }

  button() {
    return this.next ? h("button", { type: "button", onclick: () => this.more() }, "Show more cases") : null;
  }
}

function risk(value) {
  const label = `Risk at ${value.horizon_years} years`;
  return [interval(value, label), h("span", { class: "figure" }, h("b", {}, words.percent(value.risk)), ` (${words.range(value)}) at ${value.horizon_years} y`)];
}

const empty = () => h("p", { class: "wait" }, "No case yet. One appears here when its first slide or clinical record has been seen.");

/** Uploads that belong to no case, since their keys name none. */
function refusedUploads(uploads) {
  return section("Refused uploads", h("ul", { class: "refused" }, uploads.map((one) => h("li", {},
    h("p", {}, h("b", {}, one.object_key), " \u2014 ", one.sentence),
    h("p", { class: "advice" }, one.advice),
    h("p", { class: "small" }, h("code", {}, one.reason), ` from ${one.service}, ${words.time(one.as_of)}`)))));
}
