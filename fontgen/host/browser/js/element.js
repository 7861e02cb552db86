// <wasm-font-text>: a text field that shows its text through a font's own Wasm shaper.
//
// What is typed lives in a real <textarea>, which nobody sees: so typing, input methods, paste, undo, spelling and the
// keyboards of telephones are the browser's own. What is seen is drawn from the glyphs, and caret, selection and clicks
// are mapped through their clusters. See ../README.md for the attributes, properties and events.

import { Announcer } from "./announcer.js";
import { Caret } from "./caret.js";
import { FontClient } from "./client.js";
import { Clipboard } from "./clipboard.js";
import { MARKUP, sheet } from "./element-style.js";
import { Keyboard } from "./keyboard.js";
import { Paragraphs, parseVariations } from "./paragraphs.js";
import { Pointer } from "./pointer.js";
import { harfbuzzModule, provider } from "./provider.js";
import { Renderer } from "./renderer.js";
import { TextView } from "./text-view.js";

const MOST_UNCHANGED = 100; // answers that show the same, before an ellipsis is taken to be the font's last word
const COLOUR_QUERIES = ["(prefers-color-scheme: dark)", "(forced-colors: active)"]; // when the text may get another colour
const PAPER_WIDTH = 680; // pixels of a line that is printed: about what A4 and Letter have between their margins

