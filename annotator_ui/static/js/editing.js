/**
 * What a person does to the drawing on the screen: which point is active, placing, marking, nudging, the box. Every edit
 * is one step of the history and one change handed on; nudges of the same thing are gathered first. The turn from drawing
 * to drawing, and what the server says, is session.js, which stands on this.
 *
 * Events: "change" (something to draw anew), "say" {text, tone, sticky} for the person.
 */

import { changeEntry, newChangeId, readTask } from "./api.js";
import { same } from "./document.js";
import { BOX_PARTS, boundingRect, moveBoxPart, tidy } from "./geometry.js";
import { History, MERGE_MS, editStep } from "./history.js";
import { wordsOf } from "./skeleton.js";

export class Editing extends EventTarget {
  drawing = null; // null while loading and when the queue is finished
  active = null; // the wanted keypoint that the next click or key means
  boxPart = null; // which part of the box the arrows move; null: the box is not being adjusted
  preview = null; // changes of a drag under way: shown, not yet made
  stage = "loading"; // loading | ready | broken (picture cannot be shown) | finished
  history = new History();
  unsent = null; // a step still open for merging (nudges)

  #send;
  #timer = null;
  #isHeld = false; // a press on the canvas is under way
  #late = []; // what came meanwhile

  /** @param send takes one entry for the outbox (see api.js). */
  constructor(send) {
    super();
    this.#send = send;
  }

  /** The drawing as it is seen, with a drag under way. */
  get shown() {
    return this.preview && this.drawing ? this.drawing.with(this.preview) : this.drawing;
  }

  get isReady() { return this.stage === "ready"; }

  /* ---- what is active ---- */

  setActive(name) {
    this.finishEdit();
    [this.active, this.boxPart] = [name, null];
    this.changed();
  }

  /** Tab: the next wanted point, or in the box its next part. */
  cycle(direction) {
    if (!this.drawing) return;
    this.finishEdit();
    const around = (list, item) => {
      const at = list.indexOf(item);
      return list[at < 0 ? (direction > 0 ? 0 : list.length - 1) : (at + direction + list.length) % list.length];
    };
    if (this.boxPart) this.boxPart = around(BOX_PARTS, this.boxPart);
    else this.active = around(this.drawing.wanted, this.active);
    this.changed();
  }

