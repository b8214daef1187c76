// Saves an answer of the service as a file.

import { ask } from "./api.js";
import { h } from "./dom.js";

/** Fetched, since a link cannot carry the token. */
export async function download(path, name, signal) {
  const response = await ask(path, { signal });
  const url = URL.createObjectURL(await response.blob());
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url));
}
