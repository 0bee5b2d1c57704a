/**
 * A person's turn through the queue: from drawing to drawing by Enter, skip and remove, back and forth by undo and redo,
 * and what the server has to say to all that. Edits within one drawing are editing.js. Knows nothing of the page.
 *
 * D and A walk along the trail of drawings seen without ending any turn; what was passed by comes again at the end.
 *
 * Events besides those of Editing: "opened" (another drawing, or another stage of it).
 */

import * as api from "./api.js";
import { Drawing, nameOf, rebased } from "./document.js";
import { Editing } from "./editing.js";
import { closingStep } from "./history.js";
import { wordsOf } from "./skeleton.js";
import { Trail } from "./trail.js";

const CLOSING = { confirm: "confirmed", skip: "skipped", remove: "removed" };
const REOPENING = new Set(["unskip", "restore"]);

export class Session extends Editing {
  picture = null;
  counts = { size: 0, done: 0, skipped: 0, waiting_for_bytes: 0 };

  #outbox;
  #feed;
  #pictures;
  #activity;
  #known = new Map(); // annotation id -> Drawing as it stands, of every drawing visited
  #over = new Map(); // annotation id -> "confirm" | "skip" | "remove": its turn ended here
  #spent = new Map(); // annotation id -> active ms before it was left
  #turn = 0;
  #trail = new Trail();

