// One worker for each font, as the page sees it; and what happens when its guest takes too long: the worker is ended,
// and another one shows the text by OpenType alone. After three such failures in a row no guest is tried any more.

import { MEMORY_MB, MOST_FAILURES, TIMEOUT_MS } from "./limits.js";

const OPENING_LIMIT = 60000; // milliseconds; compiling HarfBuzz on a slow telephone

/** Whether a worker that is ended stops, even in a loop of WebAssembly: WebKitGTK 2.50's does not. */
const STOPS_LOOPS = !navigator.vendor.startsWith("Apple");
const PATIENCE = STOPS_LOOPS ? 1 : 2; // time limits until a worker is ended that should have ended its guest itself

class TookTooLong extends Error {
  constructor() {
    super("the font took too long");
  }
}

export class FontClient {
  /**
   * @param {object} parts
   * @param {() => Worker|Promise<Worker>} parts.makeWorker
   * @param {() => Promise<ArrayBuffer>} parts.font the font file; asked for again when a worker is restarted, so that
   *   no copy of it need be kept
   * @param {WebAssembly.Module|ArrayBuffer|Promise<WebAssembly.Module>} parts.harfbuzz
   * @param {object} [limits]
   * @param {number} [limits.milliseconds] of one call
   * @param {number} [limits.megabytes] of the guest's memory
   */
  constructor({ makeWorker, font, harfbuzz }, { milliseconds = TIMEOUT_MS, megabytes = MEMORY_MB } = {}) {
    this.#makeWorker = makeWorker;
    this.#font = font;
    this.#harfbuzz = harfbuzz;
    this.limits = { milliseconds, megabytes };
    /** Resolves to what Service.open() says of the font; rejects when it is none. */
    this.opened = this.#start();
    this.opened.catch(() => {});
  }

  /** How often in a row the guest took too long. */
  timeouts = 0;
  #makeWorker;
  #font;
  #harfbuzz;
  #worker = null;
  #pending = new Map();
  #lastId = 0;
  #closed = false;
  #isOpen = false;

  /** HarfBuzz, compiled once it has been opened: for clients of other fonts. */
  get harfbuzz() {
    return this.#harfbuzz;
  }

  async #start() {
    // All at once: each of them takes its time.
    const [worker, font, harfbuzz] = await Promise.all([this.#makeWorker(), this.#font(), this.#harfbuzz]);
    if (this.#closed) {
      worker.terminate();
      throw new Error("closed");
    }
    this.#worker = worker;
    worker.onmessage = ({ data }) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault?.();
      this.#endWorker(new Error(event.message || "the worker failed to start"));
    };
    const parameters = {
      harfbuzz,
      font,
      wasm: this.timeouts < MOST_FAILURES,
      memoryMegabytes: this.limits.megabytes,
      interruptAfter: STOPS_LOOPS ? 0 : this.limits.milliseconds,
    };
    this.info = await this.#call("open", parameters, OPENING_LIMIT, [font]);
    this.#harfbuzz = this.info.module;
    this.#isOpen = true;
    return this.info;
  }

  #receive({ id, result, error }) {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (error === undefined) pending.resolve(result);
    else pending.reject(new Error(error));
  }

  #call(method, parameters, limit = PATIENCE * this.limits.milliseconds, transfer = []) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const timer = setTimeout(() => this.#interrupt(), limit);
      this.#pending.set(id, { resolve, reject, timer });
      this.#worker.postMessage({ id, method, parameters }, transfer);
    });
  }

  #interrupt() {
    this.timeouts++;
    this.#endWorker(new TookTooLong());
    this.opened = this.#start();
    this.opened.catch(() => {});
  }

  #endWorker(error) {
    this.#isOpen = false;
    this.#worker?.terminate();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of pending) {
      clearTimeout(timer);
      reject(error);
    }
  }

  /**
   * Shapes runs of text: see Service.shape(). A text that takes too long is shaped by OpenType, in a new worker, and
   * `restarted` is true: outlines that were sent before will be sent again.
   */
  async shape(parameters) {
    if (!this.#isOpen) await this.opened; // else the worker begins at once, before whoever asks goes on
    try {
      const result = await this.#call("shape", parameters);
      this.timeouts = result.shaped.some(({ shaper }) => shaper === "wasm") ? 0 : this.timeouts;
      return result;
    } catch (error) {
      if (!(error instanceof TookTooLong)) throw error;
      await this.opened;
      const result = await this.#call("shape", { ...parameters, shaper: "ot" });
      return { ...result, restarted: true };
    }
  }

  /** What a language model did with a text: see Service.trace(). */
  async trace(parameters) {
    await this.opened;
    return this.#call("trace", parameters);
  }

  close() {
    this.#closed = true;
    this.#endWorker(new Error("closed"));
  }
}
