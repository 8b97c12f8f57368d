import { DirectorySecretManager } from 'nestjs-custom-secret-manager/drivers/directory';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { lookUp, lookUpSync } from '../../lib/drivers/directory/look-up';
import { DESCRIPTORS } from '../../lib/drivers/directory/opened-file';
import { everythingOf, failureOf } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const isRoot = process.getuid?.() === 0;
const CANARY = 'sk-canary-of-the-file-7c1e';

let path: string;
let manager: DirectorySecretManager;

beforeEach(() => {
  path = join(temporaryFolder(), 'secrets');
  mkdirSync(path);
  manager = new DirectorySecretManager({ path });
});

afterEach(removeTemporaryFolders);

/** Reads a secret in both ways, and asserts that they agree. */
async function valueOf(secretName: string): Promise<string | undefined> {
  const reading = await manager.readSecret(secretName);
  expect(manager.readSecretSync(secretName)).toEqual(reading);
  return reading?.value;
}

async function failuresOf(secretName: string): Promise<readonly unknown[]> {
  return [
    await failureOf(manager.readSecret(secretName)),
    await failureOf(() => manager.readSecretSync(secretName)),
  ];
}

/** Writes secrets in the layout of the kubelet: each name links through `..data` to the current folder. */
function mountAsKubernetes(version: string, secrets: Readonly<Record<string, string>>): void {
  mkdirSync(join(path, version));
  for (const [name, value] of Object.entries(secrets)) {
    writeFileSync(join(path, version, name), value);
    if (!existsSync(join(path, name))) symlinkSync(join('..data', name), join(path, name));
  }
  symlinkSync(version, join(path, '..data_tmp'));
  renameSync(join(path, '..data_tmp'), join(path, '..data'));
}

describe('a directory of secrets', () => {
  it('is /run/secrets by default', async () => {
    const error = await failureOf(
      new DirectorySecretManager({ path: undefined }).validateEnvironment(),
    );

    expect(error.message).toContain('"/run/secrets"');
  });

  it('refuses params, because it has neither versions nor tenants', async () => {
    writeFileSync(join(path, 'KEY'), 'value');
    const options = { params: { version: 1 } };

    const failures = [
      await failureOf(manager.readSecret('KEY', options)),
      await failureOf(() => manager.readSecretSync('KEY', options)),
    ];

    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(failure.message).toContain('"version"');
    }
  });

  it.each([
    ['value\n', 'value'],
    ['value\r\n', 'value'],
    ['value\n\n', 'value\n'],
    ['value\r', 'value\r'],
    ['value', 'value'],
    ['a\nb\n', 'a\nb'],
    ['\n', ''],
    ['', ''],
    ['\ufeffvalue', 'value'],
    ['\ufeff\ufeffvalue', '\ufeffvalue'],
    ['\ufeff', ''],
    ['value\ufeff', 'value\ufeff'],
  ])(
    'returns %j as %j: an editor adds line breaks and byte order marks',
    async (content, value) => {
      writeFileSync(join(path, 'KEY'), content);

      expect(await valueOf('KEY')).toBe(value);
    },
  );

  it.each(['value\n', 'value\r\n', '\n'])(
    'keeps the line break of %j if asked to',
    async (value) => {
      manager = new DirectorySecretManager({ path, keepTrailingNewline: true });
      writeFileSync(join(path, 'KEY'), value);

      expect(await valueOf('KEY')).toBe(value);
    },
  );

  it('uses folders for the parts of a name', async () => {
    mkdirSync(join(path, 'team/app'), { recursive: true });
    writeFileSync(join(path, 'team/app/KEY'), 'value');

    expect(await valueOf('team/app/KEY')).toBe('value');
  });

  it.each([
    ['a file that is missing', 'ABSENT'],
    ['a folder that is missing', 'absent/KEY'],
    ['a folder that is a file', 'KEY/below'],
    ['a name that no file can have', 'n'.repeat(400)],
    ['a link to nowhere', 'DANGLING'],
  ])('treats %s as an absence', async (_, name) => {
    writeFileSync(join(path, 'KEY'), 'value');
    symlinkSync('nowhere', join(path, 'DANGLING'));

    expect(await valueOf(name)).toBeUndefined();
  });

  it('has a version that discloses no value, and changes with the file', async () => {
    writeFileSync(join(path, 'KEY'), CANARY);
    const before = await manager.readSecret('KEY');
    writeFileSync(join(path, 'NEXT'), CANARY);
    renameSync(join(path, 'NEXT'), join(path, 'KEY'));

    const after = await manager.readSecret('KEY');

    expect(before?.version).toMatch(/^[0-9a-z]+-[0-9a-z]+-[0-9a-z]+$/);
    expect(after).toEqual({
      value: CANARY,
      version: expect.not.stringMatching(`^${before?.version}$`),
    });
  });

  it('follows its own links', async () => {
    writeFileSync(join(path, 'KEY'), 'value');
    symlinkSync(path, `${path}-link`);
    manager = new DirectorySecretManager({ path: `${path}-link` });

    expect(await valueOf('KEY')).toBe('value');
  });

  it('writes nothing', async () => {
    const error = await failureOf(manager.writeSecret('KEY', 'value'));

    expect(error.code).toBe('UNSUPPORTED');
  });
});

