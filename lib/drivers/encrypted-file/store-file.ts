import { statSync, type BigIntStats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { SecretManagerError } from '../../core/errors/secret-manager.error';
import { quoteName } from '../../core/errors/wording';
import {
  UnusableFile,
  readRegularFile,
  readRegularFileSync,
  type RegularFile,
} from '../../files/regular-file';
import { isDenied, isMissing, malformed, unavailable } from './problems';

/** A wrong path must not load gigabytes. */
export const MAX_BYTES = 2 ** 26;

/** After that long a change cannot leave the time of a file as it is, whatever the file system's clock is like. */
const SETTLED_AFTER_MS = 2_000;

/** The content of a file, and what tells whether it is still that. */
export interface FileState {
  readonly content: Buffer;
  readonly identity: string;
  /** Whether any later change is sure to show in the identity. */
  readonly isSettled: boolean;
}

/** What changes with the file; `undefined` if it is missing. */
export async function identityOf(path: string): Promise<string | undefined> {
  try {
    return identify(await stat(path, { bigint: true }));
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw explain(thrown, path);
  }
}

/** As {@link identityOf}, blocking. */
export function identityOfSync(path: string): string | undefined {
  try {
    return identify(statSync(path, { bigint: true }));
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw explain(thrown, path);
  }
}

/** Throws `UNAVAILABLE` if the file is missing, and `MALFORMED` if it cannot be a store. */
export async function readStoreFile(path: string): Promise<FileState> {
  try {
    return toState(await readRegularFile(path, { maxBytes: MAX_BYTES }));
  } catch (thrown) {
    throw explain(thrown, path);
  }
}

/** As {@link readStoreFile}, blocking. */
export function readStoreFileSync(path: string): FileState {
  try {
    return toState(readRegularFileSync(path, { maxBytes: MAX_BYTES }));
  } catch (thrown) {
    throw explain(thrown, path);
  }
}

function toState({ content, stats }: RegularFile): FileState {
  const ageMs = Date.now() - Number(stats.mtimeNs / 1_000_000n);
  return { content, identity: identify(stats), isSettled: ageMs > SETTLED_AFTER_MS };
}

function identify({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
}

/** Says what it means that a file is missing or denied; the rest is left to the rules that hold for every manager. */
export function explain(thrown: unknown, path: string): unknown {
  if (thrown instanceof UnusableFile) {
    return thrown.problem === 'too large'
      ? malformed(`${quoteName(path)} is too large to be a store. Check the \`path\`.`)
      : malformed(`${quoteName(path)} is not a file. Check the \`path\`.`);
  }
  if (isDenied(thrown)) {
    return new SecretManagerError(
      'ACCESS_DENIED',
      `The user of the process may not read the store at ${quoteName(path)}. Grant it that, or start the process as the owner.`,
    );
  }
  if (!isMissing(thrown)) return thrown;
  return unavailable(
    `There is no store at ${quoteName(path)}. Check that its folder is mounted; a new one is made at start only.`,
  );
}
