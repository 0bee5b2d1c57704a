/**
 * The next drawings, fetched and decoded before they are asked for, so that Enter never waits.
 *
 * Pictures: decoded bitmaps by address, the most recent ones within a budget of pixels. Feed: the queue's tasks from
 * here on, a few ahead. Both are given their doors (how tasks are read, how a picture is decoded) and hold no others.
 */

const PIXEL_BUDGET = 96e6; // about 384 MB of decoded pixels, or some 200 pictures of 800 x 600
const WAITS_MS = [300, 600, 1200, 2500, 5000];

/** Decode a picture off the main thread. Rejects where it cannot be shown. */
export async function decodePicture(url) {
  const image = new Image();
  image.decoding = "async";
  image.src = url;
  await image.decode();
  return createImageBitmap(image);
}

export class Pictures {
  #decode;
  #budget;
  #held = new Map(); // url -> {promise, bitmap}; oldest use first

  constructor({ decode = decodePicture, budget = PIXEL_BUDGET } = {}) {
    this.#decode = decode;
    this.#budget = budget;
  }

  /** The decoded picture; one that failed is tried anew the next time. */
  get(url) {
    const held = this.#held.get(url) ?? this.#load(url);
    this.#held.delete(url);
    this.#held.set(url, held);
    return held.promise;
  }

  /** The decoded picture if it is there already, else null. */
  ready(url) { return this.#held.get(url)?.bitmap ?? null; }

  #load(url) {
    const held = { bitmap: null };
    held.promise = this.#decode(url).then(
      (bitmap) => { held.bitmap = bitmap; this.#evict(url); return bitmap; },
      (error) => { this.#held.delete(url); throw error; },
    );
    held.promise.catch(() => {}); // looked at by whoever shows it
    return held;
  }

  #evict(justLoaded) {
    let pixels = 0;
    for (const { bitmap } of this.#held.values()) pixels += bitmap ? bitmap.width * bitmap.height : 0;
    for (const [url, { bitmap }] of this.#held) {
      if (pixels <= this.#budget) return;
      if (!bitmap || url === justLoaded) continue;
      pixels -= bitmap.width * bitmap.height;
      this.#held.delete(url); // not closed: it may be on the screen; the collector frees it
    }
  }
}

export class Feed extends EventTarget {
  #read;
  #pictures;
  #isOver;
  #ahead = [];
  #size;
  #position = 0;
  #reading = null;
  #isWrapped;
  #isDry = false;
  #wait;

  /**
   * @param read async ({after, limit}) -> TaskPage. @param isOver (task) -> whether its turn is over already.
   * @param size how many tasks are kept ready behind the current one.
   */
  constructor({ read, pictures, isOver, size = 3, fromStart = true, wait = sleep }) {
    super();
    this.#read = read;
    this.#pictures = pictures;
    this.#isOver = isOver;
    this.#size = size;
    this.#isWrapped = fromStart; // opened in the middle (?at=): what lies before comes at the end
    this.#wait = wait;
  }

  /** Tasks that came with the page. */
  start({ tasks }) {
    this.#take(tasks);
    this.#fill();
  }

  /** Whether the next drawing is known without asking. */
  get hasNext() {
    this.#ahead = this.#ahead.filter((task) => !this.#isOver(task));
    return this.#ahead.length > 0;
  }

  /** The next task if it is known already, else null. */
  nextReady() {
    if (!this.hasNext) return null;
    const task = this.#ahead.shift();
    this.#fill();
    return task;
  }

  /** The next task, or null when the queue is finished. Waits only where the server has not answered yet. */
  async next() {
    for (;;) {
      const task = this.nextReady();
      if (task || this.#isDry) return task;
      await this.#fill();
    }
  }

  /** A task whose turn comes again, before all others (its successor was undone). */
  putBack(task) {
    this.#ahead = [task, ...this.#ahead.filter((other) => other.annotation.id !== task.annotation.id)];
  }

  #fill() {
    if (this.#isDry || this.#ahead.length >= this.#size) return Promise.resolve();
    this.#reading ??= this.#readMore().finally(() => { this.#reading = null; });
    return this.#reading;
  }

  async #readMore() {
    for (let failures = 0; this.#ahead.length < this.#size && !this.#isDry;) {
      let page;
      try {
        page = await this.#read({ after: this.#position, limit: this.#size + 1 });
      } catch (error) {
        this.dispatchEvent(new CustomEvent("trouble", { detail: { error } }));
        await this.#wait(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)]);
        failures += 1;
        continue;
      }
      failures = 0;
      this.dispatchEvent(new CustomEvent("page", { detail: page }));
      if (page.tasks.length) this.#take(page.tasks);
      else if (!this.#isWrapped) [this.#isWrapped, this.#position] = [true, 0];
      else this.#isDry = true;
    }
  }

  #take(tasks) {
    for (const task of tasks) {
      this.#position = Math.max(this.#position, task.position);
      const known = this.#ahead.some((other) => other.annotation.id === task.annotation.id);
      if (known || this.#isOver(task)) continue;
      this.#ahead.push(task);
      this.#pictures.get(task.image.url);
    }
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
