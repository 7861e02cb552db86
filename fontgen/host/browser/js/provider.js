// Where the element gets its parts: files beside this module. A page that is one file sets others in their place.

const fetched = async (url) => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
};

export const provider = {
  /** @returns {Promise<ArrayBuffer>} HarfBuzz */
  harfbuzz: () => fetched(new URL("../harfbuzz.wasm", import.meta.url)),
  /** @param {string} url of a font @returns {Promise<ArrayBuffer>} */
  font: (url) => fetched(new URL(url, document.baseURI)),
  makeWorker: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
};

let compiled = null;

/** HarfBuzz, fetched and compiled once for all fonts of the page. */
export function harfbuzzModule() {
  compiled ??= provider.harfbuzz().then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}
