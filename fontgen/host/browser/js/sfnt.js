// The table directory of a font file (OpenType specification, "Organization of an OpenType Font").

const COLLECTION = "ttcf";
const VERSIONS = new Set(["\0\x01\0\0", "OTTO", "true", COLLECTION]);

/**
 * @param {Uint8Array} bytes a font file, or a collection, of which the first member counts
 * @returns {Map<string, Uint8Array>} views of its tables
 * @throws {Error} it is not a font
 */
export function tablesOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  try {
    if (!VERSIONS.has(text(0))) throw new Error("another kind of file");
    const start = text(0) === COLLECTION ? view.getUint32(12) : 0;
    const tables = new Map();
    for (let i = 0; i < view.getUint16(start + 4); i++) {
      const entry = start + 12 + 16 * i;
      const offset = view.getUint32(entry + 8);
      tables.set(text(entry), bytes.subarray(offset, offset + view.getUint32(entry + 12)));
    }
    return tables;
  } catch {
    throw new Error("this is not a TrueType or OpenType font");
  }
}
