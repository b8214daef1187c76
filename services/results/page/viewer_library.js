// Loads OpenSeadragon when a slide is first opened.

import { Problem } from "./api.js";
import { h } from "./dom.js";

const LIBRARY = "vendor/openseadragon-6.1.1.min.js";
let loading = null;

/** Resolves once the library is loaded. A mark keeps it from adding a style element, which our policy forbids. */
export function library() {
  if (loading) return loading;
  const mark = document.createElementNS("", "style");
  mark.setAttribute("data-openseadragon-mobile-css", "true");
  document.head.append(mark);
  loading = new Promise((resolve, reject) => {
    const failed = () => { loading = null; reject(new Problem(0, { detail: "The viewer's program cannot be loaded.", advice: "Reload the page." })); };
    document.head.append(h("script", { src: LIBRARY, onload: resolve, onerror: failed }));
  });
  return loading;
}
