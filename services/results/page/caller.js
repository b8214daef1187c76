// Who the page is used by, and what the roles allow.

import { me } from "./api.js";
import { token } from "./login.js";

let known = { token: undefined, caller: null };

/** Subject, name and roles; read again after another login. */
export async function caller(signal) {
  if (known.token !== token()) known = { token: token(), caller: await me(signal) };
  return known.caller;
}

export const isOperator = async (signal) => (await caller(signal)).roles.includes("operator");
