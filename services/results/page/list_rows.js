// The table of cases: one row a case, with the progress of its slides.

import { h } from "./dom.js";
import { chip, flags, group, interval, progress } from "./parts.js";
import * as words from "./words.js";

const COLUMNS = ["Case", "State", "Risk", "Group", "Flags", "As of"];

/** A table of cases; `slides(case_id)` are the slides of a case that are processed now. */
export class Rows {
  constructor(cases, slides) {
    Object.assign(this, { slides, cases: new Map(cases.map((each) => [each.case_id, each])), cells: new Map() });
    this.element = h("table", { class: "cases" },
      h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, cases.map((each) => this.row(each))));
  }

  /** Draw the progress of a case's slides again, where the case is shown. */
  move(caseId) {
    this.cells.get(caseId)?.replaceChildren(...this.state(this.cases.get(caseId)));
  }

  /** Leave nothing of an erased case in its row. */
  erase(caseId) {
    this.cells.get(caseId)?.closest("tr").replaceChildren(h("td", { class: "wait", colspan: `${COLUMNS.length}` }, "This case was erased."));
    this.cells.delete(caseId);
    this.cases.delete(caseId);
  }

  row(summary) {
    const state = h("td", { "data-name": "State" }, ...this.state(summary));
    this.cells.set(summary.case_id, state);
    return h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#/cases/${encodeURIComponent(summary.case_id)}` }, summary.case_id), site(summary)),
      state,
      h("td", { "data-name": "Risk", class: summary.risk ? "risk" : "risk empty" }, summary.risk ? risk(summary.risk) : none()),
      h("td", { "data-name": "Group", class: summary.risk_group ? false : "empty" }, group(summary.risk_group)),
      h("td", { "data-name": "Flags", class: summary.flags.length ? false : "empty" }, flags(summary.flags)),
      h("td", { "data-name": "As of", class: "time" }, words.time(summary.updated_at)));
  }

  state(summary) {
    const items = this.slides(summary.case_id);
    return [chip(words.standing(summary)), items.length ? progress(items) : ""];
  }
}

const none = () => h("span", { class: "none" }, "\u2014");
const site = (summary) => (summary.site_id ? h("span", { class: "site" }, `Site ${summary.site_id}`) : "");

function risk(value) {
  const label = `Risk at ${words.years(value.horizon_years)}`;
  return [interval(value, label), h("span", { class: "figure" }, h("b", {}, words.percent(value.risk)), ` (${words.range(value)}) at ${words.amount(value.horizon_years)} y`)];
}
