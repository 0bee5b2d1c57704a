/**
 * Box: while it is being adjusted (B), its edges and corners can be dragged; the points are left in peace.
 */

import { boxPartAt, moveBoxPart, tidy } from "../geometry.js";

const REACH = 10;
const CURSORS = {
  left: "ew-resize", right: "ew-resize", top: "ns-resize", bottom: "ns-resize",
  "top-left": "nwse-resize", "bottom-right": "nwse-resize", "top-right": "nesw-resize", "bottom-left": "nesw-resize",
};

export const box = {
  begin(press, { session, canvas }) {
    if (press.button !== 0 || !session.isReady || !session.boxPart) return null;
    const start = session.drawing.box().bbox_xywh;
    const part = partAt(press, session, canvas);
    if (!part) {
      const hint = () => session.say("Drag an edge or a corner of the box; B goes back to the points.");
      return { move() {}, cancel() {}, finish: hint };
    }
    session.boxPart = part.includes("-") ? "box" : part;
    return {
      cursor: CURSORS[part],
      move(to) {
        const { scale } = canvas.view;
        const moved = moveBoxPart(start, part, (to.x - press.x) / scale, (to.y - press.y) / scale);
        session.preview = session.drawing.boxing(moved.map(tidy));
      },
      finish() { session.drop("box"); },
      cancel() { session.preview = null; },
    };
  },

  /** The cursor over an edge or a corner, or null. */
  cursorAt(at, { session, canvas }) {
    return session.isReady && session.boxPart ? CURSORS[partAt(at, session, canvas)] ?? "default" : null;
  },
};

function partAt(at, session, canvas) {
  const { bbox_xywh: bbox } = session.drawing.box();
  return bbox ? boxPartAt(bbox, canvas.view, at.x, at.y, REACH) : null;
}
