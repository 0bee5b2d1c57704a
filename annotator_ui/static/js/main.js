/**
 * The editor's page: wires the session, the canvas, the tools, the keys, the panel and the server. No decisions here.
 *
 * For tests and for the curious: `window.editor`, and data attributes on the canvas (data-annotation-id, data-active,
 * data-ready), on the stage (data-stage) and in the top bar (data-save-state).
 */

import { Activity } from "./activity.js";
import { openOutbox, readTasks } from "./api.js";
import { CanvasView } from "./canvas.js";
import { helpDialog, reasonDialog } from "./dialogs.js";
import { contains, shownRect } from "./geometry.js";
import { Panel } from "./panel.js";
import { Pointer } from "./pointer.js";
import { Feed, Pictures } from "./prefetch.js";
import { Session } from "./session.js";
import { shortcutFor } from "./shortcuts.js";
import { wordsOf } from "./skeleton.js";
import { Messages, showCounts, showFinished, showSaveState } from "./status.js";
import { showHead } from "./tools/pan_zoom.js";

const ZOOM_STEP = 1.25;
const HOLD_MS = 3000;
const ARROWS = { ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowRight: [1, 0], ArrowDown: [0, 1] };

const find = (selector) => document.querySelector(selector);
const page = JSON.parse(find("#task-page").textContent);
const query = new URLSearchParams(location.search);
const isSkippedOnes = find("#task-page").dataset.skipped === "true";
const overlay = find("#drawing");
const stage = find(".stage");

/* ---- the parts ---- */

const { outbox, journal } = openOutbox({ queue: page.queue.name });
const pictures = new Pictures();
const activity = new Activity();
let session = null;
const feed = new Feed({
  read: async (range) => {
    const { mark } = outbox; // numbers read while a change was on its way are of no use
    const read = await readTasks(page.queue.name, { ...range, skipped: isSkippedOnes });
    return { ...read, isCurrent: mark !== null && mark === outbox.mark };
  },
  pictures, isOver: (task) => session.isOver(task), fromStart: !query.has("at"),
});
session = new Session({ outbox, feed, pictures, activity });
const canvas = new CanvasView(find(".picture"), overlay);
const panel = new Panel(find(".panel"), session);
const messages = new Messages(stage);

const pointer = new Pointer(overlay, { session, canvas, activity, moved(byGesture) {
  if (byGesture) panel.update();
  redraw();
} });
let isHead = true;
let viewBeforeBox = null;
let bareBy = null; // the key that hides the marks while it is held
let frame = 0;

/* ---- drawing, once a frame ---- */

function redraw() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    const { shown: drawing, active, boxPart } = session;
    const isPainted = canvas.paint({ drawing: bareBy ? null : drawing, active, boxPart, hand: pointer.hand });
    overlay.dataset.ready = String(isPainted && session.isReady);
    find("[data-zoom]").textContent = `${Math.round(canvas.view.scale * 100)} %`;
  });
}

function showState() {
  overlay.dataset.annotationId = session.drawing?.id ?? "";
  overlay.dataset.active = session.boxPart ? "box" : session.active ?? "";
  stage.dataset.stage = session.stage;
  for (const cover of stage.querySelectorAll("[data-cover]")) cover.hidden = cover.dataset.cover !== session.stage;
  showCounts(document, session.counts, isSkippedOnes);
  find("[data-command='undo']").disabled = !session.history.canUndo;
  find("[data-command='redo']").disabled = !session.history.canRedo;
  find(".decide [data-command='confirm']").disabled = !session.isReady;
  for (const button of document.querySelectorAll(".decide .row button")) button.disabled = !session.drawing;
}

let announced = "";
function announceActive() {
  const { drawing, active, boxPart } = session;
  const name = boxPart ? (boxPart === "box" ? "box" : `box, ${boxPart} edge`) : active && drawing
    ? `${wordsOf(active)}, ${drawing.point(active).state}` : "";
  if (name && name !== announced) messages.announce(name);
  announced = name;
}

