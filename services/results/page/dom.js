// Builds elements. Text goes in as text, never as HTML, so nothing that is shown can become code.

const SVG = "http://www.w3.org/2000/svg";

/** An element: attributes by name (`on…` functions listen, `false` and null are left out), children as nodes or text. */
export function h(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), attributes, children);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A part of the page with a heading. */
export function section(title, ...children) {
  const id = `h-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("section", { "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

/** Pairs of term and description; pairs without a description are left out. */
export function pairs(rows) {
  return h("dl", { class: "pairs" }, rows.filter(([, value]) => value !== "" && value !== null).map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A control of a form below its label. */
export function labelled(label, input) {
  if (!input.id) input.id = `${input.name}-${label.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("div", { class: "labelled" }, h("label", { for: input.id }, label), input);
}
