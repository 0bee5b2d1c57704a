/**
 * Every key, once. The editor reads its keys from here, and so do the ? dialog and the help page: what is listed works,
 * what works is listed. A key is written as its modifiers and its name: "Ctrl+Shift+z", "2", "ArrowLeft", "Space";
 * "Shift+Digit2" is a place on the keyboard, since what Shift and a digit type differs from layout to layout. `command`
 * is what the session understands; `held` keys act while they are down; `onCanvas` keys act only while the canvas (or
 * nothing) has the focus, so that buttons and Tab keep their usual meaning elsewhere.
 */

export const SHORTCUTS = [
  { group: "Drawing", command: "confirm", keys: ["Enter"], onCanvas: true, once: true,
    does: "Confirm the wanted points and the box, save, next drawing" },
  { group: "Drawing", command: "skip", keys: ["s"], does: "Skip for now, with a reason" },
  { group: "Drawing", command: "remove", keys: ["r"], does: "Remove the image from the dataset, with a reason" },
  { group: "Drawing", command: "goOn", keys: ["d", "Ctrl+ArrowRight"], shown: ["d", "Ctrl+→"], once: true,
    does: "Next drawing, nothing confirmed; it comes again at the end" },
  { group: "Drawing", command: "goBack", keys: ["a", "Ctrl+ArrowLeft"], shown: ["a", "Ctrl+←"], once: true,
    does: "Previous drawing as it is; nothing is taken back" },
  { group: "Drawing", command: "propose", keys: ["i"], once: true,
    does: "Propose anew what is still the machine’s" },
  { group: "Drawing", command: "undo", keys: ["Ctrl+z"],
    does: "Undo; at the start of a drawing, back to the previous one" },
  { group: "Drawing", command: "redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], does: "Redo" },

  { group: "Points", keys: ["Click"], does: "Place the active point, on to the next" },
  { group: "Points", keys: ["Drag"], does: "Move the point under the cursor" },
  { group: "Points", command: "next", keys: ["Tab"], onCanvas: true, does: "Next point (while the canvas has focus)" },
  { group: "Points", command: "previous", keys: ["Shift+Tab"], onCanvas: true, does: "Previous point" },
  { group: "Points", command: "nudge", keys: ["ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown"], onCanvas: true,
    shown: ["←", "↑", "→", "↓"], does: "Move the active point by one image pixel" },
  { group: "Points", command: "nudge10", onCanvas: true,
    keys: ["Shift+ArrowLeft", "Shift+ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"],
    shown: ["Shift", "arrows"], joined: true, does: "Move it by ten" },
  { group: "Points", command: "nudgeQuarter", onCanvas: true,
    keys: ["Alt+ArrowLeft", "Alt+ArrowUp", "Alt+ArrowRight", "Alt+ArrowDown"],
    shown: ["Alt", "arrows"], joined: true, does: "Move it by a quarter" },
  { group: "Points", command: "leave", keys: ["Escape"], shown: ["Esc"], onCanvas: true,
    does: "Give up a drag; leave the box; leave the canvas" },

  { group: "States and sides", command: "visible", keys: ["2"], does: "Visible, on to the next" },
  { group: "States and sides", command: "hidden", keys: ["1", "q"], does: "Hidden, on to the next" },
  { group: "States and sides", command: "absent", keys: ["0", "o"], does: "Absent, on to the next" },
  { group: "States and sides", command: "allVisible", keys: ["Shift+Digit2"], shown: ["Shift+2"],
    does: "All wanted points visible" },
  { group: "States and sides", command: "allHidden", keys: ["Shift+Digit1"], shown: ["Shift+1"],
    does: "All wanted points hidden" },
  { group: "States and sides", command: "allAbsent", keys: ["Shift+Digit0"], shown: ["Shift+0"],
    does: "All wanted points absent" },
  { group: "States and sides", command: "swap", keys: ["x"], once: true,
    does: "Swap the active point with its twin: left for right" },
  { group: "States and sides", command: "swapAll", keys: ["Shift+x"], once: true,
    does: "Swap the whole face, left for right" },

  { group: "Box", command: "box", keys: ["b"], does: "Adjust the box: drag edges and corners, or move with the arrows" },
  { group: "Box", keys: ["Tab"], does: "In the box: whole, left, top, right, bottom edge for the arrows" },

  { group: "View", keys: ["Wheel"], does: "Zoom at the cursor" },
  { group: "View", command: "pan", keys: ["Space"], shown: ["Space", "drag"], joined: true, held: true, onCanvas: true,
    does: "Pan (the middle mouse button too)" },
  { group: "View", command: "zoomIn", keys: ["+", "="], shown: ["+"], does: "Zoom in" },
  { group: "View", command: "zoomOut", keys: ["-"], shown: ["−"], does: "Zoom out" },
  { group: "View", command: "bare", keys: ["h"], held: true, does: "Hold: the drawing without any marks" },
  { group: "View", command: "fit", keys: ["c"], does: "Fit the whole drawing" },
  { group: "View", command: "head", keys: ["z"], does: "Head / whole drawing" },
  { group: "View", command: "help", keys: ["?", "F1"], shown: ["?"], does: "These keys and the rule" },
];

/** An event's key as the table writes it. Letters by what is printed on the key, or its place on other scripts. */
export function keyOf(event) {
  const modifiers = (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "");
  const shift = event.shiftKey ? "Shift+" : "";
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code ?? "");
  const letter = /^Key([A-Z])$/.exec(event.code ?? "");
  if (/^[a-z]$/i.test(event.key)) return modifiers + shift + event.key.toLowerCase();
  if (/^\d$/.test(event.key)) return modifiers + (digit && event.shiftKey ? shift : "") + event.key;
  if (digit && !event.shiftKey) return modifiers + digit[1]; // AZERTY: the unshifted digit row
  if (event.key === " ") return `${modifiers}${shift}Space`;
  if (event.key?.length === 1 && event.key.charCodeAt(0) < 128) return modifiers + event.key; // "?": shift is in it
  if (letter) return modifiers + shift + letter[1].toLowerCase(); // Cyrillic, Kana, ...: by place
  return modifiers + shift + (event.key ?? "");
}

