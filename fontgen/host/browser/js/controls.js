// The controls of a language model's page: sliders that write OpenType features.

const HUNDREDTHS = new Set(["TEMP", "TOPP"]);

/** Features that a page's controls set, in the order in which they are written. */
export const CONTROLLED = ["TEMP", "TOPP", "TOPK", "SEED"];

export class Controls {
  /**
   * @param {HTMLElement} root with an input named after each feature, and an <output> for those that are sliders
   * @param {() => void} changed
   */
  constructor(root, changed) {
    this.#inputs = Object.fromEntries(CONTROLLED.map((tag) => [tag, root.querySelector(`[name=${tag}]`)]));
    this.#outputs = Object.fromEntries(CONTROLLED.map((tag) => [tag, root.querySelector(`output[for=${tag}]`)]));
    this.#changed = changed;
    for (const [tag, input] of Object.entries(this.#inputs)) input.addEventListener("input", () => this.#update(tag));
    root.querySelector("[data-action=seed]").addEventListener("click", () => {
      this.#inputs.SEED.value = 1 + Math.floor(Math.random() * 9999);
      this.#update("SEED");
    });
    root.querySelector("[data-action=reset]").addEventListener("click", () => {
      this.features = "";
      this.#changed();
    });
    this.#show();
  }

  #inputs;
  #outputs;
  #changed;
  #set = new Set(); // features that somebody has set; the others are as the font has them
  #others = ""; // features that no control stands for

  #update(tag) {
    this.#set.add(tag);
    this.#show();
    this.#changed();
  }

  #show() {
    for (const [tag, output] of Object.entries(this.#outputs)) {
      const value = this.value(tag);
      if (output) output.value = this.#set.has(tag) ? value.toFixed(2) : "the font's";
    }
  }

  /** @param {string} tag */
  value(tag) {
    return Number(this.#inputs[tag].value) || 0;
  }

  /** As a list of features, such as "TEMP=80,SEED=7". */
  get features() {
    const set = CONTROLLED.filter((tag) => this.#set.has(tag)).map((tag) => {
      const value = this.value(tag);
      return `${tag}=${HUNDREDTHS.has(tag) ? Math.round(100 * value) : Math.round(value)}`;
    });
    return [...set, this.#others].filter(Boolean).join(",");
  }
  set features(list) {
    const others = [];
    this.#set.clear();
    for (const tag of CONTROLLED) this.#inputs[tag].value = 0;
    for (const entry of list.split(",").map((one) => one.trim())) {
      const [, tag, value] = /^(\w{4})=(\d+)$/.exec(entry) ?? [];
      if (CONTROLLED.includes(tag)) {
        this.#set.add(tag);
        this.#inputs[tag].value = HUNDREDTHS.has(tag) ? value / 100 : value;
      } else if (entry) others.push(entry);
    }
    this.#others = others.join(",");
    this.#show();
  }
}
