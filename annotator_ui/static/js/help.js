/** The help page: the key table, from the same table that the editor obeys. */

import { keyTable } from "./shortcuts.js";

document.querySelector("[data-key-table]").replaceChildren(keyTable());
