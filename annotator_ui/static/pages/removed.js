/**
 * The page of removed images: a button restores one. The row goes once the server has said that it is stored; while
 * there is no answer the row stays, and the same change id is sent again, so a second press cannot do it twice.
 */

import { newChangeId, request } from "../js/api.js";

const list = document.querySelector("[data-removed-list]");
const empty = document.querySelector("[data-removed-empty]");
const status = document.querySelector("#removed-status");

list?.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-restore]");
  if (!button || button.disabled) return;
  const row = button.closest("tr");
  const problem = row.querySelector(".field-error");
  button.dataset.changeId ??= newChangeId();
  button.disabled = true;
  problem.hidden = true;
  try {
    const path = `/api/images/${button.dataset.restore}/removal`;
    const { status: code, json } = await request("DELETE", path, { change_id: button.dataset.changeId });
    if (code !== 200) throw new Error(json?.error ?? `the server answered ${code}`);
  } catch (error) {
    problem.textContent = `Not restored: ${error.message}`;
    problem.hidden = false;
    button.disabled = false;
    button.focus();
    return;
  }
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  status.textContent = `${button.dataset.fileName} is restored.`;
  if (next) {
    next.querySelector("[data-restore]").focus();
  } else {
    list.remove();
    empty.hidden = false;
    empty.querySelector("a").focus();
  }
});