describe('a directory that Kubernetes mounts', () => {
  it('is read through the links of Kubernetes', async () => {
    mountAsKubernetes('..2026_01', { KEY: 'value' });

    expect(await valueOf('KEY')).toBe('value');
  });

  it('changes when Kubernetes replaces it', async () => {
    mountAsKubernetes('..2026_01', { KEY: 'old' });
    const before = await manager.readSecret('KEY');
    mountAsKubernetes('..2026_02', { KEY: 'new' });
    rmSync(join(path, '..2026_01'), { recursive: true });

    const after = await manager.readSecret('KEY');

    expect([before?.value, after?.value]).toEqual(['old', 'new']);
    expect(after?.version).not.toBe(before?.version);
  });

  it('never lacks a secret while it is replaced', async () => {
    mountAsKubernetes('..0', { KEY: 'value' });
    const values = new Set<string | undefined>();
    let isMounted = true;
    const readOnAndOn = async (): Promise<void> => {
      while (isMounted) values.add((await manager.readSecret('KEY'))?.value);
    };

    const readers = Array.from({ length: 4 }, readOnAndOn);
    for (let version = 1; version <= 200; version++) {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      mountAsKubernetes(`..${version}`, { KEY: 'value' });
      rmSync(join(path, `..${version - 1}`), { recursive: true });
    }
    isMounted = false;
    await Promise.all(readers);

    expect([...values]).toStrictEqual(['value']);
  });

  it.each(['..data/KEY', '..2026_01/KEY', '..data', 'team/..data/KEY'])(
    'has no secret with the name %s, because it is a folder of Kubernetes',
    async (name) => {
      mountAsKubernetes('..2026_01', { KEY: 'value' });

      expect(await failuresOf(name)).toMatchObject([
        { code: 'INVALID_ARGUMENT' },
        { code: 'INVALID_ARGUMENT' },
      ]);
    },
  );
});

