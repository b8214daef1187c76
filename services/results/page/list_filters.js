// Search, filters and order of the list of cases, with the number of cases behind each choice.

import { h, labelled } from "./dom.js";
import { FIELDS, isNarrow, ORDERS } from "./list_address.js";
import * as words from "./words.js";

const CALM_MS = 250;
const WIDE = "(min-width: 880px)";
const LABELS = {
  state: (value) => (words.certainty(value) ?? words.state(`CASE_STATE_${value.toUpperCase()}`))[0],
  group: (value) => words.group(value),
  certainty: (value) => words.certainty(value)?.[0] ?? words.plain(value),
  flag: (value) => words.flag(value)[0],
  reason: (value) => words.plain(value),
  site: (value) => value,
};

/** A form that calls `changed(search)` when a person has chosen something else. */
export class Filters {
  constructor(search, changed, download) {
    Object.assign(this, { search, changed, timer: 0 });
    this.query = h("input", { type: "search", name: "q", value: search.q, autocomplete: "off", spellcheck: "false", maxlength: "200", oninput: () => this.typed() });
    this.selects = Object.fromEntries(Object.keys(FIELDS).map((field) => [field, h("select", { name: field, onchange: () => this.chosen() })]));
    this.order = h("select", { name: "sort", onchange: () => this.chosen() }, Object.entries(ORDERS).map(([value, label]) => h("option", { value, selected: value === search.sort }, label)));
    this.total = h("p", { class: "total", role: "status" });
    this.clear = h("button", { type: "button", class: "quiet", onclick: () => this.reset() }, "Clear filters");
    this.element = h("form", { class: "filters", role: "search", "aria-label": "Cases", onsubmit: (event) => { event.preventDefault(); this.chosen(); } },
      labelled("Search case or site", this.query), labelled("Order", this.order),
      h("details", { open: isNarrow(search) || matchMedia(WIDE).matches }, h("summary", {}, "Filters"),
        h("div", { class: "choices" }, Object.entries(FIELDS).map(([name, label]) => labelled(label, this.selects[name])))),
      h("div", { class: "selected" }, this.total, this.clear, h("button", { type: "button", class: "quiet", onclick: download }, "Download as CSV")));
    this.count(null);
  }

  typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.chosen(), CALM_MS);
  }

  chosen() {
    clearTimeout(this.timer);
    const values = Object.fromEntries(Object.entries(this.selects).map(([name, select]) => [name, select.value ? [select.value] : []]));
    this.search = { q: this.query.value, sort: this.order.value, ...values };
    this.changed(this.search);
  }

  reset() {
    this.query.value = "";
    Object.values(this.selects).forEach((select) => { select.value = ""; });
    this.chosen();
    this.query.focus();
  }

  /** Show how many cases there are; null before that is known. */
  count(counts) {
    for (const [name, select] of Object.entries(this.selects)) {
      fill(select, name, this.search[name], (counts?.counts ?? []).filter((each) => each.field === name));
    }
    this.total.textContent = counts ? `${counts.more ? "at least " : ""}${words.count(counts.cases)} ${counts.cases === 1 ? "case" : "cases"}` : "";
    this.clear.hidden = !isNarrow(this.search);
  }
}

/** The choices of a field: all, those that cases have, and what is chosen although no case has it. */
function fill(select, name, chosen, counts) {
  const absent = chosen.filter((value) => !counts.some((each) => each.value === value)).map((value) => ({ value, cases: 0 }));
  const several = chosen.length > 1;
  const options = [h("option", { value: "" }, "All"), ...[...counts, ...absent].map(({ value, cases, more }) =>
    h("option", { value, selected: !several && chosen.includes(value) }, `${LABELS[name](value)} (${words.count(cases)}${more ? "+" : ""})`))];
  select.replaceChildren(...options);
  select.closest(".labelled")?.toggleAttribute("hidden", options.length === 1);
}
