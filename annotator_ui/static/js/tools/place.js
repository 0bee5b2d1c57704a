/**
 * Place: a click puts the active point where it was released and asks for the next one. Pressing shows the point at the
 * cursor already, so that a press, a correction and a release is one action. Takes every press nobody else took.
 */

import { tidy } from "../geometry.js";

export const place = {
  begin(press, { session, canvas }) {
    if (press.button !== 0 || !session.isReady) return null;
    const name = session.active;
    const show = (to) => {
      if (!name) return;
      const { x, y } = canvas.toImage(to);
      session.preview = session.drawing.placing(name, tidy(x), tidy(y));
    };
    show(press);
    return {
      move: show,
      finish(to) {
        session.preview = null;
        const { x, y } = canvas.toImage(to);
        session.place(x, y);
      },
      cancel() { session.preview = null; },
    };
  },
};
