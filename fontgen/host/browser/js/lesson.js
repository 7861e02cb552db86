// "What comes next": how a language model reads a text and goes on. Its tokens as boxes; what each was chosen among, as
// bars; a click takes another one. All numbers are the shaper's own, nothing is computed here.

const MOST_SHOWN = 16;
const MARK = "!";
const ANOTHER = "?";
const SENTENCEPIECE_BOS = "<s>";

const create = (name, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
};

/** A token as people read it: spaces are seen, and bytes that are no whole character are written as such. A special one
 * has its name, as the chat template of a model that answers writes it. */
export function readable({ bytes, kind, name }) {
  if (kind === "begin" && !bytes.length && (!name || name === SENTENCEPIECE_BOS)) return "BOS";
  if (kind === "end") return "the end";
  if (!bytes.length && name) return name;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.replaceAll(" ", "␣").replaceAll("\n", "⏎").replaceAll("\t", "⇥") || "∅";
  } catch {
    return hexadecimal(bytes);
  }
}

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
const percent = (probability) => `${(100 * probability).toFixed(probability < 0.001 ? 3 : 1)} %`;

export class Lesson {
  /**
   * @param {HTMLElement} root a <details>
   * @param {import("./element.js").WasmFontText} text
   */
  constructor(root, text) {
    this.#root = root;
    this.#text = text;
    this.#window = root.querySelector("#window");
    this.#tokens = root.querySelector("#trace");
    this.#heading = root.querySelector("#choice-of");
    this.#bars = root.querySelector("#choices");
    root.addEventListener("toggle", () => this.update());
    text.addEventListener("shape", ({ detail }) => detail.unfinished || this.update());
    text.addEventListener("keyup", () => this.#followCaret());
    text.addEventListener("click", () => this.#followCaret());
  }

  #root;
  #text;
  #window;
  #tokens;
  #heading;
  #bars;
  #paragraph = null;
  #chosen = null; // index of the token that is explained; null: the last
  #answer = null;
  #busy = false;
  #stale = false;

  #followCaret() {
    if (this.#text.view && this.#text.view.paragraphAt(this.#text.caretOffset).start !== this.#paragraph?.start) this.update();
  }

  /** Asks the shaper anew: for the paragraph where the caret is. */
  async update() {
    if (!this.#root.open || !this.#text.client || !this.#text.view) return;
    this.#stale = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#stale) {
        this.#stale = false;
        await this.#ask();
      }
    } catch (error) {
      this.#heading.textContent = error.message;
    } finally {
      this.#busy = false;
    }
  }

  /** Resolves when all has been answered. */
  async idle() {
    while (this.#busy || this.#stale) await new Promise((done) => setTimeout(done, 5));
  }

  async #ask(wanted) {
    const { text, view } = { text: this.#text, view: this.#text.view };
    const paragraph = view.paragraphAt(Math.min(text.caretOffset, view.typed.length));
    if (paragraph.text !== this.#paragraph?.text) this.#chosen = null;
    this.#paragraph = paragraph;
    const run = { text: paragraph.text, direction: paragraph.base % 2 ? "rtl" : "ltr" };
    const index = this.#chosen;
    const answer = await text.client.trace({ run, index, most: MOST_SHOWN, wanted, ...text.shapingStyle });
    if (wanted !== undefined) return answer;
    this.#answer = answer;
    this.#showTokens();
    this.#showChoices();
    return answer;
  }

  #showTokens() {
    const { tokens, index, contextLength } = this.#answer;
    const last = tokens[tokens.length - 1];
    const inWindow = tokens.filter(({ kind }, i) => kind !== "end" && !this.#hasFallenOut(i)).length;
    this.#window.textContent = !tokens.length
      ? "No token yet: type something."
      : `${inWindow} of at most ${contextLength || "?"} tokens in the window` +
        (last.dropped ? `; the ${last.dropped} oldest after BOS have fallen out, and are not read any more.` : ".");
    this.#tokens.replaceChildren(
      ...tokens.map((token, i) => {
        const box = create("button", { type: "button", className: `token token${i % 3} ${token.kind}` });
        box.append(create("span", { textContent: readable(token) }), create("small", { textContent: token.token }));
        box.title = `token ${token.token}, ${token.kind}, bytes ${hexadecimal(token.bytes) || "none"}`;
        box.classList.toggle("fallen", this.#hasFallenOut(i));
        box.classList.toggle("next", token.kind !== "prompt" && i >= tokens.length - this.#answer.hypothetical);
        box.setAttribute("aria-pressed", i === index);
        box.addEventListener("click", () => this.#explain(i));
        return box;
      }),
    );
  }

  /** Whether a token is not in the window of the last one any more. */
  #hasFallenOut(i) {
    const { tokens } = this.#answer;
    const read = tokens.slice(0, i).filter(({ kind }) => kind !== "begin" && kind !== "end").length;
    return tokens[i].kind !== "begin" && read < tokens[tokens.length - 1].dropped;
  }

  #explain(i) {
    this.#chosen = i;
    this.update();
  }

  #showChoices() {
    const { tokens, index, choices } = this.#answer;
    const token = tokens[index];
    this.#bars.replaceChildren();
    if (!token) return (this.#heading.textContent = "");
    if (!choices) {
      const why = token.kind === "begin" ? `${readable(token)} begins every text: nothing was chosen.` : "What was read before it has fallen out of the window.";
      return (this.#heading.textContent = why);
    }
    const isNext = index >= tokens.length - this.#answer.hypothetical;
    const verb = token.kind === "prompt" ? `You typed ${readable(token)}` : token.kind === "frame" || token.kind === "begin" ? `The font puts ${readable(token)} around it` : isNext ? "What may come next" : `The font took ${readable(token)}`;
    const drawn = token.temperature ? `, at temperature ${(token.temperature / 100).toFixed(2)} among ${choices.kept} ${choices.kept === 1 ? "token" : "tokens"}` : "";
    const rank = isNext ? "" : `: number ${choices.rank}, ${percent(choices.probability)}`;
    this.#heading.textContent = `${verb}${rank}${drawn}.`;
    const listed = choices.choices.some((choice) => choice.token === token.token);
    const rows = [...choices.choices];
    if (!listed && !isNext) rows.push({ token: token.token, probability: choices.probability, bytes: token.bytes, name: token.name });
    const most = Math.max(...rows.map(({ probability }) => probability));
    for (const choice of rows) this.#bars.append(this.#bar(choice, token, isNext, most));
  }

  #bar(choice, token, isNext, most) {
    const taken = choice.token === token.token && !isNext;
    const canTake = token.kind === "generated" || token.kind === "end";
    const row = create("button", { type: "button", className: `choice${taken ? " taken" : ""}`, disabled: !canTake });
    const meter = create("span", { className: "meter" });
    meter.style.setProperty("--share", most ? choice.probability / most : 0);
    row.append(
      create("span", { className: "piece", textContent: readable({ bytes: choice.bytes, name: choice.name }) }),
      meter,
      create("span", { className: "probability", textContent: percent(choice.probability) + (taken ? " ✓" : "") }),
    );
    row.title = `token ${choice.token}${canTake ? ": click to take it" : ""}`;
    row.addEventListener("click", () => this.#take(choice.token));
    return row;
  }

  /** Has the text carry the choice of a token: as many question marks behind its mark as it takes. */
  async #take(wanted) {
    const { rejections, tokens, index, addedMarks } = await this.#ask(wanted);
    if (rejections < 0) {
      this.#heading.textContent = "So many question marks do not count: this token cannot be asked for.";
      return;
    }
    const { text, start } = this.#paragraph;
    const cluster = tokens[index].cluster;
    if (addedMarks) {
      // The mark is not typed yet; behind a run of marks one more does, behind other text it takes those that stay.
      this.#replace(start + text.length, start + text.length, MARK.repeat(addedMarks) + ANOTHER.repeat(rejections));
      return;
    }
    let end = cluster + 1;
    while (text[end] === ANOTHER) end++;
    this.#replace(start + cluster + 1, start + end, ANOTHER.repeat(rejections));
  }

  /** As if it were typed, so that it can be undone. */
  #replace(from, to, text) {
    if (from === to && !text) return;
    const length = this.#text.value.length;
    this.#text.select(from, to);
    this.#text.insert(text);
    const end = this.#text.value.length === length ? to : this.#text.value.length;
    this.#text.select(end, end);
  }
}