describe('a file that is no secret', () => {
  it.each([
    ['a link to a file outside', 'outside'],
    ['a link to a folder outside', 'folder/outside'],
    ['a link to a folder whose name begins as that of the directory', 'sibling/outside'],
  ])('is not read: %s', async (_, name) => {
    const outside = temporaryFolder();
    mkdirSync(`${path}-sibling`);
    writeFileSync(join(outside, 'outside'), CANARY);
    writeFileSync(join(`${path}-sibling`, 'outside'), CANARY);
    symlinkSync(join(outside, 'outside'), join(path, 'outside'));
    symlinkSync(outside, join(path, 'folder'));
    symlinkSync('../secrets-sibling', join(path, 'sibling'));

    const errors = await failuresOf(name);

    expect(errors).toMatchObject([{ code: 'ACCESS_DENIED' }, { code: 'ACCESS_DENIED' }]);
    expect(errors.map(everythingOf).join()).toContain('leads out of the directory');
    expect(errors.map(everythingOf).join()).not.toContain(CANARY);
  });

  it('is not read: a folder', async () => {
    mkdirSync(join(path, 'team'));

    expect(await failuresOf('team')).toMatchObject([{ code: 'MALFORMED' }, { code: 'MALFORMED' }]);
  });

  it('does not block: a pipe that nobody writes to', async () => {
    execFileSync('mkfifo', [join(path, 'PIPE')]);

    expect(await failuresOf('PIPE')).toMatchObject([{ code: 'MALFORMED' }, { code: 'MALFORMED' }]);
  });

  it('does not block: a pipe that somebody writes to', async () => {
    execFileSync('mkfifo', [join(path, 'PIPE')]);
    const writer = spawn('sh', ['-c', `echo ${CANARY} > ${join(path, 'PIPE')}`]);

    expect(await failuresOf('PIPE')).toMatchObject([{ code: 'MALFORMED' }, { code: 'MALFORMED' }]);
    writer.kill();
  });

  it('is not read: a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(path, 'SOCKET'), resolve));

    expect(await failuresOf('SOCKET')).toMatchObject([
      { code: 'MALFORMED' },
      { code: 'MALFORMED' },
    ]);
    server.close();
  });

  it.each(['/dev/zero', '/dev/tty'])(
    'is not read: the device %s as the directory',
    async (device) => {
      manager = new DirectorySecretManager({ path: device });

      expect(await failuresOf('KEY')).toMatchObject([
        { code: 'UNAVAILABLE' },
        { code: 'UNAVAILABLE' },
      ]);
    },
  );

  it('is not read: a link that leads to itself', async () => {
    symlinkSync('LOOP', join(path, 'LOOP'));

    expect(await failuresOf('LOOP')).toMatchObject([{ code: 'MALFORMED' }, { code: 'MALFORMED' }]);
  });

  it('is not quoted: invalid UTF-8', async () => {
    writeFileSync(join(path, 'KEY'), Buffer.concat([Buffer.from(CANARY), Buffer.of(0xff)]));

    const errors = await failuresOf('KEY');

    expect(errors).toMatchObject([{ code: 'MALFORMED' }, { code: 'MALFORMED' }]);
    expect(errors.map(everythingOf).join()).not.toContain(CANARY);
  });

  it('is not loaded: more than a mebibyte', async () => {
    writeFileSync(join(path, 'KEY'), '');
    truncateSync(join(path, 'KEY'), 1_048_577);

    expect(await failuresOf('KEY')).toMatchObject([{ code: 'MALFORMED' }, { code: 'MALFORMED' }]);
  });

  it('is read up to a mebibyte', async () => {
    writeFileSync(join(path, 'KEY'), 'x'.repeat(1_048_576));

    expect(await valueOf('KEY')).toHaveLength(1_048_576);
  });

  // root may read everything
  if (!isRoot) {
    it('is ACCESS_DENIED: a file that the process may not read', async () => {
      writeFileSync(join(path, 'KEY'), CANARY);
      chmodSync(join(path, 'KEY'), 0o000);

      expect(await failuresOf('KEY')).toMatchObject([
        { code: 'ACCESS_DENIED' },
        { code: 'ACCESS_DENIED' },
      ]);
    });
  }
});

describe('a directory in which somebody replaces files by links', () => {
  let attacker: ChildProcess;

  beforeEach(async () => {
    const outside = temporaryFolder();
    writeFileSync(join(outside, 'KEY'), CANARY);
    const script = join(__dirname, '../support/exchange-links.process.mjs');
    attacker = spawn(process.execPath, [script, path, outside], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(attacker.stdout as NodeJS.ReadableStream, 'data');
  });

  afterEach(async () => {
    attacker.stdin?.end();
    await once(attacker, 'exit');
  });

  it.each([
    ['if the system reports the path of an open file', DESCRIPTORS],
    ['if it does not', '/nowhere'],
  ])(
    'never returns a file outside of it, %s',
    async (_, descriptors) => {
      const seen = new Map<string, number>();
      const note = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);
      const outcome = (content: Uint8Array | undefined): unknown =>
        note(content === undefined ? 'absent' : Buffer.from(content).toString());
      const failed = (error: unknown): unknown => note(String((error as { code: string }).code));

      for (const name of Array.from({ length: 500 }, () => ['KEY', 'folder/KEY']).flat()) {
        const read = lookUp(path, name, descriptors);
        await read.then((file) => outcome(file?.content), failed);
        try {
          outcome(lookUpSync(path, name, descriptors)?.content);
        } catch (error) {
          failed(error);
        }
      }

      expect(seen.get('inside')).toBeGreaterThan(50);
      expect(seen.get('ACCESS_DENIED')).toBeGreaterThan(50);
      expect([...seen.keys()]).not.toContain(CANARY);
    },
    60_000,
  );
});

