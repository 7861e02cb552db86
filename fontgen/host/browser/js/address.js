// What a page shows, as the part of its address behind "#": #text=...&features=TEMP=80,SEED=7

/** @returns {{text: string|null, features: string|null}} null: the address does not say */
export function readAddress(hash = location.hash) {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  return { text: parameters.get("text"), features: parameters.get("features") };
}

/**
 * A link to the page with this text. Marks are written as %21 (URLSearchParams does), so that programs that find links
 * in running text do not leave out those at the end.
 */
export function linkTo(text, features, page = location.href) {
  const parameters = new URLSearchParams({ text });
  if (features) parameters.set("features", features);
  return `${page.split("#")[0]}#${parameters}`;
}
