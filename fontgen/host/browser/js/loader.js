// The only script that stands in the open in a page that is one file. All else, the page's own script too, is base64 of
// gzip in <script type="text/plain"> elements, because a page from disk can neither fetch files nor start a worker from
// one.

const decodeBase64 = (text) =>
  Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** A part of the page, unpacked piece by piece, so that no second copy of it is ever whole in memory. */
async function unpackPart(name) {
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

globalThis.unpackPart = unpackPart;

// The page's Content-Security-Policy knows the hash of what is unpacked here.
unpackPart("page").then((bytes) => {
  const script = document.createElement("script");
  script.textContent = new TextDecoder().decode(bytes);
  document.body.append(script);
});