session.addEventListener("change", () => {
  showState();
  panel.update();
  announceActive();
  redraw();
});

session.addEventListener("opened", () => {
  const { drawing } = session;
  viewBeforeBox = null;
  pointer.forget();
  overlay.dataset.ready = "false";
  canvas.show(drawing ? session.picture : null, drawing?.task.image);
  if (drawing && session.isReady) setHead(true);
  if (drawing) find("[data-broken-name]").textContent = drawing.task.image.file_name;
  overlay.setAttribute("aria-label", drawing ? `Drawing ${drawing.task.image.file_name}` : "No drawing");
  if (session.stage === "finished") showFinished(document, session.counts, isSkippedOnes);
  if (document.activeElement === document.body && session.isReady) overlay.focus({ preventScroll: true });
});

session.addEventListener("say", ({ detail }) => messages.show(detail));

function setHead(isNowHead) {
  isHead = isNowHead;
  if (session.drawing) showHead(canvas, session.drawing.task, isHead);
  find("[data-command='head']").setAttribute("aria-pressed", String(isHead));
  redraw();
}

/* ---- commands: what keys and buttons ask for ---- */

const openSkip = reasonDialog(find("#skip-dialog"), (reason) => session.skip(reason));
const openRemove = reasonDialog(find("#remove-dialog"), (reason) => session.remove(reason));
const openHelp = helpDialog(find("#help-dialog"));

const commands = {
  confirm: () => session.confirm(),
  skip: () => session.drawing && openSkip(),
  remove: () => session.drawing && openRemove(),
  undo: () => session.undo(),
  redo: () => session.redo(),
  visible: () => session.mark("visible"),
  hidden: () => session.mark("hidden"),
  absent: () => session.mark("absent"),
  allVisible: () => session.markAll("visible"),
  allHidden: () => session.markAll("hidden"),
  allAbsent: () => session.markAll("absent"),
  swap: () => session.swap(),
  swapAll: () => session.swapAll(),
  propose: () => session.propose(),
  goOn: () => session.goOn(),
  goBack: () => session.goBack(),
  next: () => session.cycle(+1),
  previous: () => session.cycle(-1),
  nudge: (event) => session.nudge(...ARROWS[event.key]),
  nudge10: (event) => session.nudge(...ARROWS[event.key].map((step) => step * 10)),
  nudgeQuarter: (event) => session.nudge(...ARROWS[event.key].map((step) => step / 4)),
  leave,
  box: toggleBox,
  pan: () => pointer.setPanning(true),
  zoomIn: () => zoomBy(ZOOM_STEP),
  zoomOut: () => zoomBy(1 / ZOOM_STEP),
  bare: (event) => setBare(event.code),
  fit: () => { setHead(false); },
  head: () => setHead(!isHead),
  help: openHelp,
  reload: () => session.loadPicture(),
};

function zoomBy(factor) {
  if (session.drawing) canvas.zoom(factor);
  redraw();
}

/** The marks are hidden while this key is held; null: it was let go. */
function setBare(code) {
  bareBy = code;
  redraw();
}

/** Esc: a drag under way is given up; else the box; else the canvas loses the focus to the panel. */
function leave() {
  if (pointer.isBusy) pointer.cancel();
  else if (session.boxPart) toggleBox();
  else find(".panel button").focus();
}

/** The box has to be seen to be adjusted: look at all of it, and back again afterwards. */
function toggleBox() {
  session.toggleBox();
  const bbox = session.boxPart && session.drawing?.box().bbox_xywh;
  if (bbox) {
    const [x, y, width, height] = bbox;
    const rect = { x, y, width, height };
    if (contains(shownRect(canvas.view, canvas.viewport), rect)) return;
    viewBeforeBox = { isHead };
    canvas.fit(rect, 48);
  } else if (viewBeforeBox) {
    setHead(viewBeforeBox.isHead);
    viewBeforeBox = null;
  }
  redraw();
}

