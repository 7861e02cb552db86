// A replay: a slider that shows a game as it was after some of its steps, by the OpenType feature STEP.

const FEATURE = /^STEP=(\d+)$/;
const PAUSE = 300; // milliseconds between two steps that are played

export class Replay {
  /**
   * @param {HTMLElement} root with a range, an <output> and a button
   * @param {() => void} changed
   */
  constructor(root, changed) {
    this.#root = root;
    this.#slider = root.querySelector("input");
    this.#output = root.querySelector("output");
    this.#changed = changed;
    this.#slider.addEventListener("input", () => this.#go(this.#slider.valueAsNumber));
    root.querySelector("button").addEventListener("click", () => this.#play());
  }

  #root;
  #slider;
  #output;
  #changed;
  #step = null; // null: all of them
  #timer = 0;

  /** Where the game has come to: STEP=12, or nothing at its end. */
  get feature() {
    return this.#step === null ? "" : `STEP=${this.#step}`;
  }

  /**
   * Takes a list of features, such as a page's address has.
   * @returns {string} the others of the list
   */
  take(features) {
    const entries = features.split(",");
    const step = entries.map((entry) => FEATURE.exec(entry.trim())?.[1]).findLast(Boolean);
    this.#step = step === undefined ? null : Number(step);
    return entries.filter((entry) => !FEATURE.test(entry.trim())).join(",");
  }

  /** @param {number} steps of the game that is shown; 0: there is none */
  show(steps) {
    this.#root.hidden = !steps;
    const step = Math.min(this.#step ?? steps, steps);
    this.#slider.max = steps;
    this.#slider.value = step;
    this.#output.value = `${step} of ${steps}`;
  }

  #go(step) {
    clearTimeout(this.#timer);
    this.#step = step < Number(this.#slider.max) ? step : null;
    this.#changed();
  }

  /** From the beginning, or from where the slider is, to the end. */
  #play() {
    this.#go(this.#step === null ? 0 : this.#step + 1);
    if (this.#step !== null) this.#timer = setTimeout(() => this.#play(), PAUSE);
  }
}
