/**
 * View <-> image: where an image pixel lies on the canvas, and back. Pure; knows nothing of the page.
 *
 * A view is {scale, x, y}: the canvas position (CSS pixels) of image point (ix, iy) is (ix * scale + x, iy * scale + y).
 * Rectangles are {x, y, width, height}; sizes {width, height}. Image pixels are continuous, x right, y down.
 */

export const MAX_SCALE = 64; // one image pixel as a 64 px square: beyond that nothing more can be told apart
const MIN_SHARE_OF_FIT = 0.25;

/** Image point to canvas point. */
export const imageToView = (view, x, y) => ({ x: x * view.scale + view.x, y: y * view.scale + view.y });

/** Canvas point to image point. */
export const viewToImage = (view, x, y) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });

/** The view that shows the whole rectangle, centred, with a free margin (CSS pixels) around it. */
export function fitRect(rect, viewport, margin = 24) {
  const width = Math.max(rect.width, 1e-6);
  const height = Math.max(rect.height, 1e-6);
  const room = (side) => Math.max(side - 2 * margin, Math.min(side, 16), 1);
  const scale = Math.min(room(viewport.width) / width, room(viewport.height) / height, MAX_SCALE);
  return {
    scale,
    x: viewport.width / 2 - (rect.x + rect.width / 2) * scale,
    y: viewport.height / 2 - (rect.y + rect.height / 2) * scale,
  };
}

/** Zoom by a factor so that what lies under the canvas point (x, y) stays there. */
export function zoomAt(view, factor, x, y, { min = 0.01, max = MAX_SCALE } = {}) {
  const scale = clamp(view.scale * factor, Math.min(min, view.scale), Math.max(max, view.scale));
  const kept = viewToImage(view, x, y);
  return { scale, x: x - kept.x * scale, y: y - kept.y * scale };
}

/** The same scale, moved by canvas pixels. */
export const pan = (view, dx, dy) => ({ ...view, x: view.x + dx, y: view.y + dy });

/** The smallest scale a person may zoom out to: a quarter of the whole image fitted. */
export const smallestScale = (image, viewport) =>
  fitRect({ x: 0, y: 0, ...image }, viewport).scale * MIN_SHARE_OF_FIT;

/** The same image point in the middle, after the canvas changed its size. */
export function recentre(view, before, after) {
  return { ...view, x: view.x + (after.width - before.width) / 2, y: view.y + (after.height - before.height) / 2 };
}

/** What part of the image plane the canvas shows. */
export function shownRect(view, viewport) {
  const a = viewToImage(view, 0, 0);
  const b = viewToImage(view, viewport.width, viewport.height);
  return { x: a.x, y: a.y, width: b.x - a.x, height: b.y - a.y };
}

/** Wheel movement (any deltaMode) to a zoom factor; one notch of a common mouse is about 1.2, trackpads are gradual. */
export function wheelFactor({ deltaY, deltaMode = 0, ctrlKey = false }) {
  const pixels = deltaMode === 1 ? deltaY * 33 : deltaMode === 2 ? deltaY * 400 : deltaY;
  const speed = ctrlKey ? 0.01 : 0.0018; // a pinch arrives as ctrl + small deltas
  return Math.exp(-clamp(pixels, -400, 400) * speed);
}

/** The smallest rectangle around points, grown on each side by a share of its longer side; null without points. */
export function boundingRect(points, grow = 0) {
  if (!points.length) return null;
  const xs = points.map((p) => p.x);
  const ys = points.map((p) => p.y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const more = grow * Math.max(right - left, bottom - top);
  return { x: left - more, y: top - more, width: right - left + 2 * more, height: bottom - top + 2 * more };
}

/** Whether `inner` lies wholly within `outer`. */
export const contains = (outer, inner) =>
  inner.x >= outer.x && inner.y >= outer.y &&
  inner.x + inner.width <= outer.x + outer.width && inner.y + inner.height <= outer.y + outer.height;

/** Index of the nearest of canvas points within a radius, or -1; on a tie the later one, which is drawn on top. */
export function nearest(points, x, y, radius) {
  let best = -1;
  let bestDistance = radius;
  points.forEach((point, index) => {
    const distance = point ? Math.hypot(point.x - x, point.y - y) : Infinity;
    if (distance <= bestDistance) [best, bestDistance] = [index, distance];
  });
  return best;
}

/* ---- boxes: [x, y, width, height] ---- */

/** The parts of a box that can be taken hold of; "box" is the whole. In the order Tab walks them. */
export const BOX_PARTS = ["box", "left", "top", "right", "bottom"];
export const BOX_CORNERS = ["top-left", "top-right", "bottom-right", "bottom-left"];

/** Move one part of a box (the whole, an edge or a corner) by image pixels; a box turned inside out is put right. */
export function moveBoxPart([x, y, width, height], part, dx, dy) {
  if (part === "box") return [x + dx, y + dy, width, height];
  const left = x + (part.includes("left") ? dx : 0);
  const right = x + width + (part.includes("right") ? dx : 0);
  const top = y + (part.includes("top") ? dy : 0);
  const bottom = y + height + (part.includes("bottom") ? dy : 0);
  return atLeastOne(boxFromCorners({ x: left, y: top }, { x: right, y: bottom }));
}

/** The box between two opposite corners, whichever way they were drawn. */
export const boxFromCorners = (a, b) =>
  [Math.min(a.x, b.x), Math.min(a.y, b.y), Math.abs(b.x - a.x), Math.abs(b.y - a.y)];

/** A box has an inside: at least one pixel each way, to the left or upward where the edges met. */
const atLeastOne = ([x, y, width, height]) =>
  [width < 1 ? x + width - 1 : x, height < 1 ? y + height - 1 : y, Math.max(width, 1), Math.max(height, 1)];

/** Which part of a box lies under a canvas point: a corner, an edge, or null; the inside is not taken hold of. */
export function boxPartAt(bbox, view, x, y, radius) {
  const a = imageToView(view, bbox[0], bbox[1]);
  const b = imageToView(view, bbox[0] + bbox[2], bbox[1] + bbox[3]);
  const near = (value, edge) => Math.abs(value - edge) <= radius;
  const within = (value, low, high) => value >= low - radius && value <= high + radius;
  const side = within(y, a.y, b.y) ? (near(x, a.x) ? "left" : near(x, b.x) ? "right" : "") : "";
  const level = within(x, a.x, b.x) ? (near(y, a.y) ? "top" : near(y, b.y) ? "bottom" : "") : "";
  return level && side ? `${level}-${side}` : level || side || null;
}

/** Rounded for people and for files: a hundredth of a pixel is finer than any hand. */
export const tidy = (value) => Math.round(value * 100) / 100;

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