export class WasmFontText extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = [
    "aria-label", "dir", "disabled", "features", "font", "lang", "placeholder", "readonly", "tokens", "variations",
  ];

  /** The text area in which the text lives. @type {HTMLTextAreaElement} */
  area;
  /** Where everything is, as it was drawn last. @type {TextView|null} */
  view = null;
  #internals = this.attachInternals();
  #client = null;
  #ownsClient = false;
  #paragraphs = new Paragraphs();
  #renderer;
  #announcer;
  #keyboard = new Keyboard(this);
  #surface;
  #caret;
  #handles;
  #width = 0;
  #scale = 1;
  #busy = false;
  #stale = false;
  #composing = null;
  #typedByHand = false;
  #clipboard = new Clipboard(this);
  #sizes;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open", delegatesFocus: true });
    root.adoptedStyleSheets = [sheet];
    root.innerHTML = MARKUP;
    this.area = root.querySelector("textarea");
    this.#surface = root.querySelector(".surface");
    this.#caret = new Caret(root.querySelector(".caret"));
    const [start, end] = root.querySelectorAll(".handle");
    this.#handles = { start, end };
    this.#renderer = new Renderer(root.querySelector("svg"));
    this.#announcer = new Announcer(root.querySelector("#story"), root.querySelector("[role=status]"));
    // Told, not asked for: asking for it would lay the page out anew at each key.
    this.#sizes = new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width === this.#width) return;
      this.#width = contentRect.width;
      this.#draw();
    });
    new Pointer(this, this.#handles);
    this.#clipboard.listen();
    this.#listen();
  }

  // ---- Attributes and properties ----

  get value() {
    return this.area.value;
  }
  set value(text) {
    this.area.value = text;
    this.area.setSelectionRange(text.length, text.length);
    this.refresh();
  }

  /** The text that is seen: what the font's module gave to OpenType. */
  get visibleText() {
    return this.view ? this.view.visible() : this.value;
  }

  /** The font's worker. A page may set it; the attribute `font` makes one. @type {FontClient|null} */
  get client() {
    return this.#client;
  }
  set client(client) {
    if (this.#ownsClient) this.#client?.close();
    this.#ownsClient = false;
    this.#client = client;
    this.#paragraphs.forget();
    this.#renderer.forgetGlyphs();
    this.refresh();
  }

  /** What the text is shaped with, besides its font: what FontClient.shape() takes. */
  get shapingStyle() {
    return {
      features: this.getAttribute("features") ?? "",
      language: this.closest("[lang]")?.getAttribute("lang") ?? undefined,
      variations: parseVariations(this.getAttribute("variations")),
    };
  }

  get disabled() {
    return this.hasAttribute("disabled");
  }

  attributeChangedCallback(name, before, after) {
    if (name === "font" && this.isConnected && before !== after) this.#load();
    else if (name === "tokens") this.#draw();
    else if (name === "features" || name === "dir" || name === "lang" || name === "variations") this.refresh();
    else this.#reflect();
  }

  /** Attributes that are the text area's, too. */
  #reflect() {
    this.area.readOnly = this.hasAttribute("readonly");
    this.area.disabled = this.disabled;
    this.area.placeholder = this.#surface.dataset.placeholder = this.getAttribute("placeholder") ?? "";
    this.area.setAttribute("aria-label", this.getAttribute("aria-label") ?? "text");
  }

  connectedCallback() {
    if (!this.area.value) this.area.value = this.textContent.trim();
    this.#reflect();
    this.#sizes.observe(this.#surface);
    this.#listenOutside();
    if (this.hasAttribute("font") && !this.#client) this.#load();
    this.refresh();
  }
  disconnectedCallback() {
    this.#sizes.disconnect();
    this.#outside.abort();
    this.#caret.hide();
    // Unless it has only been moved to another place.
    queueMicrotask(() => {
      if (this.isConnected || !this.#ownsClient) return;
      this.client = null;
      this.#loading = null;
    });
  }
  #outside = new AbortController(); // ends what is listened to while the element is in a page

  #listenOutside() {
    this.#outside = new AbortController();
    const { signal } = this.#outside;
    document.addEventListener("selectionchange", () => this.hasAttribute("focused") && this.#drawCaret(), { signal });
    window.visualViewport?.addEventListener("resize", () => this.revealCaret(), { signal });
    for (const kind of ["beforeprint", "afterprint"]) addEventListener(kind, this.#print, { signal });
    for (const query of COLOUR_QUERIES) matchMedia(query).addEventListener("change", () => this.#draw(), { signal });
  }

  /** Paper has another width than the window, which nobody tells: lines are set anew for one that is scaled to it. */
  #print = ({ type }) => {
    this.#isPrinted = type === "beforeprint";
    this.#draw();
  };
  #isPrinted = false;

  // A form's.
  formResetCallback() {
    this.value = this.textContent.trim();
  }
  formStateRestoreCallback(state) {
    this.value = state;
  }
  formDisabledCallback(disabled) {
    this.area.disabled = disabled;
  }
  get form() {
    return this.#internals.form;
  }
  get name() {
    return this.getAttribute("name");
  }

  async #load() {
    const url = this.getAttribute("font");
    if (url === this.#loading) return;
    this.#loading = url;
    try {
      const harfbuzz = harfbuzzModule();
      const client = new FontClient({ makeWorker: provider.makeWorker, font: () => provider.font(url), harfbuzz });
      await client.opened;
      if (url !== this.#loading) return client.close();
      this.client = client;
      this.#ownsClient = true;
    } catch (error) {
      this.#loading = null;
      this.dispatchEvent(new CustomEvent("fonterror", { detail: error }));
    }
  }
  #loading = null; // the attribute font, as it was when it was loaded

  // ---- Shaping: one request at a time, the newest text wins ----

  /** Shapes and draws the text anew; events `shape` tell of each answer. */
  async refresh() {
    this.#internals.setFormValue(this.value);
    this.#surface.classList.toggle("empty", !this.value);
    if (!this.#client) return;
    this.#stale = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let unchanged = 0, before = ""; this.#stale; ) {
        this.#stale = false;
        const client = this.#client;
        if (!client) return; // taken out of the page
        const unfinished = await this.#shapeOnce(client).catch((error) => {
          if (client === this.#client) throw error;
          return true; // another font has come, and this one's worker has gone
        });
        const visible = this.visibleText;
        unchanged = visible === before ? unchanged + 1 : 0;
        before = visible;
        // One call of a language model computes only so much: go on where it stopped.
        if (unfinished && unchanged < MOST_UNCHANGED) this.#stale = true;
      }
    } catch (error) {
      this.dispatchEvent(new CustomEvent("fonterror", { detail: error }));
    } finally {
      this.#busy = false;
    }
  }

  async #shapeOnce(client) {
    const text = this.value;
    const began = performance.now();
    if (!client.info) await client.opened;
    const style = this.shapingStyle;
    const direction = { ltr: "ltr", rtl: "rtl" }[this.getAttribute("dir")] ?? "auto";
    const { paragraphs, answer } = await this.#paragraphs.shape(text, direction, style, client);
    if (client !== this.#client) return true;
    if (answer?.restarted || answer?.variationsChanged) this.#renderer.forgetGlyphs();
    if (answer) this.#renderer.addGlyphs(answer);
    const shapedIn = performance.now() - began;
    this.#shaped = paragraphs;
    this.#draw();
    const unfinished = paragraphs.some((paragraph) => paragraph.unfinished);
    const detail = { text, paragraphs, answer, unfinished, shapedIn, drawnIn: performance.now() - began - shapedIn };
    this.dispatchEvent(new CustomEvent("shape", { detail }));
    this.#announcer.update(text, this.visibleText, this.#typedByHand);
    return unfinished;
  }
  #shaped = null;

  /** Resolves when what is drawn is what was typed, told to its end. */
  async settled() {
    while (this.#busy || this.#stale || this.view?.typed !== this.value) await new Promise((done) => setTimeout(done, 5));
  }

  // ---- Drawing ----

  #draw() {
    const width = this.#isPrinted ? PAPER_WIDTH : this.#width;
    const info = this.#client?.info;
    if (!this.#shaped || !info || !width) return;
    const { fontSize, color } = getComputedStyle(this);
    this.#scale = parseFloat(fontSize) / info.unitsPerEm;
    this.view = new TextView(this.#shaped, info, width / this.#scale);
    const { lines, height, ascender, descender } = this.view;
    const boxes = this.hasAttribute("tokens");
    const drawn = boxes ? lines : lines.map((line) => ({ ...line, boxes: [] }));
    this.#renderer.draw({
      lines: drawn,
      scale: this.#scale,
      width: this.#isPrinted ? width : null,
      height,
      ascender,
      descender,
      colour: this.#isPrinted ? "black" : color,
    });
    this.#drawCaret();
  }

  /** How many lines the last change has redrawn. */
  get changedLines() {
    return this.#renderer.changedLines;
  }

  #drawCaret() {
    const { view } = this;
    if (!view || view.typed !== this.value) return; // soon
    const [from, to] = this.selection;
    this.#renderer.drawSelection(from < to ? view.rectangles(from, to) : []);
    const { x, top, placed } = view.caret(Math.min(this.caretOffset, view.typed.length));
    const height = view.ascender - view.descender;
    this.#place(this.#caret.element, x, top, height);
    this.#place(this.area, Math.max(0, Math.min(x, this.#width / this.#scale - view.lineHeight)), top);
    if (this.hasAttribute("focused")) this.#caret.show();
    this.#drawComposition(placed);
    if (this.hasAttribute("handles"))
      for (const [edge, offset] of [["start", from], ["end", to]]) {
        const at = view.caret(offset);
        this.#place(this.#handles[edge], at.x, at.top + height);
      }
  }

  #place(element, x, top, height) {
    element.style.left = `${x * this.#scale}px`;
    element.style.top = `${top * this.#scale}px`;
    if (height) element.style.height = `${height * this.#scale}px`;
  }

  #drawComposition() {
    const pixel = 1 / this.#scale;
    const parts = this.#composing ? this.view.rectangles(this.#composing.start, this.#composing.end) : [];
    const underlines = parts.map(({ x, y, width, height }) => ({ left: x, right: x + width, y: y + height - 2 * pixel }));
    this.#renderer.drawComposition(underlines, 1.5 * pixel);
  }

  /** Scrolls so that the caret is seen, above the keyboard of a telephone too. */
  revealCaret() {
    if (!this.hasAttribute("focused")) return;
    const { top, bottom } = this.#caret.element.getBoundingClientRect();
    const seen = window.visualViewport ?? { offsetTop: 0, height: innerHeight };
    const [first, last] = [seen.offsetTop, seen.offsetTop + seen.height];
    const margin = 8;
    if (bottom + margin > last) scrollBy(0, bottom + margin - last);
    else if (top - margin < first) scrollBy(0, top - margin - first);
  }

  // ---- Caret and selection ----

  /** @returns {[number, number]} offsets in the typed text */
  get selection() {
    return [this.area.selectionStart, this.area.selectionEnd];
  }
  /** The end of the selection that moves. */
  get caretOffset() {
    const { selectionStart, selectionEnd, selectionDirection } = this.area;
    return selectionDirection === "backward" ? selectionStart : selectionEnd;
  }
  get #anchor() {
    const { selectionStart, selectionEnd, selectionDirection } = this.area;
    return selectionDirection === "backward" ? selectionEnd : selectionStart;
  }

  /** Selects from an offset to another, where the caret then is. */
  select(anchor, head) {
    const direction = head < anchor ? "backward" : "forward";
    this.area.setSelectionRange(Math.min(anchor, head), Math.max(anchor, head), direction);
    this.#drawCaret();
  }

  moveCaret(offset, extend) {
    this.select(extend ? this.#anchor : offset, offset);
    this.revealCaret();
  }

  /** Which end of a selection an arrow key goes to; null when nothing is selected, or the key extends it. */
  selectionEdge({ shiftKey }) {
    const [from, to] = this.selection;
    return from === to || shiftKey ? null : (direction) => (direction < 0 ? from : to);
  }

  /** The typed offset nearest to a place in the window. */
  offsetFromPoint(clientX, clientY) {
    const box = this.#surface.getBoundingClientRect();
    return this.view.offsetAt((clientX - box.left) / this.#scale, (clientY - box.top) / this.#scale);
  }

  showHandles() {
    this.toggleAttribute("handles", true);
    this.#drawCaret();
  }
  hideHandles() {
    this.toggleAttribute("handles", false);
  }

  // ---- Input ----

  /** Inserts in place of the selection, as if it were typed: it can be undone. */
  insert(text) {
    if (!this.hasAttribute("focused")) this.focus({ preventScroll: true });
    // Setting the text area's value would end its undo.
    if (document.execCommand("insertText", false, text)) return;
    this.area.setRangeText(text, ...this.selection, "end");
    this.refresh();
  }

  /**
   * Puts the selection's text, or all, on the clipboard.
   * @param {boolean} asShown as it is seen, or as it was typed
   */
  copy(asShown) {
    return this.#clipboard.copy(asShown);
  }

  #listen() {
    const { area } = this;
    area.addEventListener("input", () => {
      this.#typedByHand = true;
      this.#keyboard.forgetColumn();
      this.hideHandles();
      if (this.#composing) this.#composing.end = area.selectionEnd;
      this.refresh().then(() => this.revealCaret());
    });
    area.addEventListener("change", () => this.dispatchEvent(new Event("change", { bubbles: true })));
    area.addEventListener("compositionstart", () => {
      this.#composing = { start: area.selectionStart, end: area.selectionEnd };
    });
    area.addEventListener("compositionend", () => {
      this.#composing = null;
      this.refresh();
    });
    area.addEventListener("focus", () => {
      this.toggleAttribute("focused", true);
      this.#drawCaret();
    });
    area.addEventListener("blur", () => {
      this.toggleAttribute("focused", false);
      this.#caret.hide();
    });
    area.addEventListener("keydown", (event) => this.#keyboard.keyDown(event));
    area.addEventListener("keyup", () => this.#drawCaret());
    area.addEventListener("selectionchange", () => this.#drawCaret());
  }
}

if (!customElements.get("wasm-font-text")) customElements.define("wasm-font-text", WasmFontText);
