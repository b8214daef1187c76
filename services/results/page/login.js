// Logs in with OpenID Connect: authorization code with PKCE, as a public client. The token lives in this tab only.

import { sha256 } from "./digest.js";

const TOKEN = "medulla.token";
const UNDER_WAY = "medulla.login";

export const token = () => sessionStorage.getItem(TOKEN);
export const forget = () => sessionStorage.removeItem(TOKEN);

/** Leave for the issuer's login; it comes back to this page with a code. */
export async function begin(login) {
  const { authorization_endpoint: endpoint } = await discover(login);
  const underWay = { verifier: random(), state: random(), back: location.hash };
  sessionStorage.setItem(UNDER_WAY, JSON.stringify(underWay));
  location.assign(`${endpoint}${endpoint.includes("?") ? "&" : "?"}${new URLSearchParams({
    response_type: "code",
    client_id: login.client_id,
    redirect_uri: here(),
    scope: login.scope,
    state: underWay.state,
    code_challenge: base64url(await sha256(underWay.verifier)),
    code_challenge_method: "S256",
  })}`);
}

/** Where the issuer has sent us back, turn its code into a token. */
export async function finish(login) {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state")) return;
  const underWay = JSON.parse(sessionStorage.getItem(UNDER_WAY) ?? "null");
  sessionStorage.removeItem(UNDER_WAY);
  history.replaceState(null, "", here() + (underWay?.back ?? ""));
  if (answer.get("state") !== underWay?.state) throw new Error("This login was not started here; log in again.");
  if (answer.has("error")) throw new Error(`The login was refused: ${answer.get("error_description") ?? answer.get("error")}`);
  sessionStorage.setItem(TOKEN, await exchange(login, answer.get("code"), underWay.verifier));
}

async function exchange(login, code, verifier) {
  const { token_endpoint: endpoint } = await discover(login);
  const response = await fetch(endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: login.client_id,
      redirect_uri: here(),
      code,
      code_verifier: verifier,
    }),
  });
  if (!response.ok) throw new Error("The login service gave no token; log in again.");
  return (await response.json()).access_token;
}

async function discover(login) {
  const response = await fetch(`${login.issuer}/.well-known/openid-configuration`).catch(() => null);
  if (!response?.ok) throw new Error("The login service cannot be reached.");
  return response.json();
}

const here = () => location.origin + location.pathname;
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
