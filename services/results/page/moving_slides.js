// Slides that are processed now, kept from the events of a stream of progress.

/** The latest progress of each slide, by case. */
export class MovingSlides {
  #cases = new Map();

  /** Take in an event of any kind; returns the cases whose progress has changed. */
  heard(kind, data) {
    if (kind === "begin") return this.#clear();
    if (kind === "progress") this.#slides(data.case_id).set(data.slide_id, data);
    if (kind === "over") this.#slides(data.case_id).delete(data.slide_id);
    return kind === "progress" || kind === "over" ? [data.case_id] : [];
  }

  /** The progress of a case's slides. */
  of(caseId) {
    return [...(this.#cases.get(caseId)?.values() ?? [])];
  }

  #slides(caseId) {
    if (!this.#cases.has(caseId)) this.#cases.set(caseId, new Map());
    return this.#cases.get(caseId);
  }

  #clear() {
    const cases = [...this.#cases.keys()];
    this.#cases.clear();
    return cases;
  }
}
