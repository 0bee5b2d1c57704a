/**
 * How long a person worked on a drawing: the time between their actions while the page is visible. A gap longer than
 * 15 s was a pause and is not counted. Pure: the clock is given.
 */

export const IDLE_MS = 15000;

export class Activity {
  #now;
  #total = 0;
  #last;
  #isVisible = true;

  constructor(now = () => performance.now()) {
    this.#now = now;
    this.#last = now();
  }

  /** The person did something (pointer, key, wheel). */
  touch() {
    const now = this.#now();
    const gap = now - this.#last;
    if (this.#isVisible && gap <= IDLE_MS) this.#total += gap;
    this.#last = now;
  }

  /** The page was hidden or shown. Time while hidden is nobody's. */
  setVisible(isVisible) {
    this.touch();
    this.#isVisible = isVisible;
  }

  /** A drawing begins; `already` counts what was spent on it before (it was gone back to). */
  begin(already = 0) {
    this.#total = already;
    this.#last = this.#now();
  }

  /** Active milliseconds so far, whole. */
  get milliseconds() {
    return Math.round(this.#total);
  }
}
