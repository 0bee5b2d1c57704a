/**
 * The dialogs: skip and remove ask for a reason (number keys choose), help shows keys and the rule. Each is a <dialog>
 * of the page, so that Esc, focus and the background behave as the browser does them.
 */

import { keyTable } from "./shortcuts.js";

/** Wire a dialog of reasons. `choose(reason)` is called once, after it is closed. Returns a function that opens it. */
export function reasonDialog(dialog, choose) {
  const buttons = [...dialog.querySelectorAll("button.choice")];
  const own = dialog.querySelector("input");
  const done = (reason) => {
    dialog.close();
    choose(reason);
  };
  for (const button of buttons) button.addEventListener("click", () => done(button.value));
  dialog.querySelector("form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const reason = own.value.trim();
    if (reason) done(reason);
    else own.focus();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target === own) return;
    const number = Number(/^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1] ?? event.key);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    event.stopPropagation(); // the dialog may be closed when this reaches the page, and "2" means "visible" there
    if (buttons[number - 1]) buttons[number - 1].click();
    else if (own && number === buttons.length + 1) own.focus();
    else if (step) buttons.at((buttons.indexOf(document.activeElement) + step) % buttons.length)?.focus();
    else return;
    event.preventDefault();
  });
  closeButton(dialog);
  return () => {
    if (own) own.value = "";
    dialog.showModal();
    buttons[0].focus();
  };
}

/** Wire the help dialog. Returns a function that opens it, or closes it. */
export function helpDialog(dialog) {
  dialog.querySelector("[data-key-table]").replaceChildren(keyTable());
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "?" && event.key !== "F1") return;
    event.preventDefault();
    dialog.close();
  });
  closeButton(dialog);
  return () => {
    dialog.showModal();
    dialog.querySelector(".dialog-body").focus();
  };
}

function closeButton(dialog) {
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // the backdrop
  });
}
