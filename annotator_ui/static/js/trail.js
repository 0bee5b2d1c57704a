/**
 * The drawings seen in this window, in the order they came, and where on that way the person stands. Pure.
 *
 * Each is there once: gone back to, it keeps its place. Where nothing is shown (loading, finished) the person stands
 * behind the last.
 */

export class Trail {
  #ids = [];
  #at = 0;

  /** A drawing is shown: a known one where it stands, a new one at the end. */
  visit(id) {
    if (!this.#ids.includes(id)) this.#ids.push(id);
    this.#at = this.#ids.indexOf(id);
  }

  /** Nothing is shown. */
  leave() { this.#at = this.#ids.length; }

  /** The nearest one before this place that passes, or null. */
  before(passes = () => true) { return this.#ids.slice(0, this.#at).findLast(passes) ?? null; }

  /** The nearest one behind this place that passes, or null. */
  after(passes = () => true) { return this.#ids.slice(this.#at + 1).find(passes) ?? null; }

  /** The first of all that passes, or null. */
  first(passes = () => true) { return this.#ids.find(passes) ?? null; }
}
