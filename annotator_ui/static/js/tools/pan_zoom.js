/**
 * Pan and zoom: Space and drag (or the middle button), the wheel at the cursor. Changes only what is seen.
 *
 * A tool answers `begin(press, context)` with a gesture {move, finish, cancel} or null where the press is not its own.
 * press and the points given to gestures are {x, y, button} in canvas pixels; context is {session, canvas, isPanning}.
 */

import { wheelFactor } from "../geometry.js";

export const panZoom = {
  begin(press, { canvas, isPanning }) {
    if (!isPanning && press.button !== 1) return null;
    let last = press;
    return {
      cursor: "grabbing",
      move(to) {
        canvas.pan(to.x - last.x, to.y - last.y);
        last = to;
      },
      finish() {},
      cancel() {},
    };
  },
};

/** The wheel: zoom so that what is under the cursor stays there. */
export const zoomByWheel = (event, at, canvas) => canvas.zoom(wheelFactor(event), at.x, at.y);

/** What Z switches between: the task's own view (the head) and the whole drawing. */
export function showHead(canvas, task, isHead) {
  if (isHead && task.view.width > 0 && task.view.height > 0) canvas.fit(task.view);
  else canvas.fitImage();
}