/** An event's key by its place on the keyboard, "Shift+Digit2": what Shift and a digit type differs between layouts. */
export const placeOf = (event) => (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.altKey ? "Alt+" : "")
  + (event.shiftKey ? "Shift+" : "") + (event.code ?? "");

/** The shortcut an event means, by place where the table names one, or null. Browser keys are left alone. */
export function shortcutFor(event, table = SHORTCUTS) {
  const means = (key) => table.find((shortcut) => shortcut.command && shortcut.keys.includes(key)) ?? null;
  return (/Digit\d$/.test(event.code ?? "") ? means(placeOf(event)) : null) ?? means(keyOf(event));
}

const WORDS = { Ctrl: /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? "") ? "⌘" : "Ctrl" };
const printed = (part) => WORDS[part] ?? (/^[a-z]$/.test(part) ? part.toUpperCase() : part);

/** How a shortcut's keys are shown: a list of alternatives, each a list of keys pressed together. */
export function shownKeys(shortcut) {
  if (shortcut.joined) return [shortcut.shown.map(printed)];
  return (shortcut.shown ?? shortcut.keys).map((key) => (key.length > 1 ? key.split("+") : [key]).map(printed));
}

/** The key table as elements: one heading and list a group. */
export function keyTable(doc = document, table = SHORTCUTS) {
  const make = (tag, className, ...children) => {
    const element = doc.createElement(tag);
    if (className) element.className = className;
    element.append(...children);
    return element;
  };
  const groups = [...new Set(table.map((shortcut) => shortcut.group))];
  const tables = groups.map((group) => {
    const rows = table.filter((shortcut) => shortcut.group === group).map((shortcut) => {
      const keys = shownKeys(shortcut).map((together) =>
        make("span", "keys", ...together.flatMap((key, place) => [...(place ? ["+"] : []), make("kbd", "", key)])));
      return make("div", "key-row", make("dt", "", ...keys), make("dd", "", shortcut.does));
    });
    return make("section", "key-group", make("h3", "", group), make("dl", "", ...rows));
  });
  return make("div", "key-table", ...tables);
}
