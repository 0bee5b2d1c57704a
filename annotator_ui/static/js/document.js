/**
 * The annotation that is being worked on: an immutable pose and box, with the machine's prediction laid over it. Pure.
 *
 * A Drawing never changes; `with(changes)` gives the next one. Changes have the shape of the API's PATCH:
 * {keypoints: {name: {x, y, state, source}}, box: {bbox_xywh, source, confirmed}}, both optional, only what changes.
 * Every edit is described by such changes, and what was there before by `before(changes)`: undo, the outbox and the
 * journal need nothing else.
 */

import { KEYPOINTS, twinOf } from "./skeleton.js";

const BY_A_PERSON = new Set(["placed", "confirmed", "adjudicated"]);
const NOWHERE = Object.freeze({ x: null, y: null, state: "undecided", source: "none" });
const NO_BOX = Object.freeze({ bbox_xywh: null, source: "none", confirmed: false });

/** 17 keypoints and a box, frozen. */
export class Pose {
  constructor(keypoints, box) {
    this.keypoints = Object.freeze(keypoints);
    this.box = Object.freeze(box);
    Object.freeze(this);
  }

  static of(annotation) {
    const keypoints = {};
    for (const name of KEYPOINTS) keypoints[name] = Object.freeze({ ...NOWHERE, ...annotation.keypoints?.[name] });
    return new Pose(keypoints, { ...NO_BOX, ...annotation.box });
  }

  withKeypoint(name, keypoint) {
    return this.with({ keypoints: { [name]: keypoint } });
  }

  with({ keypoints = {}, box = null }) {
    const next = { ...this.keypoints };
    for (const [name, keypoint] of Object.entries(keypoints)) {
      if (!(name in next)) throw new RangeError(`no keypoint is called ${name}`);
      next[name] = Object.freeze({ ...keypoint });
    }
    return new Pose(next, box ? { ...box } : this.box);
  }
}

/** One task's drawing: what was imported or placed, what the machine proposes, and what the queue wants. */
export class Drawing {
  /** @param task the API's Task; @param pose where it stands now (default: as loaded);
   *  @param intents states chosen before there was a place, {name: state}. */
  constructor(task, pose = Pose.of(task.annotation), intents = {}) {
    this.task = task;
    this.pose = pose;
    this.intents = Object.freeze(intents);
    Object.freeze(this);
  }

  get id() { return this.task.annotation.id; }
  get wanted() { return this.task.wanted; }

  /** The next Drawing. A decided point needs its intent no longer. */
  with(changes) {
    const intents = { ...this.intents };
    for (const name of Object.keys(changes.keypoints ?? {})) delete intents[name];
    return new Drawing(this.task, this.pose.with(changes), intents);
  }

  withIntent(name, state) {
    return new Drawing(this.task, this.pose, { ...this.intents, [name]: state });
  }

  /** What the same fields hold now: the changes that take `changes` back. */
  before(changes) {
    const before = {};
    if (changes.keypoints) {
      before.keypoints = {};
      for (const name of Object.keys(changes.keypoints)) before.keypoints[name] = { ...this.pose.keypoints[name] };
    }
    if (changes.box) before.box = { ...this.pose.box };
    return before;
  }

  /**
   * A keypoint as it is shown: {name, x, y, state, source, score, by, wanted}; x and y are null where it has no place.
   * by: "person" (decided), "machine" (the prediction lies over it), "file" (imported), "nobody".
   */
  point(name) {
    const own = this.pose.keypoints[name];
    const wanted = this.wanted.includes(name);
    const proposal = this.task.prediction?.keypoints?.[name];
    if (BY_A_PERSON.has(own.source)) return { name, ...own, score: null, by: "person", wanted };
    if (wanted && own.x === null && proposal) {
      return { name, x: proposal.x, y: proposal.y, state: this.intents[name] ?? proposal.state, source: "predicted",
        score: proposal.score ?? null, by: "machine", wanted };
    }
    const by = own.x === null ? "nobody" : own.source === "predicted" ? "machine" : "file";
    const guess = wanted && own.x !== null && own.state === "undecided" ? proposal?.state : null;
    return { name, ...own, state: this.intents[name] ?? guess ?? own.state, score: null, by, wanted };
  }

  points() {
    return KEYPOINTS.map((name) => this.point(name));
  }

  /** The box as it is shown: {bbox_xywh, source, confirmed, by, basis}; basis: "cut-out" or "joints" for a proposal. */
  box() {
    const own = this.pose.box;
    const proposal = this.task.prediction?.box;
    if (own.bbox_xywh === null && proposal) {
      return { bbox_xywh: proposal.bbox_xywh, source: "predicted", confirmed: false, by: "machine",
        basis: proposal.source === "alpha" ? "cut-out" : proposal.source };
    }
    const by = BY_A_PERSON.has(own.source) || own.confirmed ? "person" : own.bbox_xywh === null ? "nobody"
      : own.source === "imported" ? "file" : "machine";
    return { ...own, by, basis: null };
  }

  /** Changes that put a point at a place by hand; its state stays as shown, visible where it has none. */
  placing(name, x, y) {
    const { state } = this.point(name);
    const set = this.intents[name] ?? state;
    const kept = set === "hidden" ? "hidden" : "visible";
    return { keypoints: { [name]: { x, y, state: kept, source: "placed" } } };
  }

