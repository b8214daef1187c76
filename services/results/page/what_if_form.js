// The form of "what if", built from what the bundle's profile says of its variables and vectors.

import { h } from "./dom.js";
import { checkField, eventFreeField, variableField } from "./what_if_field.js";

/** A form of a case's variables and vectors, its slides and years without an event; `onChange` runs at each change. */
export class Form {
  constructor({ variables, blocks, clinical_record: record, horizons_years: horizons }, onChange) {
    this.changedLast = null;
    const change = (field) => { this.changedLast = field; this.refresh(); onChange(); };
    const blockFields = (source) => blocks.filter((block) => block.stored && block.source === source)
      .map(({ block, title }) => checkField(block, `Use ${title}`, change));
    this.variables = variables.map((variable) => variableField(variable, record?.[variable.variable], change));
    [this.slides, this.vectors] = [blockFields("slides"), blockFields("vectors")];
    this.eventFree = eventFreeField(horizons.at(-1), change);
    this.resetButton = h("button", { type: "button", class: "quiet", onclick: () => { this.reset(); onChange(); } }, "Reset to the stored values");
    this.element = h("form", { onsubmit: (event) => event.preventDefault() }, this.fieldsets(), this.resetButton);
    this.refresh();
  }

  get fields() {
    return [...this.variables, ...this.slides, ...this.vectors, this.eventFree];
  }

  fieldsets() {
    const blocks = [...new Set(this.variables.map((field) => field.block))];
    return [
      ...blocks.map((block) => fieldset(block, this.variables.filter((field) => field.block === block))),
      fieldset("Evidence", [...this.slides, ...this.vectors]),
      fieldset("Follow-up", [this.eventFree]),
    ];
  }

  /** What to ask the service; null where every value is the stored one. */
  request() {
    if (!this.fields.some((field) => field.isChanged())) return null;
    const request = {};
    if (this.variables.some((field) => field.isChanged())) request.clinical_record = this.values();
    if (this.slides.some((field) => field.isChanged())) request.without_slides = true;
    const left = this.vectors.filter((field) => field.isChanged());
    if (left.length) request.without_vectors = left.map((field) => field.name);
    if (this.eventFree.isChanged()) request.event_free_years = this.eventFree.value();
    return request;
  }

  /** Takes over a record that was stored meanwhile. */
  store(record) {
    this.variables.forEach((field) => field.store(record?.[field.name]));
    this.refresh();
  }

  values() {
    const known = this.variables.filter((field) => field.value() !== null);
    return Object.fromEntries(known.map((field) => [field.name, field.value()]));
  }

  reset() {
    this.fields.forEach((field) => field.reset());
    this.refresh();
  }

  refresh() {
    this.fields.forEach((field) => field.refresh());
    this.resetButton.disabled = !this.fields.some((field) => field.isChanged());
  }

  /** Shows a problem at the field that it names, else at the one that was changed last; null takes it away. */
  showProblem(error) {
    this.fields.forEach((field) => field.showProblem(null));
    if (!error) return;
    const names = error.message.split(/[^\w.-]+/);
    const named = this.fields.find((field) => names.includes(field.name));
    (named ?? this.changedLast ?? this.fields[0]).showProblem(error);
  }
}

const fieldset = (legend, fields) => (fields.length ? h("fieldset", {}, h("legend", {}, legend), fields.map((field) => field.element)) : null);
