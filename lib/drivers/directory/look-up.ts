import { closeSync, fstatSync, openSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { open, readlink, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import {
  OPEN_FLAGS,
  assertInside,
  assertSecretFile,
  explain,
  isAbsence,
  type SecretFile,
} from './secret-file';

const KUBERNETES_LINK = '..data';

/**
 * Resolves to the file of a secret, or to `undefined` if there is none.
 *
 * Where Kubernetes mounts, `..data` leads to the folder of the moment. Having exchanged it, Kubernetes removes the old one: who
 * is on the way through that sees an absence that is none, and has to look again.
 */
export async function lookUp(
  directory: string,
  secretName: string,
): Promise<SecretFile | undefined> {
  for (;;) {
    const before = await ofTheMoment(directory);
    const file = await look(directory, secretName);
    if (file !== undefined || before === (await ofTheMoment(directory))) return file;
  }
}

/** As {@link lookUp}, blocking. */
export function lookUpSync(directory: string, secretName: string): SecretFile | undefined {
  for (;;) {
    const before = ofTheMomentSync(directory);
    const file = lookSync(directory, secretName);
    if (file !== undefined || before === ofTheMomentSync(directory)) return file;
  }
}

async function look(directory: string, secretName: string): Promise<SecretFile | undefined> {
  try {
    const root = await realpath(directory);
    const path = await realpath(join(root, secretName));
    assertInside(root, path, secretName);
    const file = await open(path, OPEN_FLAGS);
    try {
      const stats = await file.stat({ bigint: true });
      assertSecretFile(stats, secretName);
      return { content: await file.readFile(), stats };
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw explain(thrown, secretName);
  }
}

function lookSync(directory: string, secretName: string): SecretFile | undefined {
  try {
    const root = realpathSync.native(directory);
    const path = realpathSync.native(join(root, secretName));
    assertInside(root, path, secretName);
    const file = openSync(path, OPEN_FLAGS);
    try {
      const stats = fstatSync(file, { bigint: true });
      assertSecretFile(stats, secretName);
      return { content: readFileSync(file), stats };
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw explain(thrown, secretName);
  }
}

function ofTheMoment(directory: string): Promise<string | undefined> {
  return readlink(join(directory, KUBERNETES_LINK)).catch(() => undefined);
}

function ofTheMomentSync(directory: string): string | undefined {
  try {
    return readlinkSync(join(directory, KUBERNETES_LINK));
  } catch {
    return undefined; // it is not Kubernetes that mounts
  }
}
