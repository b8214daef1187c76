// Starts the page: asks how to log in, then shows what the address names.

import { bundleInUse, config, Problem } from "./api.js";
import { isOperator } from "./caller.js";
import { showCase } from "./case_view.js";
import { h } from "./dom.js";
import { LOGIN_ENDED } from "./events.js";
import { showList } from "./list_view.js";
import { begin, finish, forget, token } from "./login.js";
import { showOperations } from "./operations_view.js";
import { hideFlag, showFlag } from "./monitoring_banner.js";
import { problem } from "./parts.js";
import { showViewer } from "./viewer.js";
import { decoded, parse } from "./viewer_address.js";

const main = document.getElementById("content");
const logout = document.getElementById("logout");
const operations = document.getElementById("operations");
const loginEnded = document.getElementById("login-ended");
const OPERATIONS = "#/operations";
let login = null;
let leaving = new AbortController();

async function start() {
  try {
    const served = await config();
    login = served.login;
    document.getElementById("guide").hidden = !served.guide;
    if (login) await finish(login);
  } catch (error) {
    askLogin(error);
    return;
  }
  addEventListener(LOGIN_ENDED, ({ detail }) => endLogin(detail));
  addEventListener("hashchange", () => { if (location.hash !== "#content") show(true); });
  show(false);
}

async function show(moveFocus) {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  logout.hidden = !(login && token());
  loginEnded.hidden = true;
  if (login && !token()) return askLogin();
  try {
    await view(signal);
    if (moveFocus) { main.focus({ preventScroll: true }); scrollTo(0, 0); }
  } catch (error) {
    if (!signal.aborted) refuse(error);
  }
}

function view(signal) {
  const viewed = parse(location.hash);
  const match = /^#\/cases\/([^/]+)$/.exec(location.hash);
  const id = viewed?.caseId ?? (match && decoded(match[1]));
  document.title = id ? `${id} \u2013 Medulla` : "Medulla";
  const shown = (simulated, bundle = "") => { banner(simulated); showFlag(bundle, signal); };
  banner(false);
  hideFlag();
  showMenu(signal);
  showRefusedBundle(signal);
  if (location.hash === OPERATIONS) return showOperations(main, signal);
  if (viewed) return showViewer(main, viewed, signal, shown);
  return id ? showCase(main, id, signal, shown) : showList(main, signal, shown);
}

/** Operators have a page of their own. */
function showMenu(signal) {
  isOperator(signal).then((allowed) => { operations.hidden = !allowed; }, () => { operations.hidden = true; });
}

/** Everyone learns that scores are made by an older bundle than the promoted one. */
function showRefusedBundle(signal) {
  const line = document.getElementById("refused-bundle");
  bundleInUse(signal).then(({ refused }) => {
    line.hidden = !refused;
    line.replaceChildren(h("strong", {}, "Older model in use. "), refused && refused[0].toUpperCase() + refused.slice(1));
  }, () => { line.hidden = true; });
}

function refuse(error) {
  if (error instanceof Problem && error.status === 401 && login) return askLogin(error);
  main.replaceChildren(problem(error), h("p", { class: "back" }, h("a", { href: "#/" }, "\u2190 All cases")));
}

/** What is shown stays, and so does a note that is being written, until people choose to log in again. */
function endLogin(error) {
  forget();
  if (!login) return;
  const again = h("button", { type: "button", class: "quiet", onclick: () => begin(login).catch(askLogin) }, "Log in again");
  loginEnded.replaceChildren(h("strong", {}, "Your login has ended: "), `${error.message}. What is shown is no longer updated. `, again);
  loginEnded.hidden = false;
}

function askLogin(error = null) {
  banner(false);
  hideFlag();
  logout.hidden = operations.hidden = loginEnded.hidden = document.getElementById("refused-bundle").hidden = true;
  const go = () => begin(login).catch(askLogin);
  main.replaceChildren(
    h("h1", {}, "Log in"),
    error ? problem(error) : "",
    h("p", {}, "Results are shown to people with the role viewer or operator."),
    login ? h("button", { type: "button", class: "main", onclick: go }, "Log in") : "");
}

const banner = (simulated) => { document.getElementById("simulated").hidden = !simulated; };

logout.addEventListener("click", () => { forget(); show(true); });
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
start();
