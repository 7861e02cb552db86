// Copying: the typed text, or the text that is seen, of the selection or of all.

export class Clipboard {
  /** @param {import("./element.js").WasmFontText} element */
  constructor(element) {
    this.#element = element;
  }

  #element;
  #asShown = false; // for the copy event

  /** What the text area copies by itself is what was typed. */
  listen() {
    this.#element.area.addEventListener("copy", (event) => {
      if (!this.#asShown) return;
      event.clipboardData.setData("text/plain", this.#element.view.visible(...this.#element.selection));
      event.preventDefault();
    });
  }

  /** @returns {Promise<string>} the text that was copied */
  async copy(asShown) {
    const element = this.#element;
    const [from, to] = element.selection;
    const typed = from < to ? element.value.slice(from, to) : element.value;
    const shown = from < to ? element.view?.visible(from, to) : element.visibleText;
    const text = asShown ? (shown ?? typed) : typed;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not allowed, or a page from disk: as the keyboard copies.
      this.#asShown = asShown;
      element.focus({ preventScroll: true });
      if (from === to) element.area.select();
      document.execCommand("copy");
      element.area.setSelectionRange(from, to);
      this.#asShown = false;
    }
    return text;
  }
}
