// "What if": other values of a case, answered at once beside the stored score and never stored.

import { whatIf, whatIfForm } from "./api.js";
import { h, section } from "./dom.js";
import { problem } from "./parts.js";
import { answerBeside, headline } from "./what_if_answer.js";
import { Form } from "./what_if_form.js";

// Pause after the last change before the service is called, so that a moving slider asks once.
const PAUSE_MS = 150;
const UNCHANGED = "These are the stored values. Change one to see another answer.";

/** The section of a case, as long as `signal` lasts; it stays as it is while the case is drawn again. */
export class WhatIf {
  constructor(caseId, signal) {
    Object.assign(this, { caseId, signal, stored: null, form: null, timer: 0, request: new AbortController() });
    this.button = h("button", { type: "button", "aria-expanded": "false", onclick: () => this.toggle() }, "Try other values");
    this.body = h("div", { class: "what-if" });
    this.element = section("What if", h("p", {}, "Change values of this case and see what the model would answer. Nothing of it is stored."), this.button, this.body);
    this.element.classList.add("no-print");
  }

  /** Takes the stored score that answers are shown beside; an open form takes over the record that it was computed from. */
  async compareWith(score) {
    const isNew = score?.score_id !== this.stored?.score_id;
    this.stored = score;
    if (!this.form || !isNew) return;
    const description = await whatIfForm(this.caseId, this.signal).catch(() => null);
    if (description) this.form?.store(description.clinical_record);
    if (this.form) this.changed();
  }

  async toggle() {
    const open = !this.form && this.button.getAttribute("aria-expanded") === "false";
    this.button.setAttribute("aria-expanded", String(open));
    this.button.textContent = open ? "Close" : "Try other values";
    this.request.abort();
    clearTimeout(this.timer);
    this.form = null;
    this.body.replaceChildren();
    if (open) await this.open();
  }

  async open() {
    try {
      const description = await whatIfForm(this.caseId, this.signal);
      this.form = new Form(description, () => this.changed());
      this.headline = h("p", { class: "headline", role: "status" });
      this.details = h("div", {});
      this.body.replaceChildren(this.form.element, h("div", { class: "answer" }, this.headline, this.details));
      this.show(UNCHANGED);
    } catch (error) {
      if (!this.signal.aborted) this.body.replaceChildren(problem(error));
    }
  }

  /** Something was changed: ask a little later, and drop what was asked before. */
  changed() {
    this.request.abort();
    clearTimeout(this.timer);
    const request = this.form.request();
    if (!request) return this.show(UNCHANGED);
    this.details.setAttribute("aria-busy", "true");
    this.timer = setTimeout(() => this.ask(request), PAUSE_MS);
  }

  async ask(request) {
    this.request = new AbortController();
    const { signal } = this.request;
    try {
      const score = await whatIf(this.caseId, request, AbortSignal.any([signal, this.signal]));
      if (!signal.aborted) this.show(headline(this.stored, score), answerBeside(this.stored, score, request));
    } catch (error) {
      if (!signal.aborted && !this.signal.aborted) this.show("There is no answer to these values.", [], error);
    }
  }

  show(sentence, children = [], refusal = null) {
    this.form.showProblem(refusal);
    this.details.removeAttribute("aria-busy");
    this.headline.textContent = sentence;
    this.details.replaceChildren(...children);
  }
}