  constructor({ outbox, feed, pictures, activity }) {
    super((entry) => outbox.add(entry));
    [this.#outbox, this.#feed, this.#pictures, this.#activity] = [outbox, feed, pictures, activity];
    outbox.addEventListener("conflict", ({ detail }) => this.#conflict(detail));
    outbox.addEventListener("refused", ({ detail }) => this.#refused(detail));
    feed.addEventListener("page", ({ detail }) => detail.isCurrent && this.#recount(detail.queue));
  }

  /** Begin with the page's own tasks. */
  start(page) {
    this.#recount(page.queue);
    this.#feed.start(page);
    this.#advance();
  }

  /** Whether a task's turn is over: in this window, or by a change of an earlier page that is not sent yet. */
  isOver(task) {
    if (this.#over.has(task.annotation.id)) return true;
    for (const [id, kind] of this.#over) {
      if (kind === "remove" && this.#known.get(id)?.task.image.id === task.image.id) return true;
    }
    let isOver = false;
    for (const { kind, undoes } of this.#pendingOf(task)) {
      if (kind in CLOSING) isOver = true;
      else if (undoes || REOPENING.has(kind)) isOver = false;
    }
    return isOver;
  }

  /* ---- the end of a drawing's turn ---- */

  /** Enter. Only what the queue wants; where something has neither place nor state, it says what, and asks for it. */
  confirm() {
    if (!this.isReady) return;
    this.finishEdit();
    const [missing] = this.drawing.missing();
    if (missing === "box") {
      this.toggleBox(true);
      this.say("The box had no place: here is one around the points. Adjust it, then Enter.", "warn");
    } else if (missing) {
      this.setActive(missing);
      this.say(`The ${wordsOf(missing)} has no place yet: click where it is, or press 0 if it is absent.`, "warn");
    } else {
      const { drawing } = this;
      this.#close(this.history.push(closingStep({ kind: "confirm", drawing, after: drawing.confirming() })));
    }
  }

  skip(reason) { this.#leave("skip", reason); }

  remove(reason) { this.#leave("remove", reason); }

  #leave(kind, reason) {
    if (!this.drawing) return;
    this.finishEdit();
    this.#close(this.history.push(closingStep({ kind, drawing: this.drawing, detail: { reason } })));
  }

  #close(step) {
    const { task } = this.drawing;
    step.changeId = api.newChangeId();
    this.#activity.touch();
    this.#outbox.add(api.closingEntry(task, step, this.#activity.milliseconds));
    this.keep(this.drawing.with(step.after));
    step.was = this.#over.get(this.drawing.id) ?? null; // it was over already: gone back to with A, and ended anew
    this.#setOver(this.drawing.id, step.kind);
    if (step.kind !== "confirm") this.say(`${nameOf(task)} ${CLOSING[step.kind]}. Ctrl+Z takes it back.`);
    this.#advance();
  }

  /* ---- back and forth ---- */

  undo() {
    this.finishEdit();
    const step = this.history.undo();
    if (!step) return this.say("Nothing to undo.");
    this.#goTo(step);
    const { task } = this.drawing;
    this.#outbox.add(api.undoingEntry(task, step));
    this.keep(this.drawing.with(step.before));
    if (step.kind in CLOSING) {
      this.#setOver(this.drawing.id, step.was);
      this.say(`${nameOf(task)} is not ${CLOSING[step.kind]} any more.`);
    }
    this.active = step.kind === "edit" && this.drawing.wanted.includes(step.key) ? step.key : this.firstActive();
    this.changed();
  }

  redo() {
    this.finishEdit();
    const step = this.history.redo();
    if (!step) return this.say("Nothing to redo.");
    this.#goTo(step);
    if (step.kind in CLOSING) return this.#close(step);
    step.changeId = api.newChangeId();
    this.#outbox.add(api.changeEntry(this.drawing.task, step.changeId, { changes: step.after, before: step.before }));
    this.keep(this.drawing.with(step.after));
    if (this.drawing.wanted.includes(step.key)) this.active = step.key;
    this.changed();
  }

  /** The drawing a step belongs to becomes the current one; the one on the screen comes again right after. */
  #goTo({ annotationId }) {
    if (this.drawing?.id !== annotationId) this.#open(this.#known.get(annotationId));
  }

  /** A: the drawing seen before this one. Nothing is written. */
  goBack() {
    const id = this.#trail.before((other) => this.#over.get(other) !== "remove");
    if (id === null) return this.say("This is the first drawing seen here.");
    this.finishEdit();
    this.#open(this.#known.get(id));
  }

  /** D: the drawing seen after this one, or a new one. Nothing is written; what is passed by comes again at the end. */
  goOn() {
    if (!this.drawing) return;
    this.finishEdit();
    const id = this.#trail.after((other) => this.#over.get(other) !== "remove");
    if (id === null) this.#advance();
    else this.#open(this.#known.get(id));
  }

  /* ---- from drawing to drawing ---- */

  async #advance() {
    const turn = ++this.#turn;
    const isLeft = (id) => !this.isOver(this.#known.get(id).task);
    const ahead = this.#trail.after(isLeft);
    if (ahead !== null) return this.#open(this.#known.get(ahead));
    const last = this.drawing?.id;
    let task = this.#feed.nextReady();
    if (!task) {
      this.#nothing("loading");
      task = await this.#feed.next();
      if (turn !== this.#turn) { // the person went back meanwhile
        if (task) this.#feed.putBack(task);
        return;
      }
    }
    if (task) this.#open(this.#known.get(task.annotation.id) ?? this.#withPending(new Drawing(task)));
    else {
      const passed = this.#trail.first(isLeft); // by D: it comes again now
      if (passed === null) this.#nothing("finished");
      else this.#open(this.#known.get(passed));
      if (passed !== null && passed === last) this.say("This is the only drawing left.");
    }
  }

  #open(drawing) {
    this.#turn += 1;
    this.#putDown();
    this.keep(drawing);
    this.#trail.visit(drawing.id);
    this.#outbox.opened(drawing.id, drawing.task.annotation.version);
    this.#activity.begin(this.#spent.get(drawing.id));
    this.active = this.firstActive();
    this.loadPicture();
    this.dispatchEvent(new Event("opened"));
    this.changed();
  }

  #nothing(stage) {
    this.#putDown();
    this.#trail.leave();
    [this.drawing, this.picture, this.stage] = [null, null, stage];
    this.dispatchEvent(new Event("opened"));
    this.changed();
  }

  #putDown() {
    if (this.drawing) {
      this.#spent.set(this.drawing.id, this.#activity.milliseconds);
      this.#known.set(this.drawing.id, this.drawing); // with states that wait for their place
    }
    [this.preview, this.boxPart, this.active] = [null, null, null];
  }

  /** Show the current drawing's picture; also the way to try again after it failed. */
  loadPicture() {
    const { url } = this.drawing.task.image;
    this.picture = this.#pictures.ready(url);
    this.stage = this.picture ? "ready" : "loading";
    if (this.picture) return;
    const turn = this.#turn;
    const arrive = (stage, picture) => {
      if (turn !== this.#turn) return;
      [this.stage, this.picture] = [stage, picture];
      this.dispatchEvent(new Event("opened"));
      this.changed();
    };
    this.#pictures.get(url).then((picture) => arrive("ready", picture), () => arrive("broken", null));
  }

  /* ---- what the server says ---- */

  #conflict({ entry, annotation, clashes, dropped }) {
    const known = this.#known.get(entry.annotationId);
    const name = known ? nameOf(known.task) : `annotation ${entry.annotationId}`;
    this.history.forget(entry.annotationId, clashes);
    if (known) this.#replace(this.#withPending(rebased(known, annotation)));
    const theirs = clashes.map(wordsOf).join(", ");
    if (dropped && entry.kind === "confirm") {
      this.#reopen(entry);
      this.say(`${name}: ${theirs} changed elsewhere meanwhile, so your confirmation was not saved. It comes again.`,
        "danger", true);
    } else if (clashes.length) {
      this.say(`${name}: ${theirs} changed elsewhere meanwhile; what was saved there is kept.`, "warn", true);
    } else {
      this.say(`${name} changed elsewhere meanwhile; your change was added to it.`);
    }
  }

  async #refused({ entry, error }) {
    this.say(`Not saved: ${error}`, "danger", true);
    this.history.drop(entry.changeId);
    const known = this.#known.get(entry.annotationId);
    if (!known) return;
    try {
      const fresh = await api.readTask(known.task.queue, entry.annotationId);
      this.#outbox.opened(entry.annotationId, fresh.annotation.version);
      this.#replace(this.#withPending(rebased(this.#known.get(entry.annotationId), fresh.annotation)));
    } catch { /* gone or away: what is shown stays */ }
    if (entry.kind in CLOSING) this.#reopen(entry);
  }

  /** A drawing whose end was not taken by the server comes again next. */
  #reopen(entry) {
    this.history.drop(entry.changeId);
    if (!this.#over.has(entry.annotationId)) return;
    this.#setOver(entry.annotationId, null);
    if (this.drawing?.id !== entry.annotationId) this.#feed.putBack(this.#known.get(entry.annotationId).task);
    if (this.stage === "finished") this.#advance();
    this.changed();
  }

  /** Another page's unsent changes were taken over: they may touch what is on the screen. */
  adopted() {
    this.finishEdit();
    for (const drawing of [...this.#known.values()]) this.#replace(this.#withPending(drawing));
    if (this.drawing && this.isOver(this.drawing.task)) this.#advance();
  }

  #pendingOf(task) {
    return this.#outbox.pendingFor(task.annotation.id).filter((entry) => entry.imageUrl === task.image.url);
  }

  /** A drawing with what this browser has not sent yet laid over what the server knows. */
  #withPending(drawing) {
    const changes = this.#pendingOf(drawing.task).map((entry) => entry.body.changes).filter(Boolean);
    if (this.unsent?.annotationId === drawing.id) changes.push(this.unsent.after);
    return changes.reduce((done, more) => done.with(more), drawing);
  }

  /* ---- small things ---- */

  keep(drawing) {
    this.#known.set(drawing.id, drawing);
    super.keep(drawing);
  }

  /** What is known of a drawing is this now; on the screen too where it stands there. */
  #replace(drawing) {
    this.#known.set(drawing.id, drawing);
    if (this.drawing?.id !== drawing.id) return;
    this.drawing = drawing;
    this.changed();
  }

  #recount(queue) {
    this.counts = { ...this.counts, ...queue };
    this.changed();
  }

  /** How a drawing's turn ended here, or null: it is open. The counts follow. */
  #setOver(id, kind) {
    const counts = { ...this.counts };
    for (const [ended, by] of [[this.#over.get(id), -1], [kind, +1]]) {
      if (ended) counts.size -= by;
      if (ended === "confirm") counts.done += by;
      if (ended === "skip") counts.skipped += by;
    }
    this.counts = counts;
    if (kind) this.#over.set(id, kind);
    else this.#over.delete(id);
  }
}
