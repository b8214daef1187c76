// "What if": other values of a case, answered at once beside the stored score and never stored.

import { whatIf, whatIfForm } from "./api.js";
import { h, section } from "./dom.js";
import { problem } from "./parts.js";
import { answerBeside, unchanged } from "./what_if_answer.js";
import { Form } from "./what_if_form.js";

// Pause after the last change before the service is called, so that a moving slider asks once.
const PAUSE_MS = 150;

/** The section of a case, as long as `signal` lasts; it stays as it is while the case is drawn again. */
export class WhatIf {
  constructor(caseId, signal) {
    Object.assign(this, { caseId, signal, stored: null, form: null, timer: 0, request: new AbortController() });
    this.button = h("button", { type: "button", "aria-expanded": "false", onclick: () => this.toggle() }, "Try other values");
    this.body = h("div", { class: "what-if" });
    this.element = section("What if", h("p", {}, "Change values of this case and see what the model would answer. Nothing of it is stored."), this.button, this.body);
    this.element.classList.add("no-print");
  }

  /** Takes the stored score that answers are shown beside. */
  compareWith(score) {
    this.stored = score;
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
      this.form = new Form(description, this.stored, () => this.changed());
      this.answer = h("div", { class: "answer" });
      this.body.replaceChildren(this.form.element, this.answer);
      this.show(unchanged());
    } catch (error) {
      if (!this.signal.aborted) this.body.replaceChildren(problem(error));
    }
  }

  /** Something was changed: ask a little later, and drop what was asked before. */
  changed() {
    this.request.abort();
    clearTimeout(this.timer);
    const request = this.form.request();
    if (!request) return this.show(unchanged());
    this.answer.setAttribute("aria-busy", "true");
    this.timer = setTimeout(() => this.ask(request), PAUSE_MS);
  }

  async ask(request) {
    this.request = new AbortController();
    const { signal } = this.request;
    try {
      const score = await whatIf(this.caseId, request, AbortSignal.any([signal, this.signal]));
      if (!signal.aborted) this.show(answerBeside(this.stored, score, request));
    } catch (error) {
      if (!signal.aborted && !this.signal.aborted) this.refuse(error);
    }
  }

  show(children) {
    this.form.showProblem(null);
    this.answer.removeAttribute("aria-busy");
    this.answer.replaceChildren(...children);
  }

  refuse(error) {
    this.answer.removeAttribute("aria-busy");
    this.answer.replaceChildren(h("p", { class: "wait" }, "No answer to these values."));
    this.form.showProblem(error);
  }
}
