// Reads server-sent events with fetch, which can carry a bearer token where EventSource cannot.

import { Problem, progress } from "./api.js";

/** Event of the window: the token is not accepted any more; its `detail` is the Problem. */
export const LOGIN_ENDED = "medulla:login-ended";
const PAUSE_MS = 3000;

/**
 * Call `heard(kind, data)` for every event until `signal` aborts; reconnects when the stream ends. Each stream starts with
 * `begin`, as it tells all that is true then. A refusal ends it, which the window hears of as LOGIN_ENDED.
 */
export async function listen(caseId, signal, heard) {
  while (!signal.aborted) {
    try {
      await once(caseId, signal, heard);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.status === 401) dispatchEvent(new CustomEvent(LOGIN_ENDED, { detail: error }));
      if (error instanceof Problem && [401, 403].includes(error.status)) return;
    }
    await pause(signal);
  }
}

async function once(caseId, signal, heard) {
  const response = await progress(caseId, signal);
  heard("begin", {});
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    blocks.forEach((block) => dispatch(block, heard));
  }
}

function dispatch(block, heard) {
  const field = (name) => block.split("\n").find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
  if (!field("event") || !field("data")) return;
  const [kind, data] = [field("event"), JSON.parse(field("data"))];
  if (kind === "unauthorized") throw new Problem(401, data);
  heard(kind, data);
}

function pause(signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PAUSE_MS);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}
