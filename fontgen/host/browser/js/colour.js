// Glyphs with colours of their own, as SVG: layers and gradients of COLR (versions 0 and 1), documents of `SVG `, and PNG
// images. HarfBuzz walks a glyph's paints and tells them to callbacks (hb-paint.h); what they make is in font units, y up.

import { tag } from "./harfbuzz.js";
import { SvgGlyphs } from "./svg-glyphs.js";

const FOREGROUND = 0xff; // black, where a paint does not ask for the text's own colour
const PNG = 0x706e6720; // "png "
const PALETTE = 0;
const SWEEP_STEPS = 360; // SVG has no conic gradients: wedges of a degree
const SWEEP_STEP = (2 * Math.PI) / SWEEP_STEPS;
const EXTENDS = ["pad", "repeat", "reflect"];
const STOP_WORDS = 3; // hb_color_stop_t: offset, is_foreground, color

// hb_paint_composite_mode_t: how a group (the source) is put onto what was painted before it (the backdrop).
const MODES = [
  "clear", "src", "dest", "src-over", "dest-over", "src-in", "dest-in", "src-out", "dest-out", "src-atop", "dest-atop", "xor",
  "plus", "screen", "overlay", "darken", "lighten", "color-dodge", "color-burn", "hard-light", "soft-light", "difference",
  "exclusion", "multiply", "hue", "saturation", "color", "luminosity",
];

const IDENTITY = [1, 0, 0, 1, 0, 0];

/** The matrix that first does `b`, and then `a`; each [xx, yx, xy, yy, dx, dy], as SVG writes them. */
function product(a, b) {
  return [
    a[0] * b[0] + a[2] * b[1],
    a[1] * b[0] + a[3] * b[1],
    a[0] * b[2] + a[2] * b[3],
    a[1] * b[2] + a[3] * b[3],
    a[0] * b[4] + a[2] * b[5] + a[4],
    a[1] * b[4] + a[3] * b[5] + a[5],
  ];
}

const rounded = (number) => Math.round(number * 1000) / 1000;
const matrix = (values) => `matrix(${values.map((value) => Math.round(value * 1e6) / 1e6).join(" ")})`;

/** hb_color_t: blue, green, red and alpha, from the highest byte on. */
function ink({ isForeground, colour }) {
  const [blue, green, red, alpha] = [24, 16, 8, 0].map((shift) => (colour >>> shift) & 255);
  const hex = [red, green, blue].map((channel) => channel.toString(16).padStart(2, "0")).join("");
  return { paint: isForeground ? "currentColor" : `#${hex}`, opacity: rounded(alpha / 255), channels: [red, green, blue, alpha] };
}

export class ColourGlyphs {
  /**
   * @param {import("./harfbuzz.js").HarfBuzz} hb
   * @param {number} face
   * @param {number} font
   * @param {(glyph: number) => string} path an outline as SVG
   */
  constructor(hb, face, font, path) {
    const { c } = hb;
    this.#hb = hb;
    this.#face = face;
    this.#font = font;
    this.#path = path;
    this.#hasLayers = Boolean(c.hb_ot_color_has_layers(face));
    this.#hasPaint = Boolean(c.hb_ot_color_has_paint(face));
    this.#hasImages = Boolean(c.hb_ot_color_has_png(face));
    this.#documents = new SvgGlyphs(hb.table(face, tag("SVG ")).slice(), c.hb_face_get_upem(face));
    this.#any = this.#hasLayers || this.#hasPaint || this.#hasImages || this.#documents.any;
  }

  #hb;
  #face;
  #font;
  #path;
  #hasLayers;
  #hasPaint;
  #hasImages;
  #documents;
  #any;
  #functions = 0;

  // While a glyph is painted:
  #glyph;
  #matrices;
  #clips; // {d, matrix}
  #groups; // SVG of what each open group has painted
  #clipsAtGroup;
  #serial;

  /** Unpacks what some glyphs need, before svg() is asked for them. */
  unpack(glyphs) {
    return this.#documents.unpack(glyphs);
  }

  /** Whether unpack() has something to do. */
  get hasDocuments() {
    return this.#documents.any;
  }

