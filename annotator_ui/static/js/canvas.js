/**
 * Draws a drawing: the picture on one canvas, skeleton, keypoints, names and box on another above it, so that moving a
 * point never repaints the picture. Sizes of handles and text are CSS pixels at any zoom; both canvases have the
 * screen's own pixels. What lies where is geometry.js; colours are the --mark-* properties of the stylesheet.
 */

import { BOX_CORNERS, fitRect, imageToView, pan, recentre, smallestScale, viewToImage, zoomAt } from "./geometry.js";
import { EDGES, sideOf, wordsOf } from "./skeleton.js";

const HANDLE = 8;
const LOCKED = 3;
const DARK = "rgb(12 14 20 / 72%)";
const SHADE = "rgb(12 14 20 / 45%)";
const LIGHT = "#ffffff";
const FAMILY = '-apple-system, "Segoe UI", Inter, Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif';
const DASH = [4, 3];
const RING_DASH = [3.5, 2].map((part) => (part * 2 * Math.PI * HANDLE) / (8 * 5.5)); // eight dashes, no seam

export class CanvasView {
  view = { scale: 1, x: 0, y: 0 };
  viewport = { width: 1, height: 1 };
  #pictureCanvas;
  #overlay;
  #picture = null;
  #image = null;
  #target = null; // the rectangle that the view was fitted to; null once a person zoomed or panned
  #ratio = 1;
  #marks = {};
  #staleView = true;

  constructor(pictureCanvas, overlay) {
    [this.#pictureCanvas, this.#overlay] = [pictureCanvas, overlay];
    this.readColours();
    this.resize();
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["left", "right", "centre", "box"]) {
      this.#marks[name] = style.getPropertyValue(`--mark-${name}`).trim();
    }
  }

