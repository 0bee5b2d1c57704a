/**
 * What goes to the server, in order, one at a time, and never lost. Knows neither fetch nor the page: both are given.
 *
 * An entry is {changeId, kind, annotationId, imageUrl, method, path, body, base, before, undoes}. Its body is completed
 * when it is sent: change_id always, base_version where the route takes one. The version is the one the person was
 * looking at, or what our own previous change on that annotation made of it. While the server is away the same entry is
 * tried again, with the same change id, ever slower; so whether or not the first try arrived, it counts once.
 *
 * Answers: 2xx done; 409 someone else moved on: what does not clash is sent again, the rest is theirs; other 4xx refused
 * and reported; no answer, 408, 425, 429, 5xx: away.
 */

import { mergeChanges } from "./document.js";

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
const AWAY = new Set([401, 408, 425, 429]); // 401: a login will let it through
const VERSIONED = new Set(["change", "confirm"]);
const MERGES_AT_MOST = 5;

export class Outbox extends EventTarget {
  #entries = [];
  #versions = new Map();
  #send;
  #journal;
  #verify;
  #timers;
  #busy = false;
  #failures = 0;
  #retry = null;
  #kept = true;
  #added = 0;
  #held = null;

  /**
   * @param send async (method, path, body) -> {status, json}; throws where there is no answer.
   * @param journal {write(entries) -> boolean}. @param timers {set(fn, ms), clear(id)}.
   * @param verify async (entry) -> whether an entry of an earlier page belongs to this project.
   */
  constructor({ send, journal, verify = async () => true, timers = pageTimers }) {
    super();
    this.#send = send;
    this.#journal = journal;
    this.#verify = verify;
    this.#timers = timers;
  }

  get count() { return this.#entries.length; }
  get isAway() { return this.#failures > 0; }

  /** "saved", "saving" or "offline", with how many changes wait and whether this browser keeps a copy of them. */
  get state() {
    return { state: !this.count ? "saved" : this.isAway ? "offline" : "saving", count: this.count, kept: this.#kept };
  }

  /** A mark of this moment, or null while something waits: equal marks before and after a read mean nothing changed. */
  get mark() { return this.count ? null : this.#added; }

  /** A drawing was opened with this version; older knowledge and changes under way are not disturbed. */
  opened(annotationId, version) {
    if (this.pendingFor(annotationId).length) return;
    this.#versions.set(annotationId, Math.max(version, this.#versions.get(annotationId) ?? 0));
  }

  pendingFor(annotationId) {
    return this.#entries.filter((entry) => entry.annotationId === annotationId);
  }

  /** Take one more change on; it is in the journal when this returns. */
  add(entry) {
    const first = !this.pendingFor(entry.annotationId).length;
    this.#added += 1;
    this.#entries.push({ base: first ? this.#versions.get(entry.annotationId) ?? null : null, ...entry });
    this.#write();
    this.#pump();
  }

  /** Take over what an earlier page left: it goes first. */
  adopt(entries) {
    if (!entries.length) return;
    const here = new Set(this.#entries.map((entry) => entry.changeId));
    const older = entries.filter((entry) => !here.has(entry.changeId)).map((entry) => ({ ...entry, adopted: true }));
    const sending = this.#busy ? this.#entries.slice(0, 1) : [];
    this.#entries = [...sending, ...older, ...this.#entries.slice(sending.length)];
    this.#write();
    this.#pump();
  }

  /**
   * The page may be going away: answers wait, so that what is under way stays in the journal for the next page, which may
   * have been made by the server before our change arrived. Should the page stay after all, they are heard later.
   */
  hold(ms) {
    this.#held = new Promise((resolve) => this.#timers.set(resolve, ms));
  }

  /** Try again at once (the network is back, the window is looked at again). */
  wake() {
    if (this.#retry === null) return;
    this.#timers.clear(this.#retry);
    this.#retry = null;
    this.#pump();
  }

  async #pump() {
    if (this.#busy || this.#retry !== null) return;
    const entry = this.#entries[0];
    if (!entry) return;
    this.#busy = true;
    try {
      if (entry.adopted && !(await this.#verify(entry))) this.#finish(entry, "stranger", {});
      else {
        const answer = await this.#send(entry.method, entry.path, this.#bodyOf(entry));
        await this.#held;
        this.#answered(entry, answer);
      }
    } catch (error) {
      this.#later(error);
    }
    this.#busy = false;
    if (this.#retry === null) this.#pump();
  }

  #bodyOf(entry) {
    const body = { change_id: entry.changeId, ...entry.body };
    if (VERSIONED.has(entry.kind)) {
      entry.base ??= this.#versions.get(entry.annotationId) ?? 0;
      body.base_version = entry.base;
      this.#journal.write(this.#entries);
    }
    return body;
  }

  #answered(entry, { status, json }) {
    if (status >= 500 || AWAY.has(status)) {
      this.#later(new Error(json?.error ?? `the server answered ${status}`), true);
      return;
    }
    this.#failures = 0;
    if (status >= 200 && status < 300) {
      if (VERSIONED.has(entry.kind)) this.#versions.set(entry.annotationId, json.version);
      this.#finish(entry, "saved", { reply: json });
    } else if (status === 409 && VERSIONED.has(entry.kind) && json?.annotation) {
      this.#merge(entry, json);
    } else {
      this.#finish(entry, "refused", { error: json?.error ?? `the server answered ${status}`, status });
      this.#dropUndoersOf(entry);
    }
  }

  /** Someone else moved the record on. A confirmation that clashes is not made: a person has to look again. */
  #merge(entry, { annotation, version }) {
    this.#versions.set(entry.annotationId, version);
    const { changes, clashes } = mergeChanges(entry.body.changes, entry.before, annotation);
    const merges = (entry.merges ?? 0) + 1;
    const nothingLeft = entry.kind === "change" && !changes.keypoints && !changes.box;
    if ((entry.kind === "confirm" && clashes.length) || nothingLeft || merges > MERGES_AT_MOST) {
      this.#finish(entry, "conflict", { annotation, version, clashes, dropped: true });
      if (entry.kind === "confirm") this.#dropUndoersOf(entry);
      return;
    }
    Object.assign(entry, { base: version, merges });
    if (entry.kind === "change") entry.body = { ...entry.body, changes };
    this.#write();
    this.#tell("conflict", { entry, annotation, version, clashes, dropped: false });
  }

  #dropUndoersOf({ changeId }) {
    for (const entry of this.#entries.filter((other) => other.undoes === changeId)) this.#finish(entry, "dropped", {});
  }

  #finish(entry, event, detail) {
    this.#entries = this.#entries.filter((other) => other !== entry);
    this.#write();
    this.#tell(event, { entry, ...detail });
  }

  #later(error, isAnswer = false) {
    this.#failures += 1;
    const wait = Math.min(FIRST_WAIT_MS * 2 ** (this.#failures - 1), LONGEST_WAIT_MS);
    this.#retry = this.#timers.set(() => {
      this.#retry = null;
      this.#pump();
    }, wait * (0.75 + Math.random() / 2));
    this.#tell("state", { error, isAnswer });
  }

  #write() {
    this.#kept = this.#journal.write(this.#entries) !== false;
    this.#tell("state", {});
  }

  #tell(event, detail) {
    this.dispatchEvent(new CustomEvent(event, { detail }));
  }
}

const pageTimers = { set: (fn, ms) => setTimeout(fn, ms), clear: (id) => clearTimeout(id) };