  /**
   * The SVG of a glyph, or "" where it has no colours. Of several kinds the first is taken that HarfBuzz takes first.
   * @param {number} glyph
   */
  svg(glyph) {
    if (!this.#any) return "";
    return this.#isPainted(glyph) ? this.#painted(glyph) : this.#documents.svg(glyph) || (this.#hasImages ? this.#painted(glyph) : "");
  }

  #painted(glyph) {
    this.#functions ||= this.#makeFunctions();
    this.#glyph = glyph;
    this.#matrices = [IDENTITY];
    this.#clips = [];
    this.#groups = [""];
    this.#clipsAtGroup = [];
    this.#serial = 0;
    this.#hb.c.hb_font_paint_glyph(this.#font, glyph, this.#functions, 0, PALETTE, FOREGROUND);
    return this.#groups[0];
  }

  /** Whether COLR has it. */
  #isPainted(glyph) {
    const { c } = this.#hb;
    if (this.#hasPaint && c.hb_ot_color_glyph_has_paint(this.#face, glyph)) return true;
    return this.#hasLayers && c.hb_ot_color_glyph_get_layers(this.#face, glyph, 0, 0, 0) > 0;
  }

  #makeFunctions() {
    const { c } = this.#hb;
    const functions = c.hb_paint_funcs_create();
    const callbacks = {
      // (funcs, paint_data, ..., user_data)
      push_transform: ["iiffffffi", (_f, _d, ...values) => this.#matrices.push(product(this.#matrix, values.slice(0, 6)))],
      pop_transform: ["iii", () => this.#matrices.pop()],
      push_clip_glyph: ["iiiii", (_f, _d, glyph) => this.#clips.push({ d: `M0 0${this.#path(glyph)}`, matrix: this.#matrix })],
      push_clip_rectangle: ["iiffffi", (_f, _d, ...corners) => this.#clips.push({ d: rectangle(corners), matrix: this.#matrix })],
      pop_clip: ["iii", () => this.#clips.pop()],
      push_group: ["iii", () => this.#pushGroup()],
      pop_group: ["iiii", (_f, _d, mode) => this.#popGroup(MODES[mode])],
      color: ["iiiii", (_f, _d, isForeground, colour) => this.#fill(ink({ isForeground, colour }))],
      linear_gradient: ["iiiffffffi", (_f, _d, line, ...points) => this.#linear(line, points)],
      radial_gradient: ["iiiffffffi", (_f, _d, line, ...circles) => this.#radial(line, circles)],
      sweep_gradient: ["iiiffffi", (_f, _d, line, x, y, start, end) => this.#sweep(line, x, y, start, end)],
    };
    for (const [name, [parameters, call]] of Object.entries(callbacks)) {
      const pointer = this.#hb.callback((...values) => void call(...values), parameters);
      c[`hb_paint_funcs_set_${name}_func`](functions, pointer, 0, 0);
    }
    const image = (_f, _d, blob, _w, _h, format, _s, extents) => this.#image(blob, format >>> 0, extents);
    c.hb_paint_funcs_set_image_func(functions, this.#hb.callback(image, "iiiiiifii", "i"), 0, 0);
    return functions;
  }

  get #matrix() {
    return this.#matrices[this.#matrices.length - 1];
  }

  #id() {
    return `colour${this.#glyph}-${this.#serial++}`;
  }

  #emit(svg) {
    this.#groups[this.#groups.length - 1] += svg;
  }

  /** Paints all that the clips leave: the innermost is the shape that is filled, the others clip it. */
  #fill({ paint, opacity }) {
    this.#emitClipped((attributes) => `<path ${attributes} fill="${paint}" fill-opacity="${opacity}"/>`);
  }

  #emitClipped(shape) {
    const from = this.#clipsAtGroup[this.#clipsAtGroup.length - 1] ?? 0;
    const clips = this.#clips.slice(from);
    const innermost = clips.pop() ?? { d: rectangle([-1e5, -1e5, 1e5, 1e5]), matrix: IDENTITY };
    const filled = shape(`d="${innermost.d}" transform="${matrix(innermost.matrix)}"`, innermost);
    this.#emit(clips.reduceRight((inner, clip) => this.#clipped(inner, clip), filled));
  }

  #clipped(svg, clip) {
    const id = this.#id();
    const path = `<path d="${clip.d}" transform="${matrix(clip.matrix)}"/>`;
    return `<clipPath id="${id}">${path}</clipPath><g clip-path="url(#${id})">${svg}</g>`;
  }

  // ---- Gradients ----

  #stops(line) {
    const { c } = this.#hb;
    const total = c.hb_color_line_get_color_stops(line, 0, 0, 0);
    const pointer = this.#hb.scratch(4 + 4 * STOP_WORDS * total);
    this.#hb.u32[pointer / 4] = total;
    c.hb_color_line_get_color_stops(line, 0, pointer, pointer + 4);
    const stops = Array.from({ length: total }, (_, i) => {
      const at = pointer / 4 + 1 + STOP_WORDS * i;
      return { offset: this.#hb.f32[at], ...ink({ isForeground: this.#hb.u32[at + 1], colour: this.#hb.u32[at + 2] }) };
    });
    stops.sort((a, b) => a.offset - b.offset);
    return { stops, extend: EXTENDS[c.hb_color_line_get_extend(line)] ?? "pad" };
  }

  /** Fills with a gradient whose line goes from `from` to `to`, arrays that are mixed where stops are beyond 0 and 1. */
  #gradient(element, line, from, to, attributesOf) {
    const { stops, extend } = this.#stops(line);
    if (!stops.length) return;
    const [first, last] = [stops[0].offset, stops[stops.length - 1].offset];
    if (first === last) return this.#fill(stops[stops.length - 1]);
    const mixed = (t) => from.map((value, i) => value + t * (to[i] - value));
    const id = this.#id();
    const marks = stops
      .map(({ offset, paint, opacity }) => {
        const place = rounded((offset - first) / (last - first));
        return `<stop offset="${place}" stop-color="${paint}" stop-opacity="${opacity}"/>`;
      })
      .join("");
    this.#emitClipped((attributes, shape) => {
      // The gradient's space is that of the paint, seen from the space of the shape.
      const space = product(inverse(shape.matrix), this.#matrix);
      const where = attributesOf(mixed(first).map(rounded), mixed(last).map(rounded));
      const definition = `gradientUnits="userSpaceOnUse" spreadMethod="${extend}" gradientTransform="${matrix(space)}"`;
      return `<${element} id="${id}" ${where} ${definition}>${marks}</${element}><path ${attributes} fill="url(#${id})"/>`;
    });
  }

  #linear(line, [x0, y0, x1, y1, x2, y2]) {
    // The third point turns the lines of one colour (hb_paint_reduce_linear_anchors()).
    const [turnX, turnY] = [x2 - x0, y2 - y0];
    const square = turnX * turnX + turnY * turnY;
    const part = square < 1e-6 ? 0 : (turnX * (x1 - x0) + turnY * (y1 - y0)) / square;
    const end = [x1 - part * turnX, y1 - part * turnY];
    this.#gradient("linearGradient", line, [x0, y0], end, (a, b) => `x1="${a[0]}" y1="${a[1]}" x2="${b[0]}" y2="${b[1]}"`);
  }

  #radial(line, [x0, y0, r0, x1, y1, r1]) {
    this.#gradient("radialGradient", line, [x0, y0, r0], [x1, y1, r1], (a, b) => {
      const [inner, outer] = a[2] <= b[2] ? [a, b] : [b, a];
      return `fx="${inner[0]}" fy="${inner[1]}" fr="${Math.max(0, inner[2])}" cx="${outer[0]}" cy="${outer[1]}" r="${outer[2]}"`;
    });
  }

  #sweep(line, x, y, start, end) {
    const { stops, extend } = this.#stops(line);
    if (!stops.length || start === end) return;
    const radius = 1e5;
    const corner = (angle) => `${rounded(x + radius * Math.cos(angle))} ${rounded(y + radius * Math.sin(angle))}`;
    let wedges = "";
    for (let i = 0; i < SWEEP_STEPS; i++) {
      const angle = i * SWEEP_STEP;
      const colour = colourAt(stops, extend, (angle + SWEEP_STEP / 2 - start) / (end - start));
      const d = `M${x} ${y}L${corner(angle)}L${corner(angle + SWEEP_STEP)}z`;
      wedges += `<path d="${d}" fill="${colour.paint}" fill-opacity="${colour.opacity}"/>`;
    }
    const from = this.#clipsAtGroup[this.#clipsAtGroup.length - 1] ?? 0;
    const painted = `<g transform="${matrix(this.#matrix)}" shape-rendering="crispEdges">${wedges}</g>`;
    this.#emit(this.#clips.slice(from).reduceRight((inner, clip) => this.#clipped(inner, clip), painted));
  }

  #image(blob, format, extents) {
    if (format !== PNG) return 0;
    const { c, i32, u8 } = this.#hb;
    const data = c.hb_blob_get_data(blob, 0);
    const bytes = u8.subarray(data, data + c.hb_blob_get_length(blob));
    const [x, y, width, height] = i32.subarray(extents / 4, extents / 4 + 4);
    // height is negative: images hang down from y. SVG's y axis was turned, so the image is turned back.
    this.#emit(
      `<image href="data:image/png;base64,${base64(bytes)}" x="${x}" y="${-y}" width="${width}" height="${-height}" transform="scale(1 -1)"/>`,
    );
    return 1;
  }

  // ---- Groups ----

  #pushGroup() {
    this.#groups.push("");
    this.#clipsAtGroup.push(this.#clips.length);
  }

  #popGroup(mode) {
    const source = this.#groups.pop();
    this.#clipsAtGroup.pop();
    const backdrop = this.#groups.pop();
    this.#groups.push(backdrop);
    const from = this.#clipsAtGroup[this.#clipsAtGroup.length - 1] ?? 0;
    const clipped = this.#clips.slice(from).reduceRight((inner, clip) => this.#clipped(inner, clip), source);
    this.#groups[this.#groups.length - 1] = this.#composed(backdrop, clipped, mode);
  }

  /** Source and backdrop, by the operators of Porter and Duff or blended. */
  #composed(backdrop, source, mode) {
    const within = (svg, other) => this.#masked(svg, other, false);
    const without = (svg, other) => this.#masked(svg, other, true);
    switch (mode) {
      case "clear": return "";
      case "src": return source;
      case "dest": return backdrop;
      case "src-over": return backdrop + source;
      case "dest-over": return source + backdrop;
      case "src-in": return within(source, backdrop);
      case "dest-in": return within(backdrop, source);
      case "src-out": return without(source, backdrop);
      case "dest-out": return without(backdrop, source);
      case "src-atop": return backdrop + within(source, backdrop);
      case "dest-atop": return source + within(backdrop, source);
      case "xor": return without(source, backdrop) + without(backdrop, source);
      default: return `<g class="isolate">${backdrop}<g class="${mode}">${source}</g></g>`;
    }
  }

  #masked(svg, other, inverted) {
    const id = this.#id();
    const filter = `${id}-filter`;
    // All white where `other` is, or is not.
    const alpha = inverted ? "0 0 0 -1 1" : "0 0 0 1 0";
    const rows = `${alpha} ${alpha} ${alpha} 0 0 0 0 1`;
    return (
      `<filter id="${filter}" filterUnits="userSpaceOnUse" x="-10000" y="-10000" width="20000" height="20000" ` +
      `color-interpolation-filters="sRGB"><feColorMatrix values="${rows}"/></filter>` +
      `<mask id="${id}" maskUnits="userSpaceOnUse" x="-10000" y="-10000" width="20000" height="20000">` +
      `<g filter="url(#${filter})">${other}</g></mask><g mask="url(#${id})">${svg}</g>`
    );
  }
}

