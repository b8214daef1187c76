// The score of a case as files, for people and other systems.

import { casePath } from "./api.js";
import { download } from "./download.js";
import { h, section } from "./dom.js";
import { problem } from "./parts.js";

const DICOM = "dicom.PixelSpacing";

/** A button for each file that the current score can be saved as. */
export function exported(caseId, score, signal) {
  const status = h("div", { role: "status" });
  const files = [...reports(caseId), ...score.slides.filter((slide) => slide.attention_key).flatMap((slide) => maps(caseId, slide))];
  return h("div", { class: "no-print" }, section("Save this score",
    h("div", { class: "exports" }, files.map((file) => button(caseId, file, status, signal))), status));
}

const reports = (caseId) => [
  { label: "Report (PDF)", path: "report.pdf", name: `${caseId}.pdf` },
  { label: "FHIR document", path: "fhir", name: `${caseId}.fhir.json` },
  { label: "DICOM report", path: "report.dcm", name: `${caseId}.dcm` },
];

/** Attention on a slide; the parametric map needs a slide that is DICOM itself. */
function maps(caseId, { slide_id: slide, mpp_source: source }) {
  const [chosen, name] = [new URLSearchParams({ slide }), `${caseId}.${slide}`];
  return [
    { label: `Attention on ${slide} for QuPath`, path: `attention.geojson?${chosen}`, name: `${name}.geojson` },
    source === DICOM && { label: `Attention on ${slide} as DICOM`, path: `attention.dcm?${chosen}`, name: `${name}.dcm` },
  ].filter(Boolean);
}

function button(caseId, { label, path, name }, status, signal) {
  return h("button", { type: "button", class: "quiet", onclick: () => save(`${casePath(caseId)}/${path}`, name, status, signal) }, label);
}

async function save(path, name, status, signal) {
  status.replaceChildren(h("p", { class: "wait" }, `Preparing ${name} \u2026`));
  try {
    await download(path, name, signal);
    status.replaceChildren(h("p", { class: "wait" }, `${name} is saved by the browser.`));
  } catch (error) {
    if (!signal.aborted) status.replaceChildren(problem(error));
  }
}
