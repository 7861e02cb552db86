// The caret: it blinks, and is seen at once wherever it goes. By a timer, because browsers draw a page anew sixty times a
// second while something in it has an animation, which keys then wait for.

const BLINK = 530; // milliseconds that it is seen, and that it is not

export class Caret {
  /** @param {HTMLElement} element of the class `caret`; it is not seen while it has the class `off` */
  constructor(element) {
    this.element = element;
  }

  #timer = 0;
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  /** Shows it, and lets it blink from now on. */
  show() {
    this.hide();
    if (this.#stillness.matches) return;
    this.#timer = setInterval(() => this.element.classList.toggle("off"), BLINK);
  }

  /** No more blinking: where the text field has not the focus, nothing of it is seen. */
  hide() {
    clearInterval(this.#timer);
    this.element.classList.remove("off");
  }
}
