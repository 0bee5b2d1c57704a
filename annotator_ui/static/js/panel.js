/**
 * The side panel: the wanted points and the box as real buttons, always saying what the canvas shows, for the mouse and
 * for screen readers. Draws from the session, and asks it for what was pressed; decides nothing.
 */

import { sideOf, wordsOf } from "./skeleton.js";

const STATES = [["visible", "2", "Visible"], ["hidden", "1", "Hidden"], ["absent", "0", "Absent"]];
const SVG = "http://www.w3.org/2000/svg";

export class Panel {
  #session;
  #root;
  #rows = new Map();
  #box = null;
  #shownId = null;

  constructor(root, session) {
    [this.#root, this.#session] = [root, session];
  }

  /** Say what is now. */
  update() {
    const { drawing, shown, active, boxPart, isReady } = this.#session;
    if (drawing?.id !== this.#shownId) this.#build(drawing);
    if (!drawing) return;
    for (const [name, row] of this.#rows) {
      const point = shown.point(name);
      const isActive = name === active && !boxPart;
      mark(row.mark, point);
      set(row.root, "active", isActive);
      row.pick.setAttribute("aria-pressed", String(isActive));
      row.note.textContent = noteOf(point, drawing.intents[name]);
      row.pick.setAttribute("aria-label", `${wordsOf(name)}, ${row.note.textContent}`);
      for (const [state, button] of row.states) {
        button.disabled = !isReady;
        button.setAttribute("aria-pressed", String((drawing.intents[name] ?? point.state) === state));
        set(button, "by", point.by);
      }
    }
    const box = shown.box();
    this.#box.pick.setAttribute("aria-pressed", String(Boolean(boxPart)));
    set(this.#box.root, "active", Boolean(boxPart));
    set(this.#box.mark, "by", box.by);
    this.#box.note.textContent = boxNote(box);
  }

  #build(drawing) {
    this.#shownId = drawing?.id ?? null;
    this.#rows.clear();
    const find = (selector) => this.#root.querySelector(selector);
    const image = drawing?.task.image;
    find("[data-file-name]").textContent = image?.file_name.split("/").at(-1) ?? "\u00a0";
    find("[data-file-name]").title = image?.file_name ?? "";
    find("[data-file-facts]").textContent = image
      ? [image.width && image.height ? `${image.width} × ${image.height}` : "size unknown",
        image.source_id ? `${image.source} ${image.source_id}` : image.source].join(" · ") : "\u00a0";
    find("[data-points]").replaceChildren(...(drawing?.wanted ?? []).map((name) => this.#row(name)));
    this.#box = this.#boxRow();
    find("[data-box-row]").replaceChildren(...(drawing ? [this.#box.root] : []));
  }

  #row(name) {
    const row = {
      root: make("li", "point"), pick: make("button", "pick"), mark: markSvg(sideOf(name)),
      note: make("span", "note"), states: new Map(),
    };
    row.pick.append(row.mark, make("span", "point-name", wordsOf(name)), row.note);
    row.pick.addEventListener("click", () => this.#session.setActive(name));
    const group = make("div", "states");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", `${wordsOf(name)} is`);
    for (const [state, key, word] of STATES) {
      const button = make("button", "state", word);
      button.title = `${word} (${key})`;
      button.dataset.state = state;
      button.addEventListener("click", () => this.#session.mark(state, name));
      row.states.set(state, button);
      group.append(button);
    }
    row.root.dataset.point = name;
    row.root.append(row.pick, group);
    for (const button of row.root.querySelectorAll("button")) button.type = "button";
    this.#rows.set(name, row);
    return row.root;
  }

  #boxRow() {
    const row = { root: make("div", "point"), pick: make("button", "pick"), mark: boxSvg(), note: make("span", "note") };
    row.pick.type = "button";
    row.pick.dataset.command = "box";
    row.pick.append(row.mark, make("span", "point-name", "box"), row.note, make("kbd", "", "B"));
    row.root.append(row.pick);
    return row;
  }
}

function noteOf(point, intent) {
  if (intent && point.x === null) return `${intent}, no place yet`;
  if (point.by === "nobody") return "no place yet";
  if (point.by === "machine") return `proposed ${point.score?.toFixed(2) ?? ""}`.trim();
  if (point.by === "file") return "imported";
  return point.source === "confirmed" ? "confirmed" : "by hand";
}

function boxNote({ bbox_xywh: bbox, by, basis, confirmed }) {
  if (!bbox) return "none yet";
  if (confirmed) return "confirmed";
  if (by === "machine") return basis ? `from the ${basis}` : "proposed";
  return by === "file" ? "imported" : "adjusted";
}

function mark(svg, { state, by }) {
  set(svg, "state", state);
  set(svg, "by", by);
}

function markSvg(side) {
  const svg = svgElement("svg", { class: "mark", viewBox: "0 0 20 20", "aria-hidden": "true" });
  svg.dataset.side = side;
  svg.append(svgElement("circle", { class: "ring", cx: 10, cy: 10, r: 6 }));
  svg.append(svgElement("path", { class: "cross", d: "m6 6 8 8M14 6l-8 8" }));
  return svg;
}

function boxSvg() {
  const svg = svgElement("svg", { class: "mark mark-box", viewBox: "0 0 20 20", "aria-hidden": "true" });
  svg.append(svgElement("path", { d: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4" }));
  return svg;
}

function svgElement(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function make(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function set(element, name, value) {
  const text = String(value);
  if (element.dataset[name] !== text) element.dataset[name] = text;
}
