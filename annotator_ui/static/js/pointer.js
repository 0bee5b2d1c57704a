/**
 * The pointer on the canvas: gives each press to the first tool that wants it, and the wheel to the zoom. One gesture at
 * a time; Esc gives it up. Knows which tool comes before which, and nothing of what they do.
 */

import { box } from "./tools/box.js";
import { drag } from "./tools/drag.js";
import { panZoom, zoomByWheel } from "./tools/pan_zoom.js";
import { place } from "./tools/place.js";

const TOOLS = [panZoom, box, drag, place];

export class Pointer {
  hand = null; // where the cursor is on the canvas, or null
  #overlay;
  #context; // {session, canvas, isPanning}: what tools are given
  #gesture = null;
  #moved;

  /** @param moved called after anything that is to be drawn anew; `byGesture`: a drag changed what is shown. */
  constructor(overlay, { session, canvas, activity, moved }) {
    [this.#overlay, this.#context, this.#moved] = [overlay, { session, canvas, isPanning: false }, moved];
    const on = (type, listener, options) => overlay.addEventListener(type, listener, options);
    on("pointerdown", (event) => {
      activity.touch();
      this.#begin(event);
    });
    on("pointermove", (event) => {
      activity.touch();
      this.hand = this.#placeOf(event);
      this.#gesture?.move(this.hand);
      this.#update(Boolean(this.#gesture));
    });
    on("pointerup", (event) => this.#end((gesture) => gesture.finish(this.#placeOf(event))));
    on("pointercancel", () => this.cancel());
    on("pointerleave", () => {
      this.hand = null;
      this.#update();
    });
    on("contextmenu", (event) => event.preventDefault());
    on("wheel", (event) => {
      event.preventDefault();
      activity.touch();
      if (session.drawing) zoomByWheel(event, this.#placeOf(event), canvas);
      this.#update();
    }, { passive: false });
  }

  get isBusy() { return this.#gesture !== null; }

  /** While Space is held every drag pans. */
  setPanning(isPanning) {
    this.#context.isPanning = isPanning;
    this.#update();
  }

  /** Give the gesture up: nothing of it stays. */
  cancel() {
    this.#end((gesture) => gesture.cancel());
  }

  /** The drawing under the gesture is gone. */
  forget() {
    this.#gesture = null;
    this.#context.session.hold(false);
  }

  #begin(event) {
    this.#overlay.focus({ preventScroll: true });
    if (this.#gesture || !this.#context.session.drawing) return;
    const press = this.#placeOf(event);
    for (const tool of TOOLS) this.#gesture ??= tool.begin(press, this.#context);
    if (!this.#gesture) return;
    event.preventDefault();
    this.#context.session.hold(true);
    this.#overlay.setPointerCapture(event.pointerId);
    this.#update(true);
  }

  #end(how) {
    const gesture = this.#gesture;
    if (!gesture) return;
    this.#gesture = null;
    how(gesture);
    this.#context.session.hold(false);
    this.#update(true);
  }

  #placeOf(event) {
    const rect = this.#overlay.getBoundingClientRect();
    return { x: event.clientX - rect.left, y: event.clientY - rect.top, button: event.button };
  }

  #update(byGesture = false) {
    const { hand } = this;
    this.#overlay.style.cursor = this.#gesture?.cursor ?? (this.#context.isPanning ? "grab"
      : (hand && box.cursorAt(hand, this.#context)) ?? (hand && drag.isOver(hand, this.#context) ? "grab" : "crosshair"));
    this.#moved(byGesture);
  }
}
