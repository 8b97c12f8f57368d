import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { leaks } from '../support/failure-of';
import { removeTemporaryFolders, temporaryFolder } from '../support/temporary-folder';

const MAIN = join(__dirname, '../../dist/cli/main.cjs');
const TERMINAL = join(__dirname, 'support/terminal.py');
const CANARY = 'sk-canary-of-the-command-line-3c9e';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe('the command line as a process', () => {
  let store: readonly string[];

  beforeEach(() => {
    const folder = temporaryFolder();
    store = ['--path', join(folder, 'secrets'), '--key-file', join(folder, 'secrets.key')];
  });

  afterEach(removeTemporaryFolders);

  const run = (command: string, args: readonly string[], input = ''): Ended => {
    const env = { PATH: process.env.PATH, TERM: 'xterm' };
    const options = { input, env, encoding: 'utf8', timeout: 20_000 } as const;
    const { status, stdout, stderr } = spawnSync(command, args, options);
    return { code: status, stdout, stderr };
  };
  const secret = (args: readonly string[], input?: string): Ended =>
    run(process.execPath, [MAIN, 'secret', ...store, ...args], input);
  /** Types an answer when a terminal shows a text. */
  const onTerminal = (text: string, answer: string, args: readonly string[]): Ended =>
    run('python3', [TERMINAL, text, answer, process.execPath, MAIN, 'secret', ...store, ...args]);

  it('stores, prints, lists and deletes a secret', () => {
    const set = secret(['set', 'API_KEY'], `${CANARY}\n`);
    const got = secret(['get', 'API_KEY']);
    const listed = secret(['list']);
    const deleted = secret(['delete', 'API_KEY']);
    const gone = secret(['get', 'API_KEY']);

    expect([set, got, listed, deleted, gone].map(({ code }) => code)).toEqual([0, 0, 0, 0, 1]);
    expect(got).toEqual({ code: 0, stdout: CANARY, stderr: '' });
    expect(listed.stdout).toBe('API_KEY\t1\n');
    expect(gone.stderr).toMatch(/^Error: There is no secret "API_KEY"[^\n]*\n$/);
  });

  it('reports a failure in one line, without a stack and without a value', () => {
    const ended = [secret(['set', 'API_KEY', CANARY]), secret(['get', 'A/../B']), secret(['list'])];

    expect(ended.map(({ code }) => code)).toEqual([2, 2, 1]);
    for (const { stderr } of ended) expect(stderr).toMatch(/^Error: [^\n]+\n$/);
    expect(leaks(ended.map(({ stderr }) => stderr).join(), CANARY)).toBe(false);
  });

  it('fails for a full output', () => {
    secret(['set', 'A'], 'value');

    for (const args of [['get', 'A'], ['list']]) {
      const command = [process.execPath, MAIN, 'secret', ...store, ...args];
      const { code, stderr } = run('sh', ['-c', '"$@" > /dev/full', 'sh', ...command]);

      expect([code, stderr]).toEqual([1, 'Error: The output could not be written (ENOSPC).\n']);
    }
  });

  it('survives a reader that closes the pipe', () => {
    for (const name of ['A', 'B']) secret(['set', name], 'value');
    const list = `'${process.execPath}' '${MAIN}' secret ${store.join(' ')} list`;

    const { code, stderr } = run('bash', ['-c', `set -o pipefail; ${list} | true`]);

    expect(code).toBe(0);
    expect(stderr).not.toMatch(/Error|EPIPE/);
  });

  it('stores a value that is typed on a terminal, without an echo', () => {
    const typed = onTerminal('it is not shown', `${CANARY}\r`, ['set', 'API_KEY']);

    expect(typed.code).toBe(0);
    expect(typed.stdout).toContain('Stored "API_KEY" as version 1.');
    expect(leaks(typed.stdout, CANARY)).toBe(false);
    expect(secret(['get', 'API_KEY']).stdout).toBe(CANARY);
  });

  it('stores nothing after an interrupt', () => {
    const typed = onTerminal('it is not shown', 'sk-\u0003', ['set', 'API_KEY']);

    expect(typed.code).toBe(1);
    expect(typed.stdout).toContain('nothing was stored');
    expect(secret(['get', 'API_KEY']).code).toBe(1);
  });

  it.each([
    ['y\r', 0, true],
    ['\r', 1, false],
  ])('asks on a terminal before it prints a value: %j', (answer, code, isShown) => {
    secret(['set', 'API_KEY'], CANARY);

    const typed = onTerminal('[y/N]', answer, ['get', 'API_KEY']);

    expect(typed.code).toBe(code);
    expect(typed.stdout.includes(CANARY)).toBe(isShown);
  });

  it('asks on a terminal before it deletes', () => {
    secret(['set', 'API_KEY'], CANARY);

    const no = onTerminal('[y/N]', 'n\r', ['delete', 'API_KEY']);
    const yes = onTerminal('[y/N]', 'y\r', ['delete', 'API_KEY']);

    expect([no.code, yes.code]).toEqual([1, 0]);
    expect(yes.stdout).toContain('Deleted "API_KEY". Until ');
  });
});