  /**
   * Changes that give a point a state where it stands; null where visible or hidden lacks a place (see withIntent).
   * Agreeing with the machine, or judging an imported place where it is, is a confirmation; else it is the person's own.
   */
  marking(name, state) {
    const shown = this.point(name);
    const unchanged = shown.state === state && !(name in this.intents);
    const judged = shown.by === "file" && state !== "absent";
    const agreed = unchanged && (shown.by === "machine" || shown.source === "confirmed");
    const source = judged || agreed ? "confirmed" : "placed";
    if (state === "absent") return { keypoints: { [name]: { x: null, y: null, state, source } } };
    const place = shown.x !== null ? shown : this.task.prediction?.keypoints?.[name];
    if (!place || place.x === null) return null;
    return { keypoints: { [name]: { x: place.x, y: place.y, state, source } } };
  }

  /** Changes that give every wanted point a state; `placeless` have no place for it (see withIntent). */
  markingAll(state) {
    const keypoints = {};
    for (const name of this.wanted) Object.assign(keypoints, this.marking(name, state)?.keypoints);
    return { changes: { keypoints }, placeless: this.wanted.filter((name) => !(name in keypoints)) };
  }

  /**
   * Changes that exchange wanted points with their twins of the other side: place and state go over as they are shown;
   * a proposal that a person swapped is placed by that person. Names whose pair is not whole (one has neither place nor state, or
   * is not asked for) are left out; null where nothing is left.
   */
  swapping(names) {
    const keypoints = {};
    for (const name of names) {
      const twin = twinOf(name);
      const both = [name, twin].map((each) => this.wanted.includes(each) && this.point(each));
      if (!both.every((point) => point && (point.x !== null || point.state === "absent"))) continue;
      const [mine, its] = both.map(({ x, y, state, source }) => (
        { x, y, state, source: source === "predicted" ? "placed" : source }));
      Object.assign(keypoints, { [twin]: mine, [name]: its });
    }
    return Object.keys(keypoints).length ? { keypoints } : null;
  }

  /** The next Drawing, with fresh proposals for what is still the machine's; what a person decided keeps its old one. */
  proposing(fresh) {
    const old = this.task.prediction;
    const keypoints = { ...old?.keypoints };
    for (const [name, proposal] of Object.entries(fresh.keypoints)) {
      if (this.pose.keypoints[name].x === null && this.point(name).by !== "person") keypoints[name] = proposal;
    }
    const box = (this.pose.box.bbox_xywh === null && fresh.box) || (old?.box ?? null);
    return new Drawing({ ...this.task, prediction: { ...fresh, keypoints, box } }, this.pose, this.intents);
  }

  /** Changes that put the box somewhere by hand. */
  boxing(bbox_xywh) {
    return { box: { bbox_xywh, source: "placed", confirmed: false } };
  }

  /** What Enter would have to know first: wanted points with neither place nor state, and "box" when it is wanted. */
  missing() {
    const missing = this.wanted.filter((name) => {
      const { x, state } = this.point(name);
      return x === null && state !== "absent";
    });
    if (this.task.wants_box && this.box().bbox_xywh === null) missing.push("box");
    return missing;
  }

  /** What Enter saves: the wanted points and the box, nothing else; left as proposed = "confirmed". */
  confirming() {
    const changes = { keypoints: {} };
    for (const name of this.wanted) {
      const { x, y, state, source, by } = this.point(name);
      const decided = state === "undecided" ? "visible" : state; // an imported place nobody judged
      const kept = by === "person" ? source : "confirmed";
      changes.keypoints[name] = decided === "absent" ? { x: null, y: null, state: decided, source: kept }
        : { x, y, state: decided, source: kept };
    }
    if (this.task.wants_box) {
      const { bbox_xywh, source, by } = this.box();
      changes.box = { bbox_xywh, source: by === "person" ? source : "confirmed", confirmed: true };
    }
    return changes;
  }

  /** Wanted points that no person has decided yet, in the order they are asked for. */
  undecided() {
    return this.wanted.filter((name) => this.point(name).by !== "person");
  }
}

/** "1154928.jpg" for "data/images/1154928.jpg". */
export const nameOf = (task) => task.image.file_name.split("/").at(-1);

/** The same task as another version of it, e.g. after a conflict: the server's record becomes the ground. */
export const rebased = (drawing, annotation) => new Drawing({ ...drawing.task, annotation }, undefined, drawing.intents);

/** Whether two JSON values are equal; numbers by value, so 2 and 2.0 are. */
export function same(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}

/**
 * Bring changes onto a record that someone else moved on: what they did not touch goes through, what both changed
 * differently stays theirs.
 *
 * @param changes ours; @param before what those fields held when we looked; @param annotation the record as it is now.
 * @returns {{changes: object, clashes: string[]}} what is left to send, and the names of what was kept as theirs.
 */
export function mergeChanges(changes, before, annotation) {
  const left = {};
  const clashes = [];
  for (const [name, ours] of Object.entries(changes.keypoints ?? {})) {
    const theirs = annotation.keypoints[name];
    if (same(theirs, ours)) continue;
    if (!before?.keypoints?.[name] || same(theirs, before.keypoints[name])) (left.keypoints ??= {})[name] = ours;
    else clashes.push(name);
  }
  if (changes.box && !same(annotation.box, changes.box)) {
    if (!before?.box || same(annotation.box, before.box)) left.box = changes.box;
    else clashes.push("box");
  }
  return { changes: left, clashes };
}
