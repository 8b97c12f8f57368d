import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { now } from '../../core/clock';

const CHECK_INTERVAL_MS = 1_000;
const MISSING = { ino: 0, mtimeMs: 0, size: 0 };

/** A file that somebody else keeps up to date. It is checked once a second at most, and read again when its token is refused. */
export class TokenFile {
  readonly #path: string;
  #seen = '';
  #nextCheckAt = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Whether it was written since the last time, which is to be read then; a token whose file is gone may live on all the same. */
  async hasChanged(): Promise<boolean> {
    return this.isDue() && this.see(await stat(this.#path).catch(() => MISSING));
  }

  hasChangedSync(): boolean {
    return this.isDue() && this.see(statusOf(this.#path));
  }

  /** Returns whether the file holds something else than a token, by its content: a modification time can be too coarse. */
  holdsOther(token: string | undefined): boolean {
    const content = contentOf(this.#path);
    return content !== '' && content !== token;
  }

  private isDue(): boolean {
    if (now() < this.#nextCheckAt) return false;
    this.#nextCheckAt = now() + CHECK_INTERVAL_MS;
    return true;
  }

  private see({ ino, mtimeMs, size }: typeof MISSING): boolean {
    const seen = [ino, mtimeMs, size].join();
    const hasChanged = seen !== this.#seen && size > 0;
    this.#seen = seen;
    return hasChanged;
  }
}

/** Returns `''` for a file that is missing. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function statusOf(path: string): typeof MISSING {
  try {
    return statSync(path);
  } catch {
    return MISSING;
  }
}
