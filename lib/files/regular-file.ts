import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  type BigIntStats,
  type PathLike,
} from 'node:fs';
import { open } from 'node:fs/promises';

/** The flags that open a pipe without waiting for its other end. Windows has neither this flag nor such pipes. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

const CHUNK_BYTES = 65_536;

export interface RegularFile {
  readonly content: Buffer;
  readonly stats: BigIntStats;
}

export interface ReadOptions<Checked> {
  /** The size limit. A larger file is not read. */
  readonly maxBytes: number;
  /** Called with the opened file, before anything is read. An error that it throws ends the read. */
  readonly check?: (descriptor: number, stats: BigIntStats) => Checked;
}

/** Thrown for a path that leads to something else than a readable file. The error quotes no path. */
export class UnusableFile extends Error {
  constructor(readonly problem: 'not a file' | 'too large') {
    super(`The path leads to something that is ${problem}.`);
  }
}

/**
 * Reads a regular file. Never waits for a pipe, a device or a socket. Never reads more than `maxBytes`, even if the
 * file grows meanwhile. Throws {@link UnusableFile}, or the error of the file system.
 */
export async function readRegularFile(
  path: PathLike,
  { maxBytes, check }: ReadOptions<void | Promise<void>>,
): Promise<RegularFile> {
  const file = await open(path, OPEN_FLAGS).catch(throwExplained);
  try {
    const stats = await file.stat({ bigint: true });
    assertReadable(stats, maxBytes);
    await check?.(file.fd, stats);
    const chunks = new Chunks(maxBytes);
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(chunks.nextSize(stats)));
      if (bytesRead === 0) return { content: chunks.joined(), stats };
      chunks.add(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

export interface OpenedFile {
  readonly descriptor: number;
  readonly stats: BigIntStats;
}

/** Opens a regular file, runs `use`, and closes the file. Throws the errors of {@link readRegularFile}. */
export function withRegularFileSync<T>(path: PathLike, use: (file: OpenedFile) => T): T {
  const descriptor = openOrExplain(path);
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile()) throw new UnusableFile('not a file');
    return use({ descriptor, stats });
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a file like {@link readRegularFile}, blocking. */
export function readRegularFileSync(
  path: PathLike,
  { maxBytes, check }: ReadOptions<void>,
): RegularFile {
  const file = openOrExplain(path);
  try {
    const stats = fstatSync(file, { bigint: true });
    assertReadable(stats, maxBytes);
    check?.(file, stats);
    const chunks = new Chunks(maxBytes);
    for (;;) {
      const buffer = Buffer.alloc(chunks.nextSize(stats));
      const bytesRead = readSync(file, buffer);
      if (bytesRead === 0) return { content: chunks.joined(), stats };
      chunks.add(buffer.subarray(0, bytesRead));
    }
  } finally {
    closeSync(file);
  }
}

/** The bytes that have been read, up to a limit. */
class Chunks {
  readonly #maxBytes: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Returns the size of the next read. One byte more than the rest finds the end at once. A file that has grown is
   * read in chunks.
   */
  nextSize({ size }: BigIntStats): number {
    const left = Number(size) - this.#bytes;
    return left > 0 ? left + 1 : CHUNK_BYTES;
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) throw new UnusableFile('too large');
    this.#chunks.push(chunk);
  }

  joined(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

function assertReadable(stats: BigIntStats, maxBytes: number): void {
  if (!stats.isFile()) throw new UnusableFile('not a file');
  if (stats.size > maxBytes) throw new UnusableFile('too large');
}

function openOrExplain(path: PathLike): number {
  try {
    return openSync(path, OPEN_FLAGS);
  } catch (thrown) {
    return throwExplained(thrown);
  }
}

/** Throws {@link UnusableFile} for an error that only sockets, devices without a driver and directories cause. */
function throwExplained(thrown: unknown): never {
  const { code } = thrown as NodeJS.ErrnoException;
  const isNoFile = code === 'ENXIO' || code === 'ENODEV' || code === 'EISDIR';
  throw isNoFile ? new UnusableFile('not a file') : thrown;
}
