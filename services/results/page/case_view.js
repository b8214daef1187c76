// One case: its risk and what it means, what moved it, what would change it, its slides, and what it was computed from.

import { oneCase, Problem, scores } from "./api.js";
import { basis } from "./basis_view.js";
import { comparison } from "./comparison_view.js";
import { contributions } from "./contributions_view.js";
import { h, section } from "./dom.js";
import { listen } from "./events.js";
import { erased, Erasure } from "./erase_view.js";
import { exported } from "./exports_view.js";
import { incidence } from "./incidence_view.js";
import { latestList } from "./list_address.js";
import { lookFirst } from "./look_view.js";
import { missing } from "./missing_view.js";
import { MovingSlides } from "./moving_slides.js";
import { Notes } from "./notes_view.js";
import { chip, flags, progress } from "./parts.js";
import { history, provenance } from "./provenance_view.js";
import { refused } from "./refused_view.js";
import { abstained, risks } from "./risk_view.js";
import { showSlides } from "./slide_view.js";
import { Timeline } from "./timeline_view.js";
import { WhatIf } from "./what_if.js";
import * as words from "./words.js";

/** Shows a case in `main` until `signal` aborts. */
export async function showCase(main, id, signal, banner) {
  const view = new CaseView(main, id, signal, banner);
  await view.load();
  view.readPeople();
  listen(id, signal, (kind, data) => view.heard(kind, data));
}

class CaseView {
  constructor(main, id, signal, banner) {
    Object.assign(this, { main, id, signal, banner, moving: new MovingSlides(), way: h("div", {}), whatIf: new WhatIf(id, signal) });
    Object.assign(this, { notes: new Notes(id, signal, () => this.readPeople()), timeline: new Timeline(id, signal), erasure: new Erasure(id, signal) });
  }

  /** Read the case and its scores again and draw them, unless nothing has changed. */
  async load() {
    const read = await Promise.all([oneCase(this.id, this.signal), scores(this.id, this.signal)]);
    if (JSON.stringify(read) === JSON.stringify([this.answer, this.scores])) return;
    [this.answer, this.scores] = read;
    this.banner(Boolean(this.answer.score?.simulated), this.answer.score?.provenance?.bundle_digest);
    this.draw();
  }

  /** What people noted, and what happened to the case. */
  readPeople() {
    if (!this.answer) return;
    Promise.all([this.notes.read(this.answer.score), this.timeline.read()]).catch(() => {});
  }

  async heard(kind, data) {
    if (kind === "case" || kind === "begin") await this.load().catch((error) => this.leave(error));
    if (kind === "case") this.readPeople();
    this.moving.heard(kind, data);
    this.drawProgress();
  }

  /** A case that is gone is no longer shown; other refusals leave what is shown. */
  leave(error) {
    if (!(error instanceof Problem && error.status === 404)) return;
    this.answer = null;
    this.main.replaceChildren(erased(this.id));
  }

  draw() {
    const focused = document.activeElement;
    this.whatIf.compareWith(this.answer.score);
    this.main.replaceChildren(...this.sections());
    this.drawProgress();
    if ([this.whatIf, this.notes, this.erasure].some(({ element }) => element.contains(focused))) focused.focus({ preventScroll: true });
  }

  drawProgress() {
    const items = this.moving.of(this.id);
    this.way.replaceChildren(...(items.length ? [section("On the way", progress(items))] : []));
  }

  sections() {
    const { summary, score, rejections, withdrawn: reason } = this.answer;
    const older = this.scores.filter((stored) => !stored.current);
    return [
      h("p", { class: "back" }, h("a", { href: latestList() }, "\u2190 All cases")),
      title(summary, score),
      this.way,
      reason ? withdrawn(reason) : null,
      score ? lookFirst(score) : null,
      score ? this.verdict(score) : null,
      score ? this.whatIf.element : null,
      rejections.length ? refused(rejections, this.signal) : null,
      score?.slides.length ? showSlides(summary.case_id, score, this.signal) : null,
      score ? exported(this.id, score, this.signal) : null,
      score ? provenance(score) : null,
      older.length ? history(older) : null,
      this.notes.element,
      this.timeline.element,
      this.erasure.element,
    ].filter(Boolean);
  }

  verdict(score) {
    const asOf = this.scores.find((stored) => stored.current)?.as_of;
    if (score.abstained) return h("div", { class: "columns" }, noRisk(score), basis(score, asOf));
    return h("div", { class: "columns" },
      h("div", {}, risks(score), incidence(score), missing(score)),
      h("div", {}, contributions(score), comparison(score), basis(score, asOf)));
  }
}

function title(summary, score) {
  const certainty = summary.certainty || score?.certainty?.state;
  return h("div", { class: "title" }, h("h1", {}, summary.case_id), chip(words.standing({ ...summary, certainty })), flags(summary.flags));
}

function withdrawn(reason) {
  return section("This case has no current score", h("p", { class: "abstained" }, reason),
    h("p", { class: "advice" }, "Earlier scores are listed below."));
}

function noRisk(score) {
  return section("No risk is given",
    abstained(score),
    h("p", { class: "advice" }, "What it saw is below; no number of this score may be read as a risk."));
}
