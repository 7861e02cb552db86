// Draws lines of glyphs as SVG: paths of a few words each, in the colour of the text, and what is behind and above them.
// Lines that did not change since the last time are left alone, and in others the paths that did not.

import { hasForeground, withForeground } from "./foreground.js";

const SVG = "http://www.w3.org/2000/svg";

function create(name, parent, attributes = {}) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

const rounded = (length) => Math.round(length * 100) / 100;

/** Glyphs of a path, at least: it ends with a word, because letters that are joined must not be drawn apart. */
const GLYPHS_OF_PATH = 12;

export class Renderer {
  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.svg = svg;
    this.#scaled = create("g", svg);
    this.#behind = create("g", this.#scaled, { class: "selection" });
    this.#texts = create("g", this.#scaled, { class: "lines" });
    this.#above = create("g", this.#scaled, { class: "composing" });
  }

  /** How many lines the last draw() has changed. */
  changedLines = 0;
  #minWidth = "";
  #foreground = "";
  #scaled;
  #behind;
  #texts;
  #above;
  #outlines = new Map(); // glyph to SVG path
  #colours = new Map(); // glyph to SVG, for glyphs that have colours of their own
  #lines = []; // {group, boxes, glyphs, paths, colours, line, d, ...}: what is drawn

  /** @param {{outlines: Record<number, string>, colours: Record<number, string>}} answer of the worker */
  addGlyphs({ outlines = {}, colours = {} }) {
    for (const [glyph, path] of Object.entries(outlines)) this.#outlines.set(+glyph, path);
    for (const [glyph, svg] of Object.entries(colours)) this.#colours.set(+glyph, svg);
  }

  /** For another colour of the text, which images do not get from the page. */
  #setForeground(colour) {
    if (colour === this.#foreground) return;
    this.#foreground = colour;
    for (const drawn of this.#lines) if (drawn.hasForeground) drawn.line = null;
  }

  /** For another font, or other axis values. */
  forgetGlyphs() {
    this.#outlines.clear();
    this.#colours.clear();
    for (const drawn of this.#lines) drawn.line = null;
  }

  /**
   * @param {object} layout
   * @param {{line: import("./layout.js").Line, y: number, boxes: [number, number][]}[]} layout.lines
   * @param {number} layout.scale pixels of a font unit
   * @param {number|null} layout.width pixels that are to be scaled to what there is; null: as they are
   * @param {number} layout.height of all, in font units
   * @param {number} layout.ascender
   * @param {number} layout.descender
   * @param {string} layout.colour of the text
   */
  draw({ lines, scale, width, height, ascender, descender, colour }) {
    this.changedLines = 0;
    this.#setForeground(colour);
    setAttribute(this.#scaled, "transform", `scale(${scale})`);
    const pixels = Math.max(1, Math.ceil(height * scale));
    // A picture may be wider than the lines.
    const widest = Math.ceil(lines.reduce((most, { line }) => Math.max(most, line.inkRight), 0) * scale);
    setAttribute(this.svg, "height", width ? null : pixels);
    setAttribute(this.svg, "viewBox", width ? `0 0 ${Math.max(width, widest)} ${pixels}` : null);
    const minWidth = width ? "" : `${widest}px`;
    if (minWidth !== this.#minWidth) this.svg.style.minWidth = this.#minWidth = minWidth;
    while (this.#lines.length > lines.length) this.#lines.pop().group.remove();
    lines.forEach((wanted, i) => {
      this.#lines[i] ??= this.#makeLine();
      const drawn = this.#lines[i];
      setAttribute(drawn.group, "transform", `translate(0 ${rounded(wanted.y)})`);
      if (drawn.line !== wanted.line) this.#drawGlyphs(drawn, wanted.line);
      this.#drawBoxes(drawn, wanted.boxes, ascender, descender);
    });
  }

  #makeLine() {
    const group = create("g", this.#texts);
    const boxes = create("g", group, { class: "tokens" });
    const glyphs = create("g", group, { transform: "scale(1 -1)", class: "glyphs" });
    const colours = create("g", group);
    return { group, boxes, glyphs, paths: [], colours, line: null, svg: "", hasForeground: false, rectangles: "" };
  }

  #drawGlyphs(drawn, line) {
    drawn.line = line;
    const paths = [];
    let [d, count, svg] = ["", 0, ""];
    for (const [i, { id, x, y }] of line.glyphs.entries()) {
      const [colour, outline] = [this.#colours.get(id), this.#outlines.get(id)];
      if (colour) svg += `<g transform="matrix(1 0 0 -1 ${rounded(x)} ${rounded(y)})">${colour}</g>`;
      else if (outline) d += `M${rounded(x)} ${rounded(-y)}${outline}`;
      const isSpace = !colour && !outline && line.glyphs[i + 1]?.x > x;
      if (++count < GLYPHS_OF_PATH || !isSpace) continue;
      paths.push(d);
      [d, count] = ["", 0];
    }
    paths.push(d);
    drawn.hasForeground = hasForeground(svg);
    if (drawn.hasForeground) svg = withForeground(svg, this.#foreground);
    const arePathsNew = this.#drawPaths(drawn, paths);
    if (!arePathsNew && svg === drawn.svg) return;
    this.changedLines++;
    if (svg !== drawn.svg) drawn.colours.innerHTML = drawn.svg = svg;
  }

  /** @returns {boolean} whether any of them has changed */
  #drawPaths({ glyphs, paths }, wanted) {
    let areNew = paths.length > wanted.length;
    while (paths.length > wanted.length) paths.pop().element.remove();
    wanted.forEach((d, i) => {
      paths[i] ??= { element: create("path", glyphs), d: null };
      if (paths[i].d === d) return;
      areNew = true;
      paths[i].d = d;
      paths[i].element.setAttribute("d", d);
    });
    return areNew;
  }

  #drawBoxes(drawn, boxes, ascender, descender) {
    const rectangles = boxes.map((box) => box.map(Math.round).join(" ")).join();
    if (rectangles === drawn.rectangles) return;
    drawn.rectangles = rectangles;
    drawn.boxes.replaceChildren();
    for (const [left, right, number] of boxes) {
      const kind = `token${number % 3}`;
      create("rect", drawn.boxes, { x: left, y: -ascender, width: right - left, height: ascender - descender, class: kind });
    }
  }

  /** @param {{x: number, y: number, width: number, height: number}[]} rectangles in font units */
  drawSelection(rectangles) {
    this.#behind.replaceChildren();
    for (const rectangle of rectangles) create("rect", this.#behind, rectangle);
  }

  /** Underlines what an input method has not settled yet. */
  drawComposition(underlines, thickness) {
    this.#above.replaceChildren();
    for (const { left, right, y } of underlines)
      create("line", this.#above, { x1: left, x2: right, y1: y, y2: y, "stroke-width": thickness });
  }
}

/** Null takes it away. */
function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}
