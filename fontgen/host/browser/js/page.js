// The page around <wasm-font-text>: its controls, links, and fonts that are dropped on it.

import { linkTo, readAddress } from "./address.js";
import { FontClient } from "./client.js";
import { Controls } from "./controls.js";
import "./element.js";
import { describeFont } from "./font-report.js";
import { Lesson } from "./lesson.js";
import { harfbuzzModule, provider } from "./provider.js";
import { Replay } from "./replay.js";
import { showReport } from "./report-view.js";

const MODEL_TABLE = "Llam";
const SAMPLE = "The quick brown fox jumps over the lazy dog.";
const KEEP_ADDRESS_AFTER = 400; // milliseconds
const MEGABYTE = 1 << 20;
const $ = (selector) => document.querySelector(selector);

/** What `fontgen page` wrote for this page: {font: file name, text, features}. */
const settings = JSON.parse($("#settings").textContent);

class Page {
  text = $("wasm-font-text");
  controls = new Controls($("#controls"), () => this.#apply());
  lesson = new Lesson($("#lesson"), this.text);
  replay = new Replay($("#replay"), () => this.#apply());
  #fontName = settings.font;
  #openings = 0;
  #addressTimer = 0;

  async start() {
    const address = readAddress();
    this.controls.features = this.replay.take(address.features ?? settings.features);
    this.text.value = address.text ?? settings.text;
    this.#apply();
    this.#listen();
    await this.open(settings.font, () => provider.font(settings.font));
  }

  /**
   * Shows the text in a font.
   * @param {string} name of its file
   * @param {() => Promise<ArrayBuffer>} font
   */
  async open(name, font) {
    const opening = ++this.#openings;
    try {
      const parts = { makeWorker: provider.makeWorker, font, harfbuzz: harfbuzzModule() };
      const client = new FontClient(parts);
      const info = await client.opened;
      if (opening !== this.#openings) return client.close();
      this.#fontName = name;
      this.text.client?.close();
      this.text.client = client;
      document.body.dataset.kind = info.tables.includes(MODEL_TABLE) ? "model" : info.hasWasm ? "wasm" : "opentype";
    } catch (error) {
      this.#say(`${name}: ${error.message}`);
      throw error;
    }
  }

  /** A font that somebody brings: what it would run is shown first. */
  async openFile(file) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const report = await describeFont(bytes).catch((error) => this.#say(`${file.name}: ${error.message}`));
    if (!report) return;
    $("#report-details").open = true;
    showReport($("#report"), report, file.name);
    $("h1").textContent = report.names["full name"] ?? file.name;
    const sample = report.names["sample text"] ?? (report.shaper ? this.text.value : SAMPLE);
    if (sample !== this.text.value) this.text.value = sample;
    await this.open(file.name, () => file.arrayBuffer());
  }

  #apply() {
    this.text.setAttribute("features", this.#features);
    this.text.toggleAttribute("tokens", $("#tokens").checked);
    this.#keepAddress();
  }

  #keepAddress() {
    clearTimeout(this.#addressTimer);
    this.#addressTimer = setTimeout(() => {
      if (this.#fontName === settings.font) history.replaceState(null, "", this.link);
    }, KEEP_ADDRESS_AFTER);
  }

  get link() {
    return linkTo(this.text.value, this.#features);
  }

  get #features() {
    return [this.controls.features, this.replay.feature].filter(Boolean).join(",");
  }

  #say(message) {
    $("#status").textContent = message;
  }

  #listen() {
    this.text.addEventListener("shape", ({ detail }) => this.#showFigures(detail));
    this.text.addEventListener("fonterror", ({ detail }) => this.#say(detail.message));
    this.text.addEventListener("input", () => this.#keepAddress());
    $("#tokens").addEventListener("input", () => this.#apply());
    const actions = {
      more: () => this.text.insert("!"),
      another: () => this.text.insert("?"),
      "copy-shown": async (button) => this.#confirm(button, this.text.copy(true)),
      "copy-typed": async (button) => this.#confirm(button, this.text.copy(false)),
      share: async (button) => this.#confirm(button, this.#share()),
    };
    for (const [action, act] of Object.entries(actions))
      $(`[data-action=${action}]`).addEventListener("click", ({ currentTarget }) => act(currentTarget));
    // A click must not take the focus, and with it a telephone's keyboard, from the text.
    $("#toolbar").addEventListener("mousedown", (event) => event.target.closest("button") && event.preventDefault());
    $("#report-details").addEventListener("toggle", () => this.#describeOwnFont());
    addEventListener("hashchange", () => this.#followAddress());
    addEventListener("dragover", (event) => event.preventDefault());
    addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) this.openFile(file);
    });
    $("#file").addEventListener("change", ({ target }) => target.files[0] && this.openFile(target.files[0]));
  }

  #followAddress() {
    const { text, features } = readAddress();
    if (features !== null) this.controls.features = this.replay.take(features);
    if (text !== null && text !== this.text.value) this.text.value = text;
    this.#apply();
  }

  async #share() {
    history.replaceState(null, "", this.link);
    try {
      await navigator.clipboard.writeText(this.link);
    } catch {
      prompt("The link to this text:", this.link);
    }
  }

  async #confirm(button, done) {
    await done;
    const { textContent } = button;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = textContent), 1000);
  }

  async #describeOwnFont() {
    if (!$("#report-details").open || $("#report").childElementCount) return;
    showReport($("#report"), await describeFont(new Uint8Array(await provider.font(settings.font))), settings.font);
  }

  /** When the first text was told to its end, in milliseconds since the page was opened. */
  toldAt = 0;

  #showFigures({ answer, paragraphs, unfinished }) {
    if (!unfinished) this.toldAt ||= performance.now();
    document.body.dataset.ready = "";
    this.replay.show(Math.max(0, ...paragraphs.flatMap(({ runs }) => runs.map(({ steps }) => steps))));
    if (!answer) return;
    const { info, timeouts } = this.text.client;
    const milliseconds = answer.shaped.reduce((sum, run) => sum + run.milliseconds, 0);
    const memory = (answer.memory.guest + answer.memory.harfbuzz) / MEGABYTE;
    const way = paragraphs.some(({ byGuest }) => byGuest)
      ? `the font's own module${info.flavour === "simd128" ? " (SIMD128)" : ""}`
      : "OpenType";
    const trouble = timeouts ? " The font took too long, and is shown plainly." : info.hasWasm && !info.flavour ? ` ${info.log[0]}.` : "";
    const more = unfinished ? " …" : "";
    this.#say(`Shaped by ${way}, HarfBuzz ${info.harfbuzzVersion}: ${milliseconds.toFixed(1)} ms${more}, ${memory.toFixed(0)} MB.${trouble}`);
  }
}

/** For tests, and for people with a console. */
export const page = new Page();
globalThis.page = page;
page.start();