document.addEventListener("keydown", (event) => {
  activity.touch();
  const inDialog = document.querySelector("dialog[open]");
  const inText = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (inDialog || inText || event.isComposing || event.defaultPrevented) return;
  const shortcut = shortcutFor(event);
  if (!shortcut) return;
  const onCanvas = document.activeElement === overlay;
  if (shortcut.onCanvas && !onCanvas && document.activeElement !== document.body) return;
  const isBrowsersOwn = /^(next|previous|leave)$/.test(shortcut.command) && !onCanvas; // Tab and Esc elsewhere
  if (isBrowsersOwn && !pointer.isBusy) return;
  event.preventDefault();
  if (event.repeat && (shortcut.once || shortcut.held)) return;
  if (pointer.isBusy && shortcut.command !== "leave") return; // the drag is finished or given up first
  commands[shortcut.command](event);
});

document.addEventListener("keyup", (event) => {
  if (event.key === " ") pointer.setPanning(false);
  if (event.code === bareBy) setBare(null);
});
window.addEventListener("blur", () => { // its key will be let go elsewhere
  pointer.setPanning(false);
  setBare(null);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  const { command } = event.target.closest?.("[data-command]")?.dataset ?? {};
  if (command) commands[command](event);
  // After a mouse click the keys belong to the canvas again; somebody tabbing through the buttons stays where they are.
  const isByMouse = event.detail > 0 && button?.closest(".panel, .toolbar, .cover");
  if (isByMouse && !document.querySelector("dialog[open]")) {
    overlay.focus({ preventScroll: true });
  }
});

/* ---- the window ---- */

new ResizeObserver(() => {
  canvas.resize();
  redraw();
}).observe(stage);
window.addEventListener("resize", () => { // also a change of zoom or of the screen
  canvas.resize();
  redraw();
});
document.addEventListener("visibilitychange", () => {
  activity.setVisible(!document.hidden);
  if (!document.hidden) outbox.wake();
});
window.addEventListener("online", () => outbox.wake());
window.addEventListener("beforeunload", (event) => {
  session.finishEdit();
  outbox.hold(HOLD_MS);
  if (outbox.count && !outbox.state.kept) event.preventDefault(); // this browser keeps no copy: ask before losing them
});
window.addEventListener("pagehide", () => {
  session.finishEdit();
  journal.leave();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted && journal.return().taken) location.reload();
});

let trouble = "";
const saveState = find("[data-save-state]");
outbox.addEventListener("state", ({ detail }) => {
  if (detail.error) {
    if (detail.isAnswer && trouble !== detail.error.message) {
      session.say(`The server cannot save now: ${detail.error.message}. Your changes are kept and tried again.`, "warn");
    }
    trouble = detail.error.message;
  }
  showSaveState(saveState, outbox.state, trouble);
});
outbox.addEventListener("stranger", ({ detail }) => {
  journal.setAside(detail.entry);
  session.say("Unsent changes of another project were found in this browser. They are kept until that project is open.",
    "warn", true);
});
feed.addEventListener("trouble", ({ detail }) => {
  find("[data-loading-words]").textContent = `Waiting for the server: ${detail.error.message}`;
});
feed.addEventListener("page", () => { find("[data-loading-words]").textContent = "Loading the drawing…"; });

/* ---- go ---- */

outbox.adopt(journal.adoptLeft());
session.start(page);
journal.adoptAbandoned().then((entries) => {
  outbox.adopt(entries);
  if (entries.length) session.adopted();
});
showSaveState(saveState, outbox.state);

window.editor = {
  session, canvas, outbox, commands: Object.keys(commands),
  /** Where an image point lies on the page (client coordinates): for tests that click. */
  imageToPage(x, y) {
    const at = canvas.toView({ x, y });
    const rect = overlay.getBoundingClientRect();
    return { x: rect.left + at.x, y: rect.top + at.y };
  },
  /** What is shown of a keypoint. */
  point: (name) => session.drawing?.point(name) ?? null,
};