describe('the options of a directory', () => {
  it('must exist', async () => {
    const options = { path, keepTrailingNewLine: true };

    const error = await failureOf(() => new DirectorySecretManager(options));

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch(/"keepTrailingNewLine" is not an option.*keepTrailingNewline/);
  });
});

describe('a missing directory', () => {
  it.each([
    ['missing', () => rmSync(path, { recursive: true })],
    [
      'a file',
      () => {
        rmSync(path, { recursive: true });
        writeFileSync(path, 'KEY');
      },
    ],
  ])('is UNAVAILABLE, and no absence, if it is %s', async (_, spoil) => {
    writeFileSync(join(path, 'KEY'), 'value');
    spoil();

    const failures = [...(await failuresOf('KEY')), await failureOf(manager.checkHealth())];

    expect(failures).toMatchObject(Array(3).fill({ code: 'UNAVAILABLE', retryable: true }));
  });

  it('is healthy and readable again when it is back', async () => {
    writeFileSync(join(path, 'KEY'), 'value');
    renameSync(path, `${path}-away`);
    await failureOf(manager.readSecret('KEY'));

    renameSync(`${path}-away`, path);

    expect(await manager.checkHealth()).toBe(true);
    expect(await valueOf('KEY')).toBe('value');
  });

  it.each(['/nowhere/secrets', ''])('keeps the application from starting: %j', async (missing) => {
    manager = new DirectorySecretManager({ path: missing });

    const error = await failureOf(manager.validateEnvironment());

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(`${JSON.stringify(missing)}, cannot be read (ENOENT)`);
    expect(error.message).toContain('`path`');
    expect(await failuresOf('KEY')).toMatchObject([
      { code: 'UNAVAILABLE' },
      { code: 'UNAVAILABLE' },
    ]);
  });
});

describe('the credentials of a systemd service', () => {
  const { CREDENTIALS_DIRECTORY: before } = process.env;

  afterEach(() => {
    if (before === undefined) delete process.env.CREDENTIALS_DIRECTORY;
    else process.env.CREDENTIALS_DIRECTORY = before;
  });

  it('are read from CREDENTIALS_DIRECTORY', async () => {
    writeFileSync(join(path, 'db-password'), CANARY, { mode: 0o400 });
    process.env.CREDENTIALS_DIRECTORY = path;

    manager = new DirectorySecretManager();

    expect(await valueOf('db-password')).toBe(CANARY);
    await expect(manager.validateEnvironment()).resolves.toBeUndefined();
  });

  it('give way to the option path', async () => {
    writeFileSync(join(path, 'db-password'), CANARY);
    process.env.CREDENTIALS_DIRECTORY = join(path, 'elsewhere');

    manager = new DirectorySecretManager({ path });

    expect(await valueOf('db-password')).toBe(CANARY);
  });

  it('are reported as missing under the path of the variable', async () => {
    process.env.CREDENTIALS_DIRECTORY = '/run/credentials/missing.service';

    const error = await failureOf(new DirectorySecretManager().validateEnvironment());

    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toMatch('"/run/credentials/missing.service"');
  });

  it.each(['', undefined])('are /run/secrets if the variable is %j', async (variable) => {
    if (variable === undefined) delete process.env.CREDENTIALS_DIRECTORY;
    else process.env.CREDENTIALS_DIRECTORY = variable;

    const outcome = await new DirectorySecretManager()
      .validateEnvironment()
      .catch((error: Error) => error.message);

    expect(outcome ?? '"/run/secrets"').toMatch('"/run/secrets"'); // some machines have the directory
  });
});
