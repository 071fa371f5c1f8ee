// A link that holds the file: its text, deflated, in the part of the address that browsers do not send.
"use strict";

export const MAX_LINK = 30_000;
const MAX_TEXT = 1_000_000;
const PREFIX = "#yaml=";

export async function linked(text) {
  const packed = await piped(new TextEncoder().encode(text), new CompressionStream("deflate"), Infinity);
  return PREFIX + btoa(Array.from(packed, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// The text in an address; null if it holds none. Throws an error that says what is wrong with it.
export async function textIn(hash) {
  if (hash.length < 2) return null;
  if (!hash.startsWith(PREFIX)) throw new Error("the link holds no file");
  if (hash.length > MAX_LINK + PREFIX.length) throw new Error("the link is too long");
  const coded = hash.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/");
  try {
    const packed = Uint8Array.from(atob(coded), (character) => character.charCodeAt(0));
    const bytes = await piped(packed, new DecompressionStream("deflate"), MAX_TEXT);
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("the link is damaged: a part of it is missing or was changed");
  }
}

async function piped(bytes, stream, limit) {
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  const parts = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    if (size > limit) {
      await reader.cancel();
      throw new Error("too much");
    }
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
