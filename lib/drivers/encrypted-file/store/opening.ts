import { linkSync, realpathSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSecretManagerError } from '../../../core/errors/secret-manager.error';
import { quoteName } from '../../../core/errors/wording';
import { readRegularFileSync } from '../../../files/regular-file';
import { explain } from '../files/explain';
import { ownershipProblems } from '../files/ownership';
import { hasCode, isMissing, malformed, misconfigured } from '../files/problems';
import type { Derivation } from '../keys/derivation';
import { makeKeyFile } from '../keys/key-file';
import type { Keyring, StoreKeys } from '../keys/keyring';
import { derivationOfFormat1, isOfFormat1, parseFormat1, type Format1 } from '../legacy/format-1';
import { withFormat1Lock } from '../legacy/format-1-lock';
import { Damage } from '../pages/damage';
import { newHeader, type Header } from '../seals/head';
import { SealedTree } from '../seals/sealed-tree';
import { Slots } from '../seals/slots';
import { isKept } from './changes';
import { Draft, type SealedChanges } from './draft';
import { install, removeUnfinished, type Installation } from './installation';
import { assertLockable, isWritable } from '../lmdb/lock-file';
import { beginningOf, readSnapshot } from './snapshot';

/** The size limit of a store of the first format. */
const FORMAT_1_BYTES_MAX = 2 ** 26;

/** The content of a store of the first format, and the identity of its file. */
interface Source {
  readonly content: Buffer;
  readonly identity: string;
}

interface NewStore {
  readonly header: Header;
  readonly keys: StoreKeys;
}

/**
 * Creates a missing store if `creates` is set. Converts a store of the first format, and keeps its file as a backup.
 * Rejects with every problem of key, store and their folders.
 */
export async function open(path: string, keyring: Keyring, creates: boolean): Promise<void> {
  const beginning = beginningOrNothing(path);
  assertSafe(path, keyring, beginning);
  if (beginning === undefined) return await create(path, keyring, creates);
  const realPath = realpathSync(path);
  if (isOfFormat1(beginning)) await takeOver(realPath, keyring);
  else await removeUnfinished(realPath);
}

function assertSafe(path: string, keyring: Keyring, beginning: Buffer | undefined): void {
  const { keyFile } = keyring;
  const files = [path, `${path}-lock`, ...(keyFile === undefined ? [] : [keyFile])];
  const failures: unknown[] = ownershipProblems(files).map(misconfigured);
  if (beginning !== undefined) {
    failures.push(
      ...failureOf(() => keyring.assertUsable()),
      ...failureOf(() => assertStore(path, beginning)),
      ...failureOf(() => assertLock(realpathSync(path))),
    );
  }
  if (failures.length > 1) throw misconfigured(failures.map(messageOf).join('\n'));
  if (failures.length === 1) throw failures[0];
}

function assertStore(path: string, beginning: Buffer): void {
  if (!isOfFormat1(beginning)) readSnapshot(path, () => undefined);
}

/** A process that may only read the store needs no lock. */
function assertLock(path: string): void {
  if (isWritable(path)) assertLockable(`${path}-lock`);
}

function failureOf(check: () => void): readonly unknown[] {
  try {
    check();
    return [];
  } catch (thrown) {
    return [thrown];
  }
}

function messageOf(thrown: unknown): string {
  return isSecretManagerError(thrown) ? thrown.message : 'The store cannot be read.';
}

async function create(path: string, keyring: Keyring, creates: boolean): Promise<void> {
  if (!creates) {
    throw misconfigured(
      `There is no store at ${quoteName(path)}, and with \`create: false\` none is made. Check that its folder is mounted.`,
    );
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (keyring.keyFile !== undefined) await makeKeyFile(keyring.keyFile);
  const store = await newStoreOf(keyring);
  const isStillMissing = (): boolean => beginningOrNothing(path) === undefined;
  await install(path, {
    findSource: () => isStillMissing() || undefined,
    build: () => newDraft(store, 0).seal(),
    backUp: isStillMissing,
  });
}

async function takeOver(path: string, keyring: Keyring): Promise<void> {
  const read = (): Source | undefined => readFormat1(path);
  const source = read();
  if (source === undefined) return;
  const derivation = orDamaged(path, () => derivationOfFormat1(source.content));
  const oldKeys = await keysOf(keyring, derivation);
  const store = await newStoreOf(keyring);
  const installation: Installation<Source> = {
    findSource: read,
    build: ({ content }) =>
      convert(
        orDamaged(path, () => parseFormat1(content, derivation, oldKeys)),
        store,
      ),
    backUp: ({ identity }) => {
      if (read()?.identity !== identity) return false;
      linkBackup(path);
      return true;
    },
  };
  await withFormat1Lock(path, () => install(path, installation));
}

function convert({ writes, secrets }: Format1, store: NewStore): SealedChanges {
  const draft = newDraft(store, writes);
  for (const { name, version, content, deletionAt } of secrets) {
    if (isKept({ deletionAt })) draft.restore(name, version, content, deletionAt);
  }
  return draft.seal();
}

/** Derives new keys, so that no part of an earlier store is valid in the new one. */
async function newStoreOf(keyring: Keyring): Promise<NewStore> {
  const derivation = keyring.newDerivation();
  const keys = await keysOf(keyring, derivation);
  return { header: newHeader(derivation, keys), keys };
}

async function keysOf(keyring: Keyring, derivation: Derivation): Promise<StoreKeys> {
  await keyring.prepare(derivation);
  return keyring.keysFor(derivation);
}

function newDraft({ header, keys }: NewStore, changes: number): Draft {
  const root = { changes, slots: new Slots(), token: 0 };
  return new Draft(new SealedTree(header, root, keys, () => undefined));
}

/** Links the old file to a second name. The new store takes the first one. */
function linkBackup(path: string): void {
  for (let number = 1; ; number++) {
    const kept = number === 1 ? `${path}.v1` : `${path}.v1-${number}`;
    try {
      return linkSync(path, kept);
    } catch (thrown) {
      if (!hasCode(thrown, 'EEXIST')) throw thrown;
      if (statSync(kept).ino === statSync(path).ino) return; // an earlier process was killed after this step
    }
  }
}

function readFormat1(path: string): Source | undefined {
  const { content, stats } = readRegularFileSync(path, { maxBytes: FORMAT_1_BYTES_MAX });
  if (!isOfFormat1(content)) return undefined;
  const { dev, ino, size, mtimeNs } = stats;
  return { content, identity: [dev, ino, size, mtimeNs].join(' ') };
}

function beginningOrNothing(path: string): Buffer | undefined {
  try {
    return beginningOf(path);
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw explain(thrown, path);
  }
}

function orDamaged<T>(path: string, parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    if (!(thrown instanceof Damage)) throw thrown;
    throw malformed(
      `The store at ${quoteName(path)} is damaged or was changed by somebody without its key. It is left as it is; restore it ` +
        'from a backup.',
    );
  }
}
