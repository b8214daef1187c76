// Erasing a case, for operators: only after its id was typed.

import { erase } from "./api.js";
import { isOperator } from "./caller.js";
import { h, labelled, section } from "./dom.js";
import { problem } from "./parts.js";

/** A section that appears for operators. */
export class Erasure {
  constructor(caseId, signal) {
    Object.assign(this, { caseId, signal, element: h("div", { class: "screen-only" }) });
    this.typed = h("input", { type: "text", name: "erase-id", autocomplete: "off", spellcheck: "false", oninput: () => this.check() });
    this.button = h("button", { type: "submit", class: "danger", disabled: true }, "Erase for good");
    this.answer = h("div", { role: "status" });
    isOperator(signal).then((allowed) => { if (allowed) this.draw(); }, () => {});
  }

  draw() {
    const form = h("form", { class: "note-form", onsubmit: (event) => { event.preventDefault(); this.erase(); } },
      labelled("Type the id of the case to confirm", this.typed), this.button);
    const erasing = section("Erase this case", h("details", {}, h("summary", {}, "Remove everything that is stored of it"),
      h("p", {}, "Slides, records, vectors, scores, maps and notes are removed for good, in every service; the audit chain keeps digests only. This cannot be undone."),
      form, this.answer));
    this.element.replaceChildren(erasing);
  }

  check() {
    this.button.disabled = this.typed.value !== this.caseId;
  }

  async erase() {
    if (this.typed.value !== this.caseId) return;
    this.button.disabled = true;
    try {
      await erase(this.caseId, this.signal);
      this.answer.replaceChildren(h("p", {}, "The case is being erased. ", h("a", { href: "#/" }, "All cases")));
    } catch (error) {
      this.answer.replaceChildren(problem(error));
      this.check();
    }
  }
}

/** Stands in place of a case that is gone while someone looks at it. */
export const erased = (caseId) => h("div", { class: "problem", role: "alert" }, h("p", {}, `Case ${caseId} is no longer stored; it was erased.`),
  h("p", {}, h("a", { href: "#/" }, "All cases")));
