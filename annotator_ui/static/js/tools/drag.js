/**
 * Drag: take a wanted point by its handle and put it elsewhere; it keeps its state and its distance from the cursor.
 * A press that does not move is a click, and a click places the active point: then this hands over to `place`. With no
 * point active, a click on a handle picks it.
 */

import { nearest, tidy } from "../geometry.js";
import { place } from "./place.js";

const REACH = 14; // CSS pixels around a handle's centre
const SLACK = 4; // movement below this is a click

export const drag = {
  begin(press, context) {
    const { session, canvas } = context;
    if (press.button !== 0 || !session.isReady || session.boxPart) return null;
    const handles = handlesOf(session.drawing);
    const at = nearest(handles.map(canvas.toView), press.x, press.y, REACH);
    if (at < 0) return null;
    const { name } = handles[at];
    const start = canvas.toView(handles[at]);
    let isDragging = false;
    return {
      cursor: "grabbing",
      move(to) {
        isDragging ||= Math.hypot(to.x - press.x, to.y - press.y) > SLACK;
        if (!isDragging) return;
        if (session.active !== name) session.setActive(name);
        const { x, y } = canvas.toImage({ x: start.x + to.x - press.x, y: start.y + to.y - press.y });
        session.preview = session.drawing.placing(name, tidy(x), tidy(y));
      },
      finish(to) {
        if (isDragging) session.drop(name);
        else if (session.active) place.begin(press, context).finish(to);
        else session.setActive(name);
      },
      cancel() { session.preview = null; },
    };
  },

  /** Whether a handle lies under the cursor: for the cursor's form. */
  isOver(at, { session, canvas }) {
    if (!session.isReady || session.boxPart) return false;
    return nearest(handlesOf(session.drawing).map(canvas.toView), at.x, at.y, REACH) >= 0;
  },
};

const handlesOf = (drawing) =>
  drawing.points().filter((point) => point.wanted && point.x !== null && point.state !== "absent");
