/**
 * What the person is told, screen readers included: whether everything is saved, how far the queue is, short messages.
 */

const TOAST_MS = 5000;

/** The save state in the top bar: Saved / Saving… (n) / Offline – n changes kept, retrying. */
export function showSaveState(element, { state, count, kept }, trouble = "") {
  const changes = count === 1 ? "1 change" : `${count} changes`;
  const words = {
    saved: "Saved",
    saving: `Saving… (${count})`,
    offline: kept ? `Offline – ${changes} kept, retrying` : `Offline – ${changes} only in this window, retrying`,
  }[state];
  element.dataset.saveState = state;
  element.title = state === "offline" ? trouble : "";
  const text = element.querySelector("[data-save-words]");
  if (text.textContent !== words) text.textContent = words;
}

/** How far the queue is. */
export function showCounts(root, { size, done, skipped }, isSkippedOnes) {
  const bar = root.querySelector("[data-progress]");
  const total = size + done + skipped;
  bar.max = Math.max(1, total);
  bar.value = done;
  const numbers = new Intl.NumberFormat("en");
  const words = [`${numbers.format(done)} of ${numbers.format(total)} done`];
  if (isSkippedOnes) words.push(`${numbers.format(skipped)} skipped ones left`);
  else if (skipped) words.push(`${numbers.format(skipped)} skipped`);
  root.querySelector("[data-counts]").textContent = words.join(" · ");
}

/** The end of the queue, in words: finished, nothing to label yet, or pictures still missing. */
export function showFinished(root, { size, done, skipped, waiting_for_bytes: waiting }, isSkippedOnes) {
  const find = (selector) => root.querySelector(selector);
  const isEmpty = done + skipped === 0;
  const drawings = (count) => `${count} ${count === 1 ? "drawing" : "drawings"}`;
  const words = [];
  if (!isEmpty) words.push(`${drawings(done)} done${skipped ? `, ${skipped} skipped` : ""}.`);
  if (waiting && !isSkippedOnes) {
    words.push(`${drawings(waiting)} ${waiting === 1 ? "waits" : "wait"} for the picture itself: `
      + "curator import images DIR brings the files in.");
  }
  if (isEmpty && !waiting && !size) words.push("Bring drawings in with curator import add FILE --images DIR.");
  find("[data-finished-title]").textContent = isSkippedOnes ? "No skipped drawing is left"
    : isEmpty ? "There is nothing to label yet"
    : waiting ? "Every drawing with a picture is done" : "Every drawing is done";
  find("[data-finished-words]").textContent = words.join(" ");
  find("[data-finished-queue]").hidden = !isSkippedOnes || size === 0;
  find("[data-finished-export]").hidden = done === 0;
  find("[data-finished-skipped]").hidden = skipped === 0 || isSkippedOnes;
}

/** Short messages over the canvas: the last one counts. A sticky one stays until it is closed. */
export class Messages {
  #toast;
  #announcer;
  #timer = null;

  constructor(root) {
    this.#toast = root.querySelector("[data-toast]");
    this.#announcer = root.querySelector("[data-announcer]");
    root.querySelector("[data-toast-close]").addEventListener("click", () => this.clear(true));
  }

  show({ text, tone = "info", sticky = false }) {
    if (this.#isSticky && !sticky) return this.announce(text);
    clearTimeout(this.#timer);
    this.#toast.querySelector("[data-toast-words]").textContent = text;
    this.#toast.dataset.tone = tone;
    this.#toast.dataset.sticky = String(sticky);
    this.#toast.hidden = false;
    this.announce(text);
    if (!sticky) this.#timer = setTimeout(() => this.clear(), TOAST_MS);
  }

  clear(alsoSticky = false) {
    if (this.#isSticky && !alsoSticky) return;
    this.#toast.hidden = true;
    this.#toast.dataset.sticky = "false";
  }

  /** For screen readers alone. */
  announce(text) {
    this.#announcer.textContent = text;
  }

  get #isSticky() { return !this.#toast.hidden && this.#toast.dataset.sticky === "true"; }
}
