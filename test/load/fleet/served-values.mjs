import { setTimeout as pause } from 'node:timers/promises';
import { sharedNow } from './child.mjs';

const EVERY_MS = 50;

/** Reads each secret all the time, and at once when it changes. Records from when until when each value was served. */
export class ServedValues {
  #secrets;
  #names;
  #current = new Map();
  #former = [];

  constructor(secrets, names) {
    this.#secrets = secrets;
    this.#names = names;
  }

  start() {
    for (const name of this.#names)
      this.#secrets.secret(name).onChange(() => void this.#read(name));
    void this.#readAll();
  }

  /** Returns the spans since the call before. The current ones are returned again. */
  take() {
    const former = this.#former;
    this.#former = [];
    return [...former, ...this.#current.values()];
  }

  async #readAll() {
    for (;;) {
      for (const name of this.#names) void this.#read(name);
      await pause(EVERY_MS);
    }
  }

  async #read(name) {
    const value = Number(await this.#secrets.get(name));
    const at = sharedNow();
    const span = this.#current.get(name);
    if (span?.value === value) {
      span.until = at;
      return;
    }
    if (span !== undefined) this.#former.push(span);
    this.#current.set(name, { name, value, from: at, until: at });
  }
}
