import { secretManagerConformance } from 'nestjs-custom-secret-manager/testing';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';
import { JsonFileSecretManager } from './json-file.secret-manager';

let path = '';

const cases = secretManagerConformance({
  create: () => {
    path = join(temporaryFolder(), 'secrets.json');
    writeFileSync(path, '{}');
    return new JsonFileSecretManager({ path });
  },
  seed: (name, value) => {
    const secrets = JSON.parse(readFileSync(path, 'utf8')) as object;
    writeFileSync(path, JSON.stringify({ ...secrets, [name]: value }));
  },
  fail: (fault) => {
    if (existsSync(`${path}-away`)) renameSync(`${path}-away`, path);
    if (fault !== undefined) renameSync(path, `${path}-away`);
    if (fault === 'malformed') writeFileSync(path, '{"cut of');
  },
  faults: ['unavailable', 'malformed'],
  dispose: removeTemporaryFolders,
  lacks: ['write', 'delete', 'recovery', 'sync', 'createOnly', 'versions', 'health'],
});

describe('JsonFileSecretManager', () => {
  for (const each of cases) (each.skip ? it.skip : it)(each.title, () => each.run());
});
