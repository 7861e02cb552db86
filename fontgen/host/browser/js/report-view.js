// The report of a font, for people: who made it, and what it would run.

const create = (name, text) => Object.assign(document.createElement(name), { textContent: text });

/**
 * @param {HTMLElement} parent its content is replaced
 * @param {object} report of describeFont()
 * @param {string} fileName
 */
export function showReport(parent, report, fileName) {
  const { names, shaper } = report;
  const rows = [
    ["file", `${fileName}, ${report.size.toLocaleString("en")} bytes`],
    ["SHA-256", report.sha256],
    ...["full name", "version", "copyright", "licence", "licence url", "description"].map((name) => [name, names[name]]),
    ["tables", Object.entries(report.tables).map(([tag, size]) => `${tag.trim()} ${size.toLocaleString("en")}`).join(", ")],
  ];
  parent.replaceChildren(table(rows), create("h3", "What it runs"), ...moduleRows(shaper));
}

function moduleRows(shaper) {
  if (!shaper) return [create("p", "Nothing: it has no Wasm table, so OpenType shapes its text.")];
  if (shaper.error) return [create("p", `Nothing: its module cannot be read (${shaper.error}).`)];
  const { memory } = shaper;
  const limit = memory?.maximum ? `at most ${memory.maximum.toLocaleString("en")}` : "may grow";
  return [
    table([
      ["module", `${shaper.size.toLocaleString("en")} bytes${shaper.flavour === "simd128" ? ", with SIMD128" : ""}`],
      ["SHA-256", shaper.sha256],
      ["memory", memory ? `${memory.initial.toLocaleString("en")} bytes at first, ${limit}` : "none"],
      ["may call", shaper.imports.join("\n") || "nothing"],
      ["offers", shaper.exports.join("\n")],
    ]),
    create("p", "It can do nothing else: no file, no network, nothing of this page but the text that it shapes."),
  ];
}

function table(rows) {
  const element = document.createElement("dl");
  for (const [name, value] of rows) if (value) element.append(create("dt", name), create("dd", value));
  return element;
}
