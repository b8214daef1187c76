// Which of a slide's ranked tiles people marked as artefacts, and a small form to mark one.

import { addNote, notes } from "./api.js";
import { h, labelled } from "./dom.js";
import { LONGEST } from "./note_form.js";
import { chip, problem } from "./parts.js";
import * as words from "./words.js";

/** Marks beside the ranked tiles of a slide; `read()` fills them, `refusal` shows why that failed. */
export class ArtefactMarks {
  constructor(caseId, slide, signal) {
    Object.assign(this, { caseId, slide, signal, areas: [], refusal: h("div", {}) });
  }

  /** The place of the mark of one tile; `rank` counts from 1. */
  beside(tile, rank) {
    const area = h("div", { class: "mark" });
    this.areas.push({ tile, rank, area });
    return area;
  }

  async read() {
    try {
      const known = (await notes(this.caseId, this.signal)).filter((note) => note.kind === "artefact" && note.slide_digest === this.slide.slide_digest);
      this.areas.forEach((each) => {
        const note = known.find(({ x_px: x, y_px: y }) => x === each.tile.x_px && y === each.tile.y_px);
        each.area.replaceChildren(note ? marked(note) : this.form(each));
      });
    } catch (error) {
      if (!this.signal.aborted) this.refusal.replaceChildren(problem(error));
    }
  }

  form({ tile, rank, area }) {
    const text = h("textarea", { name: `artefact-${this.slide.slide_id}-${rank}`, rows: "2", maxlength: String(LONGEST) });
    const refusal = h("div", {}), button = h("button", { type: "submit", class: "main" }, "Save mark");
    const save = async (event) => {
      event.preventDefault();
      button.disabled = true;
      try {
        const note = await addNote(this.caseId, { kind: "artefact", slide_id: this.slide.slide_id, x_px: tile.x_px, y_px: tile.y_px, text: text.value }, this.signal);
        area.replaceChildren(marked(note));
        area.firstElementChild.focus();
      } catch (error) {
        refusal.replaceChildren(problem(error));
        button.disabled = false;
      }
    };
    const focus = ({ target }) => { if (target.open) text.focus(); };
    return h("details", { ontoggle: focus }, h("summary", { "aria-label": `Mark as artefact: tile ${rank}` }, "Mark as artefact"),
      h("form", { onsubmit: save }, labelled("What it shows (optional)", text), refusal, button));
  }
}

/** Who marked a tile, and why; it can be focused where it replaces the form. */
const marked = (note) => h("p", { tabindex: "-1" }, chip(["Artefact", "note"]), " ", h("bdi", {}, note.author_name || note.author), `, ${words.time(note.at)}`,
  note.text ? h("span", { class: "text" }, note.text) : null);
