// Keys that move the caret by what is drawn: tokens, lines, words that are seen. All others are the text area's own.

const isMac = /Mac|iP(hone|ad|od)/.test(navigator.platform);
const PAGE_LINES = 10;

export class Keyboard {
  /** @param {import("./element.js").WasmFontText} element */
  constructor(element) {
    this.#element = element;
  }

  #element;
  #column = null; // that ArrowUp and ArrowDown keep

  forgetColumn() {
    this.#column = null;
  }

  /** @param {KeyboardEvent} event */
  keyDown(event) {
    const { view } = this.#element;
    if (event.isComposing || !view) return;
    if (this.#copiesAsShown(event)) {
      event.preventDefault();
      this.#element.copy(true);
      return;
    }
    const head = this.#element.caretOffset;
    const to = this.#target(event, view, head);
    if (to === null) return;
    event.preventDefault();
    this.#element.moveCaret(to, event.shiftKey);
  }

  #copiesAsShown({ key, shiftKey, ctrlKey, metaKey }) {
    return key.toLowerCase() === "c" && shiftKey && (isMac ? metaKey : ctrlKey);
  }

  /** Where a key takes the caret; null: the key is not one of ours. */
  #target(event, view, head) {
    const { key, altKey, ctrlKey, metaKey } = event;
    const byWord = isMac ? altKey : ctrlKey;
    const other = metaKey || (isMac ? ctrlKey : altKey);
    const vertical = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE_LINES, PageDown: PAGE_LINES }[key];
    if (vertical && !other && !byWord) return this.#lineTarget(view, head, vertical);
    if (!["Shift", "Control", "Alt", "Meta"].includes(key)) this.#column = null;
    if (other) return null;
    const collapsesTo = this.#element.selectionEdge(event);
    switch (key) {
      case "ArrowLeft":
      case "ArrowRight": {
        const direction = (key === "ArrowLeft") === view.isBackward(head) ? 1 : -1;
        if (collapsesTo !== null && !byWord) return collapsesTo(direction);
        return byWord ? view.stepWord(head, direction) : view.step(head, direction);
      }
      case "Home":
      case "End":
        if (byWord) return key === "Home" ? 0 : view.typed.length;
        return view.edgesOf(view.lineAt(head))[key === "Home" ? 0 : 1];
      default:
        return null;
    }
  }

  #lineTarget(view, head, lines) {
    const { placed, x } = view.caret(head);
    this.#column ??= x;
    const target = view.lines[placed.number + lines];
    if (target) return view.offsetInLine(target, this.#column);
    if (Math.abs(lines) > 1) return view.offsetInLine(view.lines[lines < 0 ? 0 : view.lines.length - 1], this.#column);
    return lines < 0 ? 0 : view.typed.length;
  }
}
