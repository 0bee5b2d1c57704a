/**
 * Changes that the server has not answered yet, kept in this browser: they survive a reload, a crash, a closed tab.
 *
 * Each page writes its own list (localStorage), so that windows never write over each other. A page that goes away
 * in order marks its list as left behind; one that crashed is known by the lock it no longer holds (Web Locks, where
 * the browser has them). The next page takes over what was left. Sending something twice is harmless: the server knows
 * a repeated change id.
 */

const PREFIX = "curator.outbox.";

export class Journal {
  #key;
  #storage;
  #locks;
  #entries = [];
  #aside = 0;

  constructor({ storage, locks = null, pageId }) {
    this.#storage = storage;
    this.#locks = locks;
    this.#key = PREFIX + pageId;
    // Held as long as this page lives; never released by us.
    this.#locks?.request(this.#key, () => new Promise(() => {})).catch(() => {});
  }

  /** Keep these entries, oldest first. Returns false where the browser cannot keep them (full, forbidden). */
  write(entries) {
    this.#entries = entries;
    return this.#put({ left: false, entries });
  }

  /** This page goes away now: whoever comes next may take the entries over. */
  leave() {
    if (this.#entries.length) this.#put({ left: true, entries: this.#entries });
  }

  /** This page is back after all (from the back-forward cache): was its list taken over meanwhile? */
  return() {
    if (!this.#entries.length) return { taken: false };
    const taken = this.#read(this.#key) === null;
    if (!taken) this.#put({ left: false, entries: this.#entries });
    return { taken };
  }

  /** Entries that pages left in order, oldest list first; they are this page's from now on. */
  adoptLeft() {
    return this.#adopt(this.#others().filter(({ list }) => list.left));
  }

  /** An entry that cannot be sent from here (another project is served on this address): for the page that can. */
  setAside(entry) {
    try {
      const list = { left: true, entries: [entry], at: Date.now() + (this.#aside += 0.001) };
      this.#storage.setItem(`${PREFIX}aside.${entry.changeId}`, JSON.stringify(list));
    } catch { /* it stays lost only where the browser keeps nothing at all */ }
  }

  /** Entries of pages that died without leaving. Without locks nobody can tell: then all of them. */
  async adoptAbandoned() {
    const others = this.#others();
    if (!others.length) return [];
    const { held = [] } = (await this.#locks?.query?.()) ?? {};
    const alive = new Set(held.map((lock) => lock.name));
    return this.#adopt(others.filter(({ key }) => !alive.has(key)));
  }

  #adopt(lists) {
    const entries = lists.flatMap(({ list }) => list.entries);
    if (entries.length && !this.write([...entries, ...this.#entries])) return [];
    for (const { key } of lists) this.#storage.removeItem(key);
    return entries;
  }

  #others() {
    const found = [];
    try {
      for (let index = 0; index < this.#storage.length; index += 1) {
        const key = this.#storage.key(index);
        if (!key.startsWith(PREFIX) || key === this.#key) continue;
        const list = this.#read(key);
        if (list) found.push({ key, list });
      }
    } catch { /* storage is forbidden: nothing was kept */ }
    return found.sort((a, b) => (a.list.at ?? 0) - (b.list.at ?? 0));
  }

  #read(key) {
    try {
      const list = JSON.parse(this.#storage.getItem(key));
      return Array.isArray(list?.entries) ? list : null;
    } catch {
      return null;
    }
  }

  #put(list) {
    try {
      if (list.entries.length) this.#storage.setItem(this.#key, JSON.stringify({ ...list, at: Date.now() }));
      else this.#storage.removeItem(this.#key);
      return true;
    } catch {
      return false;
    }
  }
}
