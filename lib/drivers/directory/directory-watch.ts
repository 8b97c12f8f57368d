import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { BackgroundTimer } from '../../core/time/background-timer';
import { setYoungest } from '../../core/time/bounded-map';
import { inParallel } from '../../core/time/in-parallel';
import { isAbsence, versionOf } from './secret-file';

/** The pause between two looks at the files, in milliseconds. Some mounts send no events. */
const POLL_MS = 1_500;
/** The pause after the first of several events, in milliseconds. An exchange of files sends several. */
const SETTLE_MS = 20;
const MAX_NAMES = 10_000;
const PARALLEL = 16;

/** The files that were read, and their versions. A missing file has none. */
export class KnownFiles {
  readonly #versions = new Map<string, string | undefined>();

  set(secretName: string, version: string | undefined): void {
    setYoungest(this.#versions, secretName, version, MAX_NAMES);
  }

  /** Resolves to the names whose file was changed, created or removed since the last look. */
  async findChanged(directory: string): Promise<readonly string[]> {
    const changed: string[] = [];
    await inParallel([...this.#versions], PARALLEL, async ([secretName, before]) => {
      const version = await stat(join(directory, secretName), { bigint: true }).then(
        versionOf,
        (error: unknown) => (isAbsence(error) ? undefined : before), // the next look tells
      );
      if (version === before || this.#versions.get(secretName) !== before) return;
      this.#versions.set(secretName, version);
      changed.push(secretName);
    });
    return changed;
  }
}

/** Looks for changed files at each event of the directory, and every 1.5 seconds. */
export class DirectoryWatch {
  readonly #directory: string;
  readonly #files: KnownFiles;
  readonly #onChange: (secretNames: readonly string[]) => void;
  #watcher: FSWatcher | undefined;
  readonly #timer = new BackgroundTimer();
  /** `true` from an event until the look after it has ended. More events do not put the look off. */
  #isLooking = false;
  #isClosed = false;

  constructor(
    directory: string,
    files: KnownFiles,
    onChange: (secretNames: readonly string[]) => void,
  ) {
    this.#directory = directory;
    this.#files = files;
    this.#onChange = onChange;
  }

  start(): void {
    this.watchEvents();
    this.lookAfter(POLL_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.stop();
    this.#watcher?.close();
  }

  /** Listens to events, if the system has a watcher left (`ENOSPC`, `EMFILE`). The poll finds changes without them. */
  private watchEvents(): void {
    try {
      this.#watcher = watch(this.#directory, { persistent: false }, () => {
        if (this.#isLooking) return;
        this.#isLooking = true;
        this.lookAfter(SETTLE_MS);
      });
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  private lookAfter(delayMs: number): void {
    if (!this.#isClosed) this.#timer.set(() => void this.look(), delayMs);
  }

  private async look(): Promise<void> {
    this.#isLooking = true;
    const changed = await this.#files.findChanged(this.#directory);
    this.#isLooking = false;
    if (this.#isClosed) return;
    if (changed.length > 0) this.#onChange(changed);
    this.lookAfter(POLL_MS);
  }
}
