// The entry point of a page that is one file: its parts stand in <script type="text/plain"> elements, base64 of gzip,
// because a page from disk can neither fetch files nor start a worker from one.

import { provider } from "./provider.js";

const decodeBase64 = (text) =>
  Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** A part of the page, unpacked piece by piece, so that no second copy of it is ever whole in memory. */
async function unpack(name) {
  const pieces = [...document.querySelectorAll(`script[data-part="${name}"]`)];
  const size = Number(pieces[0].dataset.size);
  let next = 0;
  const source = new ReadableStream({
    pull(controller) {
      if (next < pieces.length) controller.enqueue(decodeBase64(pieces[next++].textContent));
      else controller.close();
    },
  });
  const bytes = new Uint8Array(size);
  let at = 0;
  const reader = source.pipeThrough(new DecompressionStream("gzip")).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes.set(part.value, at);
    at += part.value.length;
  }
  return bytes.buffer;
}

provider.harfbuzz = () => unpack("harfbuzz");
provider.font = () => unpack("font");

// The worker's script is packed like the rest: it has much of the page's own code in it once more.
const workerUrl = unpack("worker").then((source) => URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
provider.makeWorker = async () => new Worker(await workerUrl);
