// What a font would run, without running it: what `fontgen inspect` says, as far as a browser knows.

import { tablesOf } from "./sfnt.js";
import { describeModule, preferredModule } from "./wasm-binary.js";

const NAMES = {
  0: "copyright", 1: "family", 2: "style", 4: "full name", 5: "version", 10: "description", 13: "licence", 14: "licence url",
  19: "sample text",
};
const UNICODE_PLATFORM = 0;
const WINDOWS_PLATFORM = 3;
const ENGLISH = 0x409;

/**
 * @param {Uint8Array} bytes a font file
 * @returns {Promise<object>} size, sha256 (null where the browser will not compute it), names, tables, and `shaper`:
 *   null, or {size, sha256, flavour, memory, imports, exports, error}
 * @throws {Error} it is not a font
 */
export async function describeFont(bytes) {
  const tables = tablesOf(bytes);
  const wasm = tables.get("Wasm");
  return {
    size: bytes.length,
    sha256: await sha256(bytes),
    names: tables.has("name") ? readNames(tables.get("name")) : {},
    tables: Object.fromEntries([...tables].map(([tag, table]) => [tag, table.length])),
    shaper: wasm ? await describeShaper(wasm) : null,
  };
}

async function describeShaper(table) {
  const { bytes, flavour } = preferredModule(table);
  const report = { size: bytes.length, sha256: await sha256(bytes), flavour };
  try {
    return { ...report, ...describeModule(bytes), valid: WebAssembly.validate(bytes) };
  } catch (error) {
    return { ...report, error: error.message, valid: false };
  }
}

async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Entries of the name table, in English where there are several (OpenType specification, "name"). */
export function readNames(table) {
  const view = new DataView(table.buffer, table.byteOffset, table.byteLength);
  const names = {};
  try {
    const storage = view.getUint16(4);
    for (let i = 0; i < view.getUint16(2); i++) {
      const [platform, , language, id, length, offset] = [0, 2, 4, 6, 8, 10].map((at) => view.getUint16(6 + 12 * i + at));
      const isWindows = platform === WINDOWS_PLATFORM;
      if (!(isWindows || platform === UNICODE_PLATFORM) || !(id in NAMES)) continue;
      if (NAMES[id] in names && !(isWindows && language === ENGLISH)) continue;
      names[NAMES[id]] = new TextDecoder("utf-16be").decode(table.subarray(storage + offset, storage + offset + length));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the table ends too early: what was read will do
  }
  return names;
}
