// What is different in a page that is one file: its parts stand in the page itself. See loader.js, which unpacks them.

import { provider } from "./provider.js";

const { unpackPart } = globalThis;

provider.harfbuzz = () => unpackPart("harfbuzz");

/** The font is what the browser reads last of the page. */
const isRead = new Promise((done) => {
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", done, { once: true });
  else done();
});
provider.font = async () => {
  await isRead;
  return unpackPart("font");
};

// The worker's script is packed like the rest: it has much of the page's own code in it once more.
const workerUrl = unpackPart("worker").then((source) => URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
provider.makeWorker = async () => new Worker(await workerUrl);
