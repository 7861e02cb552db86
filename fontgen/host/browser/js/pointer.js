// Mouse and fingers: clicks place the caret, drags select, a long touch selects a word and shows handles to draw on.

const LONG_TOUCH = 500; // milliseconds
const SLOP = 10; // pixels that a resting finger moves

export class Pointer {
  /**
   * @param {import("./element.js").WasmFontText} element
   * @param {{start: HTMLElement, end: HTMLElement}} handles
   */
  constructor(element, handles) {
    this.#element = element;
    this.#handles = handles;
    // A mouse's clicks are counted in mousedown, not in pointerdown; fingers tap, unless they scroll.
    element.addEventListener("mousedown", (event) => this.#mouseDown(event));
    element.addEventListener("pointerdown", (event) => this.#touchDown(event));
    element.addEventListener("click", (event) => this.#tap(event));
    for (const [edge, handle] of Object.entries(handles))
      handle.addEventListener("pointerdown", (event) => this.#dragHandle(event, edge));
  }

  #element;
  #handles;
  #touch = null; // {timer, x, y, done}
  #mouseIsReal = true;

  #mouseDown(event) {
    const element = this.#element;
    if (event.button !== 0 || !element.view || element.disabled || !this.#mouseIsReal) return;
    event.preventDefault();
    element.focus({ preventScroll: true });
    element.hideHandles();
    const offset = element.offsetFromPoint(event.clientX, event.clientY);
    if (event.detail === 2) return element.select(...element.view.wordAt(offset));
    if (event.detail >= 3) return this.#selectParagraph(offset);
    element.moveCaret(offset, event.shiftKey);
    const move = (moved) => element.moveCaret(element.offsetFromPoint(moved.clientX, moved.clientY), true);
    document.addEventListener("mousemove", move);
    document.addEventListener("mouseup", () => document.removeEventListener("mousemove", move), { once: true });
  }

  #selectParagraph(offset) {
    const { start, text } = this.#element.view.paragraphAt(offset);
    this.#element.select(start, start + text.length);
  }

  #touchDown(event) {
    this.#mouseIsReal = event.pointerType === "mouse";
    if (event.pointerType === "mouse" || !this.#element.view || this.#element.disabled || !event.isPrimary) return;
    const touch = { x: event.clientX, y: event.clientY, done: false };
    touch.timer = setTimeout(() => {
      touch.done = true;
      const offset = this.#element.offsetFromPoint(touch.x, touch.y);
      this.#element.focus({ preventScroll: true });
      this.#element.select(...this.#element.view.wordAt(offset));
      this.#element.showHandles();
    }, LONG_TOUCH);
    this.#touch = touch;
    const stop = () => {
      clearTimeout(touch.timer);
      for (const kind of ["pointermove", "pointerup", "pointercancel"]) document.removeEventListener(kind, listener);
    };
    const listener = (moved) => {
      const away = Math.hypot(moved.clientX - touch.x, moved.clientY - touch.y);
      if (moved.type !== "pointermove" || away > SLOP) stop();
    };
    for (const kind of ["pointermove", "pointerup", "pointercancel"]) document.addEventListener(kind, listener);
  }

  #tap(event) {
    if (this.#mouseIsReal || !this.#element.view || this.#element.disabled || this.#touch?.done) return;
    const offset = this.#element.offsetFromPoint(event.clientX, event.clientY);
    this.#element.focus({ preventScroll: true });
    this.#element.hideHandles();
    this.#element.moveCaret(offset, false);
  }

  #dragHandle(event, edge) {
    event.preventDefault();
    event.stopPropagation();
    const element = this.#element;
    const handle = this.#handles[edge];
    const [from, to] = element.selection;
    const anchor = edge === "start" ? to : from;
    handle.setPointerCapture(event.pointerId);
    // The handle hangs below its line: the finger means the line above it.
    const lift = handle.getBoundingClientRect().height;
    const move = (moved) => {
      const offset = element.offsetFromPoint(moved.clientX, moved.clientY - lift);
      if (offset !== anchor) element.select(anchor, offset);
    };
    handle.addEventListener("pointermove", move);
    // However it ends: the finger is lifted, or the browser takes it for something else.
    handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", move), { once: true });
  }
}
