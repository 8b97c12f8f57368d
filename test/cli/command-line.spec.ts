import { EncryptedFileSecretManager } from 'nestjs-custom-secret-manager/drivers/encrypted-file';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand, type Ended, type Typed } from '../support/command-line';
import { leaks } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const CANARY = 'sk-canary-of-the-command-line-7d1f';

jest.setTimeout(30_000); // scrypt takes seconds on a busy machine

let folder: string;
let path: string;
let keyFile: string;

beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder, 'secrets');
  keyFile = join(folder, 'secrets.key');
});

afterEach(removeTemporaryFolders);

function secret(args: readonly string[], typed?: Typed): Promise<Ended> {
  return runCommand(['secret', ...args, '--path', path, '--key-file', keyFile], typed);
}

async function stored(name: string): Promise<string | undefined> {
  const manager = new EncryptedFileSecretManager({ path, keyFile });
  await manager.validateEnvironment();
  const reading = await manager.readSecret(name);
  await manager.close();
  return reading?.value;
}

/** The output of a failure: one line. */
const LINE = /^Error: [^\n]+\n$/;

describe('secret set', () => {
  it('creates a store with its key file, and reports both', async () => {
    const { code, stdout, stderr } = await secret(['set', 'API_KEY'], { input: `${CANARY}\n` });

    expect([code, stdout]).toEqual([0, 'Stored "API_KEY" as version 1.\n']);
    expect(stderr).toContain(`Made a new store at "${path}", and its key in "${keyFile}"`);
    expect(await stored('API_KEY')).toBe(CANARY);
    expect(leaks(stdout + stderr, CANARY)).toBe(false);
  });

  it('uses an existing key file for a new store', async () => {
    const key = randomBytes(32).toString('base64');
    writeFileSync(keyFile, key);

    const { stderr } = await secret(['set', 'API_KEY'], { input: 'value' });

    expect(stderr).toBe(`Made a new store at "${path}".\n`);
    expect(readFileSync(keyFile, 'utf8')).toBe(key);
  });

  it.each([
    ['without a line break', 'value', 'value'],
    ['with one, which it drops', 'value\n', 'value'],
    ['with one of Windows, which it drops', 'value\r\n', 'value'],
    ['with two, of which it drops one', 'value\n\n', 'value\n'],
    [
      'with several lines',
      '-----BEGIN-----\nabc\n-----END-----\n',
      '-----BEGIN-----\nabc\n-----END-----',
    ],
    [
      'with a byte order mark, spaces and other scripts',
      '\ufeff  \u00fc\u6f22\u{1f511} ',
      '\ufeff  \u00fc\u6f22\u{1f511} ',
    ],
  ])('stores the piped value %s', async (_, input, value) => {
    await secret(['set', 'API_KEY'], { input });

    expect(await stored('API_KEY')).toBe(value);
  });

  it('keeps the line break with --keep-trailing-newline', async () => {
    await secret(['set', 'API_KEY', '--keep-trailing-newline'], { input: 'value\n' });

    expect(await stored('API_KEY')).toBe('value\n');
  });

  it('stores a value that is typed on a terminal, without an echo', async () => {
    const typed = { input: `${CANARY}x\u007f\n`, terminal: ['stdin', 'stdout'] } as const;

    const { code, stdout, stderr } = await secret(['set', 'API_KEY'], typed);

    expect(code).toBe(0);
    expect(stderr).toContain('Value of "API_KEY" (it is not shown): \n');
    expect(leaks(stdout + stderr, CANARY)).toBe(false);
    expect(await stored('API_KEY')).toBe(CANARY);
  });

  it.each([
    ['an interrupt', 'sk-\u0003', 'Nothing was typed'],
    ['the end of the input', '\u0004', 'Nothing was typed'],
    ['a second line', 'first\nsecond', 'several lines'],
    ['a second line that ends', 'first\nsecond\n', 'several lines'],
    ['nothing', '\n', 'is empty'],
  ])('stores nothing and creates no store for %s on a terminal', async (_, input, text) => {
    const { code, stderr } = await secret(['set', 'API_KEY'], { input, terminal: ['stdin'] });

    expect(code).toBe(1);
    expect(stderr).toContain(text);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['an empty value', ''],
    ['a lone line break', '\n'],
    ['bytes that are no text', Buffer.from([0x73, 0xff, 0xfe])],
    ['more than 1 MiB', 'x'.repeat(1_048_577)],
  ])('refuses %s from a pipe, and creates no store', async (_, input) => {
    const { code, stderr } = await secret(['set', 'API_KEY'], { input });

    expect(code).toBe(1);
    expect(stderr).toMatch(LINE);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('stores an empty value with --allow-empty', async () => {
    const { code } = await secret(['set', 'API_KEY', '--allow-empty'], { input: '' });

    expect([code, await stored('API_KEY')]).toEqual([0, '']);
  });

  it('updates a secret, but not with --create-only', async () => {
    await secret(['set', 'API_KEY'], { input: 'first' });
    await secret(['set', 'API_KEY'], { input: 'second' });

    const { code, stderr } = await secret(['set', 'API_KEY', '--create-only'], { input: 'third' });

    expect([code, stderr]).toEqual([1, 'Error: "API_KEY" exists already.\n']);
    expect(await stored('API_KEY')).toBe('second');
  });

  it('stores description and tags', async () => {
    const described = ['--description', 'of the bank', '--tag', 'team=pay', '--tag', 'a=b=c'];
    await secret(['set', 'API_KEY', ...described], { input: 'value' });

    const manager = new EncryptedFileSecretManager({ path, keyFile });
    await manager.validateEnvironment();

    expect(await manager.describeSecret('API_KEY')).toEqual({
      description: 'of the bank',
      tags: { team: 'pay', a: 'b=c' },
    });
    await manager.close();
  });

  it.each([
    ['after the name', ['set', 'API_KEY', CANARY]],
    ['as an option', ['set', 'API_KEY', `--${CANARY}`]],
    ['as the value of an option', ['set', 'API_KEY', `--value=${CANARY}`]],
    ['as a short option', ['set', 'API_KEY', `-${CANARY}`]],
    ['after two dashes', ['set', '--', 'API_KEY', CANARY]],
    ['as a tag', ['set', 'API_KEY', '--tag', CANARY]],
  ])('refuses a value %s, and does not quote it', async (_, args) => {
    const { code, stdout, stderr } = await runCommand(
      ['secret', '--path', path, '--key-file', keyFile, ...args],
      { input: 'value' },
    );

    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(LINE);
    expect(leaks(stderr, CANARY)).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('reports a wrong key before it asks for the value', async () => {
    await secret(['set', 'API_KEY'], { input: 'value' });
    writeFileSync(keyFile, randomBytes(32).toString('base64'));

    const typed = { input: 'value\n', terminal: ['stdin'] } as const;
    const { code, stderr } = await secret(['set', 'API_KEY'], typed);

    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: The store was made with another key[^\n]+\n$/);
  });

  it('creates no key for an existing store', async () => {
    await secret(['set', 'API_KEY'], { input: 'value' });
    rmSync(keyFile);

    const { code, stderr } = await secret(['set', 'API_KEY'], { input: 'value' });

    expect(code).toBe(1);
    expect(stderr).toContain('Restore it from a backup');
    expect(existsSync(keyFile)).toBe(false);
  });
});

describe('secret get', () => {
  beforeEach(() => secret(['set', 'API_KEY'], { input: CANARY }));

  it('prints the unchanged value if the output is no terminal', async () => {
    const ended = await secret(['get', 'API_KEY'], { terminal: ['stdin'] });

    expect(ended).toEqual({ code: 0, stdout: CANARY, stderr: '' });
  });

  it.each(['y\n', 'yes\n', 'Y\n'])('prints it on a terminal after the answer %j', async (input) => {
    const typed = { input, terminal: ['stdin', 'stdout'] } as const;

    const { code, stdout, stderr } = await secret(['get', 'API_KEY'], typed);

    expect([code, stdout]).toEqual([0, `${CANARY}\n`]);
    expect(stderr).toContain('Show the value of "API_KEY" on this terminal? [y/N]');
  });

  it.each(['n\n', '\n', 'yeah\n', '\u0003', '\u0004'])(
    'does not print it on a terminal after %j',
    async (input) => {
      const typed = { input, terminal: ['stdin', 'stdout'] } as const;

      const { code, stdout, stderr } = await secret(['get', 'API_KEY'], typed);

      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('was not shown');
    },
  );

  it('does not print it on a terminal if it cannot ask, except with --yes', async () => {
    const asked = await secret(['get', 'API_KEY'], { terminal: ['stdout'], input: 'y\n' });
    const told = await secret(['get', 'API_KEY', '--yes'], { terminal: ['stdout'] });

    expect([asked.code, asked.stdout]).toEqual([1, '']);
    expect(asked.stderr).toContain('give --yes');
    expect([told.code, told.stdout]).toEqual([0, `${CANARY}\n`]);
  });

  it('fails for a secret that is missing', async () => {
    const { code, stdout, stderr } = await secret(['get', 'OTHER']);

    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^Error: There is no secret "OTHER" in the store\.[^\n]*\n$/);
  });
});

describe('secret list', () => {
  it('prints names, versions and descriptions, and no value', async () => {
    await secret(['set', 'B'], { input: CANARY });
    await secret(['set', 'A', '--description', 'two\nlines'], { input: CANARY });

    const { code, stdout } = await secret(['list']);

    expect([code, stdout]).toEqual([0, 'A\t2\ttwo\\u000alines\nB\t1\n']);
  });

  it('prints one JSON array with --json', async () => {
    await secret(['set', 'A', '--description', 'first'], { input: CANARY });

    const { stdout } = await secret(['list', '--json']);

    expect(JSON.parse(stdout)).toEqual([{ name: 'A', version: '1', description: 'first' }]);
  });

  it('escapes characters that change a terminal or are invisible', async () => {
    const hidden = ['\u202e', '\u2066', '\u200b', '\u00ad', '\u3164', '\u{e0041}', '\u001b'];
    const given = `x${hidden.join('y')}`;
    await secret(['set', 'A', '--description', given], { input: CANARY });

    const { stdout } = await secret(['list']);
    const { stdout: json } = await secret(['list', '--json']);

    expect(stdout).toBe('A\t1\tx\\u202ey\\u2066y\\u200by\\u00ady\\u3164y\\udb40\\udc41y\\u001b\n');
    for (const character of hidden) expect(json).not.toContain(character);
    expect(JSON.parse(json)).toEqual([{ name: 'A', version: '1', description: given }]);
  });

  it('marks secrets that are pending deletion', async () => {
    await secret(['set', 'A'], { input: CANARY });
    await secret(['delete', 'A']);

    const { stdout } = await secret(['list']);

    expect(stdout).toMatch(/^A\t1\tdeleted, restorable until \d{4}-\d\d-\d\dT\S+Z\n$/);
  });
});

describe('an output that cannot be written', () => {
  const COMMANDS = [['get', 'A'], ['list'], ['list', '--json'], ['delete', 'A'], ['set', 'A']];

  beforeEach(() => secret(['set', 'A'], { input: CANARY }));

  it.each(COMMANDS)('is a failure of secret %s %s', async (...args) => {
    for (const outputFailure of ['ENOSPC', 'EBADF', 'EIO']) {
      const { code, stdout, stderr } = await secret(args, { outputFailure, input: CANARY });
      if (args[0] === 'delete') await secret(['set', 'A'], { input: CANARY });

      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toBe(`Error: The output could not be written (${outputFailure}).\n`);
    }
  });

  it('is a failure of --help and --version', async () => {
    for (const option of ['--help', '--version']) {
      const { code, stderr } = await runCommand([option], { outputFailure: 'ENOSPC' });

      expect([code, stderr]).toEqual([1, expect.stringMatching(LINE)]);
    }
  });

  it('is no failure if its reader has closed the pipe', async () => {
    const { code, stderr } = await secret(['get', 'A'], { outputFailure: 'EPIPE' });

    expect([code, stderr]).toEqual([0, '']);
  });
});

describe('secret delete', () => {
  beforeEach(() => secret(['set', 'API_KEY'], { input: 'value' }));

  it('reports until when the secret can be restored', async () => {
    const { code, stdout } = await secret(['delete', 'API_KEY', '--recovery-window-days', '2']);

    const [, date = ''] = /^Deleted "API_KEY"\. Until (\S+) /.exec(stdout) ?? [];
    expect(code).toBe(0);
    expect(Date.parse(date) - Date.now()).toBeGreaterThan(1.9 * 86_400_000);
    expect(Date.parse(date) - Date.now()).toBeLessThan(2.1 * 86_400_000);
    expect(await stored('API_KEY')).toBeUndefined();
  });

  it('removes the secret at once with 0 days, even one that is pending deletion', async () => {
    await secret(['delete', 'API_KEY']);
    const again = await secret(['delete', 'API_KEY']);

    const { code, stdout } = await secret(['delete', 'API_KEY', '--recovery-window-days=0']);

    expect(again.code).toBe(1);
    expect([code, stdout]).toEqual([0, 'Deleted "API_KEY". It cannot be restored.\n']);
    expect((await secret(['list'])).stdout).toBe('');
  });

  it.each([
    ['y\n', 0, undefined],
    ['\n', 1, 'value'],
  ])('asks on a terminal, and follows the answer %j', async (input, code, value) => {
    const ended = await secret(['delete', 'API_KEY'], { input, terminal: ['stdin'] });

    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain('Delete "API_KEY"?');
    expect(await stored('API_KEY')).toBe(value);
  });

  it('does not ask with --yes', async () => {
    const { code, stderr } = await secret(['delete', 'API_KEY', '--yes'], { terminal: ['stdin'] });

    expect([code, stderr]).toEqual([0, '']);
  });

  it.each(['-1', '1.5', 'soon', '', '99999999'])('refuses %j days', async (days) => {
    const { code } = await secret(['delete', 'API_KEY', `--recovery-window-days=${days}`]);

    expect(code).toBe(2);
    expect(await stored('API_KEY')).toBe('value');
  });
});

describe('the command line', () => {
  it.each([
    ['--help', /^Usage: /],
    ['-h', /^Usage: /],
    ['--version', /^1\.2\.3\n$/],
  ])('answers %s', async (option, expected) => {
    const { code, stdout } = await runCommand([option]);

    expect(code).toBe(0);
    expect(stdout).toMatch(expected);
  });

  it('takes options before the command', async () => {
    const store = ['secret', '--path', path, '--key-file', keyFile];
    await runCommand([...store, 'set', 'A'], { input: 'value' });

    expect((await runCommand([...store, 'get', 'A'])).stdout).toBe('value');
  });

  it.each([['get'], ['list'], ['delete']])('creates no store for %s', async (action) => {
    const { code, stderr } = await secret(action === 'list' ? [action] : [action, 'A']);

    expect(code).toBe(1);
    expect(stderr).toContain(`There is no store at "${path}"`);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['no command', ['secret']],
    ['an unknown command', ['secret', 'print', 'A']],
    ['a command of an object', ['secret', 'constructor', 'A']],
    ['no name', ['secret', 'get']],
    ['a name for list', ['secret', 'list', 'A']],
    ['a bad name', ['secret', 'get', '../A']],
    ['an empty name', ['secret', 'get', '']],
    ['an option of another command', ['secret', 'get', 'A', '--allow-empty']],
    ['an option without its value', ['secret', 'list', '--path']],
    ['a value for a switch', ['secret', 'get', 'A', '--yes=no']],
  ])('exits with 2 for %s', async (_, args) => {
    const store = args.includes('--path') ? [] : ['--path', path, '--key-file', keyFile];
    const { code, stdout, stderr } = await runCommand([...args, ...store]);

    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(LINE);
  });

  it.each([
    ['no path', ['--key-file', 'k']],
    ['an empty path', ['--path', '', '--key-file', 'k']],
    ['no key', ['--path', 'p']],
    ['two keys', ['--path', 'p', '--key-file', 'k', '--key-env', 'K']],
    ['a variable that is not set', ['--path', 'p', '--key-env', CANARY]],
  ])('exits with 2 for %s', async (_, options) => {
    const { code, stderr } = await runCommand(['secret', 'list', ...options]);

    expect(code).toBe(2);
    expect(stderr).toMatch(LINE);
    expect(leaks(stderr, CANARY)).toBe(false);
  });

  it.each([
    ['--key-env', randomBytes(32).toString('hex')],
    ['--passphrase-env', 'correct horse battery staple'],
  ])('takes %s', async (option, value) => {
    const env = { STORE_KEY: value };
    const store = ['secret', '--path', path, option, 'STORE_KEY'];
    const set = await runCommand([...store, 'set', 'A'], { input: 'value', env });

    const got = await runCommand([...store, 'get', 'A'], { env });

    expect([set.code, got.stdout]).toEqual([0, 'value']);
    expect(set.stderr).toBe(`Made a new store at "${path}".\n`);
  });

  it('does not quote an invalid key', async () => {
    const store = ['secret', '--path', path, '--key-env', 'STORE_KEY'];

    const ended = await runCommand([...store, 'list'], { env: { STORE_KEY: CANARY } });
    writeFileSync(path, 'no store');
    const other = await runCommand([...store, 'list'], { env: { STORE_KEY: CANARY } });

    expect([ended.code, other.code]).toEqual([1, 1]);
    expect(other.stderr).toMatch(LINE);
    expect(leaks(ended.stderr + other.stderr, CANARY)).toBe(false);
  });

  it('accepts a name in the form of LiteLLM', async () => {
    await secret(['set', 'os.environ/API_KEY'], { input: 'value' });

    expect((await secret(['get', 'API_KEY'])).stdout).toBe('value');
  });
});
