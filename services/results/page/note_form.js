// The form of a note: what kind it is, and what a note of that kind states.

import { h, labelled } from "./dom.js";
import { problem } from "./parts.js";
import * as words from "./words.js";

const KINDS = { seen: "I have seen this case", disagrees: "I disagree with the score", artefact: "A tile is an artefact", outcome: "The outcome is known" };
const TEXTS = { seen: "Remark", disagrees: "Why", artefact: "What it shows", outcome: "Remark" };
/** Characters of a note's text, at most. */
export const LONGEST = 2000;

/** A form that calls `send(note)` and empties itself when that succeeds. */
export class NoteForm {
  constructor(send) {
    this.send = send;
    this.kind = h("select", { name: "note-kind", onchange: () => this.fit() }, Object.entries(KINDS).map(([value, label]) => h("option", { value }, label)));
    this.slide = h("select", { name: "note-slide", onchange: () => this.offerTiles() });
    this.tile = h("select", { name: "note-tile", onchange: () => this.takeTile() });
    [this.x, this.y] = ["x", "y"].map((axis) => h("input", { type: "number", name: `note-${axis}`, min: "0", step: "1" }));
    this.event = h("select", { name: "note-event" });
    this.date = h("input", { type: "date", name: "note-date" });
    this.years = h("input", { type: "number", name: "note-years", min: "0", max: "120", step: "any" });
    this.text = h("textarea", { name: "note-text", rows: "3", maxlength: String(LONGEST) });
    this.refusal = h("div", {});
    this.button = h("button", { type: "submit", class: "main" }, "Save note");
    this.artefact = h("div", { class: "choices" }, labelled("Slide", this.slide), labelled("Tile", this.tile), labelled("x, pixels", this.x), labelled("y, pixels", this.y));
    this.outcome = h("div", { class: "choices" }, labelled("Outcome", this.event), labelled("Date", this.date), labelled("or years since diagnosis", this.years));
    this.remark = labelled(TEXTS.seen, this.text);
    this.element = h("form", { class: "note-form", "aria-label": "Write a note", onsubmit: (event) => { event.preventDefault(); this.save(); } },
      labelled("New note", this.kind), this.artefact, this.outcome, this.remark, this.refusal, this.button);
    this.slides = [];
    this.fit();
  }

  /** Offer the slides of a score with their most attended tiles, and the outcomes of its cohort. */
  offer(slides, outcomes) {
    this.slides = slides;
    fill(this.slide, slides.map((slide) => [slide.slide_id, slide.slide_id]));
    fill(this.event, Object.entries(outcomes));
    this.kind.querySelector("[value=artefact]").disabled = !slides.length;
    this.kind.querySelector("[value=outcome]").disabled = !Object.keys(outcomes).length;
    this.offerTiles();
  }

  offerTiles() {
    const slide = this.slides.find((each) => each.slide_id === this.slide.value);
    fill(this.tile, [["", "Another tile"], ...(slide?.top_tiles ?? []).map((tile, rank) =>
      [`${tile.x_px} ${tile.y_px}`, `${words.ordinal(rank + 1)} in attention: ${words.count(tile.x_px)}, ${words.count(tile.y_px)}`])]);
  }

  takeTile() {
    if (this.tile.value) [this.x.value, this.y.value] = this.tile.value.split(" ");
  }

  fit() {
    const kind = this.kind.value;
    this.artefact.hidden = kind !== "artefact";
    this.outcome.hidden = kind !== "outcome";
    this.text.required = kind === "disagrees";
    this.remark.querySelector("label").textContent = TEXTS[kind] + (this.text.required ? "" : " (optional)");
  }

  note() {
    const kind = this.kind.value, note = { kind, text: this.text.value };
    if (kind === "artefact") Object.assign(note, { slide_id: this.slide.value, x_px: this.x.valueAsNumber || 0, y_px: this.y.valueAsNumber || 0 });
    if (kind === "outcome") Object.assign(note, { event: this.event.value, event_date: this.date.value });
    if (kind === "outcome" && this.years.value) note.event_years = this.years.valueAsNumber;
    return note;
  }

  async save() {
    this.button.disabled = true;
    try {
      await this.send(this.note());
      this.element.reset();
      this.fit();
      this.refusal.replaceChildren(h("p", { role: "status", class: "saved" }, "Saved."));
      this.kind.focus();
    } catch (error) {
      this.refusal.replaceChildren(problem(error));
    } finally {
      this.button.disabled = false;
    }
  }
}

/** Options in a select; what was chosen stays chosen where it is still offered. */
function fill(select, options) {
  const chosen = select.value;
  select.replaceChildren(...options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)));
}
