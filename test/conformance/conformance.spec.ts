import { DirectorySecretManager } from 'nestjs-custom-secret-manager/drivers/directory';
import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { EnvironmentSecretManager } from 'nestjs-custom-secret-manager/drivers/environment';
import {
  InMemorySecretManager,
  secretManagerConformance,
  type ConformanceHarness,
} from 'nestjs-custom-secret-manager/testing';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';
import { wrapped } from '../support/wrapped';

const isRoot = process.getuid?.() === 0;

function inMemory(): ConformanceHarness {
  let manager = new InMemorySecretManager();
  return {
    create: () => (manager = new InMemorySecretManager()),
    seed: (name, value) => manager.rotate(name, value),
    fail: (fault) => manager.fail(fault),
    spoil: (secretName) => manager.fail('denied', { secretName }),
  };
}

function environment(): ConformanceHarness {
  let variables: Record<string, string> = {};
  return {
    create: () => {
      variables = Object.create(null) as Record<string, string>;
      return new EnvironmentSecretManager({ prefix: 'APP_', environment: variables });
    },
    seed: (name, value) => {
      variables[`APP_${name}`] = value;
    },
    lacks: ['write', 'delete', 'recovery', 'createOnly', 'versions', 'health'],
  };
}

/** A directory whose files end with a line break, as an editor writes them. */
function directory(): ConformanceHarness {
  let path = '';
  return {
    create: () => {
      path = join(temporaryFolder(), 'secrets');
      mkdirSync(path);
      return new DirectorySecretManager({ path });
    },
    seed: (name, value) => {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), `${value}\n`);
    },
    fail: (fault) => {
      if (existsSync(`${path}-away`)) renameSync(`${path}-away`, path);
      chmodSync(path, fault === 'denied' ? 0o000 : 0o700);
      if (fault === 'unavailable') renameSync(path, `${path}-away`);
    },
    faults: isRoot ? ['unavailable'] : ['unavailable', 'denied'], // nothing is denied to root
    spoil: (name) => {
      rmSync(join(path, name), { force: true });
      symlinkSync(__filename, join(path, name));
    },
    dispose: removeTemporaryFolders,
    lacks: ['write', 'delete', 'recovery', 'createOnly'],
  };
}

/** An encrypted file that is shared with another process, which writes the secrets. */
function encryptedFile(): ConformanceHarness {
  const key = 'hex-of-the-kit-'.repeat(5).slice(0, 43); // 32 bytes as base64url
  let path = '';
  let other: EncryptedFileSecretManager;
  return {
    create: async () => {
      path = join(temporaryFolder(), 'secrets');
      other = new EncryptedFileSecretManager({ path, key });
      await other.validateEnvironment();
      return new EncryptedFileSecretManager({ path, key });
    },
    seed: async (name, value) => {
      await other.writeSecret(name, value);
    },
    fail: (fault) => {
      if (existsSync(`${path}-away`)) renameSync(`${path}-away`, path);
      chmodSync(path, fault === 'denied' ? 0o000 : 0o600);
      if (fault === 'unavailable' || fault === 'malformed') renameSync(path, `${path}-away`);
      if (fault === 'malformed') writeFileSync(path, readFileSync(`${path}-away`).subarray(1));
    },
    faults: isRoot ? ['unavailable', 'malformed'] : ['unavailable', 'malformed', 'denied'],
    dispose: async () => {
      await other.close();
      removeTemporaryFolders();
    },
    canaries: [key],
  };
}

describe.each([
  ['in memory', inMemory()],
  ['in memory, with every policy', wrapped(inMemory())],
  ['of the environment', environment()],
  ['of the environment, with every policy', wrapped(environment())],
  ['of a directory', directory()],
  ['of a directory, with every policy', wrapped(directory())],
  ['of an encrypted file', encryptedFile()],
  ['of an encrypted file, with every policy', wrapped(encryptedFile())],
])('A secret manager %s', (_, harness) => {
  for (const each of secretManagerConformance(harness)) {
    const { title, skip } = each;
    if (skip === undefined) {
      it(`${title}`, async () => {
        await expect(each.run()).resolves.toBeUndefined();
      });
    } else {
      it(`${title} (does not apply: ${skip})`, async () => {
        await expect(each.run()).rejects.toThrow(skip);
      });
    }
  }
});

describe('The conformance kit', () => {
  it('has a different title for each of at least 80 cases', () => {
    const titles = secretManagerConformance(inMemory()).map(({ title }) => title);

    expect(new Set(titles).size).toBe(titles.length);
    expect(titles.length).toBeGreaterThanOrEqual(80);
  });
});
