// What a screen reader says of a text that tells itself: what is new, once, when it has settled; not every token.

const SETTLED_AFTER = 1200; // milliseconds without a change

export class Announcer {
  /**
   * @param {HTMLElement} story describes the text field: all that is seen
   * @param {HTMLElement} news a live region
   */
  constructor(story, news) {
    this.#story = story;
    this.#news = news;
  }

  #story;
  #news;
  #said = "";
  #timer = 0;

  /**
   * @param {string} typed
   * @param {string} visible
   * @param {boolean} byHand whether the text has not been changed by its user: it is not read aloud then
   */
  update(typed, visible, byHand) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#story.textContent = visible;
      // What somebody has typed their screen reader has said already.
      if (byHand && visible !== typed) this.#news.textContent = this.#newIn(visible);
      this.#said = visible;
    }, SETTLED_AFTER);
  }

  /** What `visible` has behind what was said last; all of it, if that is not its beginning. */
  #newIn(visible) {
    let same = 0;
    while (same < visible.length && visible[same] === this.#said[same]) same++;
    const wordStart = visible.slice(0, same).search(/\S*$/);
    return same === this.#said.length ? visible.slice(wordStart < same ? wordStart : same).trim() : visible;
  }
}
