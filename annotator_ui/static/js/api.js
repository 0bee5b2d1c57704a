/**
 * The server's JSON API: the only module that fetches. Changes do not go out from here one by one as they like, they go
 * through the outbox (one at a time, in order, repeated until answered), which this module sets up with the journal.
 */

import { Journal } from "./journal.js";
import { Outbox } from "./outbox.js";

const TIMEOUT_MS = 15000;

/** The server did not answer at all: away, restarting, the network down, or too slow. */
export class Away extends Error {}

/** One request. Returns {status, json}; json is null where the answer is none. Throws Away where there is no answer. */
export async function request(method, path, body = undefined) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? { Accept: "application/json" }
        : { Accept: "application/json", "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      keepalive: method !== "GET", // a change on its way outlives the page
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw new Away(`no answer from the server (${error.message})`);
  }
  try {
    return { status: answer.status, json: await answer.json() };
  } catch {
    if (answer.ok) throw new Away("the answer was cut off"); // killed while it was writing
    return { status: answer.status, json: null };
  }
}

async function read(path) {
  const { status, json } = await request("GET", path);
  if (status >= 500) throw new Away(json?.error ?? `the server answered ${status}`);
  if (status !== 200) throw new Error(json?.error ?? `the server answered ${status}`);
  return json;
}

/** A TaskPage: the queue and its tasks behind a position. */
export const readTasks = (queue, { after = 0, limit = 4, skipped = false } = {}) =>
  read(`/api/queues/${encodeURIComponent(queue)}/tasks?after=${after}&limit=${limit}&skipped=${skipped ? 1 : 0}`);

/** One Task, wherever it stands. */
export const readTask = (queue, annotationId) =>
  read(`/api/queues/${encodeURIComponent(queue)}/tasks/${annotationId}`);

/** A new change id. randomUUID exists only on secure origins; a LAN address without TLS has getRandomValues alone. */
export function newChangeId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** The outbox of this page, with the journal behind it. `pageId` is new for every page load. */
export function openOutbox({ queue, pageId = newChangeId() }) {
  const journal = new Journal({ storage: safeStorage(), locks: navigator.locks ?? null, pageId });
  const belongs = new Map(); // annotation id -> its picture's address here, or null where it does not exist
  const verify = async (entry) => {
    if (!belongs.has(entry.annotationId)) {
      const { status, json } = await request("GET", `/api/queues/${queue}/tasks/${entry.annotationId}`);
      if (status >= 500) throw new Away(`the server answered ${status}`);
      belongs.set(entry.annotationId, json?.image?.url ?? null);
    }
    return belongs.get(entry.annotationId) === entry.imageUrl;
  };
  return { outbox: new Outbox({ send: request, journal, verify }), journal };
}

/* ---- entries for the outbox: one function for each thing a person can do ---- */

const entry = (kind, task, method, path, changeId, body, more = {}) => ({
  kind, changeId, method, path, body, annotationId: task.annotation.id, imageUrl: task.image.url, ...more,
});
const annotationPath = (task) => `/api/annotations/${task.annotation.id}`;
const removalPath = (task) => `/api/images/${task.image.id}/removal`;

/** PATCH: points or the box as they are now; `undoes` names the change that this takes back. */
export const changeEntry = (task, changeId, { changes, before, undoes = null }) =>
  entry("change", task, "PATCH", annotationPath(task), changeId, { changes, undoes }, { before, undoes });

/** POST: what the queue asked for is right; with what was shown and how long the person worked. */
export const confirmEntry = (task, changeId, { changes, before, active_ms }) =>
  entry("confirm", task, "POST", `${annotationPath(task)}/confirmations`, changeId,
    { queue: task.queue, changes, shown: task.prediction, active_ms }, { before });

export const skipEntry = (task, changeId, { reason }) =>
  entry("skip", task, "POST", `${annotationPath(task)}/skips`, changeId, { queue: task.queue, reason });

export const unskipEntry = (task, changeId, { undoes }) =>
  entry("unskip", task, "DELETE", `${annotationPath(task)}/skips`, changeId, { queue: task.queue }, { undoes });

export const removeEntry = (task, changeId, { reason }) =>
  entry("remove", task, "POST", removalPath(task), changeId, { reason });

export const restoreEntry = (task, changeId, { undoes }) =>
  entry("restore", task, "DELETE", removalPath(task), changeId, {}, { undoes });

/** The entry of a step that ends a drawing's turn: "confirm", "skip" or "remove" (see history.js). */
export const closingEntry = (task, step, active_ms) => ({
  confirm: () => confirmEntry(task, step.changeId, { changes: step.after, before: step.before, active_ms }),
  skip: () => skipEntry(task, step.changeId, step.detail),
  remove: () => removeEntry(task, step.changeId, step.detail),
})[step.kind]();

/** The entry that takes a step back, whatever it did. */
export function undoingEntry(task, step) {
  const undoes = step.changeId;
  if (step.kind === "skip") return unskipEntry(task, newChangeId(), { undoes });
  if (step.kind === "remove") return restoreEntry(task, newChangeId(), { undoes });
  return changeEntry(task, newChangeId(), { changes: step.before, before: step.after, undoes });
}

/** localStorage, or a stand-in that forgets where it is forbidden. */
function safeStorage() {
  try {
    localStorage.length; // throws where the person blocked it
    return localStorage;
  } catch {
    const setItem = () => { throw new Error("forbidden"); };
    return { length: 0, key: () => null, getItem: () => null, removeItem() {}, setItem };
  }
}
