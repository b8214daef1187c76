// What people noted for a case, and a form to note something. Nothing of it changes a score.

import { addNote, notes, outcomes } from "./api.js";
import { h, section } from "./dom.js";
import { NoteForm } from "./note_form.js";
import * as words from "./words.js";

const KINDS = {
  seen: ["Seen", "note"], disagrees: ["Disagrees", "warn"], artefact: ["Artefact", "note"], outcome: ["Outcome", "busy"],
};

/** The section of a case's notes; what is being written stays when the case is drawn again. */
export class Notes {
  constructor(caseId, signal, added) {
    Object.assign(this, { caseId, signal, added, outcomes: {} });
    this.list = h("div", {});
    this.form = new NoteForm((note) => this.add(note));
    this.element = section("Notes", h("p", { class: "small lead" }, "Notes are kept with who and when, and change no score."), this.list, this.form.element);
  }

  /** Read the notes again, and offer what the score's slides and model allow. */
  async read(score) {
    const [stored, meanings] = await Promise.all([notes, outcomes].map((read) => read(this.caseId, this.signal)));
    this.outcomes = meanings;
    this.form.offer(score?.slides ?? [], meanings);
    this.element.classList.toggle("screen-only", !stored.length);
    this.list.replaceChildren(stored.length ? h("ol", { class: "notes" }, stored.map((note) => this.entry(note))) : h("p", { class: "wait" }, "Nobody has noted anything yet."));
  }

  async add(note) {
    await addNote(this.caseId, note, this.signal);
    this.added();
  }

  entry(note) {
    return h("li", {},
      h("p", { class: "by" }, h("span", { class: `chip ${KINDS[note.kind]?.[1] ?? "note"}` }, KINDS[note.kind]?.[0] ?? words.plain(note.kind)), " ",
        h("bdi", {}, note.author_name || note.author), ", ", h("time", { datetime: note.at }, words.time(note.at))),
      this.facts(note),
      note.text ? h("p", { class: "text" }, note.text) : null);
  }

  facts(note) {
    if (note.kind === "artefact") return h("p", {}, `Tile at ${words.count(note.x_px)}, ${words.count(note.y_px)} px of slide `, h("bdi", {}, note.slide_id));
    if (note.kind !== "outcome") return null;
    const years = note.event_years === undefined ? "" : ` after ${words.years(note.event_years)}`;
    return h("p", {}, h("b", {}, this.outcomes[note.event] ?? note.event), note.event_date ? ` on ${words.day(note.event_date)}` : "", years);
  }
}
