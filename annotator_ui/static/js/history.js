/**
 * Undo and redo over everything a person did, across drawings, in the order they did it. Pure.
 *
 * A step is {kind, annotationId, before, after, key, changeId, ...}: `after` and `before` are changes (see document.js)
 * that do it and take it back. A confirmation, a skip and a removal are steps like a move, only of another kind; so
 * Ctrl+Z at the start of a drawing finds the previous drawing's last step and goes back there by itself.
 */

export const MERGE_MS = 500; // nudges of the same thing closer together than this are one step back
const LIMIT = 2000;

/** A step that changes points or the box of one drawing. `key` names what is moved; `fluid` steps may merge. */
export const editStep = ({ drawing, after, key, at = 0, fluid = false }) => ({
  kind: "edit", annotationId: drawing.id, before: drawing.before(after), after, key, at, fluid,
  apply: (pose) => pose.with(after),
  revert: (pose) => pose.with(drawing.before(after)),
  mergesWith: (next) => fluid && next.fluid && next.kind === "edit" && next.annotationId === drawing.id &&
    next.key === key && next.at - at < MERGE_MS,
});

/** A step that ends a drawing's turn: kind "confirm", "skip" or "remove"; `detail` is what doing it again needs. */
export const closingStep = ({ kind, drawing, after = {}, detail = {} }) => ({
  kind, annotationId: drawing.id, before: drawing.before(after), after, key: kind, detail,
  apply: (pose) => pose.with(after),
  revert: (pose) => pose.with(drawing.before(after)),
  mergesWith: () => false,
});

export class History {
  #done = [];
  #undone = [];
  #sealed = true;

  get canUndo() { return this.#done.length > 0; }
  get canRedo() { return this.#undone.length > 0; }
  get last() { return this.#done.at(-1) ?? null; }

  /** Add a step; what was undone before is gone. Returns the step that stands for it now (merged or new). */
  push(step) {
    this.#undone = [];
    const last = this.last;
    if (!this.#sealed && last?.mergesWith(step)) {
      const merged = { ...step, before: last.before, revert: last.revert };
      this.#done[this.#done.length - 1] = merged;
      return merged;
    }
    this.#done.push(step);
    if (this.#done.length > LIMIT) this.#done.shift();
    this.#sealed = false;
    return step;
  }

  /** The last step is finished: nothing merges into it any more. */
  seal() { this.#sealed = true; }

  /** Take the last step back: returns it, or null at the very start. */
  undo() {
    this.#sealed = true;
    const step = this.#done.pop() ?? null;
    if (step) this.#undone.push(step);
    return step;
  }

  /** Do the step that was taken back last again, or null. */
  redo() {
    this.#sealed = true;
    const step = this.#undone.pop() ?? null;
    if (step) this.#done.push(step);
    return step;
  }

  /** Drop the step that this change made: the server did not take it. */
  drop(changeId) {
    const others = (step) => step.changeId !== changeId;
    this.#done = this.#done.filter(others);
    this.#undone = this.#undone.filter(others);
  }

  /** Drop an annotation's steps that touch any of these names ("left_eye", "box"): the record moved on without us. */
  forget(annotationId, names) {
    const touches = (step) => step.annotationId === annotationId &&
      names.some((name) => name === "box" ? step.after.box : step.after.keypoints?.[name]);
    this.#done = this.#done.filter((step) => !touches(step));
    this.#undone = this.#undone.filter((step) => !touches(step));
  }
}