const rectangle = ([left, bottom, right, top]) => `M${left} ${bottom}H${right}V${top}H${left}z`;

function inverse([a, b, c, d, e, f]) {
  const determinant = a * d - b * c;
  if (!determinant) return IDENTITY;
  return [d, -b, -c, a, c * f - d * e, b * e - a * f].map((value) => value / determinant);
}

/** The colour of a gradient at a place of its line. */
function colourAt(stops, extend, place) {
  const [first, last] = [stops[0].offset, stops[stops.length - 1].offset];
  let t = place;
  if (extend !== "pad" && last > first) {
    const turns = (t - first) / (last - first);
    const part = turns - Math.floor(turns);
    t = first + (extend === "reflect" && Math.floor(turns) % 2 ? 1 - part : part) * (last - first);
  }
  if (t <= first) return stops[0];
  const next = stops.findIndex(({ offset }) => offset >= t);
  if (next < 0) return stops[stops.length - 1];
  const [a, b] = [stops[next - 1], stops[next]];
  const share = (t - a.offset) / (b.offset - a.offset || 1);
  const [red, green, blue, alpha] = a.channels.map((value, i) => value + share * (b.channels[i] - value));
  return { paint: `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)})`, opacity: rounded(alpha / 255) };
}

function base64(bytes) {
  let letters = "";
  for (let i = 0; i < bytes.length; i += 4096) letters += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(letters);
}
