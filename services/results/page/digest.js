// SHA-256 of texts.

/** Bytes of the digest of a text's UTF-8 bytes, Uint8Array [32]. */
export const sha256 = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
/** The digest as the services write it: 64 lower-case hexadecimal digits. */
export const sha256Hex = async (text) => Array.from(await sha256(text), (byte) => byte.toString(16).padStart(2, "0")).join("");
