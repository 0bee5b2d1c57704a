/**
 * On pages other than the editor: changes that an editor page left unsent (the server was away, then the person went
 * elsewhere) are sent from here. Loads nothing more where nothing was left, which is nearly always.
 */

const PREFIX = "curator.outbox.";

const hasLeftovers = () => {
  try {
    return Object.keys(localStorage).some((key) => key.startsWith(PREFIX));
  } catch {
    return false; // storage is forbidden: nothing was kept
  }
};

if (hasLeftovers()) {
  const { openOutbox } = await import("./api.js");
  const { outbox, journal } = openOutbox({ queue: "face" });
  outbox.addEventListener("stranger", ({ detail }) => journal.setAside(detail.entry));
  // One that clashes or is refused waits for the editor, where the person can be told.
  for (const event of ["conflict", "refused"]) {
    outbox.addEventListener(event, ({ detail }) => detail.dropped !== false && journal.setAside(detail.entry));
  }
  window.addEventListener("pagehide", () => journal.leave());
  outbox.adopt(journal.adoptLeft());
  outbox.adopt(await journal.adoptAbandoned());
}
