// One field of the form of "what if": a label, its control, the stored value once it differs, and what is wrong with it.

import { h } from "./dom.js";
import { sentence } from "./parts.js";
import * as words from "./words.js";

const UNKNOWN = "not known";
// Steps of a slider over a variable's range, at least.
const STEPS = 100;

/** A variable of the profile with its stored value. */
export function variableField(variable, stored, onChange) {
  const { variable: name, label } = variable;
  const title = variable.unit ? `${label} (${variable.unit})` : label;
  const control = variable.kind === "numeric" ? numeric(variable, title, stored) : choice(variable);
  const field = new Field(name, title, control, stored ?? null, onChange);
  field.block = variable.block_title || variable.block;
  return field;
}

/** A switch that is on for what is stored. */
export function checkField(name, title, onChange) {
  const input = h("input", { type: "checkbox" });
  const control = { elements: [input], input, get: () => input.checked, set: (value) => { input.checked = value; } };
  return new Field(name, title, control, true, onChange);
}

/** Years without an event, below the last horizon; none to begin with. */
export function eventFreeField(lastYears, onChange) {
  const title = "Years without an event so far";
  return new Field("event_free_years", title, numeric({ low: 0.5, high: lastYears - 0.5, step: 0.5 }, title), null, onChange);
}

class Field {
  constructor(name, title, control, stored, onChange) {
    const id = `what-if-${name}`;
    Object.assign(this, { name, control, stored });
    this.note = h("p", { class: "small stored" });
    this.problem = h("div", { class: "field-problem", id: `${id}-problem`, role: "alert" });
    control.input.id = id;
    control.input.setAttribute("aria-describedby", this.problem.id);
    this.element = h("div", { class: "field" }, h("label", { for: id }, title), h("div", { class: "control" }, control.elements), this.note, this.problem);
    this.element.addEventListener("input", () => onChange(this));
    this.reset();
  }

  /** Takes another stored value over; a changed field keeps what was entered. */
  store(stored) {
    const changed = this.isChanged();
    this.stored = stored ?? null;
    if (!changed) this.reset();
  }

  value() { return this.control.get(); }
  isChanged() { return this.value() !== this.stored; }
  reset() { this.control.set(this.stored); }

  refresh() {
    const changed = this.isChanged() && Boolean(this.block);
    this.element.classList.toggle("changed", this.isChanged());
    this.note.textContent = changed ? `Stored: ${written(this.stored)}` : "";
  }

  showProblem(error) {
    this.control.input.setAttribute("aria-invalid", String(Boolean(error)));
    this.problem.replaceChildren(...(error ? [h("p", {}, sentence(error.message)), h("p", { class: "advice" }, error.advice)] : []));
  }
}

const written = (value) => (value === null ? UNKNOWN : typeof value === "number" ? words.amount(value) : value);

function choice({ levels }) {
  const input = h("select", {}, h("option", { value: "" }, UNKNOWN), levels.map((level) => h("option", { value: level }, level)));
  return { elements: [input], input, get: () => input.value || null, set: (value) => { input.value = value ?? ""; } };
}

/** A number field, with a slider beside it where the range is known; an empty one is not known. */
function numeric(variable, title, stored) {
  const input = h("input", { type: "number", step: "any", min: variable.low, max: variable.high, placeholder: UNKNOWN });
  const control = { elements: [input], input, get: () => (input.value === "" ? null : Number(input.value)), set: (value) => { input.value = value ?? ""; } };
  const range = rangeOf(variable, stored);
  return range ? withSlider(control, range, title) : control;
}

/** The range of a slider: that of the training cohort with the stored value, else what is allowed; null where neither is known. */
function rangeOf({ low, high, training_low: from = low, training_high: to = high, step }, stored = from) {
  return from === undefined || to === undefined ? null : { low: Math.min(from, stored), high: Math.max(to, stored), step };
}

function withSlider(control, { low, high, step }, title) {
  const { input, set } = control;
  const slider = h("input", { type: "range", min: low, max: high, step: step ?? stepOf(high - low), "aria-label": `${title}, slider` });
  const follow = () => {
    slider.value = input.value === "" ? low : input.value;
    slider.setAttribute("aria-valuetext", input.value === "" ? UNKNOWN : written(Number(input.value)));
  };
  input.addEventListener("input", follow);
  slider.addEventListener("input", () => { input.value = slider.value; follow(); });
  return { ...control, elements: [input, slider], set: (value) => { set(value); follow(); } };
}

/** 0.1, 1, 10 and the like: at most a hundredth of the range. */
const stepOf = (range) => 10 ** Math.floor(Math.log10(range / STEPS));