  /** Take the size the stylesheet gives; what was in the middle stays there, what was fitted is fitted again. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.#overlay;
    const before = this.viewport;
    this.viewport = { width, height };
    this.#ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.#pictureCanvas, this.#overlay]) {
      canvas.width = Math.max(1, Math.round(width * this.#ratio));
      canvas.height = Math.max(1, Math.round(height * this.#ratio));
    }
    if (this.#target) this.fit(this.#target);
    else this.#setView(recentre(this.view, before, this.viewport));
  }

  /** Another picture, in the frame its coordinates live in; null clears the stage. */
  show(picture, image) {
    const size = { width: image?.width || picture?.width || 1, height: image?.height || picture?.height || 1 };
    [this.#picture, this.#image, this.#staleView] = [picture, size, true];
  }

  get imageSize() { return this.#image; }

  fit(rect, margin = 24) {
    this.#setView(fitRect(rect, this.viewport, margin));
    this.#target = rect;
  }

  fitImage() { this.fit({ x: 0, y: 0, ...this.#image }); }

  zoom(factor, x = this.viewport.width / 2, y = this.viewport.height / 2) {
    this.#setView(zoomAt(this.view, factor, x, y, { min: smallestScale(this.#image, this.viewport) }));
    this.#target = null;
  }

  pan(dx, dy) {
    this.#setView(pan(this.view, dx, dy));
    this.#target = null;
  }

  toView = (point) => imageToView(this.view, point.x, point.y);
  toImage = (point) => viewToImage(this.view, point.x, point.y);

  #setView(view) {
    [this.view, this.#staleView] = [view, true];
  }

  /**
   * Paint. The scene: {drawing, active, boxPart, hand}; hand is where the cursor is on the canvas, or null.
   * Returns whether the picture is on the canvas.
   */
  paint(scene) {
    if (this.#staleView) this.#paintPicture();
    const context = this.#begin(this.#overlay);
    if (!scene.drawing || !this.#picture) return Boolean(this.#picture);
    const points = scene.drawing.points().filter((point) => point.x !== null && point.state !== "absent")
      .map((point) => ({ ...point, at: this.toView(point), colour: this.#marks[sideOf(point.name)] }));
    this.#paintEdges(context, points);
    this.#paintBox(context, scene.drawing.box(), scene.boxPart);
    for (const point of points.filter((other) => !other.wanted)) paintLocked(context, point);
    const handles = points.filter((point) => point.wanted);
    const active = handles.find((point) => point.name === scene.active);
    for (const point of handles) if (point !== active) this.#paintHandle(context, point, false, handles);
    if (active) this.#paintHandle(context, active, !scene.boxPart, handles);
    if (scene.active && !scene.boxPart) this.#paintName(context, scene, active, points);
    return true;
  }

  #begin(canvas) {
    const context = canvas.getContext("2d");
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    context.clearRect(0, 0, this.viewport.width, this.viewport.height);
    return context;
  }

  #paintPicture() {
    const context = this.#begin(this.#pictureCanvas);
    this.#staleView = false;
    if (!this.#picture) return;
    const { scale, x, y } = this.view;
    const [width, height] = [this.#image.width * scale, this.#image.height * scale];
    context.fillStyle = LIGHT; // paper, for pictures with an alpha channel
    context.fillRect(x, y, width, height);
    context.imageSmoothingEnabled = scale < 24;
    context.imageSmoothingQuality = "high";
    context.drawImage(this.#picture, x, y, width, height);
    context.strokeStyle = "rgb(128 134 146 / 45%)";
    context.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
  }

  #paintEdges(context, points) {
    const named = Object.fromEntries(points.map((point) => [point.name, point]));
    context.lineWidth = 1.5;
    for (const [from, to] of EDGES) {
      const [a, b] = [named[from], named[to]];
      if (!a || !b) continue;
      const isSure = a.by !== "machine" && b.by !== "machine";
      context.setLineDash(isSure ? [] : DASH);
      context.globalAlpha = a.wanted && b.wanted ? 0.6 : 0.35;
      context.strokeStyle = this.#marks[sideOf(from) === sideOf(to) ? sideOf(from) : "centre"];
      context.beginPath();
      context.moveTo(a.at.x, a.at.y);
      context.lineTo(b.at.x, b.at.y);
      context.stroke();
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  #paintHandle(context, { at, state, by, score, colour }, isActive, others) {
    const isHidden = state === "hidden";
    const isDashed = by !== "person";
    const ring = (radius, width, style, dash = []) => {
      context.setLineDash(dash);
      [context.lineWidth, context.strokeStyle] = [width, style];
      context.beginPath();
      context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
      context.stroke();
      context.setLineDash([]);
    };
    const disc = (radius, style) => {
      context.fillStyle = style;
      context.beginPath();
      context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
      context.fill();
    };
    const tone = isHidden ? paler(colour) : colour;
    if (isDashed || isHidden) {
      ring(HANDLE, 6, SHADE);
      ring(HANDLE, 4, isHidden ? "rgb(40 44 56 / 80%)" : LIGHT);
      ring(HANDLE, isHidden ? 3 : 2.5, tone, isDashed ? RING_DASH : []);
      if (!isHidden) disc(3.5, LIGHT);
      if (!isHidden) disc(2.5, tone);
    } else {
      disc(HANDLE + 1.5, SHADE);
      disc(HANDLE + 0.5, LIGHT);
      disc(HANDLE - 1.5, colour);
    }
    if (isActive) paintTicks(context, at);
    const text = { x: at.x + HANDLE + 5, y: at.y + 4 };
    const isClear = others.every((other) => other.at === at || Math.abs(other.at.y - at.y) > 2 * HANDLE ||
      other.at.x < at.x || other.at.x - text.x > 36); // no score over another handle
    if (score !== null && !isActive && isClear) paintText(context, score.toFixed(2), text.x, text.y, "600 12px");
  }

  #paintName(context, scene, active, points) {
    const point = scene.drawing.point(scene.active);
    const words = [wordsOf(scene.active)];
    if (active) words.push(active.state === "undecided" ? "" : active.state);
    else if (point.by === "nobody") words.push(scene.drawing.intents[scene.active] ?? "click to place");
    else words.push(point.state);
    if (active && point.score !== null) words.push(point.score.toFixed(2));
    const text = words.filter(Boolean).join("  ·  ");
    const anchor = active?.at ?? (point.state === "absent" ? null : scene.hand) ??
      { x: this.viewport.width / 2, y: 40 };
    if (!active && anchor === scene.hand) paintTicks(context, anchor, 5);
    context.font = `600 13px ${FAMILY}`;
    const size = { width: context.measureText(text).width + 20, height: 24 };
    const place = freePlace(anchor, size, this.viewport, points.filter((other) => other.name !== scene.active));
    context.fillStyle = "rgb(16 18 26 / 90%)";
    roundRect(context, place.x, place.y, size.width, size.height, 6);
    context.fill();
    context.fillStyle = active?.colour ?? this.#marks[sideOf(scene.active)];
    context.fillRect(place.x, place.y + 5, 3, size.height - 10);
    context.fillStyle = LIGHT;
    context.fillText(text, place.x + 11, place.y + 16);
  }

  #paintBox(context, { bbox_xywh: bbox, by, confirmed, basis }, part) {
    if (!bbox) return;
    const a = this.toView({ x: bbox[0], y: bbox[1] });
    const [width, height] = [bbox[2] * this.view.scale, bbox[3] * this.view.scale];
    const b = { x: a.x + width, y: a.y + height };
    const colour = this.#marks.box;
    const isDashed = by !== "person";
    const line = (lineWidth, style, dash) => {
      [context.lineWidth, context.strokeStyle] = [lineWidth, style];
      context.setLineDash(dash);
      context.strokeRect(a.x, a.y, width, height);
      context.setLineDash([]);
    };
    line(part ? 4 : 3, part ? DARK : "rgb(12 14 20 / 35%)", []);
    line(part ? 2 : 1.5, colour, isDashed ? [8, 5] : []);
    const length = Math.max(0, Math.min(14, width / 3, height / 3)); // corner brackets: the box's own look
    for (const [style, lineWidth] of [[DARK, 5], [colour, 3]]) {
      [context.strokeStyle, context.lineWidth] = [style, lineWidth];
      context.beginPath();
      for (const [x, y, right, down] of [[a.x, a.y, 1, 1], [b.x, a.y, -1, 1], [b.x, b.y, -1, -1], [a.x, b.y, 1, -1]]) {
        context.moveTo(x + right * length, y);
        context.lineTo(x, y);
        context.lineTo(x, y + down * length);
      }
      context.stroke();
    }
    if (!part) return;
    for (const name of [...BOX_CORNERS, "left", "top", "right", "bottom"]) {
      const x = name.includes("left") ? a.x : name.includes("right") ? b.x : (a.x + b.x) / 2;
      const y = name.includes("top") ? a.y : name.includes("bottom") ? b.y : (a.y + b.y) / 2;
      const isChosen = part === "box" || name === part;
      context.fillStyle = DARK;
      context.fillRect(x - 6, y - 6, 12, 12);
      context.fillStyle = isChosen ? colour : LIGHT;
      context.fillRect(x - 4.5, y - 4.5, 9, 9);
    }
    const says = confirmed ? "confirmed" : by === "machine" ? `proposed${basis ? ` from the ${basis}` : ""}` : "adjusted";
    const which = part === "box" ? "box" : `box, ${part} edge`;
    const textAt = { x: Math.max(a.x, 8) + 8, y: Math.max(a.y, 8) + 22 };
    paintText(context, `${which}  ·  ${says}`, textAt.x, textAt.y, "600 12px");
  }
}

function paintLocked(context, { at, state, colour }) {
  context.globalAlpha = 0.6;
  context.beginPath();
  context.arc(at.x, at.y, LOCKED, 0, 2 * Math.PI);
  [context.lineWidth, context.strokeStyle, context.fillStyle] = [2, DARK, colour];
  context.stroke();
  if (state === "hidden") {
    [context.lineWidth, context.strokeStyle] = [1.5, paler(colour)];
    context.stroke();
  } else {
    context.fill();
  }
  context.globalAlpha = 1;
}

/** Four ticks around a place: the active point, told by form and not by colour; the place itself stays free. */
function paintTicks(context, { x, y }, inner = HANDLE + 5) {
  const outer = inner + 9;
  for (const [style, width] of [[DARK, 4.5], [LIGHT, 2]]) {
    [context.strokeStyle, context.lineWidth] = [style, width];
    context.beginPath();
    for (const [right, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + right * inner, y + down * inner);
      context.lineTo(x + right * outer, y + down * outer);
    }
    context.stroke();
  }
}

function paintText(context, text, x, y, size) {
  context.font = `${size} ${FAMILY}`;
  [context.lineWidth, context.strokeStyle, context.lineJoin] = [3.5, DARK, "round"];
  context.strokeText(text, x, y);
  context.fillStyle = LIGHT;
  context.fillText(text, x, y);
}

/** Where a name beside a place hides nothing: outward first, then wherever there is room. */
function freePlace(anchor, size, viewport, others) {
  const gap = HANDLE + 18;
  const middle = others.length ? others.reduce((sum, { at }) => sum + at.x, 0) / others.length : viewport.width / 2;
  const right = { x: anchor.x + gap, y: anchor.y - size.height / 2 };
  const left = { x: anchor.x - gap - size.width, y: anchor.y - size.height / 2 };
  const above = { x: anchor.x - size.width / 2, y: anchor.y - gap - size.height };
  const below = { x: anchor.x - size.width / 2, y: anchor.y + gap };
  const places = anchor.x < middle ? [left, above, below, right] : [right, above, below, left];
  const fits = ({ x, y }) =>
    x >= 4 && y >= 4 && x + size.width <= viewport.width - 4 && y + size.height <= viewport.height - 4;
  const covers = ({ x, y }) => others.some(({ at, wanted }) => wanted &&
    at.x > x - HANDLE && at.x < x + size.width + HANDLE && at.y > y - HANDLE && at.y < y + size.height + HANDLE);
  const best = places.find((place) => fits(place) && !covers(place)) ?? places.find(fits) ?? right;
  return {
    x: Math.min(Math.max(best.x, 4), Math.max(4, viewport.width - size.width - 4)),
    y: Math.min(Math.max(best.y, 4), Math.max(4, viewport.height - size.height - 4)),
  };
}

function roundRect(context, x, y, width, height, radius) {
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
}

/** Half way to white. */
function paler(hex) {
  const half = (at) => Math.round((Number.parseInt(hex.slice(at, at + 2), 16) + 255) / 2);
  return `rgb(${half(1)} ${half(3)} ${half(5)})`;
}