  /** B: adjust the box, or be done with it. A drawing without any box gets one around its points to start from. */
  toggleBox(on = this.boxPart === null) {
    if (!this.isReady) return;
    this.finishEdit();
    this.boxPart = on ? "box" : null;
    if (on && this.drawing.box().bbox_xywh === null) this.commit(this.drawing.boxing(this.#firstBox()), "box");
    this.changed();
  }

  /* ---- edits ---- */

  /** A click: the active point goes there, and the next one is asked for. */
  place(x, y) {
    if (!this.isReady || this.boxPart) return;
    if (!this.active) {
      this.say("Every point is decided: Enter confirms, Tab picks a point to change.");
      return;
    }
    this.commit(this.drawing.placing(this.active, tidy(x), tidy(y)), this.active);
    this.#moveOn();
  }

  /** A drag was dropped: what the preview shows is made. */
  drop(key) {
    const after = this.preview;
    this.preview = null;
    if (after) this.commit(after, key);
    else this.changed();
  }

  /** 2, 1, 0: a point's state, and on. Without a place a state waits for the click. */
  mark(state, name = this.active) {
    if (!this.isReady) return;
    this.boxPart = null;
    if (!name) {
      this.say("No point is active: Tab picks one.");
      return;
    }
    this.active = name;
    const after = this.drawing.marking(name, state);
    if (after) {
      this.commit(after, name);
      this.#moveOn();
    } else {
      this.finishEdit();
      this.drawing = this.drawing.withIntent(name, state);
      this.say(`Click where the ${wordsOf(name)} ${state === "hidden" ? "would be" : "is"}: it will be ${state}.`);
      this.changed();
    }
  }

  /** Shift+2, 1, 0: every wanted point's state at once; those without a place are asked for then. */
  markAll(state) {
    if (!this.isReady) return;
    this.boxPart = null;
    const { changes, placeless } = this.drawing.markingAll(state);
    if (placeless.length < this.drawing.wanted.length) this.commit(changes, "all points");
    this.finishEdit();
    for (const name of placeless) this.drawing = this.drawing.withIntent(name, state);
    this.active = placeless[0] ?? null;
    const words = placeless.map(wordsOf).join(", ");
    this.say(`All ${state}${words ? `; a click is still needed for: ${words}` : ""}.`);
    this.changed();
  }

  /** X: the active point and its twin change sides; Shift+X: all wanted points do. */
  swap(names = this.active ? [this.active] : []) {
    if (!this.isReady) return;
    if (!names.length) return this.say("No point is active: Tab picks one.");
    const after = this.drawing.swapping(names);
    if (!after) return this.say("Nothing to swap with: the other side has no place yet, or is not asked for.", "warn");
    this.boxPart = null;
    this.commit(after, this.active ?? names[0]);
    const pairs = new Set(Object.keys(after.keypoints).map((name) => name.replace(/^(left|right)_/, "")));
    this.say(`Left and right swapped: ${[...pairs].map((pair) => `${pair}s`).join(" and ")}.`);
  }

  swapAll() { this.swap(this.drawing?.wanted); }

  /** I: fresh proposals for what is still the machine's. Writes nothing; comes to nothing once the drawing was left. */
  async propose() {
    if (!this.isReady) return;
    const { id, task } = this.drawing;
    try {
      const { prediction } = await readTask(task.queue, id);
      this.whenFree(() => {
        if (this.drawing?.id !== id) return;
        if (!prediction) return this.say("Nothing is proposed for this drawing.");
        this.keep(this.drawing.proposing(prediction));
        this.say(`Proposed anew by ${prediction.model_version}; what people decided stays.`);
        this.changed();
      });
    } catch (error) {
      this.say(`No fresh proposals: ${error.message}`, "warn");
    }
  }

  /** Do this now, or when the press under way is over: nothing is replaced under a person's hand. */
  whenFree(act) {
    if (this.#isHeld) this.#late.push(act);
    else act();
  }

  /** A press on the canvas begins, or is over. */
  hold(isHeld) {
    this.#isHeld = isHeld;
    if (!isHeld) for (const act of this.#late.splice(0)) act();
  }

  /** Arrow keys: the active point, or the box's chosen part, by image pixels. */
  nudge(dx, dy) {
    if (!this.isReady) return;
    if (this.boxPart) {
      const moved = moveBoxPart(this.drawing.box().bbox_xywh, this.boxPart, dx, dy);
      this.commit(this.drawing.boxing(moved.map(tidy)), `box ${this.boxPart}`, true);
    } else if (this.active) {
      const point = this.drawing.point(this.active);
      const from = point.x === null ? this.#middle() : point;
      this.commit(this.drawing.placing(this.active, tidy(from.x + dx), tidy(from.y + dy)), this.active, true);
    } else {
      this.say("No point is active: Tab picks one.");
    }
  }

  /** Make a change: the drawing, the history, the server. A fluid one waits a moment for the next of its kind. */
  commit(after, key, fluid = false) {
    const step = editStep({ drawing: this.drawing, after, key, fluid, at: performance.now() });
    if (!this.unsent?.mergesWith(step)) this.finishEdit();
    if (!same(step.before, after)) {
      this.unsent = this.history.push(step);
      this.keep(this.drawing.with(after));
      clearTimeout(this.#timer);
      if (fluid) this.#timer = setTimeout(() => this.finishEdit(), MERGE_MS);
      else this.finishEdit();
    }
    this.changed();
  }

  /** Whatever is still open for merging goes out now. */
  finishEdit() {
    clearTimeout(this.#timer);
    const step = this.unsent;
    if (!step) return;
    this.unsent = null;
    this.history.seal();
    step.changeId = newChangeId();
    this.#send(changeEntry(this.drawing.task, step.changeId, { changes: step.after, before: step.before }));
  }

  /* ---- small things ---- */

  /** The drawing on the screen becomes this one. */
  keep(drawing) {
    this.drawing = drawing;
  }

  /** The point to begin with: the first that nobody has decided. */
  firstActive() {
    return this.drawing.undecided()[0] ?? this.drawing.wanted[0] ?? null;
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  say(text, tone = "info", sticky = false) {
    this.dispatchEvent(new CustomEvent("say", { detail: { text, tone, sticky } }));
  }

  /** On to the next point nobody has decided; none when all are. */
  #moveOn() {
    const { wanted } = this.drawing;
    const at = wanted.indexOf(this.active);
    const left = new Set(this.drawing.undecided());
    this.active = [...wanted.slice(at + 1), ...wanted.slice(0, at)].find((name) => left.has(name)) ?? null;
    this.changed();
  }

  #middle() {
    const { x, y, width, height } = this.drawing.task.view;
    return { x: x + width / 2, y: y + height / 2 };
  }

  #firstBox() {
    const { width, height } = this.drawing.task.image;
    const around = boundingRect(this.drawing.points().filter((point) => point.x !== null), 0.08);
    const { x, y, width: w, height: h } = around ?? { x: 0, y: 0, width: width || 100, height: height || 100 };
    return [x, y, Math.max(w, 1), Math.max(h, 1)].map(tidy);
  }
}
