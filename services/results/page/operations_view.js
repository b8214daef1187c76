// For operators: slides that wait; scoring of cases again; what the services gave up, with advice, and sending it
// again; and the audit chain.

import { deadLetters, replay, verifyAudit, waiting } from "./api.js";
import { h, section } from "./dom.js";
import { problem } from "./parts.js";
import { rescoringSection } from "./rescoring_view.js";
import { waitingSlides } from "./waiting_view.js";
import * as words from "./words.js";

/** Shows dead letters and the state of the audit chain in `main`. */
export async function showOperations(main, signal) {
  const view = new Operations(signal);
  await view.read();
  main.replaceChildren(h("h1", {}, "Operations"), rescoringSection(signal), view.element);
}

class Operations {
  constructor(signal) {
    Object.assign(this, { signal, chosen: new Set(), element: h("div", {}), answer: h("div", { role: "status" }) });
  }

  async read() {
    const [pending, letters, chain] = await Promise.all([waiting, deadLetters, verifyAudit].map((read) => read(this.signal)));
    this.chosen.clear();
    this.button = h("button", { type: "button", class: "main", disabled: true, onclick: () => this.replay() }, "Replay chosen");
    this.element.replaceChildren(waitingSlides(pending), this.letters(letters), audit(chain));
  }

  letters({ total, dead_letters: letters }) {
    const rest = total - letters.length;
    return section("Dead letters", h("p", {}, total ? "Events that a service gave up. Correct the cause, then replay them." : "There are none: no service has given up an event."),
      letters.length ? h("ul", { class: "letters" }, letters.map((letter) => this.letter(letter))) : null,
      rest > 0 ? h("p", { class: "small" }, `${words.count(rest)} older ones are listed by `, h("code", {}, "medulla dead-letters list")) : null,
      letters.length ? h("p", { class: "actions" }, this.button) : null, this.answer);
  }

  letter(letter) {
    const box = h("input", { type: "checkbox", id: `letter-${letter.id}`, onchange: () => this.choose(letter.id, box.checked) });
    return h("li", {}, box, h("label", { for: box.id }, h("b", {}, h("bdi", {}, letter.key)), " \u2014 ", letter.sentence),
      h("p", { class: "advice" }, letter.advice),
      h("p", { class: "small" }, h("code", {}, letter.reason), ` from ${letter.service}, ${words.time(letter.written)}, `, h("code", {}, letter.id),
        letter.times > 1 ? ` given up ${words.count(letter.times)} times` : null,
        letter.replayed ? h("span", { class: "chip note" }, `Replayed ${words.time(letter.replayed)}`) : null));
  }

  choose(id, isChosen) {
    if (isChosen) this.chosen.add(id); else this.chosen.delete(id);
    this.button.disabled = !this.chosen.size;
  }

  async replay() {
    const ids = [...this.chosen];
    this.button.disabled = true;
    try {
      await replay(ids, this.signal);
      await this.read();
      this.answer.replaceChildren(h("p", {}, `${words.count(ids.length)} sent again.`));
    } catch (error) {
      this.answer.replaceChildren(problem(error));
      this.button.disabled = false;
    }
  }
}

function audit({ intact, entries, head, unverified, problem: sentence }) {
  return section("Audit chain", h("p", {}, h("span", { class: `chip ${intact ? "good" : "bad"}` }, intact ? "Intact" : "Changed"), ` ${words.count(entries)} entries. `, sentence),
    unverified > 0 && h("p", { class: "small" }, `${words.count(unverified)} of them were not verified now: `, h("code", {}, "python -m services.results verify-audit"), " verifies them all."),
    h("p", { class: "small" }, "Head: ", h("code", {}, head), ". Note it elsewhere to see later that no entry was cut off."));
}
