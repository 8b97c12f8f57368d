import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { now } from '../../../core/time/clock';
import { textOfFile } from '../../../files/text-file';

const CHECK_INTERVAL_MS = 1_000;
const MISSING = { ino: 0, mtimeMs: 0, size: 0 };

/**
 * A token file that another process keeps up to date. The manager checks the file once a second at most, and reads
 * it again when its token is refused.
 */
export class TokenFile {
  readonly #path: string;
  #seen = '';
  #nextCheckAt = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Returns whether the file was written since the last check. A missing file counts as unchanged, because its
   * token may still be valid.
   */
  async hasChanged(): Promise<boolean> {
    return this.isDue() && this.record(await stat(this.#path).catch(() => MISSING));
  }

  hasChangedSync(): boolean {
    return this.isDue() && this.record(statusOf(this.#path));
  }

  /**
   * Returns whether the file holds a different token. Compares the content, because a modification time can be too
   * coarse.
   */
  holdsOther(token: string | undefined): boolean {
    const content = textOfFile(this.#path)?.trim() ?? '';
    return content !== '' && content !== token;
  }

  private isDue(): boolean {
    if (now() < this.#nextCheckAt) return false;
    this.#nextCheckAt = now() + CHECK_INTERVAL_MS;
    return true;
  }

  private record({ ino, mtimeMs, size }: typeof MISSING): boolean {
    const seen = [ino, mtimeMs, size].join();
    const hasChanged = seen !== this.#seen && size > 0;
    this.#seen = seen;
    return hasChanged;
  }
}

function statusOf(path: string): typeof MISSING {
  try {
    return statSync(path);
  } catch {
    return MISSING;
  }
}
